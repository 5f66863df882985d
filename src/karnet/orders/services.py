"""The till: shifts, sales, top-ups, returns, replaced cards, invoices.

Every service takes a batch and answers each request exactly once, in a fixed handful of statements. Locks, in this
order: shift, sequences of numbers, order, medium, account.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from karnet.accounts.rules import Balance, Book
from karnet.accounts.selectors import balances, payable
from karnet.accounts.selectors import lock as lock_accounts
from karnet.catalogue.selectors import product_versions
from karnet.entitlements import selectors as entitlements
from karnet.entitlements.requests import ReplacementIssued
from karnet.entitlements.rules import Held
from karnet.entitlements.services import already_issued
from karnet.journal.projection import Conflict
from karnet.journal.transaction import Asked, Outcome, Transaction, conflict, transact
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import local_day
from karnet.orders import projection, selectors
from karnet.orders.charging import purse
from karnet.orders.requests import CashInDrawer as CashInDrawer
from karnet.orders.requests import CloseShift as CloseShift
from karnet.orders.requests import GiveBack as GiveBack
from karnet.orders.requests import InvoiceIssued as InvoiceIssued
from karnet.orders.requests import IssueInvoice as IssueInvoice
from karnet.orders.requests import MoveCash as MoveCash
from karnet.orders.requests import OpenShift as OpenShift
from karnet.orders.requests import ReplaceCard as ReplaceCard
from karnet.orders.requests import Sale as Sale
from karnet.orders.requests import Sell as Sell
from karnet.orders.requests import SetTerms as SetTerms
from karnet.orders.requests import ShiftCounted as ShiftCounted
from karnet.orders.requests import ShiftOpen as ShiftOpen
from karnet.orders.requests import TakenBack as TakenBack
from karnet.orders.requests import TermsHold as TermsHold
from karnet.orders.requests import TopUp as TopUp
from karnet.orders.rules.counter import Counter, RunningShift
from karnet.orders.rules.invoicing import decide_invoice
from karnet.orders.rules.pricing import Offer, drawer
from karnet.orders.rules.returning import Orders, decide_give_back, decide_replace_card
from karnet.orders.rules.selling import as_sale, decide_sale
from karnet.orders.rules.shifts import Roster, decide_close, decide_move_cash, decide_open
from karnet.orders.rules.terms import decide_terms
from karnet.parties.people import known_customers
from karnet.parties.selectors import companies, operators


def open_shifts(requests: Sequence[OpenShift]) -> list[ShiftOpen | Refused]:
    """Open shifts. Guarantees: a sales point and an operator have at most one running each, whoever races."""
    return transact(requests, _open_shifts, answers=ShiftOpen, refuse=_shift_taken)


def _open_shifts(tx: Transaction[OpenShift, ShiftOpen]) -> None:
    points, operators = {r.sales_point for r in tx.fresh}, {r.actor for r in tx.fresh}
    # Whoever closes one of these shifts now is waited for; then it counts as closed.
    counter = selectors.counter(points, operators)
    roster = Roster(*selectors.last_shifts(points, operators))
    for request in tx.fresh:
        tx.record([Outcome(request, *decide_open(request, counter, roster))])


def _shift_taken(request: Asked, error: Exception) -> Refused:
    if isinstance(error, Conflict) and error.form is projection.SHIFT:
        return refused(Reason.SHIFT_OPEN)
    return conflict(request, error)


def close_shifts(requests: Sequence[CloseShift]) -> list[ShiftCounted | Refused]:
    """Close shifts with their cash counts. Locks the shifts alone: a sale is in the count or in the next shift."""
    return transact(requests, _close_shifts, answers=ShiftCounted)


def _close_shifts(tx: Transaction[CloseShift, ShiftCounted]) -> None:
    selectors.lock_shifts("id = ANY(%s)", list({r.shift for r in tx.fresh}), "NO KEY UPDATE")
    running = selectors.running_shifts_by_id({r.shift for r in tx.fresh})
    cashiers = operators({r.actor for r in tx.fresh})
    held = _drawers(running.values())
    for request in tx.fresh:
        # Taken out as it is closed, so that a second request of the batch finds it closed.
        shift, actor = running.get(request.shift), cashiers.get(request.actor)
        balance = held[shift.id].balance if shift else 0
        answer, operations = decide_close(request, shift, actor.facility if actor else None, balance)
        if operations:
            del running[request.shift]
        tx.record([Outcome(request, answer, operations)])


def move_cash(requests: Sequence[MoveCash]) -> list[CashInDrawer | Refused]:
    """Put cash into drawers and take it out. Guarantees: nothing moves in a shift that is closed; the drawer never owes.

    Locks the shifts alone, as closing them does: what is moved is in the count.
    """
    return transact(requests, _move_cash, answers=CashInDrawer)


def _move_cash(tx: Transaction[MoveCash, CashInDrawer]) -> None:
    selectors.lock_shifts("id = ANY(%s)", list({r.shift for r in tx.fresh}), "NO KEY UPDATE")
    running = selectors.running_shifts_by_id({r.shift for r in tx.fresh})
    cashiers = operators({r.actor for r in tx.fresh})
    held = {shift: found.balance for shift, found in _drawers(running.values()).items()}
    for request in tx.fresh:
        shift, actor = running.get(request.shift), cashiers.get(request.actor)
        balance = held[request.shift] if shift else 0
        answer, operations = decide_move_cash(request, shift, actor.facility if actor else None, balance)
        if operations:
            held[request.shift] -= request.amount
        tx.record([Outcome(request, answer, operations)])


def _drawers(shifts: Collection[RunningShift]) -> dict[UUID, Balance]:
    accounts = {shift.id: drawer(shift.id, shift.currency) for shift in shifts}
    held = balances(accounts.values())
    return {shift: held[account] for shift, account in accounts.items()}


def set_terms(requests: Sequence[SetTerms]) -> list[TermsHold | Refused]:
    """Say what sales points may sell. Sales decided afterwards keep to it, at the till and over the API alike.

    Locks the sequences of the sales points, as sales do: a sale is decided before the terms or after them.
    """
    return transact(requests, _set_terms, answers=TermsHold)


def _set_terms(tx: Transaction[SetTerms, TermsHold]) -> None:
    points = {request.sales_point for request in tx.fresh}
    selectors.lock_sequences([("sale", point) for point in points])
    places = selectors.places(points)
    tx.record([Outcome(request, *decide_terms(request, places.get(request.sales_point))) for request in tx.fresh])


def sell(requests: Sequence[Sell]) -> list[Sale | Refused]:
    """Sell (SPEC N1, N7, N8, N15). A sale with its media, entitlements, deposits and transfers is one operation.

    Guarantees: every transfer of a sale together is its total and its deposits, to the minor unit; a medium is issued
    to one visitor however many tills try; numbers of a sales point and of a facility's invoices have no gaps.
    Locks shifts (shared), sequences, media.
    """
    return transact(requests, decide_sales, answers=Sale, refuse=already_issued)


def decide_sales(tx: Transaction[Sell, Sale]) -> None:
    """Decide sales inside a transaction that a slice above has opened, to record more with them (a right used)."""
    points = {request.sales_point for request in tx.fresh}
    counter = selectors.counter(points, {request.actor for request in tx.fresh})
    years = {
        (place.facility, local_day(request.at, place.time_zone).year)
        for request in tx.fresh
        if request.invoice and (place := counter.places.get(request.sales_point))
    }
    _draw_numbers(counter, points, years)
    selectors.read_terms(counter, {request.at for request in tx.fresh})
    cards = [card for request in tx.fresh for line in request.lines for card in line.cards]
    paying = {payment.medium for request in tx.fresh for payment in request.payments if payment.medium is not None}
    desk = entitlements.lock_desk(
        paying, {(card.number, card.chip or card.number if card.issue else card.number) for card in cards}
    )
    money = purse(desk, {request.at for request in tx.fresh}) if paying else None
    offers = _offers({line.product for request in tx.fresh for line in request.lines})
    buyers = {request.buyer for request in tx.fresh if request.buyer}
    known = set(companies(buyers)) if buyers else set()
    people = {person for request in tx.fresh for person in request.people}
    customers = known_customers(people) if people else set()
    book = _book(payment.account for request in tx.fresh for payment in request.payments)
    for request in tx.fresh:
        tx.record([Outcome(request, *decide_sale(request, counter, desk, offers, known, book, customers, money))])


def _draw_numbers(counter: Counter, points: Iterable[UUID], years: set[tuple[UUID, int]]) -> None:
    """Lock sequences and read their last numbers. An unattended sales point is not held by its shift, so this is what
    keeps two sales of it from drawing one number."""
    points = list(points)
    selectors.lock_sequences([*(("sale", point) for point in points), *(("invoice", *year) for year in years)])
    counter.sequences.update(selectors.last_numbers(points) if points else {})
    counter.invoices.update(selectors.last_invoices(years) if years else {})


def _offers(ids: set[UUID]) -> dict[UUID, Offer]:
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


def _book(accounts: Iterable[UUID | None]) -> Book:
    named = {account for account in accounts if account is not None}
    if named:
        lock_accounts(named)
    return Book(payable(named) if named else {})


def top_up(requests: Sequence[TopUp]) -> list[Sale | Refused]:
    """Sell one more ticket onto each medium, by its printed number (SPEC N12): as `sell`."""
    return sell([as_sale(request) for request in requests])


def give_back(requests: Sequence[GiveBack]) -> list[TakenBack | Refused]:
    """Return lines and hand in cards (SPEC N3). Guarantees: a line is refunded once and a deposit paid once, whoever
    races. Locks shifts (shared), orders, media."""
    return transact(requests, _give_back, answers=TakenBack, refuse=_given_back_already)


def _give_back(tx: Transaction[GiveBack, TakenBack]) -> None:
    counter = selectors.counter({r.sales_point for r in tx.fresh}, {r.actor for r in tx.fresh})
    ids = {request.order for request in tx.fresh if request.order}
    selectors.lock_orders(ids)
    sold = selectors.sold_orders(ids)
    tickets = {line.entitlement for order in sold.values() for line in order.lines if line.entitlement}
    cards = [(number, number) for request in tx.fresh for number in (*request.cards, request.to_card) if number]
    holders = {holding.medium for holding in entitlements.entitlements(tickets).values()}
    holders |= {paid.medium for order in sold.values() for paid in order.paid if paid.medium is not None}
    desk = entitlements.lock_desk(holders, cards)
    holdings = entitlements.entitlements(tickets)
    while not {holding.medium for holding in holdings.values()} <= set(desk.media):
        # A ticket was moved to another card while we waited for its lock: lock that one too, and look again.
        holders |= {holding.medium for holding in holdings.values()}
        desk = entitlements.lock_desk(holders, cards)
        holdings = entitlements.entitlements(tickets)
    held = Held({}, entitlements.open_deposits(desk.media))
    orders = Orders(sold, holdings)
    for request in tx.fresh:
        tx.record([Outcome(request, *decide_give_back(request, counter, desk, held, orders))])


def _given_back_already(request: Asked, error: Exception) -> Refused:
    if isinstance(error, Conflict) and error.form is projection.LINE_BACK:
        return refused(Reason.ALREADY_RETURNED)
    return conflict(request, error)


def replace_cards(requests: Sequence[ReplaceCard]) -> list[ReplacementIssued | Refused]:
    """Replace lost or broken cards at a till, by default for a new deposit; else as `entitlements.services.replace`.

    Locks shifts (shared), then both media.
    """
    return transact(requests, _replace_cards, answers=ReplacementIssued, refuse=already_issued)


def _replace_cards(tx: Transaction[ReplaceCard, ReplacementIssued]) -> None:
    counter = selectors.counter({r.sales_point for r in tx.fresh}, {r.actor for r in tx.fresh})
    desk = entitlements.lock_desk(
        {r.old for r in tx.fresh}, [(r.new_number, r.new_chip or r.new_number) for r in tx.fresh]
    )
    held = Held(
        entitlements.holdings(desk.media), entitlements.open_deposits(desk.media), entitlements.open_money(desk.media)
    )
    for request in tx.fresh:
        decided = decide_replace_card(request, counter, desk, held)
        if isinstance(decided, Refused):
            tx.record([Outcome(request, decided)])
            continue
        deposit, replaced = decided
        moved = tuple(part.id for part in replaced.moved)
        answer = ReplacementIssued(medium=replaced.new.id, entitlements=moved, deposit=deposit)
        tx.record([Outcome(request, answer, (replaced,))])


def issue_invoices(requests: Sequence[IssueInvoice]) -> list[InvoiceIssued | Refused]:
    """Issue invoices for orders. Guarantees: numbers have no gaps per facility and year; an order gets one invoice.

    Locks sequences, then orders.
    """
    return transact(requests, _issue_invoices, answers=InvoiceIssued)


def _issue_invoices(tx: Transaction[IssueInvoice, InvoiceIssued]) -> None:
    counter = selectors.counter((), {request.actor for request in tx.fresh})
    ids = {request.order for request in tx.fresh}
    known = selectors.billable_orders(ids)
    years = {
        (order.facility, local_day(request.at, order.time_zone).year)
        for request in tx.fresh
        if (order := known.get(request.order))
    }
    _draw_numbers(counter, (), years)
    selectors.lock_orders(ids)
    # Again, now that the orders are held: another till may have issued an invoice meanwhile.
    orders = selectors.billable_orders(ids)
    buyers = {request.buyer for request in tx.fresh} | {order.buyer for order in orders.values()}
    buyers_known = set(companies({buyer for buyer in buyers if buyer}))
    for request in tx.fresh:
        tx.record([Outcome(request, *decide_invoice(request, counter, orders, buyers_known))])
