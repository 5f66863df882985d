"""Passes at work: offered, sold, topped up, used, blocked, and the day's work on them.

Every service takes a batch and answers each request once. Locks: shifts (shared), sequences of tabs and orders, then passes by
id, then media. A pass's lock covers its accounts: who draws on a pass, and who holds part of it, goes through it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol, TypeVar
from uuid import UUID

from karnet.accounts.services import overdrawn
from karnet.entitlements.rules import medium_id
from karnet.entitlements.selectors import lock_desk
from karnet.entitlements.services import already_issued
from karnet.journal.operations import Operation
from karnet.journal.projection import Conflict
from karnet.journal.transaction import Asked, Outcome, Transaction, transact
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import local_day
from karnet.orders import selectors as counters
from karnet.orders import tabs
from karnet.orders.operations import Payment
from karnet.orders.rules.tabs import Desk
from karnet.parties.people import known_customers
from karnet.parties.selectors import companies, facilities, operators
from karnet.passes import projection, selectors
from karnet.passes.requests import BlockPass as BlockPass
from karnet.passes.requests import ChargePass as ChargePass
from karnet.passes.requests import KeepUp as KeepUp
from karnet.passes.requests import KeptUp as KeptUp
from karnet.passes.requests import OfferPasses as OfferPasses
from karnet.passes.requests import PassesOffered as PassesOffered
from karnet.passes.requests import PassNow as PassNow
from karnet.passes.requests import PayInstalments as PayInstalments
from karnet.passes.requests import ProgrammesHold as ProgrammesHold
from karnet.passes.requests import SellPass as SellPass
from karnet.passes.requests import SetProgrammes as SetProgrammes
from karnet.passes.requests import TopUpPass as TopUpPass
from karnet.passes.requests import UnblockPass as UnblockPass
from karnet.passes.requests import UseCredits as UseCredits
from karnet.passes.rules.keeping import Found, decide_keep_up
from karnet.passes.rules.offering import decide_offer, decide_programmes
from karnet.passes.rules.selling import decide_sell, decide_top_up
from karnet.passes.rules.using import (
    decide_block,
    decide_charge,
    decide_pay_instalments,
    decide_unblock,
    decide_use_credits,
)
from karnet.passes.rules.wallets import Wallet

MOST_AT_ONCE = 500
"""How many passes one run of the day's work looks at, for each matter."""


def guarded(request: Asked, error: Exception) -> Refused:
    """Word what the last guards refuse: a card that got a pass meanwhile, one that another till gave out, money that is gone."""
    if isinstance(error, Conflict):
        if error.form is projection.PASS:
            return refused(Reason.PASS_ON_CARD)
        return already_issued(request, error)
    return overdrawn(request, error)


def offer(requests: Sequence[OfferPasses]) -> list[PassesOffered | Refused]:
    """Publish kinds of passes. A later version of a kind holds for passes sold before it, too: tiers, price list, purses."""
    return transact(requests, _offer, answers=PassesOffered)


def _offer(tx: Transaction[OfferPasses, PassesOffered]) -> None:
    wanted = {request.facility for request in tx.fresh}
    counters.lock_sequences([("passes", facility) for facility in wanted])
    known, before = facilities(wanted), selectors.kinds(wanted)
    for request in tx.fresh:
        here = {code: kind for (facility, code), kind in before.items() if facility == request.facility}
        answer, operations = decide_offer(request, request.facility in known, here)
        if operations:
            before.update({(request.facility, kind.code): kind for kind in request.kinds})
        tx.record([Outcome(request, answer, operations)])


def sell(requests: Sequence[SellPass]) -> list[PassNow | Refused]:
    """Sell passes, each with its card and first top-up (SPEC S7, S8).

    Guarantees: all of it or nothing; a card is given out once and carries one pass of a facility, whoever races; what was paid
    is on the pass, in the till and on the document to the minor unit. Locks shifts (shared), sequences, media.
    """
    return transact(requests, _sell, answers=PassNow, refuse=guarded)


def _sell(tx: Transaction[SellPass, PassNow]) -> None:
    desk = _desk(tx.fresh, people={r.customer for r in tx.fresh if r.customer})
    cards = lock_desk((), {(r.number, r.chip or r.number) for r in tx.fresh})
    offered = selectors.kinds({place.facility for place in desk.counter.places.values()})
    taken = selectors.cards_taken([medium_id(request.number) for request in tx.fresh])
    customers = set(known_customers({r.customer for r in tx.fresh if r.customer}))
    for request in tx.fresh:
        tx.record([Outcome(request, *decide_sell(request, desk, cards, offered, taken, customers))])


def set_programmes(requests: Sequence[SetProgrammes]) -> list[ProgrammesHold | Refused]:
    """Say which benefit cards facilities take (SPEC S17)."""
    return transact(requests, _set_programmes, answers=ProgrammesHold)


def _set_programmes(tx: Transaction[SetProgrammes, ProgrammesHold]) -> None:
    known = facilities({request.facility for request in tx.fresh})
    issuers = {one.issuer for request in tx.fresh for one in request.programmes if one.issuer is not None}
    companies_known = set(companies(issuers)) if issuers else set()
    for request in tx.fresh:
        tx.record([Outcome(request, *decide_programmes(request, request.facility in known, companies_known))])


def used_today(error: Exception) -> Refused | None:
    """Word the last guard of benefit cards: another till let somebody in on the same card today."""
    taken = isinstance(error, Conflict) and error.form is projection.BENEFIT
    return refused(Reason.BENEFIT_USED) if taken else None


class _AtTill(Protocol):
    @property
    def number(self) -> str: ...
    @property
    def sales_point(self) -> UUID: ...


RequestT = TypeVar("RequestT", TopUpPass, ChargePass, UseCredits, PayInstalments)
Decide = Callable[[RequestT, Desk, Wallet | None], tuple[PassNow | Refused, tuple[Operation, ...]]]


def top_up(requests: Sequence[TopUpPass]) -> list[PassNow | Refused]:
    """Top up passes (SPEC S9). Guarantees: each payment by itself reaches its tier; money and bonus are on the pass, once.

    Locks shifts (shared), sequences, passes.
    """
    return _at_till(requests, decide_top_up)


def charge(requests: Sequence[ChargePass]) -> list[PassNow | Refused]:
    """Pay goods and services with passes. Guarantees: no two draw the same money; what is held for people inside stays theirs."""
    return _at_till(requests, decide_charge)


def use_credits(requests: Sequence[UseCredits]) -> list[PassNow | Refused]:
    """Take credits off passes (SPEC S11), each request whole or not at all."""
    return _at_till(requests, decide_use_credits)


def pay_instalments(requests: Sequence[PayInstalments]) -> list[PassNow | Refused]:
    """Take instalments of contracts (SPEC S10); with the last that was late the block goes."""
    return _at_till(requests, decide_pay_instalments)


def _at_till(requests: Sequence[RequestT], decide: Decide[RequestT]) -> list[PassNow | Refused]:
    def body(tx: Transaction[RequestT, PassNow]) -> None:
        desk = _desk(tx.fresh)
        on = selectors.on_cards({request.number for request in tx.fresh})
        selectors.lock_passes(on.ids)
        held = selectors.wallets(on.ids)
        for request in tx.fresh:
            place = desk.counter.places.get(request.sales_point)
            found = on.get(request.number, place.facility if place else None)
            if isinstance(found, Refused):
                tx.record([Outcome(request, found)])
                continue
            tx.record([Outcome(request, *decide(request, desk, held.get(found) if found else None))])

    return transact(requests, body, answers=PassNow, refuse=guarded)


def _desk(
    requests: Sequence[SellPass] | Sequence[TopUpPass | ChargePass | UseCredits | PayInstalments],
    people: Collection[UUID] = (),
) -> Desk:
    """Lock and read the till, with the numbers of tabs and orders, and what its sales points may sell."""
    payments: Iterable[Payment] = [p for r in requests if not isinstance(r, UseCredits) for p in r.payments]
    lines = [line for r in requests if isinstance(r, ChargePass) for line in r.lines]
    desk = tabs.till(requests, (), payments, lines=lines, opening=True, billing=True, people=people)
    counters.read_terms(desk.counter, {request.at for request in requests})
    return desk


def block(requests: Sequence[BlockPass]) -> list[PassNow | Refused]:
    """Block passes: they pay nothing more, and nobody comes in on them. Locks the passes."""
    return _by_staff(requests, decide_block)


def unblock(requests: Sequence[UnblockPass]) -> list[PassNow | Refused]:
    """Lift the blocks of passes. Locks the passes."""
    return _by_staff(requests, decide_unblock)


StaffT = TypeVar("StaffT", BlockPass, UnblockPass)


def _by_staff(
    requests: Sequence[StaffT],
    decide: Callable[[StaffT, UUID | None, Wallet | None], tuple[PassNow | Refused, tuple[Operation, ...]]],
) -> list[PassNow | Refused]:
    def body(tx: Transaction[StaffT, PassNow]) -> None:
        on = selectors.on_cards({request.number for request in tx.fresh})
        selectors.lock_passes(on.ids)
        held = selectors.wallets(on.ids)
        staff = operators({request.actor for request in tx.fresh})
        for request in tx.fresh:
            actor = staff.get(request.actor)
            home = actor.facility if actor else None
            found = on.found.get((request.number, home)) if home else None
            tx.record([Outcome(request, *decide(request, home, held.get(found) if found else None))])

    return transact(requests, body, answers=PassNow)


def keep_up(request: KeepUp) -> KeptUp | Refused:
    """Do the day's work on a facility's passes, a bounded part of it at a time (`more`: ask again). Locks the passes."""
    return transact([request], _keep_up, answers=KeptUp)[0]


def _keep_up(tx: Transaction[KeepUp, KeptUp]) -> None:
    for request in tx.fresh:
        place = facilities({request.facility}).get(request.facility)
        if place is None:
            tx.record([Outcome(request, refused(Reason.UNKNOWN_FACILITY, facility=str(request.facility)))])
            continue
        found = [
            set(selectors.lapsed_holds(request.facility, request.at, MOST_AT_ONCE)),
            set(selectors.ended_passes(request.facility, request.at, MOST_AT_ONCE)),
            set(selectors.late_passes(request.facility, local_day(request.at, place.time_zone), MOST_AT_ONCE)),
        ]
        ids = sorted(set[UUID]().union(*found))
        selectors.lock_passes(ids)
        # Again, now that they are held: a hold may have been drawn meanwhile.
        lapsed = selectors.lapsed_holds(request.facility, request.at, MOST_AT_ONCE)
        held = selectors.wallets(ids)
        looked_at = [Found(held[id_], tuple(lapsed.get(id_, ()))) for id_ in ids]
        more = any(len(some) >= MOST_AT_ONCE for some in found)
        tx.record([Outcome(request, *decide_keep_up(request, looked_at, more=more))])
