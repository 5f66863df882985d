"""Opening books, moving amounts by hand, and reading the ledger."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from django.db import connection

from karnet.accounts import selectors
from karnet.accounts.operations import Transfer, house_account
from karnet.accounts.services import Move, MovedAnswer, Movement, OpenBooks, Opened, move, open_books
from karnet.accounts.tests.conftest import AT, CASH, ISSUED, NORTH, REVENUE, TAKEN, Ask, Ledger, record
from karnet.journal.selectors import entries_after
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason

pytestmark = pytest.mark.database


def movement(ledger: Ledger, key: str, *movements: Movement, reason: str = "correction") -> Move:
    return Move(key=key, at=AT, actor=ledger.server, reason=reason, movements=movements)


def test_books_hold_every_house_account_in_its_unit(ledger: Ledger) -> None:
    held = {account.purpose: account.held for account in selectors.owned(NORTH)}
    assert len(held) == 15
    assert held["revenue"].unit == "PLN"
    assert held["points_taken"].unit == "points"
    assert all(balance.hot and balance.overdraft is None for balance in held.values())


def test_opening_books_again_changes_and_records_nothing(ledger: Ledger) -> None:
    before = sum(1 for _ in entries_after(0))
    (again,) = open_books([OpenBooks(key="again", at=AT, actor=ledger.server, facility=NORTH, currency="PLN")])
    assert isinstance(again, Opened)
    assert again.accounts["revenue"] == REVENUE
    assert sum(1 for _ in entries_after(0)) == before


def test_books_in_a_second_currency_add_what_is_missing(ledger: Ledger) -> None:
    open_books([OpenBooks(key="eur", at=AT, actor=ledger.server, facility=NORTH, currency="EUR")])
    assert house_account(NORTH, "revenue", "EUR") in {account.id for account in selectors.owned(NORTH)}
    assert len(selectors.owned(NORTH)) == 27


def test_books_of_no_facility_or_in_no_currency_are_refused(server: UUID) -> None:
    stranger = named_id("facility", "SOUTH")
    requests = [
        OpenBooks(key="1", at=AT, actor=server, facility=stranger, currency="PLN"),
        OpenBooks(key="2", at=AT, actor=server, facility=NORTH, currency="zł"),
    ]
    assert [answer.reason for answer in open_books(requests)] == [Reason.UNKNOWN_FACILITY, Reason.BAD_VALUE]
    assert selectors.owned(stranger) == selectors.owned(NORTH) == []


def test_a_move_is_whole_or_not_at_all(ledger: Ledger) -> None:
    rich, poor = ledger.points("rich", 10), ledger.points("poor", 1)
    answers = move(
        [
            movement(ledger, "1", Movement(source=rich, target=poor, amount=4)),
            movement(
                ledger,
                "2",
                Movement(source=rich, target=TAKEN, amount=6),
                Movement(source=poor, target=TAKEN, amount=6),
            ),
        ]
    )
    assert answers == [
        MovedAnswer(available={str(rich): 6}),
        Refused(Reason.NOT_ENOUGH_POINTS, {"available": 5, "needed": 6}),
    ]
    assert (ledger.balance(rich), ledger.balance(poor)) == (6, 5)


@pytest.mark.parametrize(
    ("source", "target", "amount", "field"),
    [
        (CASH, REVENUE, 0, "movements[0].amount"),
        (CASH, REVENUE, -5, "movements[0].amount"),
        (CASH, CASH, 5, "movements[0]"),
        (CASH, ISSUED, 5, "movements[0]"),
        (CASH, named_id("nobody"), 5, "movements[0]"),
    ],
)
def test_a_bad_move_is_refused_with_its_field(
    ledger: Ledger, source: UUID, target: UUID, amount: int, field: str
) -> None:
    (answer,) = move([movement(ledger, "1", Movement(source=source, target=target, amount=amount))])
    assert isinstance(answer, Refused)
    assert (answer.reason, answer.facts["field"]) == (Reason.BAD_VALUE, field)
    assert selectors.books_balance() == {"PLN": 0, "points": 0}
    assert selectors.statement(CASH).lines == []


def test_what_sixteen_threads_draw_at_once_is_never_more_than_there_is(ledger: Ledger) -> None:
    card = ledger.points("card", 25)
    answers: list[object] = []

    def draw(thread: int) -> None:
        for n in range(5):
            request = movement(ledger, f"{thread}.{n}", Movement(source=card, target=TAKEN, amount=1))
            answers.extend(move([request]))
        connection.close()

    threads = [threading.Thread(target=draw, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(answer, MovedAnswer) for answer in answers) == 25
    # Under its lock each decision saw what was left: the rule refused, and the table's guard had nothing to do.
    assert answers.count(Refused(Reason.NOT_ENOUGH_POINTS, {"available": 0, "needed": 1})) == 55
    assert ledger.balance(card) == 0
    assert ledger.balance(TAKEN) == 25
    assert selectors.discrepancies() == []


def deadlocks(superuser: psycopg.Connection) -> int:
    (count,) = superuser.execute(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    ).fetchone() or (0,)
    return int(count)


def test_batches_that_touch_the_same_accounts_in_opposite_orders_do_not_stop_each_other(
    ledger: Ledger, superuser: psycopg.Connection
) -> None:
    before = deadlocks(superuser)
    cards = [ledger.points(f"card {n}", 1000) for n in range(8)]
    answers: list[object] = []

    def batch(thread: int) -> None:
        order = cards if thread % 2 else cards[::-1]
        for n in range(5):
            # Straight to the record, without the locks that services take first: the projection's own order must do.
            requests = [
                ledger.ask(Transfer(source=card, target=TAKEN, amount=1, unit="points"), key=f"{thread}.{n}.{place}")
                for place, card in enumerate(order)
            ]
            answers.extend(_record_unlocked(requests))
        connection.close()

    threads = [threading.Thread(target=batch, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8 * 5 * 8
    assert not [answer for answer in answers if isinstance(answer, Refused)]
    assert [ledger.balance(card) for card in cards] == [1000 - 40] * 8
    assert deadlocks(superuser) == before


def _record_unlocked(requests: list[Ask]) -> list[object]:
    from karnet.accounts.tests.conftest import Done
    from karnet.journal.transaction import Outcome, transact

    return transact(requests, lambda tx: tx.record([Outcome(r, Done(), (r.body,)) for r in tx.fresh]), answers=Done)


def test_a_statement_opens_runs_and_closes_with_what_the_account_held(ledger: Ledger) -> None:
    card = ledger.points("card", 10)
    asks = [ledger.ask(Transfer(source=card, target=TAKEN, amount=n, unit="points")) for n in (1, 2, 3)]
    day = timedelta(days=1)
    record([Ask(key=ask.key, at=AT + n * day, actor=ask.actor, body=ask.body) for n, ask in enumerate(asks, 1)])
    whole = selectors.statement(card)
    assert [(line.amount, line.balance) for line in whole.lines] == [(10, 10), (-1, 9), (-2, 7), (-3, 4)]
    assert (whole.opening, whole.closing) == (0, ledger.balance(card))
    middle = selectors.statement(card, since=AT + day, until=AT + 3 * day)
    assert (middle.opening, [line.amount for line in middle.lines], middle.closing) == (10, [-1, -2], 7)
    assert {line.other for line in middle.lines} == {TAKEN}
    empty = selectors.statement(card, since=AT + 9 * day)
    assert (empty.opening, empty.lines, empty.closing) == (4, [], 4)
