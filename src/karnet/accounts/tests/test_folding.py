"""Hot accounts: no request waits for another, and yet every balance is exact at any time."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from karnet.accounts import selectors
from karnet.accounts.operations import ReservationEnded, Reserved, Transfer
from karnet.accounts.tests.conftest import AT, CASH, REVENUE, Done, Ledger
from karnet.journal.sealing import Sealer
from karnet.journal.tlog.note import SignatureType, SigningKey
from karnet.kernel.ids import named_id

pytestmark = pytest.mark.database


def sale(amount: int) -> Transfer:
    return Transfer(source=CASH, target=REVENUE, amount=amount, unit="PLN")


def kept(account: object) -> int:
    """The balance as the account's own row has it: without what is not folded yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT balance FROM accounts_account WHERE id = %s", [account])
        balance: int = cursor.fetchone()[0]
    return balance


def waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts_unfolded")
        count: int = cursor.fetchone()[0]
    return count


def test_a_hot_balance_is_exact_before_and_after_folding(ledger: Ledger) -> None:
    ledger.record(sale(100), sale(50))
    assert kept(REVENUE) == 0
    assert (ledger.balance(REVENUE), ledger.balance(CASH)) == (150, -150)
    ledger.fold()
    assert kept(REVENUE) == 150
    assert (ledger.balance(REVENUE), ledger.balance(CASH)) == (150, -150)
    assert waiting() == 0


def test_folding_the_same_numbers_again_adds_nothing(ledger: Ledger) -> None:
    ledger.record(sale(100))
    for _ in range(3):
        ledger.fold()
    assert (kept(REVENUE), kept(CASH)) == (100, -100)


def test_only_the_numbers_given_are_folded_in_any_order(ledger: Ledger) -> None:
    for amount in (1, 10, 100):
        ledger.record(sale(amount))
    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM accounts_transfer WHERE target = %s ORDER BY number", [REVENUE])
        first, second, third = [number for (number,) in cursor.fetchall()]
    ledger.fold([third])
    assert (kept(REVENUE), ledger.balance(REVENUE)) == (100, 111)
    ledger.fold([first, third])
    assert (kept(REVENUE), ledger.balance(REVENUE)) == (101, 111)
    ledger.fold([second])
    assert (kept(REVENUE), waiting()) == (111, 0)


def test_folding_nothing_is_no_fault(ledger: Ledger) -> None:
    ledger.fold([])
    ledger.fold([10**9])
    assert selectors.discrepancies() == []


def test_an_account_that_is_not_hot_has_nothing_waiting(ledger: Ledger) -> None:
    one, other = ledger.points("one", 5), ledger.points("other")
    ledger.fold()
    assert ledger.record(Transfer(source=one, target=other, amount=2, unit="points")) == Done()
    assert waiting() == 0
    assert (kept(one), kept(other)) == (3, 2)


def test_a_reservation_from_a_hot_account_holds_nothing_back(ledger: Ledger) -> None:
    grant = named_id("grant")
    reserved = Reserved(id=grant, source=CASH, target=REVENUE, amount=5, unit="PLN", expires_at=AT)
    assert ledger.record(reserved) == Done()
    assert selectors.balances([CASH])[CASH].reserved == 0
    assert ledger.record(ReservationEnded(id=grant, source=CASH, amount=5, posted=False)) == Done()
    assert selectors.discrepancies() == []


def test_sums_that_cancel_out_in_one_operation_leave_nothing_to_fold(ledger: Ledger) -> None:
    back = Transfer(source=REVENUE, target=CASH, amount=100, unit="PLN")
    assert ledger.record(sale(100), back) == Done()
    assert waiting() == 0
    assert ledger.balance(REVENUE) == 0
    assert len(selectors.statement(REVENUE).lines) == 2


def test_balances_stay_exact_while_sales_and_folding_go_on_at_once(ledger: Ledger) -> None:
    """A reader sees each sale on both of its sides or on neither, whatever the sealer is just moving."""
    done = threading.Event()
    sums: list[int] = []

    def sell() -> None:
        for _ in range(25):
            ledger.record(sale(7))
        connection.close()

    def seal() -> None:
        while not done.is_set():
            ledger.fold()
        connection.close()

    def read() -> None:
        while not done.is_set():
            held = selectors.balances([CASH, REVENUE])
            sums.append(held[CASH].balance + held[REVENUE].balance)
            sums.append(selectors.books_balance()["PLN"])
        connection.close()

    sellers = [threading.Thread(target=sell) for _ in range(4)]
    others = [threading.Thread(target=seal), threading.Thread(target=read)]
    for thread in (*sellers, *others):
        thread.start()
    for thread in sellers:
        thread.join()
    done.set()
    for thread in others:
        thread.join()
    assert set(sums) == {0}
    assert ledger.balance(REVENUE) == 700
    ledger.fold()
    assert kept(REVENUE) == 700
    assert selectors.discrepancies() == []


def test_the_sealer_folds_what_it_seals(ledger: Ledger) -> None:
    key = SigningKey("karnet.test/log", SignatureType.ED25519, b"\x07" * 32)
    for amount in (1, 10, 100):
        ledger.record(sale(amount))
    with Sealer(key, clock=lambda: AT, witness=lambda at, note: None) as sealer:
        while sealer.seal(2) is not None:
            assert ledger.balance(REVENUE) == 111
            assert selectors.books_balance() == {"PLN": 0, "points": 0}
    assert (kept(REVENUE), waiting()) == (111, 0)
    assert selectors.discrepancies() == []
