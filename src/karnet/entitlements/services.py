"""Blocking, unblocking and replacing media. Each locks the media it decides about, in the order of their ids."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import get_args
from uuid import UUID

from karnet.accounts.selectors import card_terms
from karnet.entitlements import rules, selectors
from karnet.entitlements.alone import decide_alone
from karnet.entitlements.operations import BlockCode, Blocked, MediumBlocked, MediumUnblocked, Unblocked
from karnet.entitlements.projection import NEW_MEDIUM
from karnet.entitlements.requests import Block as Block
from karnet.entitlements.requests import BlockLifted as BlockLifted
from karnet.entitlements.requests import BlockPlaced as BlockPlaced
from karnet.entitlements.requests import HolderIs as HolderIs
from karnet.entitlements.requests import NameHolder as NameHolder
from karnet.entitlements.requests import Replace as Replace
from karnet.entitlements.requests import ReplaceAlone as ReplaceAlone
from karnet.entitlements.requests import ReplacementIssued as ReplacementIssued
from karnet.entitlements.requests import Unblock as Unblock
from karnet.journal.projection import CLAIM, Conflict
from karnet.journal.requests import made_id
from karnet.journal.transaction import Asked, Outcome, Transaction, conflict, transact
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import local_day
from karnet.parties.people import known_customers
from karnet.parties.selectors import facilities, sales_points


def block(requests: Sequence[Block]) -> list[BlockPlaced | Refused]:
    """Block media. Guarantees: from the commit on, no gate here admits on them. Locks the media."""
    return transact(requests, _block, answers=BlockPlaced)


def _block(tx: Transaction[Block, BlockPlaced]) -> None:
    ids = {request.medium for request in tx.fresh}
    selectors.lock_media(ids)
    known = selectors.media(ids)
    for request in tx.fresh:
        if request.medium not in known:
            tx.record([Outcome(request, refused(Reason.UNKNOWN_MEDIUM, medium=str(request.medium)))])
            continue
        if request.code not in get_args(BlockCode):
            problem = f"must be one of {', '.join(get_args(BlockCode))}"
            tx.record([Outcome(request, bad_values({"code": problem}))])
            continue
        block = made_id(request, "block")
        placed = MediumBlocked(block=block, medium=request.medium, code=request.code)
        answer = BlockPlaced(block=block, medium=request.medium)
        tx.record([Outcome(request, answer, (Blocked(block=placed, sales_point=request.sales_point),))])


def unblock(requests: Sequence[Unblock]) -> list[BlockLifted | Refused]:
    """Lift blocks, each by name. A replaced medium stays blocked for good. Locks the media."""
    return transact(requests, _unblock, answers=BlockLifted)


def _unblock(tx: Transaction[Unblock, BlockLifted]) -> None:
    ids = {request.medium for request in tx.fresh}
    selectors.lock_media(ids)
    known = selectors.media(ids)
    blocks = {medium: {block.block for block in open_} for medium, open_ in selectors.open_blocks(ids).items()}
    for request in tx.fresh:
        medium = known.get(request.medium)
        if medium is None:
            tx.record([Outcome(request, refused(Reason.UNKNOWN_MEDIUM, medium=str(request.medium)))])
        elif medium.state == "replaced":
            tx.record([Outcome(request, refused(Reason.MEDIUM_REPLACED, number=medium.number))])
        elif request.block not in blocks[medium.id]:
            tx.record([Outcome(request, refused(Reason.NOT_BLOCKED, number=medium.number, block=str(request.block)))])
        else:
            blocks[medium.id].remove(request.block)
            answer = BlockLifted(medium=medium.id, blocks_left=len(blocks[medium.id]))
            lift = MediumUnblocked(block=request.block, medium=medium.id)
            tx.record([Outcome(request, answer, (Unblocked(lift=lift, sales_point=request.sales_point),))])


def name_holders(requests: Sequence[NameHolder]) -> list[HolderIs | Refused]:
    """Write down who holds media, by customers' ids; the later of two counts, everywhere. Locks the media."""
    return transact(requests, _name_holders, answers=HolderIs)


def _name_holders(tx: Transaction[NameHolder, HolderIs]) -> None:
    desk = selectors.lock_desk({request.medium for request in tx.fresh})
    customers = known_customers({request.customer for request in tx.fresh if request.customer})
    for request in tx.fresh:
        decided = rules.decide_holder(desk, request, customers)
        if isinstance(decided, Refused):
            tx.record([Outcome(request, decided)])
        else:
            tx.record([Outcome(request, HolderIs(medium=request.medium, customer=request.customer), (decided,))])


def replace(requests: Sequence[Replace]) -> list[ReplacementIssued | Refused]:
    """Replace media (SPEC N12): every entitlement moves with its id, its points account and what was used of it.

    Guarantees: from the commit on the old medium opens nothing, ever; the new one opens what the old did. Locks both.
    """
    return transact(requests, _replace, answers=ReplacementIssued, refuse=already_issued)


def _replace(tx: Transaction[Replace, ReplacementIssued]) -> None:
    old = {request.old for request in tx.fresh}
    desk = selectors.lock_desk(old, [(request.new_number, request.chip) for request in tx.fresh])
    held = rules.Held(
        selectors.holdings(desk.media), selectors.open_deposits(desk.media), selectors.open_money(desk.media)
    )
    places = sales_points({request.sales_point for request in tx.fresh})
    for request in tx.fresh:
        place = places.get(request.sales_point)
        if place is None:
            refusal = refused(Reason.UNKNOWN_SALES_POINT, sales_point=str(request.sales_point))
            tx.record([Outcome(request, refusal)])
            continue
        decided = rules.decide_replace(desk, held, request, place.facility)
        if isinstance(decided, Refused):
            tx.record([Outcome(request, decided)])
        else:
            moved = tuple(part.id for part in decided.moved)
            tx.record([Outcome(request, ReplacementIssued(medium=decided.new.id, entitlements=moved), (decided,))])


def replace_alone(requests: Sequence[ReplaceAlone]) -> list[ReplacementIssued | Refused]:
    """Replace media of other servers that do not answer, within what the agreement allows a day (`decide_alone`).

    Guarantees: never more than that at a facility, whoever races. Waits for who does so there; locks both media.
    """
    return transact(requests, _replace_alone, answers=ReplacementIssued, refuse=already_issued)


def _replace_alone(tx: Transaction[ReplaceAlone, ReplacementIssued]) -> None:
    places = sales_points({request.sales_point for request in tx.fresh})
    here = facilities({place.facility for place in places.values()})
    selectors.lock_replacing_alone(here)
    desk = selectors.lock_desk(
        {request.old for request in tx.fresh}, [(request.new_number, request.chip) for request in tx.fresh]
    )
    held = rules.Held(
        selectors.holdings(desk.media), selectors.open_deposits(desk.media), selectors.open_money(desk.media)
    )
    done: dict[tuple[UUID, date], int] = {}
    terms = card_terms([request.at for request in tx.fresh])
    for request in tx.fresh:
        place = places.get(request.sales_point)
        if place is None:
            refusal = refused(Reason.UNKNOWN_SALES_POINT, sales_point=str(request.sales_point))
            tx.record([Outcome(request, refusal)])
            continue
        zone = here[place.facility].time_zone
        day = place.facility, local_day(request.at, zone)
        if day not in done:
            done[day] = selectors.replaced_alone(place.facility, request.at, zone)
        decided = decide_alone(desk, held, request, place.facility, terms, done[day])
        if isinstance(decided, Refused):
            tx.record([Outcome(request, decided)])
        else:
            done[day] += 1
            moved = tuple(part.id for part in decided.moved)
            tx.record([Outcome(request, ReplacementIssued(medium=decided.new.id, entitlements=moved), (decided,))])


def already_issued(request: Asked, error: Exception) -> Refused:
    """Word the refusal of who came second to issue one number or chip at two tills at once."""
    if isinstance(error, Conflict) and error.form in (NEW_MEDIUM, CLAIM):
        return refused(Reason.MEDIUM_IN_USE)
    return conflict(request, error)
