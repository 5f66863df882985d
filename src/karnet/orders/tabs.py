"""Tabs at the till: opened, charged, paid, closed; and what they hold. Batch by batch, as the other services of the till.

Locks: shifts (shared), sequences, tabs by id. Whoever holds a tab decides about everything on it, its stays included.
Stays end tabs of their own accord (karnet.stays); they use `lock_tabs` and `till` of this module.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec

from karnet.accounts.rules import Book
from karnet.accounts.selectors import lock as lock_accounts
from karnet.accounts.selectors import payable
from karnet.accounts.services import overdrawn
from karnet.catalogue.selectors import product_versions
from karnet.journal.transaction import Outcome, Transaction, transact
from karnet.kernel.outcomes import Refused
from karnet.orders import selectors
from karnet.orders.operations import Payment, PaymentKind, TabLine
from karnet.orders.requests import ChargeTab, CloseTab, OpenTab, PayTab, SaleLine, TabNow
from karnet.orders.rules.counter import Counter
from karnet.orders.rules.pricing import Offer
from karnet.orders.rules.tab_entries import Means, TabState
from karnet.orders.rules.tabs import Desk, Tabs, decide_charge_tab, decide_close_tab, decide_open_tab, decide_pay_tab
from karnet.orders.selectors import rows, rows_at_once
from karnet.parties.people import known_customers
from karnet.parties.selectors import companies

__all__ = [
    "ChargeTab",
    "CloseTab",
    "OpenTab",
    "PayTab",
    "TabNow",
    "TabSummary",
    "charge_tabs",
    "close_tabs",
    "hold_tabs",
    "lock_tabs",
    "open_tabs",
    "pay_tabs",
    "tab_by_number",
    "tab_states",
    "tabs",
    "till",
    "unsettled_tabs",
]


class AtTill(Protocol):
    """A request made at a sales point."""

    @property
    def at(self) -> datetime: ...
    @property
    def actor(self) -> UUID: ...
    @property
    def sales_point(self) -> UUID: ...


def open_tabs(requests: Sequence[OpenTab]) -> list[TabNow | Refused]:
    """Open tabs, with what is paid on them at once. Locks shifts (shared), then the sequences of tab numbers."""
    return transact(requests, _open, answers=TabNow, refuse=overdrawn)


def _open(tx: Transaction[OpenTab, TabNow]) -> None:
    desk = till(
        tx.fresh, (), (payment for r in tx.fresh for payment in r.payments), opening=True,
        people={r.customer for r in tx.fresh if r.customer}, buyers={r.buyer for r in tx.fresh if r.buyer},
    )  # fmt: skip
    for request in tx.fresh:
        tx.record([Outcome(request, *decide_open_tab(request, desk))])


def charge_tabs(requests: Sequence[ChargeTab]) -> list[TabNow | Refused]:
    """Charge goods and services to tabs; nothing is paid now."""
    return transact(requests, _charge, answers=TabNow)


def _charge(tx: Transaction[ChargeTab, TabNow]) -> None:
    desk = till(tx.fresh, {r.tab for r in tx.fresh}, lines=(line for r in tx.fresh for line in r.lines))
    for request in tx.fresh:
        tx.record([Outcome(request, *decide_charge_tab(request, desk))])


def pay_tabs(requests: Sequence[PayTab]) -> list[TabNow | Refused]:
    """Pay on tabs. Guarantees: what is paid is on the tab's account, to the minor unit, in the shift that took it."""
    return transact(requests, _pay, answers=TabNow, refuse=overdrawn)


def _pay(tx: Transaction[PayTab, TabNow]) -> None:
    desk = till(tx.fresh, {r.tab for r in tx.fresh}, (payment for r in tx.fresh for payment in r.payments))
    for request in tx.fresh:
        tx.record([Outcome(request, *decide_pay_tab(request, desk))])


def close_tabs(
    requests: Sequence[CloseTab], people_inside: Callable[[Collection[UUID]], Mapping[UUID, int]]
) -> list[TabNow | Refused]:
    """Close tabs, each with its document. `people_inside` says how many stays of tabs go on; it is asked under their
    locks. Who knows of stays calls this: `stays.services.close_tabs`."""

    def body(tx: Transaction[CloseTab, TabNow]) -> None:
        asked = {r.tab for r in tx.fresh}
        desk = till(tx.fresh, asked, (payment for r in tx.fresh for payment in r.payments), billing=True)
        inside = people_inside(asked)
        for request in tx.fresh:
            tx.record([Outcome(request, *decide_close_tab(request, desk, inside.get(request.tab, 0)))])

    return transact(requests, body, answers=TabNow, refuse=overdrawn)


def till(
    requests: Sequence[AtTill],
    tabs: Collection[UUID],
    payments: Iterable[Payment] = (),
    *,
    lines: Iterable[SaleLine] = (),
    opening: bool = False,
    billing: bool = False,
    limited: bool = False,
    people: Collection[UUID] = (),
    buyers: Collection[UUID] = (),
) -> Desk:
    """Lock and read what decisions at tills about these tabs rest on. `opening`, `billing`: numbers of tabs, of orders
    will be drawn. `limited`: the daily limits of the sales points count."""
    points = {request.sales_point for request in requests}
    counter = selectors.counter(points, {request.actor for request in requests})
    names: list[tuple[object, ...]] = []
    if limited:
        bounds = selectors.terms(points).items()
        names += [("sale", point) for point, held in bounds if held.limit_minor is not None]
    if billing:
        names += [("sale", point) for point in points]
    if opening:
        names += [("tab", point) for point in points]
    if names:
        selectors.lock_sequences(names)
    if billing:
        counter.sequences.update(selectors.last_numbers(points))
    versions = {line.product for line in lines}
    accounts = {payment.account for payment in payments if payment.account is not None}
    held = lock_tabs(tabs)
    if accounts:
        lock_accounts(accounts)
    if versions or limited:
        selectors.read_terms(counter, {request.at for request in requests})
    return Desk(
        counter=counter,
        tabs=Tabs(held.values()),
        sequences=last_tabs(points) if opening else {},
        offers=_offers(versions) if versions else {},
        book=Book(payable(accounts) if accounts else {}),
        companies=frozenset(companies(buyers)) if buyers else frozenset(),
        customers=frozenset(known_customers(people)) if people else frozenset(),
    )


def lock_numbers(points: Collection[UUID]) -> None:
    """Lock the order numbers of sales points."""
    selectors.lock_sequences([("sale", point) for point in points])


def numbers_of(counter: Counter, points: Collection[UUID]) -> None:
    """Lock the order numbers of sales points and read their last ones: where a gate ends what a till began."""
    if points:
        lock_numbers(points)
        counter.sequences.update(selectors.last_numbers(points))


def _offers(ids: Collection[UUID]) -> dict[UUID, Offer]:
    return {
        version.product.id: Offer(
            product=version.product,
            facility=version.facility,
            currency=version.currency,
            on_sale_from=version.on_sale_from,
            on_sale_until=version.on_sale_until,
        )
        for version in product_versions(ids).values()
    }


def last_tabs(sales_points: Collection[UUID]) -> dict[UUID, int]:
    """Return the place of the last tab of each sales point. To draw the next, hold its sequence."""
    return dict(
        rows(
            "SELECT p.id, (SELECT coalesce(max(t.sequence), 0) FROM orders_tab t WHERE t.sales_point_id = p.id)"
            " FROM unnest(%b::uuid[]) AS p(id)",
            [list(sales_points)],
        )
    )


def lock_tabs(ids: Collection[UUID]) -> dict[UUID, TabState]:
    """Lock tabs, in the order of their ids, and return them as decisions see them; unknown ids are left out."""
    if not ids:
        return {}
    hold_tabs(ids)
    return tab_states(ids)


def hold_tabs(ids: Collection[UUID]) -> None:
    """Lock tabs, in the order of their ids; unknown ids are passed over."""
    rows("SELECT 1 FROM orders_tab WHERE id = ANY(%b::uuid[]) ORDER BY id FOR NO KEY UPDATE", [list(ids)])


def tab_states(ids: Collection[UUID]) -> dict[UUID, TabState]:
    """Return tabs with all that is on them. One flight. To decide by it, hold the tabs' locks (`lock_tabs`)."""
    wanted = [list(ids)]
    found, *parts = rows_at_once(
        (
            "SELECT t.id, t.document, t.facility_id, t.sales_point_id, t.operator_id, t.currency, t.limit_minor,"
            " t.buyer, t.customer, t.closed_at IS NOT NULL, (SELECT coalesce(max(b.number), 0) FROM orders_tab_bill b"
            " WHERE b.tab = t.id) FROM orders_tab t WHERE t.id = ANY(%b::uuid[])",
            wanted,
        ),
        (
            "SELECT tab, id, n, stay, code, product, category, quantity, unit_price, amount, vat_bp, vat, sales_point,"
            " number FROM orders_tab_line WHERE tab = ANY(%b::uuid[]) ORDER BY tab, n",
            wanted,
        ),
        (
            "SELECT tab, kind, account, amount FROM orders_tab_payment WHERE tab = ANY(%b::uuid[]) ORDER BY tab, n",
            wanted,
        ),
        (
            "SELECT b.tab, p.kind, p.account, p.amount FROM orders_tab_bill b JOIN orders_payment p ON p.order = b.order"
            " WHERE b.tab = ANY(%b::uuid[]) ORDER BY b.tab, p.n",
            wanted,
        ),
    )
    lines, payments, billed = map(_grouped, parts)
    return {
        row[0]: _state(row, lines.get(row[0], []), payments.get(row[0], []), billed.get(row[0], [])) for row in found
    }


def _grouped(found: Iterable[tuple[Any, ...]]) -> dict[UUID, list[tuple[Any, ...]]]:
    groups: dict[UUID, list[tuple[Any, ...]]] = {}
    for row in found:
        groups.setdefault(row[0], []).append(row)
    return groups


def _state(
    tab: tuple[Any, ...], lines: list[tuple[Any, ...]], payments: list[tuple[Any, ...]], billed: list[tuple[Any, ...]]
) -> TabState:
    posted: dict[tuple[UUID | None, str], tuple[int, int]] = {}
    for row in lines:
        amount, vat = posted.get((row[3], row[4]), (0, 0))
        posted[row[3], row[4]] = (amount + row[9], vat + row[11])
    means: dict[Means, int] = {}
    for sign, some in ((1, payments), (-1, billed)):
        for _, kind, account, amount in some:
            means[kind, account] = means.get((kind, account), 0) + sign * amount
    return TabState(
        id=tab[0], number=tab[1], facility=tab[2], sales_point=tab[3], operator=tab[4], currency=tab[5],
        limit_minor=tab[6], buyer=tab[7], customer=tab[8], closed=tab[9],
        paid=sum(row[3] for row in payments), charged=sum(row[9] for row in lines), lines=len(lines),
        payments=len(payments), means=means, posted=posted,
        unbilled=tuple(
            TabLine(
                id=row[1], tab=row[0], n=row[2], stay=row[3], code=row[4], product=row[5], category=row[6],
                quantity=row[7], unit_price=row[8], amount=row[9], vat_bp=row[10], vat=row[11], sales_point=row[12],
            )
            for row in lines
            if row[13] > tab[10]
        ),
    )  # fmt: skip


class TabSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A tab at a glance, for people. Minor units; `paid` by kind, net; `orders`: what it ended in."""

    id: UUID
    number: str
    facility: UUID
    sales_point: UUID
    operator: UUID
    currency: str
    opened_at: datetime
    closed_at: datetime | None
    limit_minor: int
    charged: int
    paid: dict[PaymentKind, int]
    orders: tuple[UUID, ...]
    lines: tuple[TabLine, ...]

    @property
    def balance(self) -> int:
        """Paid less charged; below zero is owed."""
        return sum(self.paid.values()) - self.charged


def tabs(ids: Collection[UUID]) -> dict[UUID, TabSummary]:
    """Return tabs at a glance; unknown ids are left out. Four statements."""
    wanted = list(ids)
    found = rows(
        "SELECT id, document, facility_id, sales_point_id, operator_id, currency, at, closed_at, limit_minor,"
        ' ARRAY(SELECT b."order" FROM orders_tab_bill b WHERE b.tab = t.id ORDER BY b.number)'
        " FROM orders_tab t WHERE id = ANY(%b::uuid[])",
        [wanted],
    )
    lines = _grouped(
        rows(
            "SELECT tab, id, n, stay, code, product, category, quantity, unit_price, amount, vat_bp, vat, sales_point"
            " FROM orders_tab_line WHERE tab = ANY(%b::uuid[]) ORDER BY tab, n",
            [wanted],
        )
    )
    payments = _grouped(
        rows(
            "SELECT tab, kind, sum(amount)::bigint FROM orders_tab_payment WHERE tab = ANY(%b::uuid[]) GROUP BY 1, 2",
            [wanted],
        )
    )
    return {
        row[0]: TabSummary(
            id=row[0], number=row[1], facility=row[2], sales_point=row[3], operator=row[4], currency=row[5],
            opened_at=row[6], closed_at=row[7], limit_minor=row[8], orders=tuple(row[9]),
            charged=sum(line[9] for line in lines.get(row[0], [])),
            paid={kind: amount for _, kind, amount in payments.get(row[0], [])},
            lines=tuple(
                TabLine(
                    tab=line[0], id=line[1], n=line[2], stay=line[3], code=line[4], product=line[5], category=line[6],
                    quantity=line[7], unit_price=line[8], amount=line[9], vat_bp=line[10], vat=line[11],
                    sales_point=line[12],
                )
                for line in lines.get(row[0], [])
            ),
        )
        for row in found
    }  # fmt: skip


def tab_by_number(facility: UUID, number: str) -> UUID | None:
    """Return the tab that people know by this number, such as "K1-T000042"."""
    found = rows("SELECT id FROM orders_tab WHERE facility_id = %s AND document = %s", [facility, number])
    return found[0][0] if found else None


def unsettled_tabs(facility: UUID) -> list[UUID]:
    """Return a facility's open tabs, the oldest first. Those that are open are few, however many there were."""
    found = rows("SELECT id FROM orders_tab WHERE facility_id = %s AND closed_at IS NULL ORDER BY at, id", [facility])
    return [row[0] for row in found]


def sales_points_of(ids: Collection[UUID]) -> set[UUID]:
    """Return the sales points that opened tabs."""
    return {row[0] for row in rows("SELECT sales_point_id FROM orders_tab WHERE id = ANY(%b::uuid[])", [list(ids)])}
