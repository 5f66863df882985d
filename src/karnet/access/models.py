"""Tables of access. Only projections write them; facts that settle are inserted and never changed."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q

from karnet.journal.models import ProjectedModel

_DIRECTION_KNOWN = Q(direction__in=("in", "out"))


class Gate(ProjectedModel):
    """A gate. Its id is that of its device actor."""

    actor = models.OneToOneField(
        "journal.Actor", primary_key=True, db_column="id", on_delete=models.PROTECT, related_name="+"
    )
    facility = models.ForeignKey("parties.Facility", on_delete=models.PROTECT, db_index=False, related_name="+")
    code = models.CharField(max_length=32)
    direction = models.CharField(max_length=3)
    passback_s = models.IntegerField()
    reports_turn = models.BooleanField()
    grant_s = models.IntegerField()

    class Meta:
        db_table = "access_gate"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["facility", "code"], name="gate_code_unique"),
            models.CheckConstraint(condition=_DIRECTION_KNOWN, name="gate_direction_known"),
            models.CheckConstraint(condition=Q(passback_s__gte=0, grant_s__gt=0), name="gate_seconds"),
        ]


class Terms(ProjectedModel):
    """What an agreement says of a gate from `valid_from` until (not at) `valid_until`, once no signature is `missing`.
    Otherwise never changed: a new agreement brings new rows, and of those in force the ones recorded last count."""

    pk = models.CompositePrimaryKey("gate", "agreement")
    gate = models.ForeignKey(Gate, on_delete=models.PROTECT, db_index=False, related_name="+")
    agreement = models.UUIDField()
    points = models.IntegerField()
    weight = models.BigIntegerField()
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField()
    missing = models.IntegerField(db_default=0)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "access_terms"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(points__gte=0, weight__gte=0), name="terms_not_negative"),
            models.CheckConstraint(condition=Q(valid_until__gt=F("valid_from")), name="terms_in_force_at_all"),
        ]


class Grant(ProjectedModel):
    """A gate released for a medium, and what the turn will take. `valid_from`, `valid_until`, `day`: what it promises to
    record. `outcome`: not_taken, lapsed or taken, whichever came first (a lapsed one may be taken late: then the
    passage of this id is there). Ids without foreign keys: what they name was read and locked by the decision."""

    id = models.UUIDField(primary_key=True)
    gate = models.UUIDField()
    facility = models.UUIDField()
    medium = models.UUIDField()
    entitlement = models.UUIDField()
    direction = models.CharField(max_length=3)
    points = models.IntegerField()
    weight = models.BigIntegerField()
    expires_at = models.DateTimeField()
    chosen_by = models.CharField(max_length=32)
    valid_from = models.DateTimeField(null=True)
    valid_until = models.DateTimeField(null=True)
    day = models.DateField(null=True)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()
    outcome = models.CharField(max_length=16, null=True)
    ended_at = models.DateTimeField(null=True)
    ended_origin = models.SmallIntegerField(null=True)
    ended_number = models.BigIntegerField(null=True)

    class Meta:
        db_table = "access_grant"
        # Only grants that wait are ever looked for, and those are few: the look-up stays flat in history.
        indexes: ClassVar = [
            models.Index(fields=["medium"], condition=Q(ended_at__isnull=True), name="grant_waiting"),
            models.Index(fields=["expires_at"], condition=Q(ended_at__isnull=True), name="grant_to_lapse"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(points__gte=0, weight__gte=0), name="grant_not_negative"),
            models.CheckConstraint(
                condition=Q(outcome__isnull=True) | Q(outcome__in=("taken", "not_taken", "lapsed")),
                name="grant_outcome_known",
            ),
        ]


class Passage(ProjectedModel):
    """One taken turn of a gate: a fact that settles. The key is the grant's where there was one: taken once at most."""

    id = models.UUIDField(primary_key=True)
    gate = models.UUIDField()
    facility = models.UUIDField()
    medium = models.UUIDField()
    entitlement = models.UUIDField()
    direction = models.CharField(max_length=3)
    points = models.IntegerField()
    weight = models.BigIntegerField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "access_passage"
        indexes: ClassVar = [
            models.Index(fields=["medium", "gate", "at"], name="passage_passback"),
            models.Index(fields=["entitlement"], name="passage_entitlement"),
            # Small and cheap to keep: passages come in nearly by time. What today's figures read.
            BrinIndex(fields=["at"], name="passage_by_time", pages_per_range=32, autosummarize=True),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=_DIRECTION_KNOWN, name="passage_direction_known"),
            models.CheckConstraint(
                condition=Q(points__gte=0, weight__gte=0) & (Q(direction="in") | Q(points=0, weight=0)),
                name="passage_charged_on_entry_only",
            ),
        ]
