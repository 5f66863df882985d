"""Lockers at work: sections are set up, bands are given lockers, staff look after them.

Every service takes a batch and answers each request once, in a fixed handful of statements. Locks: media, then sections.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from karnet.entitlements.selectors import lock_media, media, medium_ids_by_chip
from karnet.journal.projection import Conflict
from karnet.journal.transaction import Asked, Outcome, Transaction, conflict, transact
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.lockers import holding, selectors
from karnet.lockers.operations import section_id
from karnet.lockers.requests import BlockLocker as BlockLocker
from karnet.lockers.requests import FreeLocker as FreeLocker
from karnet.lockers.requests import Furnish as Furnish
from karnet.lockers.requests import LockerGivenUp as LockerGivenUp
from karnet.lockers.requests import LockerNow as LockerNow
from karnet.lockers.requests import LockerShown as LockerShown
from karnet.lockers.requests import LockersReady as LockersReady
from karnet.lockers.requests import OpenLocker as OpenLocker
from karnet.lockers.requests import Section as Section
from karnet.lockers.requests import Touch as Touch
from karnet.lockers.requests import UnblockLocker as UnblockLocker
from karnet.lockers.rules.furnishing import decide_furnish
from karnet.lockers.rules.keeping import decide_block, decide_free, decide_open, decide_unblock
from karnet.lockers.rules.state import Lockers
from karnet.lockers.rules.touching import Answer, Party, decide_touch
from karnet.parties.selectors import actors, facilities

PartiesOf = Callable[[Collection[UUID]], Mapping[UUID, Party]]


def guarded(request: Asked, error: Exception) -> Refused:
    """Word what the last guard refuses: a locker that somebody has."""
    return refused(Reason.PLACE_TAKEN) if isinstance(error, Conflict) else conflict(request, error)


def furnish(requests: Sequence[Furnish]) -> list[LockersReady | Refused]:
    """Set sections, lockers and readers of facilities. Readers are gates: enrol them in access first."""
    return transact(requests, _furnish, answers=LockersReady, refuse=guarded)


def _furnish(tx: Transaction[Furnish, LockersReady]) -> None:
    known = facilities({request.facility for request in tx.fresh})
    sections = {section_id(r.facility, section.code) for r in tx.fresh for section in r.sections}
    readers = {reader for r in tx.fresh for section in r.sections for reader in section.readers}
    devices = {id_: a.parent for id_, a in actors(readers).items() if a.kind == "device" and a.parent is not None}
    bands = selectors.marked_bands({spot.band for r in tx.fresh for s in r.sections for spot in s.lockers if spot.band})
    lockers = holding.lock(places=sections, lockers=bands)
    for request in tx.fresh:
        tx.record([Outcome(request, *decide_furnish(request, known, devices, lockers))])


def touch(
    requests: Sequence[Touch], parties_of: PartiesOf | None = None
) -> list[LockerShown | LockerGivenUp | Refused]:
    """Decide bands held to readers of sections (SPEC S12): which locker, the same as before, or why none.

    Guarantees: a locker is one band's, a band has one locker, whoever races; the same key has the same answer.
    `parties_of`: tells for media, once they are locked, who has come in and with whom; None = any band that was given out.
    """
    return transact(requests, partial(_touch, parties_of=parties_of), answers=Answer, refuse=guarded)


def _touch(tx: Transaction[Touch, Any], parties_of: PartiesOf | None) -> None:
    chips = medium_ids_by_chip({request.chip for request in tx.fresh})
    wanted = set(chips.values())
    lock_media(wanted)
    cards = media(wanted)
    parties = parties_of(wanted) if parties_of else None
    lockers = holding.lock(places={request.reader for request in tx.fresh}, media=wanted)
    for request in tx.fresh:
        medium = cards.get(chips[request.chip]) if request.chip in chips else None
        answer, operations = decide_touch(request, medium, lockers, parties)
        tx.record(
            [Outcome(request, answer, operations, subject=medium.id if medium else None, place=request.reader)]
            if isinstance(answer, Refused)
            else [Outcome(request, answer, operations)]
        )


def block_lockers(requests: Sequence[BlockLocker]) -> list[LockerNow | Refused]:
    """Take lockers out of use."""
    return transact(requests, partial(_keep, decide=decide_block), answers=LockerNow, refuse=guarded)


def unblock_lockers(requests: Sequence[UnblockLocker]) -> list[LockerNow | Refused]:
    """Put lockers back into use."""
    return transact(requests, partial(_keep, decide=decide_unblock), answers=LockerNow, refuse=guarded)


def open_lockers(requests: Sequence[OpenLocker]) -> list[LockerNow | Refused]:
    """Open lockers as staff; who, when, why and whose they were is on record."""
    return transact(requests, partial(_keep, decide=decide_open), answers=LockerNow, refuse=guarded)


def free_lockers(requests: Sequence[FreeLocker]) -> list[LockerNow | Refused]:
    """Free lockers as staff, when they were cleared."""
    return transact(requests, partial(_keep, decide=decide_free), answers=LockerNow, refuse=guarded)


def _keep(tx: Transaction[Any, LockerNow], decide: Callable[[Any, Lockers], Any]) -> None:
    lockers = holding.lock(lockers={request.locker for request in tx.fresh})
    for request in tx.fresh:
        tx.record([Outcome(request, *decide(request, lockers))])
