"""Capacity at work: resources are set up, places claimed, held and given back.

Every service takes a batch and answers each request once, in a fixed handful of statements, however much is sold.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from psycopg import errors

from karnet.capacity import claiming
from karnet.capacity.defining import decide_define
from karnet.capacity.models import ROOM_LEFT
from karnet.capacity.operations import Booked, Claimed, LetGo, allotment_id, unit_id
from karnet.capacity.requests import CapacitySet as CapacitySet
from karnet.capacity.requests import Define as Define
from karnet.capacity.requests import Freed as Freed
from karnet.capacity.requests import Held as Held
from karnet.capacity.requests import HoldPlaces as HoldPlaces
from karnet.capacity.requests import ReleasePlaces as ReleasePlaces
from karnet.capacity.requests import Share as Share
from karnet.capacity.requests import Taken as Taken
from karnet.capacity.requests import TakePlaces as TakePlaces
from karnet.capacity.requests import Want as Want
from karnet.capacity.rules import Book, ClaimState
from karnet.journal.projection import Conflict
from karnet.journal.requests import made_id
from karnet.journal.transaction import Asked, Outcome, Transaction, conflict, transact
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant
from karnet.parties.selectors import facilities


def guarded(request: Asked, error: Exception) -> Refused:
    """Word what the last guards refuse: a place that somebody has, room that is used up."""
    cause: Any = error.__cause__
    if isinstance(error, Conflict):
        return refused(Reason.PLACE_TAKEN)
    if isinstance(cause, errors.CheckViolation) and cause.diag.constraint_name == ROOM_LEFT:
        return refused(Reason.NO_ROOM_LEFT)
    return conflict(request, error)


def define(requests: Sequence[Define]) -> list[CapacitySet | Refused]:
    """Set up resources, or let them grow: units, allotments, capacities. Locks the allotments that are sized."""
    return transact(requests, _define, answers=CapacitySet, refuse=guarded)


def _define(tx: Transaction[Define, CapacitySet]) -> None:
    known = facilities({request.facility for request in tx.fresh})
    for request in tx.fresh:  # Seldom more than one: each sees what the one before set up only when that is committed.
        codes = {"", *(share.code for share in request.shares), *(share.parent for share in request.shares)}
        about = [allotment_id(request.resource, code) for code in sorted(codes)]
        # Units that shares take over are locked, so that nobody claims them meanwhile.
        claimable = [
            unit_id(request.resource, n) for n in {*request.units, *(n for s in request.shares for n in s.units)}
        ]
        want = Want(allotment=request.resource, units=tuple(claimable))
        book = claiming.lock_book([(request.resource, want)], at=request.at, sizing=about)
        taken = {claim.unit for claim in book.claims.values() if claim.unit is not None}
        tx.record([Outcome(request, *decide_define(request, known, book, taken))])


def claim(requests: Sequence[TakePlaces]) -> list[Taken | Refused]:
    """Claim places: all of a request or nothing; never a unit twice on one section, never more than there is room for.

    Locks units and rooms in their order; the exclusion constraint and the CHECK of rooms are the last word.
    """
    return transact(requests, _claim, answers=Taken, refuse=guarded)


def _claim(tx: Transaction[TakePlaces, Taken]) -> None:
    at = max(request.at for request in tx.fresh)
    book = claiming.lock_book(_wants(tx.fresh), at=at, holds={hold for r in tx.fresh for hold in r.holds})
    for request in tx.fresh:
        made = _decide_claim(request, book)
        if isinstance(made, Refused):
            tx.record([Outcome(request, made)])
            continue
        answer = Taken(claims=tuple(one.id for one in made))
        tx.record([Outcome(request, answer, (Booked(resource=request.resource, claims=made),) if made else ())])
    claiming.drop_holds(book)


def _wants(requests: Iterable[TakePlaces | HoldPlaces]) -> list[tuple[UUID, Want]]:
    return [(request.resource, want) for request in requests for want in request.wants]


def _decide_claim(request: TakePlaces, book: Book) -> tuple[Claimed, ...] | Refused:
    taken = _take(request, book)
    if isinstance(taken, Refused):
        return taken
    confirmed = book.confirm(request.resource, request.holds)
    if isinstance(confirmed, Refused):
        book.forget(taken)
        return confirmed
    return (*confirmed, *taken)


def _take(request: TakePlaces | HoldPlaces, book: Book) -> tuple[Claimed, ...] | Refused:
    """Claim all that is wanted, or leave the book as it was."""
    names = (made_id(request, f"claim {n}") for n in range(MAX_CLAIMS))
    made: list[Claimed] = []
    for want in request.wants:
        taken = book.take(request.resource, want, names.__next__)
        if isinstance(taken, Refused):
            book.forget(made)
            return taken
        made += taken
    return tuple(made)


def release(requests: Sequence[ReleasePlaces]) -> list[Freed | Refused]:
    """End claims: what they took is free for others. Locks as `claim`."""
    return transact(requests, _release, answers=Freed, refuse=guarded)


def _release(tx: Transaction[ReleasePlaces, Freed]) -> None:
    at = max(request.at for request in tx.fresh)
    book = claiming.lock_book((), at=at, claims={claim for request in tx.fresh for claim in request.claims})
    for request in tx.fresh:
        ended = book.release(request.resource, request.claims)
        if isinstance(ended, Refused):
            tx.record([Outcome(request, ended)])
            continue
        operations = (LetGo(resource=request.resource, claims=ended),) if ended else ()
        tx.record([Outcome(request, Freed(claims=len(ended)), operations)])


def hold(requests: Sequence[HoldPlaces]) -> list[Held | Refused]:
    """Hold places for a while; each request all or nothing. What a hold ends in is recorded, the hold itself is not
    (DESIGN §1). Locks as `claim`.
    """
    return transact(requests, _hold, answers=Held, refuse=guarded)


def _hold(tx: Transaction[HoldPlaces, Held]) -> None:
    book = claiming.lock_book(_wants(tx.fresh), at=max(request.at for request in tx.fresh))
    held: list[ClaimState] = []
    for request in tx.fresh:
        until = instant(request.until)
        if until <= request.at or not request.wants:
            tx.record([Outcome(request, bad_values({"until": "must be after now, and something must be wanted"}))])
            continue
        taken = _take(request, book)
        if isinstance(taken, Refused):
            tx.record([Outcome(request, taken)])
            continue
        held += book.hold(taken, until)
        tx.record([Outcome(request, Held(holds=tuple(one.id for one in taken), until=until))])
    claiming.insert_holds(held)


def let_go(holds: Collection[UUID]) -> int:
    """End holds before their time (the buyer turned back); return how many there still were. Bookings stay."""
    with transaction.atomic():
        found = claiming.lock_claims(holds)
        return claiming.delete_holds([claim.id for claim in found])


MAX_CLAIMS = 10_000
"""Claims of one request, at most."""
