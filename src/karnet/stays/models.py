"""Tables of stays. Only projections write them; `at`, `origin`, `number` say which operation made a row."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from karnet.journal.models import ProjectedModel

ZONE_HAS_ROOM = "zone_has_room"
"""The last guard of a zone's capacity; services word its refusal as ZONE_FULL."""


class Zone(ProjectedModel):
    """A zone and the heads in it. Both are sums, so that the guard holds in any order of additions within a batch."""

    id = models.UUIDField(primary_key=True)
    facility = models.ForeignKey("parties.Facility", on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=64)
    capacity = models.IntegerField(db_default=0)
    heads = models.IntegerField(db_default=0)

    class Meta:
        db_table = "stays_zone"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["facility", "code"], name="zone_code_unique"),
            models.CheckConstraint(condition=Q(heads__gte=0, heads__lte=F("capacity")), name=ZONE_HAS_ROOM),
        ]


class Border(ProjectedModel):
    """Where a gate or reader leads, each time it was set; the latest row holds."""

    pk = models.CompositePrimaryKey("gate", "origin", "number")
    gate = models.UUIDField()
    facility = models.UUIDField()
    role = models.CharField(max_length=16)
    leads_out_of = models.CharField(max_length=64)
    leads_into = models.CharField(max_length=64)
    keeps_band = models.BooleanField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "stays_border"


class HouseRules(ProjectedModel):
    """What a facility does with stays, each time it was set, as canonical JSON; the latest row holds."""

    id = models.UUIDField(primary_key=True)
    facility = models.UUIDField()
    definition = models.BinaryField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "stays_house_rules"
        indexes: ClassVar = [models.Index(fields=["facility", "-at"], name="house_rules_latest")]


class Stay(ProjectedModel):
    """A person's stay. `zone`: where the person is now. Groups of columns with a stamp each are set by later operations."""

    id = models.UUIDField(primary_key=True)
    tab = models.UUIDField(db_index=True)
    facility = models.ForeignKey("parties.Facility", on_delete=models.PROTECT, db_index=False, related_name="+")
    tariff = models.UUIDField()
    category = models.CharField(max_length=64)
    package = models.CharField(max_length=64)
    prepaid_minor = models.BigIntegerField()
    prepaid_billed = models.BooleanField()
    own_card = models.BooleanField()
    paying = models.UUIDField(null=True)
    medium = models.UUIDField()
    issue = models.IntegerField()
    band_at = models.DateTimeField(null=True)
    band_origin = models.SmallIntegerField(null=True)
    band_number = models.BigIntegerField(null=True)
    zone = models.CharField(max_length=64, db_default="")
    zone_at = models.DateTimeField(null=True)
    zone_origin = models.SmallIntegerField(null=True)
    zone_number = models.BigIntegerField(null=True)
    stopped_at = models.DateTimeField(null=True)
    stopped_origin = models.SmallIntegerField(null=True)
    stopped_number = models.BigIntegerField(null=True)
    settled_until = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    settled_origin = models.SmallIntegerField(null=True)
    settled_number = models.BigIntegerField(null=True)
    charged_until = models.DateTimeField(null=True)
    how = models.CharField(max_length=16, null=True)
    ended_at = models.DateTimeField(null=True)
    ended_origin = models.SmallIntegerField(null=True)
    ended_number = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "stays_stay"
        # Stays that go on are few, however many there were: nothing that is asked at a gate or till reads history.
        indexes: ClassVar = [
            models.Index(fields=["medium"], condition=Q(ended_at__isnull=True), name="stay_on_band"),
            models.Index(
                fields=["paying"], condition=Q(ended_at__isnull=True, paying__isnull=False), name="stay_on_pass"
            ),
            models.Index(fields=["facility", "zone"], condition=Q(ended_at__isnull=True), name="stay_inside"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(prepaid_minor__gte=0), name="stay_prepaid_not_negative"),
        ]


class Move(ProjectedModel):
    """A fact for the meter: from `since` on the person was in `zone`. A dropped one never was."""

    id = models.UUIDField(primary_key=True)
    stay = models.UUIDField(db_index=True)
    zone = models.CharField(max_length=64)
    since = models.DateTimeField()
    gate = models.UUIDField(null=True)
    dropped_at = models.DateTimeField(null=True)
    dropped_origin = models.SmallIntegerField(null=True)
    dropped_number = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "stays_move"


class Halt(ProjectedModel):
    """An evacuation of a facility: clocks stand still from `at` until `resumed_at`."""

    id = models.UUIDField(primary_key=True)
    facility = models.UUIDField(db_index=True)
    resumed_at = models.DateTimeField(null=True)
    resumed_origin = models.SmallIntegerField(null=True)
    resumed_number = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "stays_halt"
