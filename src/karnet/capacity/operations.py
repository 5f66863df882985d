"""What can be claimed, and by whom it is. All of it stays at home: a resource has one home server (DESIGN §4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from uuid import UUID

import msgspec

from karnet.journal.operations import Operation, Part, operation
from karnet.kernel.ids import named_id

AllotmentKind = Literal["share", "limit"]
"""`share`: taken off its parent for good, whether it is sold or not (a till without a link, a sponsor's block).
`limit`: how much of its parent may go this way (a stop of a coach line, the web); what it sells counts in both."""


class Unit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One numbered thing: a seat, a locker. `number`: what is written on it."""

    id: UUID
    number: str


class ResourceDefined(Part, frozen=True, kw_only=True):
    """A match, a class, a trip, a section of lockers, on a line of `sections` (1 for what happens in one piece). Its own
    allotment has its id."""

    id: UUID
    facility: UUID
    kind: str
    sections: int = 1


class UnitsDefined(Part, frozen=True, kw_only=True):
    """Numbered units of a resource; they can be claimed in the allotment they belong to and in limits of it."""

    resource: UUID
    allotment: UUID
    units: tuple[Unit, ...]


class UnitMoved(Part, frozen=True, kw_only=True):
    """A unit belongs to another allotment from now on."""

    id: UUID
    before: UUID
    allotment: UUID


class AllotmentDefined(Part, frozen=True, kw_only=True):
    """A part of what may be claimed: of the resource (its id), or of another allotment."""

    id: UUID
    resource: UUID
    parent: UUID
    code: str
    kind: AllotmentKind


class RoomsSized(Part, frozen=True, kw_only=True):
    """The capacity of an allotment grows by so much on each section, the first first; new rows where it had none."""

    allotment: UUID
    by: tuple[int, ...]
    new: bool = False


class Claimed(Part, frozen=True, kw_only=True):
    """A unit, or a quantity without numbers, is somebody's on sections [first, until).

    `counted`: the allotments in whose rooms it counts. `holder`: whose it is (an order line, a medium), if that is asked.
    """

    id: UUID
    resource: UUID
    allotment: UUID
    first: int = 0
    until: int = 1
    quantity: int = 1
    unit: UUID | None = None
    counted: tuple[UUID, ...] = ()
    holder: UUID | None = None


class Released(Part, frozen=True, kw_only=True):
    """A claim is over; what it took is free again."""

    id: UUID
    first: int = 0
    until: int = 1
    quantity: int = 1
    counted: tuple[UUID, ...] = ()


@operation("capacity.defined", scope="house")
class Defined(Operation, frozen=True, kw_only=True):
    """A resource was set up, or grew: units, allotments, capacities."""

    facility: UUID
    resources: tuple[ResourceDefined, ...] = ()
    units: tuple[UnitsDefined, ...] = ()
    moved: tuple[UnitMoved, ...] = ()
    allotments: tuple[AllotmentDefined, ...] = ()
    rooms: tuple[RoomsSized, ...] = ()

    def parts(self) -> Iterable[Part]:
        return (*self.resources, *self.units, *self.moved, *self.allotments, *self.rooms)


@operation("capacity.claimed", scope="house")
class Booked(Operation, frozen=True, kw_only=True):
    """Places were claimed, all of them together."""

    resource: UUID
    claims: tuple[Claimed, ...]

    def parts(self) -> Iterable[Part]:
        return self.claims


@operation("capacity.released", scope="house")
class LetGo(Operation, frozen=True, kw_only=True):
    """Claims ended."""

    resource: UUID
    claims: tuple[Released, ...]

    def parts(self) -> Iterable[Part]:
        return self.claims


def unit_id(resource: UUID, number: str) -> UUID:
    """Return the id of the unit of a resource that bears this number."""
    return named_id("unit", resource, number)


def allotment_id(resource: UUID, code: str) -> UUID:
    """Return the id of the allotment of a resource with this code; "" is the resource's own."""
    return named_id("allotment", resource, code) if code else resource
