"""Refunds across servers: paying out here what another server sold, and reading who owes whom for what.

Lock order as in `orders`: shift, order, then media.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from django.db import transaction

from karnet.accounts.selectors import card_terms
from karnet.entitlements import selectors as entitlements
from karnet.entitlements.rules import Held
from karnet.journal.projection import CLAIM, Conflict
from karnet.journal.requests import Outcome
from karnet.journal.transaction import Transaction, conflict, transact
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.orders import selectors
from karnet.orders.operations import RefundRefused
from karnet.orders.requests import PayOut, TakenBack
from karnet.orders.rules.elsewhere import Elsewhere, LineSold
from karnet.orders.rules.paying_out import decide_pay_out
from karnet.orders.selectors import rows


def pay_out(requests: Sequence[PayOut]) -> list[TakenBack | Refused]:
    """Pay refunds out for sales of other servers. Guarantees: a refund is paid out once, whoever races; what is paid
    without the home server's word stays within the agreement's limit for one card. Locks shifts (shared), orders, media.
    """
    return transact(requests, _pay_out, answers=TakenBack, refuse=_paid_already)


def _pay_out(tx: Transaction[PayOut, TakenBack]) -> None:
    counter = selectors.counter({r.sales_point for r in tx.fresh}, {r.actor for r in tx.fresh})
    alone = [request for request in tx.fresh if request.amount is None]
    orders = {request.order for request in alone}
    selectors.lock_orders({request.order for request in tx.fresh})
    sold = selectors.sold_orders(orders) if orders else {}
    tickets = {line.entitlement for order in sold.values() for line in order.lines if line.entitlement}
    cards = [(number, number) for request in tx.fresh for number in request.cards]
    holders = {holding.medium for holding in entitlements.entitlements(tickets).values()} if tickets else set()
    desk = entitlements.lock_desk(holders, cards)
    holdings = entitlements.entitlements(tickets) if tickets else {}
    held = Held({}, entitlements.open_deposits(desk.media))
    done = {paid.refund for paid in paid_refunds([request.refund for request in tx.fresh])}
    done |= paid_lines({request.order for request in tx.fresh})
    terms = card_terms([request.at for request in alone]) if alone else []
    paid = paid_alone({holding.medium for holding in holdings.values()})
    for request in tx.fresh:
        order = sold.get(request.order)
        known = None
        if order is not None and order.away is not None:
            known = Elsewhere(
                home=order.facility,
                code=order.away,
                sold=tuple(
                    LineSold(
                        id=line.id,
                        amount=line.amount,
                        holding=holdings.get(line.entitlement) if line.entitlement else None,
                        back=line.back,
                    )
                    for line in order.lines
                ),
                paid=paid,
                terms=terms,
                from_cards=bool(order.paid),
            )
        answer, operations = decide_pay_out(request, counter, desk, held, known, done)
        for operation in operations:
            done |= {request.refund, *request.lines}
            if operation.paid is not None and operation.paid.medium is not None:
                paid[operation.paid.medium] = paid.get(operation.paid.medium, 0) + operation.paid.amount
        tx.record([Outcome(request, answer, operations)])


def may_pay_out(request: PayOut) -> Refused | None:
    """Return why this till could not pay a refund out, whatever the home server says; None where it can. Asked before
    the home server is: what it lets be paid out must find a drawer. Records nothing."""
    with transaction.atomic():
        counter = selectors.counter({request.sales_point}, {request.actor})
        desk = entitlements.lock_desk((), [(number, number) for number in request.cards])
        held = Held({}, entitlements.open_deposits(desk.media))
        trial = msgspec.structs.replace(request, amount=0)
        answer, _ = decide_pay_out(trial, counter, desk, held, None, paid_lines([request.order]))
    return answer if isinstance(answer, Refused) else None


def _paid_already(request: PayOut, error: Exception) -> Refused:
    if isinstance(error, Conflict) and error.form is CLAIM:
        return refused(Reason.ALREADY_RETURNED, order=str(request.order))
    return conflict(request, error)


class RefuseRefund(msgspec.Struct, frozen=True, kw_only=True):
    """Say that this server does not stand for a refund of its sale that another paid out alone, and why."""

    key: str
    at: datetime
    actor: UUID
    refund: UUID
    order: UUID
    facility: UUID
    payer: UUID
    reason: str


class RefundIsRefused(msgspec.Struct, frozen=True, kw_only=True, tag="refund_refused"):
    """The refund that is not stood for."""

    refund: UUID


def refuse_refunds(requests: Sequence[RefuseRefund]) -> list[RefundIsRefused | Refused]:
    """Record that refunds paid out alone are not stood for: both partners see it, and settlement goes by it."""
    return transact(requests, _refuse_refunds, answers=RefundIsRefused)


def _refuse_refunds(tx: Transaction[RefuseRefund, RefundIsRefused]) -> None:
    for request in tx.fresh:
        said = RefundRefused(
            refund=request.refund,
            order=request.order,
            facility=request.facility,
            payer=request.payer,
            reason=request.reason,
        )
        tx.record([Outcome(request, RefundIsRefused(refund=request.refund), (said,))])


class Paid(msgspec.Struct, frozen=True, kw_only=True):
    """A refund paid out by `facility` for a sale of `home`, minor units. `alone`: without the home server's word."""

    refund: UUID
    order: UUID
    lines: tuple[UUID, ...]
    facility: UUID
    home: UUID
    currency: str
    amount: int
    alone: bool
    at: datetime


_PAID = 'p.refund, p."order", p.lines, p.facility_id, p.home_id, p.currency, p.amount, p.alone, p.at'


def paid_refunds(refunds: Collection[UUID]) -> list[Paid]:
    """Return those of these refunds that were paid out."""
    return [
        _paid(row)
        for row in rows(f"SELECT {_PAID} FROM orders_refund_paid p WHERE p.refund = ANY(%s)", [list(refunds)])
    ]


def _paid(row: tuple[object, ...]) -> Paid:
    refund, order, lines, *rest = row
    named = tuple(UUID(line) for line in str(lines).split())
    return Paid(refund=refund, order=order, lines=named, **dict(zip(_REST, rest, strict=True)))  # type: ignore[arg-type]


_REST = ("facility", "home", "currency", "amount", "alone", "at")


def paid_out(refund: UUID) -> TakenBack | None:
    """Return how a refund was paid out here, None where it was not: a repeat is told the same."""
    found = rows(
        "SELECT g.id, g.refund, g.deposit, p.lines FROM orders_refund_paid p JOIN orders_given_back g"
        " ON g.number = p.number WHERE p.refund = %s AND p.origin = 1",
        [refund],
    )
    if not found:
        return None
    ((id_, amount, deposit, lines),) = found
    return TakenBack(
        id=id_, refund=amount, deposit=deposit, vat=0, lines=tuple(UUID(line) for line in lines.split())
    )  # fmt: skip


def paid_lines(order_ids: Collection[UUID]) -> set[UUID]:
    """Return the lines of orders for which money was paid out at another facility than the one that sold."""
    found = rows('SELECT lines FROM orders_refund_paid WHERE "order" = ANY(%s)', [list(order_ids)])
    return {UUID(line) for (lines,) in found for line in lines.split()}


def paid_alone(media: Collection[UUID]) -> dict[UUID, int]:
    """Return what was paid out without the home server's word for each of these cards, minor units."""
    return dict(
        rows(
            "SELECT medium, sum(amount)::bigint FROM orders_refund_paid WHERE alone AND medium = ANY(%s) GROUP BY medium",
            [list(media)],
        )
    )


def unanswered_payouts(limit: int = 100) -> list[Paid]:
    """Return the refunds that others paid out alone for sales of this server, and that it has not answered yet."""
    return [
        _paid(row)
        for row in rows(
            f'SELECT {_PAID} FROM orders_refund_paid p JOIN orders_order o ON o.id = p."order" AND o.origin = 1'
            " AND o.facility_id = p.home_id WHERE p.alone"
            " AND NOT EXISTS (SELECT FROM orders_refund_owed w WHERE w.refund = p.refund AND w.origin = 1)"
            " AND NOT EXISTS (SELECT FROM orders_refund_refused r WHERE r.refund = p.refund AND r.origin = 1)"
            " ORDER BY p.at, p.refund LIMIT %s",
            [limit],
        )
    ]


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """A refund that `facility` lets `payer` pay out, minor units; `paid`: it was paid out. `lines`: what came back."""

    refund: UUID
    order: UUID
    lines: tuple[UUID, ...]
    facility: UUID
    payer: UUID
    currency: str
    amount: int
    at: datetime
    paid: bool


_OWED = (
    'SELECT w.refund, w."order", ARRAY(SELECT b.line_id FROM orders_line_back b JOIN orders_given_back g'
    ' ON g.id = b.given_back WHERE g."order" = w."order" AND g.number = w.number ORDER BY b.line_id), w.facility_id,'
    " w.payer_id, w.currency, w.amount, w.at, EXISTS (SELECT FROM orders_refund_paid p WHERE p.refund = w.refund"
    " AND p.facility_id = w.payer_id) FROM orders_refund_owed w"
)


def _owed(where: str, parameters: list[object]) -> list[Owed]:
    return [
        Owed(
            refund=row[0], order=row[1], lines=tuple(row[2]), facility=row[3], payer=row[4], currency=row[5],
            amount=row[6], at=row[7], paid=row[8],
        )
        for row in rows(f"{_OWED} {where}", parameters)
    ]  # fmt: skip


def refunds_of(order: UUID) -> list[Owed]:
    """Return the refunds of an order that its server lets others pay out, the earliest first."""
    return _owed('WHERE w."order" = %s ORDER BY w.at, w.refund', [order])


def unpaid_refunds(limit: int = 50) -> list[Owed]:
    """Return the refunds that were let and that nobody has paid out yet, the latest first."""
    return _owed(
        "WHERE NOT EXISTS (SELECT FROM orders_refund_paid p WHERE p.refund = w.refund AND p.facility_id = w.payer_id)"
        " ORDER BY w.at DESC, w.refund LIMIT %s",
        [limit],
    )


class Disputed(msgspec.Struct, frozen=True, kw_only=True):
    """A refund that `payer` paid out alone and `facility`, which sold, does not stand for: why, and who did what."""

    refund: UUID
    document: str
    facility: UUID
    payer: UUID
    currency: str
    amount: int
    reason: str
    at: datetime
    operations: tuple[UUID, ...]


def disputed_refunds(limit: int = 50) -> list[Disputed]:
    """Return the refunds paid out alone that the home server does not stand for, the latest first: conflicts (N14)."""
    return [
        Disputed(
            refund=row[0], document=row[1], facility=row[2], payer=row[3], currency=row[4], amount=row[5],
            reason=row[6], at=row[7], operations=tuple(row[8]),
        )
        for row in rows(
            "SELECT r.refund, o.document, r.facility_id, r.payer_id, p.currency, p.amount, r.reason, r.at,"
            " ARRAY(SELECT j.id FROM journal_operation j WHERE j.number IN (p.number, r.number) ORDER BY j.id)"
            ' FROM orders_refund_refused r JOIN orders_refund_paid p ON p.refund = r.refund AND p.facility_id = r.payer_id'
            ' JOIN orders_order o ON o.id = r."order" AND o.facility_id = r.facility_id'
            " ORDER BY r.at DESC, r.refund LIMIT %s",
            [limit],
        )
    ]  # fmt: skip
