"""Reading orders. Set-based: one statement however many things are asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import nullcontext
from datetime import date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection, transaction

from karnet.journal.flight import in_one_flight
from karnet.kernel.time import day_end, day_start, local_day
from karnet.orders.operations import PaymentKind
from karnet.orders.rules.counter import Counter, Place, RunningShift, Terms
from karnet.orders.rules.invoicing import Billable
from karnet.orders.rules.putting_back import Paid
from karnet.orders.rules.returning import SoldLine, SoldOrder
from karnet.orders.rules.shifts import LastShift
from karnet.parties import selectors as parties


def rows(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run a query and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def rows_at_once(*queries: tuple[str, Sequence[Any]]) -> list[list[tuple[Any, ...]]]:
    """Run queries in one flight and return the rows of each: one round trip for all of them."""
    # A flight is part of a transaction; where nothing is decided, it is one of its own.
    around = nullcontext() if connection.in_atomic_block else transaction.atomic()
    with around, in_one_flight(connection) as send:
        landed = [send(sql, list(parameters)) for sql, parameters in queries]
    return [list(one.rows()) for one in landed]


def places(sales_points: Collection[UUID]) -> dict[UUID, Place]:
    """Return sales points with what their facilities decide; unknown ids are left out."""
    found = parties.sales_points(sales_points)
    facilities = parties.facilities({point.facility for point in found.values()})
    return {
        point.id: Place(
            sales_point=point.id,
            code=point.code,
            kind=point.kind,
            facility=point.facility,
            facility_code=facilities[point.facility].code,
            currency=facilities[point.facility].currency,
            time_zone=facilities[point.facility].time_zone,
            service=point.operator,
            retired_at=min(filter(None, (point.retired_at, facilities[point.facility].retired_at)), default=None),
        )
        for point in found.values()
    }


def counter(sales_points: Collection[UUID], operators: Collection[UUID]) -> Counter:
    """Lock the running shifts of sales points (shared, so that none closes meanwhile) and return the counter."""
    lock_shifts("sales_point_id = ANY(%s) AND closed_at IS NULL", list(sales_points), "SHARE")
    return Counter(
        places=places(sales_points),
        operators={operator.id: operator.facility for operator in parties.operators(operators).values()},
        shifts=running_shifts(sales_points),
    )


def terms(sales_points: Collection[UUID]) -> dict[UUID, Terms]:
    """Return the terms of sales points; one that has none is left out: it may sell everything."""
    found = rows(
        "SELECT DISTINCT ON (sales_point_id) sales_point_id, products, limit_minor FROM orders_terms"
        " WHERE sales_point_id = ANY(%s) ORDER BY sales_point_id, at DESC, origin DESC, number DESC",
        [list(sales_points)],
    )
    return {
        point: Terms(products=None if codes is None else frozenset(codes.split()), limit_minor=limit)
        for point, codes, limit in found
    }


def sold_on(sales_point: UUID, day: date, time_zone: str) -> int:
    """Return what a sales point sold on a local day: lines and card deposits, what it put on cards, and what it charged to
    tabs that others opened, minor units; returns not deducted."""
    since, until = day_start(day, time_zone), day_end(day, time_zone)
    found = rows(
        "SELECT (SELECT coalesce(sum(total + deposit), 0) FROM orders_order"
        " WHERE sales_point_id = %s AND at >= %s AND at < %s)::bigint"
        " + (SELECT coalesce(sum(money + bonus), 0) FROM accounts_load"
        " WHERE sales_point = %s AND at >= %s AND at < %s)::bigint"
        " + (SELECT coalesce(sum(l.amount), 0) FROM orders_tab_line l JOIN orders_tab t ON t.id = l.tab"
        " WHERE l.sales_point = %s AND l.stay IS NULL AND l.at >= %s AND l.at < %s"
        " AND t.sales_point_id <> l.sales_point)::bigint",
        [sales_point, since, until] * 3,
    )
    return int(found[0][0])


def read_terms(counter: Counter, instants: Collection[datetime]) -> None:
    """Give the counter the terms of its sales points and what they sold on the days of these instants, where limited.

    Whoever sells holds the sales points' sequences by now, so nobody sells there meanwhile.
    """
    found = terms(counter.places)
    for point, held in found.items():
        place = counter.places[point] = msgspec.structs.replace(counter.places[point], terms=held)
        if held.limit_minor is not None:
            for day in {local_day(at, place.time_zone) for at in instants}:
                counter.spent[point, day] = sold_on(point, day, place.time_zone)


def lock_shifts(where: str, ids: list[UUID], strength: str) -> None:
    """Lock shifts in the order of their ids; "SHARE" to sell in one, "NO KEY UPDATE" to close it."""
    rows(f"SELECT 1 FROM orders_shift WHERE {where} ORDER BY id FOR {strength}", [ids])


_RUNNING = "SELECT id, sales_point_id, operator_id, facility_id, currency, float_minor, at FROM orders_shift"


def running_shifts(sales_points: Collection[UUID]) -> dict[UUID, RunningShift]:
    """Return the shift that runs at each sales point, where one does."""
    found = rows(f"{_RUNNING} WHERE sales_point_id = ANY(%s) AND closed_at IS NULL", [list(sales_points)])
    return {shift.sales_point: shift for shift in map(_shift, found)}


def running_shifts_by_id(ids: Collection[UUID]) -> dict[UUID, RunningShift]:
    """Return the shifts of these ids that run."""
    found = rows(f"{_RUNNING} WHERE id = ANY(%s) AND closed_at IS NULL", [list(ids)])
    return {shift.id: shift for shift in map(_shift, found)}


def _shift(row: tuple[Any, ...]) -> RunningShift:
    return RunningShift(
        id=row[0], sales_point=row[1], operator=row[2], facility=row[3], currency=row[4], float_minor=row[5],
        opened_at=row[6],
    )  # fmt: skip


def last_shifts(
    sales_points: Collection[UUID], operators: Collection[UUID]
) -> tuple[dict[UUID, LastShift], dict[UUID, LastShift]]:
    """Return the latest shifts of sales points and of operators, by id."""
    found = []
    for owner, sequence, ids in (
        ("sales_point_id", "sequence", sales_points),
        ("operator_id", "operator_sequence", operators),
    ):
        latest = rows(
            f"SELECT DISTINCT ON ({owner}) {owner}, {sequence}, closed_at IS NULL FROM orders_shift"
            f" WHERE {owner} = ANY(%s) ORDER BY {owner}, {sequence} DESC",
            [list(ids)],
        )
        found.append({id_: LastShift(sequence=place, running=running) for id_, place, running in latest})
    return found[0], found[1]


def lock_sequences(names: Iterable[tuple[object, ...]]) -> None:
    """Lock sequences of numbers by name until the transaction ends, each in one place of one common order.

    A sequence has no row of its own: its last number is the greatest one used, so nothing drawn in a transaction that
    fails leaves a gap. Read it in the next statement.
    """
    keys = sorted({int.from_bytes(sha256(repr(name).encode()).digest()[:8], "big", signed=True) for name in names})
    rows("SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key", [keys])


def last_numbers(sales_points: Collection[UUID]) -> dict[UUID, int]:
    """Return the place of the last sale of each sales point (0 = none yet). To draw the next, hold its sequence."""
    return dict(
        rows(
            "SELECT p.id, (SELECT coalesce(max(o.sequence), 0) FROM orders_order o WHERE o.sales_point_id = p.id)"
            " FROM unnest(%s::uuid[]) AS p(id)",
            [list(sales_points)],
        )
    )


def last_invoices(years: Collection[tuple[UUID, int]]) -> dict[tuple[UUID, int], int]:
    """Return the last invoice number by (facility, year), 0 = none yet. To draw the next, hold the sequence."""
    asked = list(years)
    return {
        (facility, year): last
        for facility, year, last in rows(
            "SELECT y.facility, y.year, (SELECT coalesce(max(i.sequence), 0) FROM orders_invoice i"
            " WHERE i.facility_id = y.facility AND i.year = y.year)"
            " FROM unnest(%s::uuid[], %s::int[]) AS y(facility, year)",
            [[facility for facility, _ in asked], [year for _, year in asked]],
        )
    }


def lock_orders(ids: Collection[UUID]) -> None:
    """Lock orders in the order of their ids; read them in the next statement."""
    rows("SELECT 1 FROM orders_order WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [list(ids)])


def sold_orders(ids: Collection[UUID]) -> dict[UUID, SoldOrder]:
    """Return orders with their lines and what of them was returned. To return more, hold the orders' locks."""
    facilities: dict[UUID, UUID] = {}
    elsewhere: set[UUID] = set()
    lines: dict[UUID, list[SoldLine]] = {}
    for row in rows(
        "SELECT o.id, o.facility_id, l.id, l.amount, l.vat, l.entitlement, b.line_id IS NOT NULL, o.origin <> 1"
        " FROM orders_order o"
        " JOIN orders_line l ON l.order_id = o.id LEFT JOIN orders_line_back b ON b.line_id = l.id"
        " WHERE o.id = ANY(%s) ORDER BY o.id, l.n",
        [list(ids)],
    ):
        facilities[row[0]] = row[1]
        if row[7]:
            elsewhere.add(row[1])
        line = SoldLine(id=row[2], amount=row[3], vat=row[4], entitlement=row[5], back=row[6])
        lines.setdefault(row[0], []).append(line)
    away = {facility: found.code for facility, found in parties.facilities(elsewhere).items()} if elsewhere else {}
    paid = _paid_by_cards(ids)
    put_back = dict(
        rows(
            'SELECT "order", sum(to_cards)::bigint FROM orders_given_back WHERE "order" = ANY(%s) AND to_cards > 0'
            ' GROUP BY "order"',
            [list(paid)],
        )
        if paid
        else ()
    )
    return {
        order: SoldOrder(
            id=order, facility=facility, lines=tuple(lines[order]), away=away.get(facility),
            paid=tuple(paid.get(order, ())), put_back=put_back.get(order, 0),
        )
        for order, facility in facilities.items()
    }  # fmt: skip


def _paid_by_cards(ids: Collection[UUID]) -> dict[UUID, list[Paid]]:
    """Return what cards and passes paid of orders, in the order in which it goes back: what was drawn last first."""
    found: dict[UUID, list[Paid]] = {}
    for order, medium, kind, account, amount in rows(
        "SELECT charge, medium, kind, NULL::uuid, amount FROM (SELECT charge, n, medium, 'bonus' AS kind, bonus AS amount"
        " FROM accounts_drawn WHERE charge = ANY(%s) UNION ALL SELECT charge, n, medium, 'money', money"
        " FROM accounts_drawn WHERE charge = ANY(%s)) d WHERE amount > 0 ORDER BY charge, kind, n DESC",
        [list(ids), list(ids)],
    ) + rows(
        "SELECT p.order, NULL::uuid, NULL, p.account, p.amount FROM orders_payment p JOIN accounts_account a"
        " ON a.id = p.account WHERE p.order = ANY(%s) AND a.purpose LIKE 'pass:%%' ORDER BY p.order, p.n DESC",
        [list(ids)],
    ):
        found.setdefault(order, []).append(Paid(amount=amount, medium=medium, kind=kind or "money", account=account))
    return found


def billable_orders(ids: Collection[UUID]) -> dict[UUID, Billable]:
    """Return orders as invoicing sees them."""
    found = rows(
        "SELECT o.id, o.facility_id, o.buyer, i.document, o.origin = 1 FROM orders_order o"
        " LEFT JOIN orders_invoice i ON i.order_id = o.id WHERE o.id = ANY(%s)",
        [list(ids)],
    )
    facilities = parties.facilities({row[1] for row in found})
    return {
        order: Billable(
            order=order,
            facility=facility,
            facility_code=facilities[facility].code,
            time_zone=facilities[facility].time_zone,
            buyer=buyer,
            invoice=invoice,
            home=home,
        )
        for order, facility, buyer, invoice, home in found
    }


def order_id(facility: UUID, number: str) -> UUID | None:
    """Return the order that people know by this number, such as "K1-000042"."""
    found = rows("SELECT id FROM orders_order WHERE facility_id = %s AND document = %s", [facility, number])
    return found[0][0] if found else None


def orders_of_customers(customers: Collection[UUID], limit: int = 100) -> dict[UUID, list[UUID]]:
    """Return the last orders of people, at most `limit` each, the latest first, by customer."""
    found: dict[UUID, list[UUID]] = {customer: [] for customer in customers}
    for customer, order in rows(
        "SELECT c.id, o.id FROM unnest(%s::uuid[]) AS c(id) CROSS JOIN LATERAL (SELECT id, at FROM orders_order"
        " WHERE customer = c.id ORDER BY at DESC, id DESC LIMIT %s) o ORDER BY o.at DESC, o.id DESC",
        [list(customers), limit],
    ):
        found[customer].append(order)
    return found


class OrderSummary(msgspec.Struct, frozen=True, kw_only=True):
    """An order at a glance. `paid` by kind; `refunded`: lines returned, deposits aside; minor units."""

    id: UUID
    number: str
    facility: UUID
    sales_point: UUID
    operator: UUID
    at: datetime
    currency: str
    total: int
    vat: int
    deposit: int
    paid: dict[PaymentKind, int]
    refunded: int
    lines: int
    buyer: UUID | None = None
    invoice: str | None = None
    customer: UUID | None = None


def orders(ids: Collection[UUID]) -> dict[UUID, OrderSummary]:
    """Return orders at a glance; unknown ids are left out."""
    found = rows(
        "SELECT o.id, o.document, o.facility_id, o.sales_point_id, o.operator_id, o.at, o.currency, o.total, o.vat,"
        " o.deposit, ARRAY(SELECT p.kind FROM orders_payment p WHERE p.order = o.id ORDER BY p.n),"
        " ARRAY(SELECT p.amount FROM orders_payment p WHERE p.order = o.id ORDER BY p.n),"
        " coalesce((SELECT sum(l.amount) FROM orders_line l JOIN orders_line_back b ON b.line_id = l.id"
        " WHERE l.order_id = o.id), 0)::bigint, (SELECT count(*) FROM orders_line l WHERE l.order_id = o.id), o.buyer,"
        " i.document, o.customer FROM orders_order o LEFT JOIN orders_invoice i ON i.order_id = o.id WHERE o.id = ANY(%s)",
        [list(ids)],
    )
    summaries = {}
    for row in found:
        paid: dict[PaymentKind, int] = {}
        for kind, amount in zip(row[10], row[11], strict=True):
            paid[kind] = paid.get(kind, 0) + amount
        summaries[row[0]] = OrderSummary(
            id=row[0], number=row[1], facility=row[2], sales_point=row[3], operator=row[4], at=row[5],
            currency=row[6], total=row[7], vat=row[8], deposit=row[9], paid=paid, refunded=row[12], lines=row[13],
            buyer=row[14], invoice=row[15], customer=row[16],
        )  # fmt: skip
    return summaries


class Takings(msgspec.Struct, frozen=True, kw_only=True):
    """What a shift took and paid out, by payment kind, and cash moved beside that; minor units. `expected`/`counted`
    once it is closed."""

    shift: UUID
    operator: UUID
    sales_point: UUID
    float_minor: int
    taken: dict[PaymentKind, int]
    paid_out: dict[PaymentKind, int]
    moved_in: int = 0
    moved_out: int = 0
    expected: int | None = None
    counted: int | None = None


def takings(shift: UUID) -> Takings | None:
    """Return a shift's takings, or None for an unknown shift."""
    found = rows(
        "SELECT operator_id, sales_point_id, float_minor, expected, counted FROM orders_shift WHERE id = %s", [shift]
    )
    if not found:
        return None
    taken = rows(
        "SELECT p.kind, sum(p.amount)::bigint FROM orders_payment p JOIN orders_order o ON o.id = p.order"
        " WHERE o.shift = %s GROUP BY p.kind"
        " UNION ALL SELECT kind, sum(amount)::bigint FROM orders_tab_payment WHERE shift = %s AND amount > 0 GROUP BY kind",
        [shift, shift],
    )
    paid_out = rows(
        "SELECT refund_kind, sum(refund - to_cards)::bigint FROM orders_given_back WHERE shift = %s"
        " AND refund > to_cards GROUP BY refund_kind"
        " UNION ALL SELECT kind, -sum(amount)::bigint FROM orders_tab_payment WHERE shift = %s AND amount < 0 GROUP BY kind",
        [shift, shift],
    )
    moved = rows(
        "SELECT coalesce(sum(amount) FILTER (WHERE amount > 0), 0)::bigint,"
        " coalesce(-sum(amount) FILTER (WHERE amount < 0), 0)::bigint FROM orders_cash_movement WHERE shift_id = %s",
        [shift],
    )
    operator, sales_point, float_minor, expected, counted = found[0]
    return Takings(
        shift=shift,
        operator=operator,
        sales_point=sales_point,
        float_minor=float_minor,
        taken=_added(taken),
        paid_out=_added(paid_out),
        moved_in=moved[0][0],
        moved_out=moved[0][1],
        expected=expected,
        counted=counted,
    )


def _added(found: Iterable[tuple[Any, ...]]) -> dict[PaymentKind, int]:
    sums: dict[PaymentKind, int] = {}
    for kind, amount in found:
        sums[kind] = sums.get(kind, 0) + amount
    return sums


def invoiced_to(buyer: UUID) -> bool:
    """Tell whether an invoice was issued to this buyer, a company or a person. Walks the invoices: for rare questions."""
    (row,) = rows("SELECT EXISTS (SELECT FROM orders_invoice WHERE buyer = %s)", [buyer])
    return bool(row[0])
