"""A band held to a section's reader: it gets a locker, opens its own, gives it up, or is told why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from karnet.entitlements.rules import MediumState, usable_medium
from karnet.journal.operations import Operation
from karnet.journal.requests import made_id
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant
from karnet.lockers.operations import Assigned, Freed
from karnet.lockers.requests import LockerGivenUp, LockerShown, Touch
from karnet.lockers.rules import keeping
from karnet.lockers.rules.choosing import Place, choose
from karnet.lockers.rules.state import Lockers, LockerState, SectionState, UseState

Answer = LockerShown | LockerGivenUp
Decided = tuple[Answer | Refused, tuple[Operation, ...]]


class Party(NamedTuple):
    """Who a band belongs with, how many bands of them there are, and where they are guests (None = anywhere)."""

    id: UUID
    size: int
    facility: UUID | None = None


def decide_touch(
    request: Touch, medium: MediumState | None, lockers: Lockers, parties: Mapping[UUID, Party] | None = None
) -> Decided:
    """Decide a touch. `parties`: by medium, who has come in; a band that is not among them is refused. None = nobody asks.

    Refuses a reader without a section, a band that is unknown or blocked, one whose locker is in another section, and a
    full section, naming another with room.
    """
    section = lockers.sections.get(lockers.readers.get(request.reader, request.reader))
    if section is None:
        return refused(Reason.UNKNOWN_READER), ()
    if medium is None:
        return refused(Reason.UNKNOWN_MEDIUM), ()
    if (unusable := usable_medium(medium)) is not None:
        return unusable, ()
    if parties is not None and not _is_guest(parties.get(medium.id), section):
        return refused(Reason.NO_STAY), ()
    own = lockers.own_locker(medium.id)
    use = lockers.of_band(medium.id)
    stale = use if use is not None and use.issue != medium.issue else None
    if own is None and use is not None and stale is None:
        own = lockers.lockers[use.locker]
    if own is None:
        if request.give_up:
            return refused(Reason.NO_LOCKER), ()
        return _anew(request, medium, section, lockers, parties, stale)
    if own.section != section.id:
        return refused(Reason.LOCKER_ELSEWHERE, locker=own.number, section=lockers.sections[own.section].code), ()
    if request.give_up and use is not None:
        lockers.end(use)
        freed = Freed(facility=section.facility, claims=(use.released(),), uses=(use.freed("given_up"),))
        return LockerGivenUp(locker=own.id, section=section.code, number=own.number), (freed,)
    if own.block is not None and use is None:
        return refused(Reason.LOCKER_BLOCKED, locker=own.number), ()
    return shown(own, section, static=use is None), ()


def _anew(
    request: Touch, medium: MediumState, section: SectionState, lockers: Lockers,
    parties: Mapping[UUID, Party] | None, stale: UseState | None,
) -> Decided:  # fmt: skip
    """Assign a locker. `stale`: what the band's holder before had, who handed it in where nobody knows of lockers: the
    band came back, so that one is free."""
    if stale is None:
        return _assign(request, medium, section, lockers, parties)
    freed = keeping.free([stale], lockers, "returned")
    answer, operations = _assign(request, medium, section, lockers, parties)
    if isinstance(answer, Refused):
        lockers.begin(stale)
        return answer, ()
    return answer, (*freed, *operations)


def _is_guest(party: Party | None, section: SectionState) -> bool:
    return party is not None and party.facility in (None, section.facility)


def _assign(
    request: Touch, medium: MediumState, section: SectionState, lockers: Lockers, parties: Mapping[UUID, Party] | None
) -> Decided:
    if section.mode == "static":  # Here every band bears a number, and this one bears none of them.
        return refused(Reason.UNKNOWN_LOCKER), ()
    party = (parties or {}).get(medium.id)
    here = [locker for locker in lockers.lockers.values() if locker.section == section.id]
    choice = choose(
        [Place(locker.id, locker.aisle, locker.position, locker.row) for locker in here],
        {id_: use.party for id_, use in lockers.uses.items() if use.section == section.id},
        {locker.id for locker in here if locker.block is not None},
        party.id if party else None,
        party.size if party else 1,
    )
    if choice is None:
        return _full(section, lockers), ()
    use = UseState(
        id=made_id(request, "locker"), locker=choice.locker, section=section.id, medium=medium.id, issue=medium.issue,
        since=instant(request.at), party=party.id if party else None,
    )  # fmt: skip
    lockers.begin(use)
    answer = shown(
        lockers.lockers[choice.locker], section, new=True, near=choice.near, free=choice.free, together=choice.together
    )
    assigned = Assigned(
        reader=request.reader, claim=use.claimed(), use=use.assigned(), near=choice.near, free=choice.free
    )
    return answer, (assigned,)


def _full(section: SectionState, lockers: Lockers) -> Refused:
    others = [
        (lockers.spare[other.id], other.code)
        for other in lockers.sections.values()
        if other.id != section.id and other.facility == section.facility and other.mode == "dynamic"
        if lockers.spare.get(other.id)
    ]
    if not others:
        return refused(Reason.LOCKERS_FULL, section=section.code)
    return refused(Reason.LOCKERS_FULL, section=section.code, other=max(others)[1])


def shown(
    locker: LockerState, section: SectionState, *, new: bool = False, static: bool = False,
    near: int = 0, free: int = 0, together: bool = False,
) -> LockerShown:  # fmt: skip
    """Return the answer that tells a band its locker."""
    return LockerShown(
        locker=locker.id, section=section.code, number=locker.number, aisle=locker.aisle, position=locker.position,
        row=locker.row, new=new, static=static, near=near, free=free, together=together,
    )  # fmt: skip
