"""Prices, VAT and the transfers that book a sale: every sum is exact, whatever is sold and however it is paid."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karnet.accounts.operations import house_account
from karnet.accounts.rules import Balance, Book
from karnet.catalogue.operations import Product, Validity
from karnet.entitlements.rules import Desk
from karnet.kernel.money import vat_included
from karnet.kernel.outcomes import Refused
from karnet.orders.operations import Payment, PaymentKind, Sold
from karnet.orders.requests import Card, Sale, SaleLine, Sell
from karnet.orders.rules.counter import Counter as SalesCounter
from karnet.orders.rules.counter import Place, RunningShift
from karnet.orders.rules.pricing import Offer, Position, allocate, change, check_payments, price
from karnet.orders.rules.selling import decide_sale

NORTH, TILL, ANNA, SHIFT = (UUID(int=n) for n in range(1, 5))
AT = datetime(2026, 1, 17, 8, 0, tzinfo=UTC)


def offer(n: int = 100, **values: Any) -> Offer:
    given = {"kind": "goods", "prices": {"adult": 999}, "vat_bp": 2300, **values}
    product = Product(id=UUID(int=n), code=f"P{n}", names={}, **given)
    return Offer(product=product, facility=NORTH, currency="PLN", on_sale_from=AT - timedelta(days=1))


def line(n: int = 100, *cards: str, **values: Any) -> SaleLine:
    return SaleLine(product=UUID(int=n), cards=tuple(Card(number=c, issue=True) for c in cards), **values)


def counter() -> SalesCounter:
    place = Place(
        sales_point=TILL, code="K1", kind="till", facility=NORTH, facility_code="NORTH", currency="PLN",
        time_zone="Europe/Warsaw",
    )  # fmt: skip
    shift = RunningShift(
        id=SHIFT, sales_point=TILL, operator=ANNA, facility=NORTH, currency="PLN", float_minor=0, opened_at=AT
    )  # fmt: skip
    return SalesCounter(places={TILL: place}, operators={ANNA: NORTH}, shifts={TILL: shift})


DAY = {"kind": "time", "validity": Validity(kind="days", days=1), "deposit_minor": 1000}
# price, VAT in basis points, tickets -> VAT of the position
VAT = [
    (16000, 800, 1, 1185),
    (15000, 800, 45, 50000),
    (2600, 800, 1, 193),
    (999, 2300, 3, 560),
    (1, 2300, 1, 0),
    (3, 2300, 1, 1),
    (100, 0, 7, 0),
    (12345, 500, 11, 6466),
]


@pytest.mark.parametrize(("unit", "vat_bp", "tickets", "vat"), VAT)
def test_vat_is_reckoned_on_the_position_and_divided_among_its_tickets(
    unit: int, vat_bp: int, tickets: int, vat: int
) -> None:
    sold = offer(prices={"adult": unit}, vat_bp=vat_bp, **DAY)
    position = price(line(100, *map(str, range(tickets))), sold, NORTH, AT)
    assert isinstance(position, Position)
    assert position.vat == vat == sum(piece[2] for piece in position.pieces)
    assert {piece[:2] for piece in position.pieces} == {(1, unit)}
    shares = [piece[2] for piece in position.pieces]
    assert max(shares) - min(shares) <= 1


def test_a_product_that_replaced_another_ends_its_sale_to_the_instant() -> None:
    ending = offer()
    until = Offer(
        product=ending.product, facility=NORTH, currency="PLN", on_sale_from=AT, on_sale_until=AT + timedelta(hours=1)
    )
    assert isinstance(price(line(), until, NORTH, AT), Position)
    assert isinstance(price(line(), until, NORTH, AT + timedelta(hours=1)), Refused)
    assert isinstance(price(line(), until, NORTH, AT - timedelta(milliseconds=1)), Refused)


def test_change_is_what_was_tendered_above_the_amounts() -> None:
    payments = [Payment(kind="cash", amount=7000, tendered=10000), Payment(kind="card", amount=10000)]
    assert change(payments) == 3000
    assert check_payments(payments, 17000, "PLN") is None


amounts = st.integers(0, 10**9)


@given(st.lists(amounts, max_size=6), st.lists(amounts, max_size=6))
def test_what_flows_out_of_sources_is_what_flows_into_targets(out: list[int], into: list[int]) -> None:
    gap = sum(out) - sum(into)
    sources = [(UUID(int=n), amount) for n, amount in enumerate([*out, max(0, -gap)])]
    targets = [(UUID(int=100 + n), amount) for n, amount in enumerate([*into, max(0, gap)])]
    flows = allocate(sources, targets, "PLN", first=3)
    net: Counter[UUID] = Counter()
    for flow in flows:
        assert flow.amount > 0
        net[flow.source] -= flow.amount
        net[flow.target] += flow.amount
    assert all(net[account] == -amount for account, amount in sources)
    assert all(net[account] == amount for account, amount in targets)
    assert [flow.n for flow in flows] == list(range(3, 3 + len(flows)))
    assert len({(flow.source, flow.target) for flow in flows}) == len(flows)


@st.composite
def sales(draw: st.DrawFn) -> tuple[list[Offer], list[SaleLine], list[PaymentKind]]:
    offers, lines, made = [], [], 0
    for n in range(draw(st.integers(1, 5))):
        values: dict[str, Any] = {"prices": {"adult": draw(st.integers(0, 10**6))}}
        values["vat_bp"] = draw(st.sampled_from([0, 500, 800, 2300, 10_000]))
        override = draw(st.none() | st.integers(0, 10**6))
        kind = draw(st.sampled_from(["goods", "points", "time"]))
        if kind == "goods":
            offers.append(offer(100 + n, **values))
            lines.append(line(100 + n, quantity=draw(st.integers(1, 99)), unit_price=override))
            continue
        values["deposit_minor"] = draw(st.sampled_from([0, 1000]))
        values |= {"kind": "points", "points": 30} if kind == "points" else {"kind": kind, "validity": DAY["validity"]}
        tickets = draw(st.integers(1, 60))
        offers.append(offer(100 + n, **values))
        lines.append(line(100 + n, *(f"{made + i}" for i in range(tickets)), unit_price=override))
        made += tickets
    return offers, lines, draw(st.lists(st.sampled_from(["cash", "card", "voucher", "bank_transfer"]), max_size=3))


@given(sales(), st.randoms(use_true_random=False))
def test_lines_payments_and_transfers_of_any_sale_come_to_the_same(
    made: tuple[list[Offer], list[SaleLine], list[PaymentKind]], random: Any
) -> None:
    offers, lines, kinds = made
    by_id = {offered.product.id: offered for offered in offers}
    positions = [price(asked, by_id[asked.product], NORTH, AT) for asked in lines]
    total = sum(position.amount for position in positions)  # type: ignore[union-attr]
    deposits = sum(by_id[asked.product].product.deposit_minor * len(asked.cards) for asked in lines)
    cuts = sorted(random.randint(0, total + deposits) for _ in kinds)
    parts = [b - a for a, b in zip([0, *cuts], [*cuts, total + deposits], strict=True)]
    payments = tuple(
        Payment(kind=kind, amount=part) for kind, part in zip([*kinds, "cash"], parts, strict=True) if part
    )
    request = Sell(key="sale", at=AT, actor=ANNA, sales_point=TILL, lines=tuple(lines), payments=payments)
    answer, operations = decide_sale(request, counter(), Desk(), by_id, set(), Book({}))
    assert isinstance(answer, Sale)
    (sold,) = operations
    assert isinstance(sold, Sold)
    assert sold.total == sum(asked.amount for asked in sold.lines) == answer.total == total
    assert sum(deposit.amount for deposit in sold.deposits) == deposits
    assert sum(payment.amount for payment in sold.payments) == total + deposits
    for index, asked in enumerate(lines):
        own = [piece for piece in sold.lines if piece.position == index]
        whole = sum(piece.amount for piece in own)
        assert sum(piece.vat for piece in own) == vat_included(whole, by_id[asked.product].product.vat_bp)
        assert all(0 <= piece.vat <= piece.amount for piece in own)
    money = [flow for flow in sold.transfers if flow.unit == "PLN"]
    into: Counter[UUID] = Counter()
    for flow in money:
        into[flow.target] += flow.amount
    assert into[house_account(NORTH, "vat", "PLN")] == answer.vat
    assert into[house_account(NORTH, "revenue", "PLN")] == total - answer.vat
    assert into[house_account(NORTH, "deposits", "PLN")] == deposits
    assert sum(into.values()) == total + deposits
    assert [flow.n for flow in sold.transfers] == list(range(len(sold.transfers)))
    points = [ticket.points for ticket in sold.entitlements if ticket.kind == "points"]
    assert sum(flow.amount for flow in sold.transfers if flow.unit == "points") == sum(points)


@given(sales(), st.integers(-1000, 1000).filter(bool))
def test_payments_that_miss_by_anything_are_refused(
    made: tuple[list[Offer], list[SaleLine], list[PaymentKind]], error: int
) -> None:
    offers, lines, _ = made
    by_id = {offered.product.id: offered for offered in offers}
    due = sum(price(asked, by_id[asked.product], NORTH, AT).amount for asked in lines)  # type: ignore[union-attr]
    due += sum(by_id[asked.product].product.deposit_minor * len(asked.cards) for asked in lines)
    payments = (Payment(kind="card", amount=due + error),) if due + error > 0 else ()
    request = Sell(key="sale", at=AT, actor=ANNA, sales_point=TILL, lines=tuple(lines), payments=payments)
    before = counter()
    answer, operations = decide_sale(request, before, desk := Desk(), by_id, set(), Book({}))
    if sum(payment.amount for payment in payments) == due:
        return  # nothing was due, and nothing paid
    assert isinstance(answer, Refused)
    assert answer.reason == "payment_mismatch"
    assert (operations, before.sequences, desk.media) == ((), {}, {})


def test_an_internal_account_pays_what_it_holds_and_no_more() -> None:
    purse = UUID(int=77)
    book = Book({purse: Balance(unit="PLN", balance=1500, overdraft=0)})
    payments = (Payment(kind="internal_account", amount=999, account=purse),)
    first, second = (
        Sell(key=key, at=AT, actor=ANNA, sales_point=TILL, lines=(line(),), payments=payments) for key in "ab"
    )
    till, offers = counter(), {UUID(int=100): offer()}
    answer, (sold,) = decide_sale(first, till, Desk(), offers, set(), book)
    assert isinstance(answer, Sale)
    assert isinstance(sold, Sold)
    assert {flow.source for flow in sold.transfers} == {purse}
    answer, operations = decide_sale(second, till, Desk(), offers, set(), book)
    assert isinstance(answer, Refused)
    assert (answer.reason, operations, book[purse].balance) == ("insufficient_funds", (), 501)
