"""Tables of settlement: agreements, their signatures, and periods closed. Insert-only, written by projections."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, IntegerRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value

from karnet.journal.models import ProjectedModel

ONE_IN_FORCE = "agreement_one_in_force"
"""The guard that two agreements that one server publishes never overlap, but where one says it replaces another."""


class Agreement(ProjectedModel):
    """An agreement: `published` by the one server of all members, or proposed, and in force when all have signed.

    `text` is the exact canonical text whose SHA-256 is `sha256`; its id is derived from that.
    """

    id = models.UUIDField(primary_key=True)
    sha256 = models.BinaryField(unique=True)
    text = models.BinaryField()
    season = models.CharField(max_length=64)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField()
    published = models.BooleanField(db_default=True)
    replaces = models.UUIDField(null=True)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "settlement_agreement"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(valid_until__gt=F("valid_from")), name="agreement_not_empty"),
            ExclusionConstraint(
                name=ONE_IN_FORCE,
                expressions=[
                    (
                        Func("valid_from", "valid_until", function="tstzrange", output_field=DateTimeRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                    # Two servers may each publish for themselves. A range of one, because GiST knows ranges.
                    (
                        Func(
                            F("origin"),
                            F("origin"),
                            Value("[]"),
                            function="int4range",
                            output_field=IntegerRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(published=True, replaces__isnull=True),
            ),
        ]


class Proposal(ProjectedModel):
    """Every time a text was published or proposed: several servers may propose the same one. In a cut counts a text of
    which any of these lies inside it."""

    pk = models.CompositePrimaryKey("agreement", "origin", "number")
    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, db_index=False, related_name="+")
    published = models.BooleanField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "settlement_proposal"


class Signature(ProjectedModel):
    """A member's manager (`actor`) signed an agreement's text, at that instant, in the log of the member's server."""

    pk = models.CompositePrimaryKey("agreement", "member")
    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, db_index=False, related_name="+")
    member = models.ForeignKey("parties.Facility", on_delete=models.PROTECT, db_index=False, related_name="+")
    actor = models.UUIDField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "settlement_signature"


class Closing(ProjectedModel):
    """A period of an agreement, closed over a cut. `cut` is canonical JSON: tree size by log. `sequence` from 1."""

    id = models.UUIDField(primary_key=True)
    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, db_index=False, related_name="+")
    sequence = models.IntegerField()
    period_end = models.DateTimeField()
    until = models.DateTimeField(null=True)
    cut = models.TextField()
    report_sha256 = models.BinaryField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "settlement_closing"
        constraints: ClassVar = [
            # Two closings at once cannot both follow the same one: whoever comes second is refused.
            models.UniqueConstraint(fields=["agreement", "sequence"], name="closing_follows_one"),
            models.CheckConstraint(condition=Q(sequence__gte=1), name="closing_sequence_from_one"),
        ]


class ClosingAmount(ProjectedModel):
    """One amount of a closing: the difference to the closing before. Owed to `creditor` where that is set."""

    pk = models.CompositePrimaryKey("closing", "n")
    closing = models.ForeignKey(Closing, on_delete=models.PROTECT, db_index=False, related_name="+")
    n = models.IntegerField()
    facility = models.ForeignKey("parties.Facility", on_delete=models.PROTECT, db_index=False, related_name="+")
    kind = models.CharField(max_length=32)
    creditor = models.ForeignKey(
        "parties.Facility", null=True, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    amount = models.BigIntegerField()

    class Meta:
        db_table = "settlement_closing_amount"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(creditor__isnull=True) | ~Q(creditor=F("facility")), name="closing_amount_owed_to_another"
            )
        ]
