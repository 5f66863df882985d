"""Tables of capacity. Only projections write them, but for short holds (ADR 0012)."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import models
from django.db.models import F, Func, Q

from karnet.journal.models import ProjectedModel

ROOM_LEFT = "room_left"
"""The last guard of counted capacity; services word its refusal as NO_ROOM_LEFT."""

TAKEN_ONCE = "unit_taken_once"
"""The last guard of a unit: an exclusion constraint."""


class Resource(ProjectedModel):
    """What can be claimed, on a line of sections."""

    id = models.UUIDField(primary_key=True)
    facility = models.ForeignKey("parties.Facility", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=32)
    sections = models.IntegerField()

    class Meta:
        db_table = "capacity_resource"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(sections__gte=1), name="resource_has_sections"),
        ]


class Unit(ProjectedModel):
    """A numbered unit of a resource."""

    id = models.UUIDField(primary_key=True)
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="+")
    number = models.CharField(max_length=64)

    class Meta:
        db_table = "capacity_unit"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["resource", "number"], name="unit_number_unique"),
        ]


class UnitAllotted(ProjectedModel):
    """Which allotment a unit belongs to now."""

    unit = models.UUIDField(primary_key=True)
    allotment = models.UUIDField(db_index=True)

    class Meta:
        db_table = "capacity_unit_allotted"


class Allotment(ProjectedModel):
    """A part of a resource, or of another allotment. A resource's own is no row."""

    id = models.UUIDField(primary_key=True)
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="+")
    parent = models.UUIDField()
    code = models.CharField(max_length=64)
    kind = models.CharField(max_length=8)

    class Meta:
        db_table = "capacity_allotment"


class Room(ProjectedModel):
    """How much of an allotment there is on a section, how much of it is booked, and how much held.

    Capacity and what is booked are one form's sums: between two of them the guard could not hold.
    """

    UNPROJECTED_SUM = "held"

    pk = models.CompositePrimaryKey("allotment", "section")
    allotment = models.UUIDField()
    section = models.IntegerField()
    capacity = models.IntegerField(db_default=0)
    taken = models.IntegerField(db_default=0)
    held = models.IntegerField(db_default=0)

    class Meta:
        db_table = "capacity_room"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(taken__gte=0, held__gte=0, capacity__gte=F("taken") + F("held")), name=ROOM_LEFT
            ),
        ]


class Claim(ProjectedModel):
    """A live claim: a booking, or, where `held_until` says so, a hold that ends by itself. What is over is no row."""

    UNPROJECTED_COLUMN = "held_until"

    id = models.UUIDField(primary_key=True)
    resource = models.UUIDField()
    allotment = models.UUIDField()
    unit = models.UUIDField(null=True)
    first = models.IntegerField()
    until = models.IntegerField()
    quantity = models.IntegerField()
    counted = models.BinaryField()
    holder = models.UUIDField(null=True)
    held_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "capacity_claim"
        indexes: ClassVar = [
            models.Index(fields=["resource", "held_until"], condition=Q(held_until__isnull=False), name="claim_held"),
            models.Index(fields=["resource"], name="claim_of_resource"),
            models.Index(fields=["holder"], condition=Q(holder__isnull=False), name="claim_holder"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(first__gte=0, until__gt=F("first")), name="claim_spans_sections"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="claim_takes_something"),
            models.CheckConstraint(condition=Q(unit__isnull=True) | Q(quantity=1), name="claim_unit_is_one"),
            ExclusionConstraint(
                name=TAKEN_ONCE,
                expressions=[("unit", "="), (Func("first", "until", function="int4range"), "&&")],
                condition=Q(unit__isnull=False),
            ),
        ]
