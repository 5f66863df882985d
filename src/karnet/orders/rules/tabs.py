"""Tabs: open sales documents, opened, charged, paid and closed at a till. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import msgspec

from karnet.accounts.operations import Transfer
from karnet.accounts.rules import Book
from karnet.journal.operations import Operation
from karnet.journal.requests import Asked, made_id
from karnet.kernel.money import vat_included
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.orders.operations import PaidWith, Payment, TabBilled, TabChanged, TabOpened
from karnet.orders.requests import ChargeTab, CloseTab, Extra, OpenTab, PayTab, SaleLine, TabNow
from karnet.orders.rules.counter import Counter, Place
from karnet.orders.rules.pricing import MAX_AMOUNT, MAX_QUANTITY, Offer, change, check_payments, price
from karnet.orders.rules.tab_entries import Entry, TabState, tab_account


class Tabs:
    """The tabs a batch is about, as its decisions so far leave them."""

    def __init__(self, found: Iterable[TabState]) -> None:
        self._tabs = {tab.id: tab for tab in found}

    def open(self, id_: UUID) -> TabState | Refused:
        """Return a tab that takes more."""
        tab = self._tabs.get(id_)
        if tab is None:
            return refused(Reason.UNKNOWN_TAB, tab=str(id_))
        return refused(Reason.TAB_CLOSED, number=tab.number) if tab.closed else tab

    def get(self, id_: UUID) -> TabState | None:
        """Return a tab, closed or not."""
        return self._tabs.get(id_)

    def put(self, entry: Entry) -> None:
        """Take in what a decision made of a tab."""
        self._tabs[entry.state.id] = entry.state


def open_tab(
    request: Asked,
    place: Place,
    sequences: dict[UUID, int],
    *,
    limit_minor: int,
    buyer: UUID | None,
    customer: UUID | None,
) -> Entry:
    """Return the entry that opens a tab at a sales point, under its next number there."""
    sequence = sequences.get(place.sales_point, 0) + 1
    sequences[place.sales_point] = sequence
    opened = TabOpened(
        id=made_id(request, "tab"),
        number=f"{place.code}-T{sequence:06d}",
        sequence=sequence,
        facility=place.facility,
        sales_point=place.sales_point,
        operator=request.actor,
        currency=place.currency,
        limit_minor=limit_minor,
        buyer=buyer,
        customer=customer,
    )
    return Entry.opening(request, opened)


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What decisions at a till about tabs rest on. `sequences`: last tab by sales point; `book`: internal accounts that
    payments name."""

    counter: Counter
    tabs: Tabs
    sequences: dict[UUID, int]
    offers: Mapping[UUID, Offer]
    book: Book
    companies: frozenset[UUID] = frozenset()
    customers: frozenset[UUID] = frozenset()

    def at(self, request: ChargeTab | PayTab | CloseTab) -> tuple[Place, TabState] | Refused:
        """Return the sales point that asks and the open tab of its facility."""
        place = self.counter.place(request)
        if isinstance(place, Refused):
            return place
        state = self.tabs.open(request.tab)
        if not isinstance(state, Refused) and state.facility != place.facility:
            return refused(Reason.UNKNOWN_TAB, tab=str(request.tab))
        return state if isinstance(state, Refused) else (place, state)


Decided = tuple[TabNow | Refused, tuple[Operation, ...]]


def check_money(payments: Sequence[Payment], due: int, place: Place, book: Book) -> Refused | None:
    """Return why payments cannot be taken for what is due, or None. A named account must cover its payment."""
    refusal = check_payments(payments, due, place.currency)
    if refusal is not None:
        return refusal
    for n, payment in enumerate(payments):
        if payment.kind == "on_account" and place.kind != "partner":
            return bad_values({f"payments[{n}].kind": "on account is sold at partners' sales points only"})
        if payment.kind == "stored_money":
            return bad_values({f"payments[{n}].kind": "the money on a card pays sales, not tabs"})
        if payment.account is None:
            continue
        if payment.account not in book or book[payment.account].unit != place.currency:
            return bad_values({f"payments[{n}].account": f"is no account in {place.currency}"})
        drawn = Transfer(
            source=payment.account, target=tab_account(payment.account, "-"), amount=payment.amount, unit=place.currency
        )
        if refusal := book.take([drawn]):
            return refusal
    return None


def decide_open_tab(request: OpenTab, desk: Desk) -> Decided:
    """Open a tab. Refuses an unknown buyer or customer, and payments that cannot be taken."""
    place = desk.counter.place(request)
    if isinstance(place, Refused):
        return place, ()
    shift = desk.counter.shift(request, place, {payment.kind for payment in request.payments})
    if isinstance(shift, Refused):
        return shift, ()
    problems = who_problems(request.buyer, request.customer, desk)
    if not 0 <= request.limit_minor <= MAX_AMOUNT:
        problems["limit_minor"] = f"must be 0 to {MAX_AMOUNT} minor units"
    if problems:
        return bad_values(problems), ()
    refusal = check_money(request.payments, sum(p.amount for p in request.payments), place, desk.book)
    if refusal is not None:
        return refusal, ()
    entry = open_tab(
        request,
        place,
        desk.sequences,
        limit_minor=request.limit_minor,
        buyer=request.buyer,
        customer=request.customer,
    )
    entry.pay(request.payments, place, shift)
    return _done(desk, entry, change=change(request.payments))


def who_problems(buyer: UUID | None, customer: UUID | None, desk: Desk) -> dict[str, str]:
    """Return what is wrong with whom a tab names."""
    problems = {}
    if buyer is not None and buyer not in desk.companies:
        problems["buyer"] = "is not known"
    if customer is not None and customer not in desk.customers:
        problems["customer"] = "is not known"
    return problems


def decide_charge_tab(request: ChargeTab, desk: Desk) -> Decided:
    """Charge goods and services. Needs no shift: no money changes hands (SPEC S6)."""
    found = desk.at(request)
    if isinstance(found, Refused):
        return found, ()
    place, state = found
    entry = Entry(request, state)
    refusal = charge_goods(entry, request.lines, request.extras, place, desk.offers)
    return (refusal, ()) if refusal is not None else _done(desk, entry)


def charge_goods(
    entry: Entry, lines: Sequence[SaleLine], extras: Sequence[Extra], place: Place, offers: Mapping[UUID, Offer]
) -> Refused | None:
    """Charge goods of the price list and extras, all or none; return why not."""
    if not lines and not extras:
        return refused(Reason.EMPTY_SALE)
    problems = {}
    for n, extra in enumerate(extras):
        if not 0 < len(extra.code) <= 64:
            problems[f"extras[{n}].code"] = "must have 1 to 64 characters"
        if not 0 < extra.quantity <= MAX_QUANTITY:
            problems[f"extras[{n}].quantity"] = f"must be 1 to {MAX_QUANTITY}"
        if not 0 <= extra.unit_price <= MAX_AMOUNT:
            problems[f"extras[{n}].unit_price"] = f"must be 0 to {MAX_AMOUNT} minor units"
        if not 0 <= extra.vat_bp <= 10_000:
            problems[f"extras[{n}].vat_bp"] = "must be 0 to 10000 basis points"
    if problems:
        return bad_values(problems)
    priced = []
    for line in lines:
        position = price(line, offers.get(line.product), place.facility, entry.request.at)
        if isinstance(position, Refused):
            return position
        if position.product.kind != "goods" or not place.terms.allows(position.product.code):
            return refused(Reason.NOT_ON_SALE, product=position.product.code)
        priced.append(position)
    for position in priced:
        product = position.product
        entry.charge(
            product.code,
            product.id,
            amount=position.amount,
            vat=position.vat,
            vat_bp=product.vat_bp,
            sales_point=place.sales_point,
            category=position.line.category,
            quantity=position.line.quantity,
        )
    for extra in extras:
        amount = extra.unit_price * extra.quantity
        entry.charge(
            extra.code,
            place.sales_point,
            amount=amount,
            vat=vat_included(amount, extra.vat_bp),
            vat_bp=extra.vat_bp,
            sales_point=place.sales_point,
            quantity=extra.quantity,
        )
    return None


def decide_pay_tab(request: PayTab, desk: Desk) -> Decided:
    """Pay on a tab, in advance or what is owed."""
    found = desk.at(request)
    if isinstance(found, Refused):
        return found, ()
    place, state = found
    shift = desk.counter.shift(request, place, {payment.kind for payment in request.payments})
    if isinstance(shift, Refused):
        return shift, ()
    refusal = check_money(request.payments, sum(p.amount for p in request.payments), place, desk.book)
    if refusal is not None:
        return refusal, ()
    entry = Entry(request, state)
    entry.pay(request.payments, place, shift)
    return _done(desk, entry, change=change(request.payments))


def decide_close_tab(request: CloseTab, desk: Desk, people_inside: int) -> Decided:
    """Close a tab with its document. Refuses while stays of it go on, and payments that are not what is owed."""
    found = desk.at(request)
    if isinstance(found, Refused):
        return found, ()
    place, state = found
    if people_inside:
        return refused(Reason.PEOPLE_INSIDE, people=people_inside), ()
    kinds: set[PaidWith] = {payment.kind for payment in request.payments}
    shift = desk.counter.shift(request, place, kinds | ({request.refund_kind} if state.balance > 0 else set()))
    if isinstance(shift, Refused):
        return shift, ()
    refusal = check_money(request.payments, max(0, -state.balance), place, desk.book)
    if refusal is not None:
        return refusal, ()
    entry, refund = Entry(request, state), max(0, state.balance)
    entry.pay(request.payments, place, shift)
    refund = entry.pay_back(request.refund_kind, refund, request.account, place, shift)
    entry.close()
    bill = entry.bill(desk.counter, place, request.actor)
    return _done(desk, entry, bill, change=change(request.payments), refund=refund)


def _done(desk: Desk, entry: Entry, bill: TabBilled | None = None, *, change: int = 0, refund: int = 0) -> Decided:
    desk.tabs.put(entry)
    operations: tuple[Operation, ...] = (TabChanged(change=entry.change()), *((bill,) if bill else ()))
    return tab_now(entry.state, bill, change=change, refund=refund), operations


def tab_now(state: TabState, bill: TabBilled | None = None, *, change: int = 0, refund: int = 0) -> TabNow:
    """Return the answer that tells of a tab."""
    return TabNow(
        tab=state.id,
        number=state.number,
        balance=state.balance,
        currency=state.currency,
        change=change,
        refund=refund,
        closed=state.closed,
        order=bill.order if bill else None,
        document=bill.number if bill else None,
    )
