"""What a pass holds and pays, whatever is asked of it: money is conserved, holds are honoured, purses keep to what they are for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from karnet.accounts.rules import Book
from karnet.kernel.ids import named_id
from karnet.kernel.money import vat_included
from karnet.orders.operations import TabOpened
from karnet.orders.rules.counter import Place
from karnet.orders.rules.tab_entries import Entry
from karnet.passes.kinds import Contract, PassKind, Purse
from karnet.passes.rules.selling import _months_on
from karnet.passes.rules.state import PassState
from karnet.passes.rules.wallets import Wallet, accounts_of
from karnet.passes.selling import instalments

AT = datetime(2026, 1, 19, 12, tzinfo=UTC)
POOL, TILL = named_id("facility", "POOL"), named_id("till")
PLACE = Place(
    sales_point=TILL, code="K1", kind="till", facility=POOL, facility_code="POOL", currency="PLN",
    time_zone="Europe/Warsaw",
)  # fmt: skip


class Asked(msgspec.Struct, frozen=True):
    key: str
    at: datetime = AT
    actor: UUID = named_id("anna")


kinds = st.sampled_from(
    [
        PassKind(code="A"),
        PassKind(code="B", purses=(Purse(code="bonus", bonus=True), Purse(code="money"))),
        PassKind(code="C", purses=(Purse(code="stays", pays=("stay",)), Purse(code="money"))),
        PassKind(code="D", purses=(Purse(code="taxed", vat_bp=800), Purse(code="goods", pays=("goods",)))),
    ]
)
amounts = st.integers(0, 10_000)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("hold"), st.integers(0, 3), amounts),
        st.tuples(st.just("leave"), st.integers(0, 3), amounts),
        st.tuples(st.just("soup"), st.just(9), amounts),
    ),
    max_size=10,
)


def wallet_of(kind: PassKind, filled: list[int]) -> Wallet:
    state = PassState(
        id=named_id("pass"), facility=POOL, kind=kind.code, number="1", medium=named_id("m"), currency="PLN",
        time_zone="Europe/Warsaw", sold_at=AT,
    )  # fmt: skip
    wallet = Wallet(state, kind, Book({}), {})
    wallet.book.take(accounts_of(state, kind))
    for purse, amount in zip(kind.purses, filled, strict=False):
        if amount:
            wallet.credit(purse, amount)
    return wallet


def tab(n: int) -> Entry:
    request = Asked(f"tab {n}")
    opened = TabOpened(
        id=named_id("tab", n), number=f"T{n}", sequence=n, facility=POOL, sales_point=TILL, operator=request.actor,
        currency="PLN",
    )  # fmt: skip
    return Entry.opening(request, opened)


def charged(entry: Entry, code: str, amount: int) -> None:
    entry.charge(
        code, named_id(code), amount=amount, vat=vat_included(amount, 800), vat_bp=800, sales_point=TILL,
        stay=named_id("stay") if code == "stay" else None,
    )  # fmt: skip


@given(kinds, st.lists(amounts, min_size=2, max_size=2), steps)
def test_money_is_conserved_and_what_is_held_stays_who_it_is_held_for(
    kind: PassKind, filled: list[int], asked: list[tuple[str, int, int]]
) -> None:
    wallet, paid = wallet_of(kind, filled), 0
    held: dict[UUID, int] = {}
    for n, (what, who, amount) in enumerate(asked):
        holder, entry = named_id("stay", who), tab(n)
        if what == "hold" and holder not in held and wallet.lacks([amount], AT) is None:
            held[holder] = sum(one.amount for one in wallet.hold(holder, amount, entry.account, AT).held)
            assert held[holder] <= amount
            continue
        code = "soup" if what == "soup" else "stay"
        charged(entry, code, amount)
        mine = [holder] if what == "leave" else []
        plan = wallet.plan(entry.state, amount, AT, mine)
        assert plan.drawn_minor + plan.short_minor == amount
        if what == "leave" and amount:
            # What is held is there for them, and for nobody else.
            assert plan.drawn_minor >= min(amount, held.get(holder, 0))
        before = entry.state.balance
        change = wallet.draw(plan, entry, PLACE, mine)
        assert entry.state.balance - before == plan.drawn_minor
        assert sum(one.amount for one in change.ended) == (held.pop(holder, 0) if mine else 0)
        paid += plan.drawn_minor
        for purse, _ in plan.parts:
            assert not (purse.pays == ("stay",) and code == "soup")
            assert not (purse.pays == ("goods",) and code == "stay")
    balances = [wallet.book[wallet.account(purse)] for purse in kind.purses]
    assert sum(one.balance for one in balances) + paid == sum(filled[: len(kind.purses)])
    assert sum(one.reserved for one in balances) == sum(held.values())
    assert all(one.available >= 0 for one in balances)


@given(st.integers(1, 10**7), st.integers(1, 24))
def test_instalments_add_up_to_the_price_and_differ_by_a_grosz_at_most(price: int, count: int) -> None:
    amounts = instalments(Contract(months=24, price_minor=max(price, count), vat_bp=800, instalments=count))
    assert sum(amounts) == max(price, count)
    assert max(amounts) - min(amounts) <= 1
    assert amounts == sorted(amounts, reverse=True)


@given(st.dates(min_value=datetime(2000, 1, 1).date(), max_value=datetime(2100, 1, 1).date()), st.integers(0, 120))
def test_a_month_on_is_the_same_day_or_the_months_last(day: Any, months: int) -> None:
    later = _months_on(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later.day < day.day and (later + timedelta(days=1)).day == 1)
