"""Putting money on cards and charging it (SPEC N10): as the other services of the till, batch by batch.

Locks shifts (shared), for loads the sales points' sequences, then media; the accounts of money on a medium are covered by its lock.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from karnet.accounts.rules import Book
from karnet.accounts.selectors import balances, card_terms, stored
from karnet.accounts.services import overdrawn
from karnet.entitlements import selectors as entitlements
from karnet.entitlements.rules import Desk, points_account
from karnet.journal.transaction import Outcome, Transaction, transact
from karnet.kernel.outcomes import Refused
from karnet.orders import selectors
from karnet.orders.rules.charging import ChargeCard, LoadMoney, MoneyOn, decide_charge, decide_load
from karnet.orders.rules.purses import Pocket, Purse

__all__ = ["ChargeCard", "LoadMoney", "MoneyOn", "charge", "load", "money_on"]


def load(requests: Sequence[LoadMoney]) -> list[MoneyOn | Refused]:
    """Put money on cards, with the bonus that comes with it: one operation each."""
    return transact(requests, _load, answers=MoneyOn, refuse=overdrawn)


def _load(tx: Transaction[LoadMoney, MoneyOn]) -> None:
    counter = selectors.counter({r.sales_point for r in tx.fresh}, {r.actor for r in tx.fresh})
    # Whoever sells there holds these, too: what is put on cards counts for the day's limit.
    selectors.lock_sequences([("sale", point) for point in {r.sales_point for r in tx.fresh}])
    instants = {r.at for r in tx.fresh}
    selectors.read_terms(counter, instants)
    desk = entitlements.lock_desk((), {(r.number, r.number) for r in tx.fresh})
    held = purse(desk, instants)
    for request in tx.fresh:
        tx.record([Outcome(request, *decide_load(request, counter, desk, held))])


def charge(requests: Sequence[ChargeCard]) -> list[MoneyOn | Refused]:
    """Charge cards in money or points, one operation each; who holds what was drawn is part of it, for settlement."""
    return transact(requests, _charge, answers=MoneyOn, refuse=overdrawn)


def _charge(tx: Transaction[ChargeCard, MoneyOn]) -> None:
    counter = selectors.counter({r.sales_point for r in tx.fresh}, {r.actor for r in tx.fresh})
    desk = entitlements.lock_desk((), {(r.number, r.number) for r in tx.fresh})
    held = purse(desk, {r.at for r in tx.fresh}, points=any(request.points for request in tx.fresh))
    for request in tx.fresh:
        tx.record([Outcome(request, *decide_charge(request, counter, desk, held))])


def purse(desk: Desk, instants: Collection[datetime], *, points: bool = False) -> Purse:
    """Return the money on the media of a desk, whose locks cover it, to be charged at some of these instants; with
    `points`, the tickets on them too."""
    found = stored(list(desk.media))
    pockets: dict[tuple[UUID, int], list[Pocket]] = {}
    for medium, some in found.items():
        for one in some:
            pocket = Pocket(account=one.account, holder=one.facility, kind=one.kind)
            pockets.setdefault((medium, one.issue), []).append(pocket)
    held = {one.account: one.held for some in found.values() for one in some}
    holdings = entitlements.holdings(list(desk.media)) if points else {}
    tickets = [points_account(h.id) for some in holdings.values() for h in some if h.kind == "points"]
    return Purse(pockets, Book({**held, **(balances(tickets) if tickets else {})}), holdings, card_terms(instants))


def money_on(number: str, currency: str) -> tuple[int, int] | None:
    """Return money and bonus money on the medium with this printed number (minor units); None for an unknown one."""
    medium = entitlements.media_by_number([number]).get(number)
    if medium is None:
        return None
    sums = {"money": 0, "bonus": 0}
    for one in stored([medium.id])[medium.id]:
        if one.issue == medium.issue and one.held.unit == currency:
            sums[one.kind] += one.held.balance
    return sums["money"], sums["bonus"]
