"""Setting up resources: units, allotments, capacities. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import get_args
from uuid import UUID

from karnet.capacity.operations import (
    AllotmentDefined,
    AllotmentKind,
    Defined,
    ResourceDefined,
    RoomsSized,
    Unit,
    UnitMoved,
    UnitsDefined,
    allotment_id,
    unit_id,
)
from karnet.capacity.requests import CapacitySet, Define, Share
from karnet.capacity.rules import MAX_QUANTITY, MAX_SECTIONS, AllotmentState, Book, UnitState
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NUMBER_LENGTH = 64


def decide_define(
    request: Define, facilities: Collection[UUID], book: Book, taken: Collection[UUID]
) -> tuple[CapacitySet | Refused, tuple[Defined, ...]]:
    """Set up a resource or let it grow, all or nothing. `taken`: units that somebody has, which no allotment can take over.

    A share is taken off its parent: refused where the parent has not that much left; nothing is sized below what is booked.
    """
    if request.facility not in facilities:
        return refused(Reason.UNKNOWN_FACILITY, facility=str(request.facility)), ()
    known = book.resources.get(request.resource)
    problems = dict(_problems(request))
    if known is not None and (known.facility, known.kind, known.sections) != (
        request.facility,
        request.kind,
        request.sections,
    ):
        problems["resource"] = "exists already, of another facility, kind or number of sections"
    if problems:
        return bad_values(problems), ()
    sizes = dict[UUID, tuple[int, ...]]()
    if request.capacity:
        sizes[request.resource] = _each(request.capacity, request.sections)
    allotments = dict(book.allotments)
    allotments[request.resource] = AllotmentState(
        id=request.resource, resource=request.resource, parent=None, code="", kind="share"
    )
    made: list[AllotmentDefined] = []
    moved: list[UnitMoved] = []
    for share in request.shares:
        problem = _share(request, share, allotments, book.units, taken, sizes, made, moved)
        if problem:
            return bad_values({f"shares.{share.code}": problem}), ()
    rooms = _sized(sizes, allotments, book)
    if isinstance(rooms, Refused):
        return rooms, ()
    new = tuple(n for n in request.units if unit_id(request.resource, n) not in book.units)
    units = tuple(Unit(id=unit_id(request.resource, number), number=number) for number in new)
    defined = Defined(
        facility=request.facility,
        resources=() if known else (_resource(request),),
        units=(UnitsDefined(resource=request.resource, allotment=request.resource, units=units),) if units else (),
        moved=tuple(moved),
        allotments=tuple(made),
        rooms=rooms,
    )
    codes = {share.code: allotment_id(request.resource, share.code) for share in request.shares}
    answer = CapacitySet(resource=request.resource, allotments={"": request.resource, **codes})
    return answer, (defined,) if tuple(defined.parts()) else ()


def _resource(request: Define) -> ResourceDefined:
    return ResourceDefined(id=request.resource, facility=request.facility, kind=request.kind, sections=request.sections)


def _share(
    request: Define, share: Share, allotments: dict[UUID, AllotmentState], units: Mapping[UUID, UnitState],
    taken: Collection[UUID], sizes: dict[UUID, tuple[int, ...]], made: list[AllotmentDefined], moved: list[UnitMoved],
) -> str | None:  # fmt: skip
    """Fold one allotment into what is made; return what is wrong with it."""
    id_, parent = allotment_id(request.resource, share.code), allotment_id(request.resource, share.parent)
    if parent not in allotments:
        return f"there is no allotment {share.parent!r} to be a part of"
    before = allotments.get(id_)
    if before is not None and (before.parent, before.kind) != (parent, share.kind):
        return "exists already, of another kind or parent"
    if before is None:
        made.append(
            AllotmentDefined(id=id_, resource=request.resource, parent=parent, code=share.code, kind=share.kind)
        )
        allotments[id_] = AllotmentState(
            id=id_, resource=request.resource, parent=parent, code=share.code, kind=share.kind
        )
    for number in share.units:
        unit = units.get(unit_id(request.resource, number))
        if share.kind != "share" or unit is None or unit.id in taken:
            return f"{number} is no free unit of this resource that was there before"
        if unit.allotment != id_:
            moved.append(UnitMoved(id=unit.id, before=unit.allotment, allotment=id_))
    if share.capacity:
        sizes[id_] = _each(share.capacity, request.sections)
    return None


def _sized(
    sizes: Mapping[UUID, tuple[int, ...]], allotments: Mapping[UUID, AllotmentState], book: Book
) -> tuple[RoomsSized, ...] | Refused:
    """Return the differences of capacity. What a share gets, its parent gives."""
    by = dict[UUID, list[int]]()
    for id_, wanted in sizes.items():
        before = [book.rooms[id_, s].capacity if (id_, s) in book.rooms else 0 for s in range(len(wanted))]
        grows = [now - then for now, then in zip(wanted, before, strict=True)]
        parent = allotments[id_].parent
        changes = [(id_, 1)]
        if parent is not None and allotments[id_].kind == "share":
            if (parent, 0) not in book.rooms and parent not in sizes:
                return bad_values({"shares": "a share of a capacity needs a parent that has one"})
            changes.append((parent, -1))
        for place, sign in changes:
            sums = by.setdefault(place, [0] * len(wanted))
            by[place] = [total + sign * more for total, more in zip(sums, grows, strict=True)]
    for id_, grown in by.items():
        for section, more in enumerate(grown):
            room = book.rooms.get((id_, section))
            if (room.free if room else 0) + more < 0:
                return refused(Reason.NO_ROOM_LEFT, left=room.free if room else 0)
    return tuple(
        RoomsSized(allotment=id_, by=tuple(grown), new=(id_, 0) not in book.rooms)
        for id_, grown in by.items()
        if any(grown) or (id_, 0) not in book.rooms
    )


def _each(capacity: tuple[int, ...], sections: int) -> tuple[int, ...]:
    return capacity * sections if len(capacity) == 1 else capacity


def _problems(request: Define) -> Iterator[tuple[str, str]]:
    if not _CODE.fullmatch(request.kind) or len(request.kind) > 32:
        yield "kind", "must be letters, digits, dot, dash, underscore, at most 32"
    if not 1 <= request.sections <= MAX_SECTIONS:
        yield "sections", f"must be 1 to {MAX_SECTIONS}"
    if len(set(request.units)) != len(request.units) or not all(0 < len(n) <= _NUMBER_LENGTH for n in request.units):
        yield "units", f"must be different numbers of 1 to {_NUMBER_LENGTH} characters"
    if request.units and request.capacity:
        yield "capacity", "a resource has numbered units or a capacity, not both"
    for field, capacity in (
        ("capacity", request.capacity),
        *((f"shares.{s.code}", s.capacity) for s in request.shares),
    ):
        if capacity and (
            len(capacity) not in (1, request.sections) or not all(0 <= n <= MAX_QUANTITY for n in capacity)
        ):
            yield field, f"must be one number or {request.sections}, each 0 to {MAX_QUANTITY}"
    for share in request.shares:
        if not _CODE.fullmatch(share.code) or share.kind not in get_args(AllotmentKind):
            yield f"shares.{share.code}", "needs a code of letters, digits, dot, dash, underscore, and a kind"
