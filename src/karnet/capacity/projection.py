"""What operations do to the tables of capacity."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from karnet.capacity import models
from karnet.capacity.operations import (
    AllotmentDefined,
    Claimed,
    Released,
    ResourceDefined,
    RoomsSized,
    UnitMoved,
    UnitsDefined,
)
from karnet.journal.operations import Recorded
from karnet.journal.projection import Add, Insert, Live, Write, projects

RESOURCE = Insert(models.Resource, ["id", "facility", "kind", "sections"])
UNIT = Insert(models.Unit, ["id", "resource", "number"])
ALLOTTED = Live(models.UnitAllotted, ["unit", "allotment"])
ALLOTMENT = Insert(models.Allotment, ["id", "resource", "parent", "code", "kind"])
ROOM = Insert(models.Room, ["allotment", "section"])
# Capacity and what is taken in one statement: between two of them the guard could not hold.
ROOMS = Add(models.Room, ["allotment", "section"], ["capacity", "taken"])
CLAIM = Live(models.Claim, ["id", "resource", "allotment", "unit", "first", "until", "quantity", "counted", "holder"])


@projects(ResourceDefined)
def resource_defined(resource: ResourceDefined, recorded: Recorded, write: Write) -> None:
    write(RESOURCE, (resource.id, resource.facility, resource.kind, resource.sections))


@projects(UnitsDefined)
def units_defined(defined: UnitsDefined, recorded: Recorded, write: Write) -> None:
    for unit in defined.units:
        write(UNIT, (unit.id, defined.resource, unit.number))
        write(ALLOTTED, ALLOTTED.put((unit.id, defined.allotment)))


@projects(UnitMoved)
def unit_moved(unit: UnitMoved, recorded: Recorded, write: Write) -> None:
    write(ALLOTTED, ALLOTTED.take(unit.id))
    write(ALLOTTED, ALLOTTED.put((unit.id, unit.allotment)))


@projects(AllotmentDefined)
def allotment_defined(allotment: AllotmentDefined, recorded: Recorded, write: Write) -> None:
    write(ALLOTMENT, (allotment.id, allotment.resource, allotment.parent, allotment.code, allotment.kind))


@projects(RoomsSized)
def rooms_sized(rooms: RoomsSized, recorded: Recorded, write: Write) -> None:
    for section, by in enumerate(rooms.by):
        if rooms.new:
            write(ROOM, (rooms.allotment, section))
        if by:
            write(ROOMS, (rooms.allotment, section, by, 0))


@projects(Claimed)
def claimed(claim: Claimed, recorded: Recorded, write: Write) -> None:
    row = (
        claim.id, claim.resource, claim.allotment, claim.unit, claim.first, claim.until, claim.quantity,
        packed(claim.counted), claim.holder,
    )  # fmt: skip
    write(CLAIM, CLAIM.put(row))
    _count(claim, claim.quantity, write)


@projects(Released)
def released(claim: Released, recorded: Recorded, write: Write) -> None:
    write(CLAIM, CLAIM.take(claim.id))
    _count(claim, -claim.quantity, write)


def _count(claim: Claimed | Released, by: int, write: Write) -> None:
    for allotment in claim.counted:
        for section in range(claim.first, claim.until):
            write(ROOMS, (allotment, section, 0, by))


def packed(ids: Iterable[UUID]) -> bytes:
    """Return ids one after the other, 16 bytes each: an array that needs no type of its own."""
    return b"".join(id_.bytes for id_ in ids)


def unpacked(data: bytes) -> tuple[UUID, ...]:
    """Return the ids in `packed` bytes."""
    return tuple(UUID(bytes=bytes(data[start : start + 16])) for start in range(0, len(data), 16))
