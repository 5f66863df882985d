"""What staff do with lockers, and what becomes of them when bands come back or are lost."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

import msgspec

from karnet.journal.operations import Operation
from karnet.journal.requests import Asked, made_id
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant
from karnet.lockers.operations import (
    Blocked,
    BlockLifted,
    Freed,
    FreedHow,
    HandedOn,
    LockerBlocked,
    Opened,
    Unblocked,
)
from karnet.lockers.requests import BlockLocker, FreeLocker, LockerNow, OpenLocker, UnblockLocker
from karnet.lockers.rules.state import Lockers, UseState

Decided = tuple[LockerNow | Refused, tuple[Operation, ...]]


def decide_block(request: BlockLocker, lockers: Lockers) -> Decided:
    """Block a locker. Blocking a blocked one changes nothing; who has it keeps it."""
    locker = lockers.lockers.get(request.locker)
    if locker is None:
        return refused(Reason.UNKNOWN_LOCKER), ()
    if locker.block is not None:
        return _now(request.locker, lockers), ()
    block = LockerBlocked(id=made_id(request, "block"), locker=locker.id, reason=request.reason)
    lockers.lockers[locker.id] = msgspec.structs.replace(locker, block=block.id, block_reason=request.reason)
    return _now(locker.id, lockers), (Blocked(block=block),)


def decide_unblock(request: UnblockLocker, lockers: Lockers) -> Decided:
    """Lift a locker's block."""
    locker = lockers.lockers.get(request.locker)
    if locker is None:
        return refused(Reason.UNKNOWN_LOCKER), ()
    if locker.block is None:
        return refused(Reason.NOT_BLOCKED_LOCKER, locker=locker.number), ()
    lockers.lockers[locker.id] = msgspec.structs.replace(locker, block=None, block_reason=None)
    return _now(locker.id, lockers), (Unblocked(lifted=BlockLifted(id=locker.block)),)


def decide_open(request: OpenLocker, lockers: Lockers) -> Decided:
    """Open a locker as staff: who did it, when, why, and whose it was are on record."""
    locker = lockers.lockers.get(request.locker)
    if locker is None:
        return refused(Reason.UNKNOWN_LOCKER), ()
    use = lockers.uses.get(locker.id)
    opened = Opened(
        id=made_id(request, "opening"), locker=locker.id, reason=request.reason, use=use.id if use else None
    )
    return _now(locker.id, lockers), (opened,)


def decide_free(request: FreeLocker, lockers: Lockers) -> Decided:
    """Free a locker as staff."""
    locker = lockers.lockers.get(request.locker)
    if locker is None:
        return refused(Reason.UNKNOWN_LOCKER), ()
    use = lockers.uses.get(locker.id)
    if use is None:
        return refused(Reason.LOCKER_FREE, locker=locker.number), ()
    return _now(locker.id, lockers, without=use), free([use], lockers, "staff")


def free(uses: Iterable[UseState], lockers: Lockers, how: FreedHow) -> tuple[Operation, ...]:
    """Free lockers; return the operation that says so, none where there is nothing to free."""
    ended = list(uses)
    if not ended:
        return ()
    for use in ended:
        lockers.end(use)
    facility = lockers.sections[ended[0].section].facility
    return (
        Freed(
            facility=facility,
            claims=tuple(use.released() for use in ended),
            uses=tuple(use.freed(how) for use in ended),
        ),
    )


def free_bands(media: Collection[UUID], lockers: Lockers) -> tuple[Operation, ...]:
    """Free what bands have that are back (SPEC S12)."""
    return free([use for medium in media if (use := lockers.of_band(medium)) is not None], lockers, "returned")


def hand_on(request: Asked, old: UUID, new: UUID, issue: int, lockers: Lockers) -> tuple[Operation, ...]:
    """Let the locker of a lost band go on with another one."""
    use = lockers.of_band(old)
    if use is None:
        return ()
    lockers.end(use)
    after = msgspec.structs.replace(
        use, id=made_id(request, "locker"), medium=new, issue=issue, since=instant(request.at)
    )
    lockers.begin(after)
    moved = HandedOn(freed=use.freed("lost_band"), released=use.released(), claim=after.claimed(), use=after.assigned())
    return (moved,)


def _now(id_: UUID, lockers: Lockers, without: UseState | None = None) -> LockerNow:
    locker = lockers.lockers[id_]
    use = lockers.uses.get(id_)
    return LockerNow(
        locker=id_,
        section=lockers.sections[locker.section].code,
        number=locker.number,
        blocked=locker.block is not None,
        medium=use.medium if use and use is not without else None,
    )
