"""The ledger in memory: money is conserved, bounds hold, an operation is taken whole or not at all."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karnet.accounts.operations import AccountOpened, ReservationEnded, Reserved, Transfer
from karnet.accounts.rules import Balance, Book, house_accounts, numbered
from karnet.journal.operations import Part
from karnet.kernel.canonical import MAX_INTEGER
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason

AT = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
A, B, C = (named_id(name) for name in "abc")


def points(balance: int, reserved: int = 0, overdraft: int | None = 0) -> Balance:
    return Balance(unit="points", balance=balance, reserved=reserved, overdraft=overdraft)


def draw(source: UUID, target: UUID, amount: int, unit: str = "points") -> Transfer:
    return Transfer(source=source, target=target, amount=amount, unit=unit)


def reserve(source: UUID, amount: int) -> Reserved:
    return Reserved(id=C, source=source, target=B, amount=amount, unit="points", expires_at=AT)


@pytest.mark.parametrize(
    ("held", "available"),
    [
        (points(5), 5),
        (points(5, reserved=3), 2),
        (points(-2, overdraft=10), 8),
        (points(-2, reserved=8, overdraft=10), 0),
        (points(5, overdraft=None), MAX_INTEGER),
    ],
)
def test_what_may_be_drawn(held: Balance, available: int) -> None:
    assert held.available == available


def test_each_decision_sees_what_the_one_before_left() -> None:
    book = Book({A: points(5)})
    assert book.take([draw(A, B, 3)]) is None
    assert book.take([draw(A, B, 3)]) == Refused(Reason.NOT_ENOUGH_POINTS, {"available": 2, "needed": 3})
    assert book.take([draw(B, A, 1)]) is None
    assert book.take([draw(A, B, 3)]) is None
    assert book[A].balance == 0


def test_money_is_refused_with_amounts_and_currency() -> None:
    book = Book({A: Balance(unit="PLN", balance=500, overdraft=200)})
    assert book.take([draw(A, B, 701, "PLN")]) == Refused(
        Reason.INSUFFICIENT_FUNDS, {"available_minor": 700, "needed_minor": 701, "currency": "PLN"}
    )
    assert book.take([draw(A, B, 700, "PLN")]) is None


def test_an_operation_is_taken_whole_or_not_at_all() -> None:
    book = Book({A: points(5), B: points(0)})
    assert book.take([draw(A, B, 5), draw(B, C, 6)]) is not None
    assert (book[A].balance, book[B].balance) == (5, 0)
    assert book.take([draw(A, B, 5), draw(B, C, 5)]) is None
    assert (book[A].balance, book[B].balance) == (0, 0)


def test_an_account_opened_by_an_operation_can_be_drawn_on_by_it() -> None:
    book = Book({})
    opened = AccountOpened(id=A, owner=A, purpose="points", unit="points", overdraft=0)
    assert book.take([opened, draw(B, A, 30), draw(A, B, 3)]) is None
    assert book[A].balance == 27
    assert book.take([opened]) is None
    assert book[A].balance == 27
    assert B not in book


def test_a_reservation_posted_draws_what_it_held_back_and_no_more() -> None:
    book = Book({A: points(3)})
    assert book.take([reserve(A, 3)]) is None
    assert book.take([reserve(A, 1)]) is not None
    assert book.take([ReservationEnded(id=C, source=A, amount=3, posted=True), draw(A, B, 3)]) is None
    assert book[A] == points(0)


def test_a_transfer_between_units_is_a_bug_and_told_as_one() -> None:
    with pytest.raises(AssertionError):
        Book({A: points(5)}).take([draw(A, B, 1, "PLN")])


def test_places_are_given_in_order_and_nothing_is_not_transferred() -> None:
    given_places = numbered([draw(A, B, 5), draw(A, B, 0), draw(A, C, 7)])
    assert [(transfer.n, transfer.amount) for transfer in given_places] == [(0, 5), (1, 7)]


def test_house_accounts_are_hot_so_that_nobody_waits_for_them() -> None:
    accounts = house_accounts(A, "PLN")
    assert all(account.hot and account.overdraft is None for account in accounts)
    assert len({account.id for account in accounts}) == len(accounts) == 15


ACCOUNTS = [named_id("account", n) for n in range(4)]
AMOUNTS = st.integers(1, 50)
PARTS = st.one_of(
    st.builds(draw, st.sampled_from(ACCOUNTS), st.sampled_from(ACCOUNTS), AMOUNTS),
    st.builds(reserve, st.sampled_from(ACCOUNTS), AMOUNTS),
)


@given(st.lists(st.integers(0, 40), min_size=4, max_size=4), st.lists(st.lists(PARTS, max_size=4), max_size=12))
def test_money_is_conserved_and_no_bound_is_broken(start: list[int], operations: list[list[Part]]) -> None:
    book = Book({account: points(amount) for account, amount in zip(ACCOUNTS, start, strict=True)})
    for operation in operations:
        before = [book[account] for account in ACCOUNTS]
        refusal = book.take(operation)
        after = [book[account] for account in ACCOUNTS]
        assert sum(held.balance for held in after) == sum(start)
        assert all(held.available >= 0 for held in after)
        if refusal is not None:
            assert after == before
