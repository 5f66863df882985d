"""Setting up sections of lockers: where each one stands, which readers serve them, how they work."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import get_args
from uuid import UUID

from karnet.capacity.operations import ResourceDefined, Unit, UnitsDefined, unit_id
from karnet.entitlements.rules import medium_id
from karnet.journal.operations import Operation
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.lockers.operations import (
    KIND,
    Furnished,
    LockersPlaced,
    Mode,
    ReaderSet,
    SectionMade,
    SectionSet,
    Spot,
    section_id,
)
from karnet.lockers.requests import Furnish, Grid, LockersReady, Section
from karnet.lockers.rules.state import Lockers, LockerState, SectionState

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
MAX_PLACE = 500
MAX_LOCKERS = 5_000


def grid(given: Grid) -> tuple[Spot, ...]:
    """Return the lockers of a grid, numbered along the aisles, from the lowest row up."""
    every = (
        (aisle, position, row)
        for aisle in range(1, given.aisles + 1)
        for position in range(1, given.positions + 1)
        for row in range(1, given.rows + 1)
    )
    return tuple(
        Spot(number=str(number), aisle=aisle, position=position, row=row)
        for number, (aisle, position, row) in enumerate(every, given.first)
    )


def decide_furnish(
    request: Furnish, facilities: Collection[UUID], gates: Mapping[UUID, UUID], lockers: Lockers
) -> tuple[LockersReady | Refused, tuple[Operation, ...]]:
    """Set sections, all or none. `gates`: facility by reader, of the devices enrolled; `lockers`: what is there already."""
    if request.facility not in facilities:
        return refused(Reason.UNKNOWN_FACILITY, facility=str(request.facility)), ()
    problems = dict(_problems(request, gates))
    if not problems:
        problems = dict(_clashes(request, lockers))
    if problems:
        return bad_values(problems), ()
    made: list[SectionMade] = []
    settings: list[SectionSet] = []
    placed: list[LockersPlaced] = []
    readers: list[ReaderSet] = []
    for section in request.sections:
        id_ = section_id(request.facility, section.code)
        before = lockers.sections.get(id_)
        if before is None:
            made.append(SectionMade(id=id_, facility=request.facility, code=section.code))
        mode: Mode = section.mode or (before.mode if before else "dynamic")
        waits = section.exit_waits if section.exit_waits is not None else bool(before and before.exit_waits)
        after = SectionState(id=id_, facility=request.facility, code=section.code, mode=mode, exit_waits=waits)
        if after != before:
            settings.append(SectionSet(section=id_, mode=mode, exit_waits=waits))
        lockers.sections[id_] = after
        new = tuple(spot for spot in _spots(section) if unit_id(id_, spot.number) not in lockers.lockers)
        if new:
            placed.append(LockersPlaced(section=id_, lockers=new))
        lockers.lockers.update({state.id: state for state in (_state(id_, spot) for spot in new)})
        readers += [ReaderSet(reader=reader, section=id_) for reader in section.readers]
    answer = LockersReady(
        sections={s.code: section_id(request.facility, s.code) for s in request.sections},
        added=sum(len(part.lockers) for part in placed),
    )
    furnished = Furnished(
        facility=request.facility,
        resources=tuple(ResourceDefined(id=s.id, facility=s.facility, kind=KIND) for s in made),
        units=tuple(map(_units, placed)),
        sections=tuple(made),
        settings=tuple(settings),
        lockers=tuple(placed),
        readers=tuple(readers),
    )
    return answer, (furnished,) if tuple(furnished.parts()) else ()


def _units(placed: LockersPlaced) -> UnitsDefined:
    units = tuple(Unit(id=unit_id(placed.section, spot.number), number=spot.number) for spot in placed.lockers)
    return UnitsDefined(resource=placed.section, allotment=placed.section, units=units)


def _state(section: UUID, spot: Spot) -> LockerState:
    return LockerState(
        id=unit_id(section, spot.number), section=section, number=spot.number, aisle=spot.aisle, position=spot.position,
        row=spot.row, medium=medium_id(spot.band) if spot.band else None, band=spot.band, hook=spot.hook,
    )  # fmt: skip


def _spots(section: Section) -> tuple[Spot, ...]:
    return (*section.lockers, *(grid(section.grid) if section.grid else ()))


def _problems(request: Furnish, gates: Mapping[UUID, UUID]) -> Iterator[tuple[str, str]]:
    if not request.sections or len({s.code for s in request.sections}) != len(request.sections):
        yield "sections", "name at least one, each once"
    for n, section in enumerate(request.sections):
        path = f"sections[{n}]"
        if not _CODE.fullmatch(section.code):
            yield f"{path}.code", "must be letters, digits, dot, dash, underscore, at most 32"
        if section.mode is not None and section.mode not in get_args(Mode):
            yield f"{path}.mode", f"must be one of {', '.join(get_args(Mode))}"
        given = section.grid
        if given is not None and not all(
            1 <= size <= MAX_PLACE for size in (given.aisles, given.positions, given.rows)
        ):
            yield f"{path}.grid", f"aisles, positions and rows must be 1 to {MAX_PLACE}"
            continue
        if given is not None and given.aisles * given.positions * given.rows > MAX_LOCKERS:
            yield f"{path}.grid", f"makes more than {MAX_LOCKERS} lockers"
            continue
        for spot in section.lockers:
            if not _CODE.fullmatch(spot.number):
                yield f"{path}.lockers", f"{spot.number!r} is no number: letters, digits, dot, dash, underscore"
            if not all(1 <= place <= MAX_PLACE for place in (spot.aisle, spot.position, spot.row)):
                yield f"{path}.lockers", f"aisle, position and row must be 1 to {MAX_PLACE}"
            if len(spot.band) > 64 or len(spot.hook) > 32:
                yield f"{path}.lockers", "a band's number has at most 64 characters, a hook's 32"
        for reader in section.readers:
            if gates.get(reader) != request.facility:
                yield f"{path}.readers", "is no reader of this facility; enrol it as a gate first"


def _clashes(request: Furnish, lockers: Lockers) -> Iterator[tuple[str, str]]:
    """Two lockers in one place, of one number, or of one band."""
    bands = {locker.medium for locker in lockers.lockers.values() if locker.medium}
    for n, section in enumerate(request.sections):
        id_ = section_id(request.facility, section.code)
        there = [locker for locker in lockers.lockers.values() if locker.section == id_]
        numbers = {locker.number for locker in there}
        places = {(locker.aisle, locker.position, locker.row) for locker in there}
        seen = set[str]()
        for spot in _spots(section):
            if spot.number in seen:
                yield f"sections[{n}].lockers", f"number {spot.number} is there twice"
            seen.add(spot.number)
            if spot.number in numbers:
                continue
            place = (spot.aisle, spot.position, spot.row)
            if place in places:
                yield f"sections[{n}].lockers", f"{spot.number} stands where another one does"
            places.add(place)
            if spot.band and medium_id(spot.band) in bands:
                yield f"sections[{n}].lockers", f"band {spot.band} belongs to another locker"
            if spot.band:
                bands.add(medium_id(spot.band))
