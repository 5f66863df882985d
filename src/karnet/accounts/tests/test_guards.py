"""What the ledger's tables refuse whoever writes them: the last line, when every rule above has been passed by."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from karnet.accounts import selectors
from karnet.accounts.operations import AccountOpened, ReservationEnded, Reserved, Transfer
from karnet.accounts.tests.conftest import AT, CASH, ISSUED, NORTH, REVENUE, TAKEN, Done, Ledger
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason

pytestmark = pytest.mark.database

NOBODY = named_id("nobody")
GRANT = named_id("grant")


def attack(superuser: psycopg.Connection, statement: str, *values: object) -> psycopg.Error:
    """Run a statement with the projected tables open, as somebody with every right would; return what stopped it."""
    with pytest.raises(psycopg.Error) as refusal, superuser.transaction():
        superuser.execute("SET LOCAL karnet.recording = 'on'").execute(statement, values)
    return refusal.value


TRANSFER = (
    "INSERT INTO accounts_transfer (origin, number, n, source, target, amount, unit, at)"
    " VALUES (1, 9999, 0, %s, %s, %s, %s, now())"
)


@pytest.mark.parametrize(
    ("source", "target", "amount", "unit", "constraint"),
    [
        (CASH, REVENUE, 0, "PLN", "transfer_amount_positive"),
        (CASH, REVENUE, -100, "PLN", "transfer_amount_positive"),
        (CASH, CASH, 100, "PLN", "transfer_between_two_accounts"),
        (CASH, ISSUED, 100, "PLN", "accounts_transfer_target_in_unit"),
        (CASH, ISSUED, 100, "points", "accounts_transfer_source_in_unit"),
        (CASH, REVENUE, 100, "EUR", "accounts_transfer_source_in_unit"),
        (CASH, NOBODY, 100, "PLN", "accounts_transfer_target_in_unit"),
        (NOBODY, REVENUE, 100, "PLN", "accounts_transfer_source_in_unit"),
    ],
)
def test_a_transfer_that_is_no_transfer_is_impossible(
    ledger: Ledger, superuser: psycopg.Connection, source: UUID, target: UUID, amount: int, unit: str, constraint: str
) -> None:
    assert attack(superuser, TRANSFER, source, target, amount, unit).diag.constraint_name == constraint
    assert selectors.books_balance() == {"PLN": 0, "points": 0}


def test_a_transfer_has_both_its_sides_or_is_not_there(ledger: Ledger, superuser: psycopg.Connection) -> None:
    for side in ("source", "target", "amount", "unit"):
        columns = {"source": "%s", "target": "%s", "amount": "100", "unit": "'PLN'", side: "NULL"}
        values = [value for name, value in (("source", CASH), ("target", REVENUE)) if name != side]
        statement = (
            "INSERT INTO accounts_transfer (origin, number, n, at, source, target, amount, unit)"
            f" VALUES (1, 9999, 0, now(), {', '.join(columns.values())})"
        )
        assert isinstance(attack(superuser, statement, *values), psycopg.errors.NotNullViolation)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("balance = -1", "account_not_overdrawn"),
        ("reserved = 11", "account_not_overdrawn"),
        ("balance = 5, reserved = 6", "account_not_overdrawn"),
        ("reserved = -1", "account_reserved_not_negative"),
        ("overdraft = -1", "account_overdraft"),
        ("hot = true", "account_hot_is_unbounded"),
        ("unit = 'beans'", "account_unit_known"),
        ("unit = 'PLN'", "accounts_transfer_target_in_unit"),
    ],
)
def test_a_bounded_account_cannot_be_put_into_a_state_that_cannot_be(
    ledger: Ledger, superuser: psycopg.Connection, change: str, constraint: str
) -> None:
    card = ledger.points("card", 10)
    refusal = attack(superuser, f"UPDATE accounts_account SET {change} WHERE id = %s", card)
    assert refusal.diag.constraint_name == constraint
    assert selectors.balances([card])[card].available == 10


@pytest.mark.parametrize(
    "table",
    [
        "accounts_account",
        "accounts_transfer",
        "accounts_unfolded",
        "accounts_reservation",
        "accounts_reservation_end",
    ],
)
def test_direct_sql_is_refused_even_to_a_superuser(ledger: Ledger, superuser: psycopg.Connection, table: str) -> None:
    column = {"accounts_account": "balance", "accounts_reservation_end": "number"}.get(table, "amount")
    for statement in (
        f"UPDATE {table} SET {column} = {column} + 1",
        f"DELETE FROM {table}",
        f"INSERT INTO {table} SELECT * FROM {table}",
        f"TRUNCATE {table} CASCADE",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="written by projections only"):
            superuser.execute(statement)


def test_what_slips_past_the_rule_is_refused_by_the_table_in_words(ledger: Ledger) -> None:
    card = ledger.points("card", 3)
    answer = ledger.record(Transfer(source=card, target=TAKEN, amount=4, unit="points"))
    assert answer == Refused(Reason.INSUFFICIENT_FUNDS)
    assert ledger.balance(card) == 3
    assert ledger.balance(TAKEN) == 0


def test_different_units_and_unknown_accounts_are_refused_and_nothing_changes(ledger: Ledger) -> None:
    card = ledger.points("card", 3)
    for transfer in (
        Transfer(source=card, target=REVENUE, amount=1, unit="points"),
        Transfer(source=card, target=NOBODY, amount=1, unit="points"),
        Transfer(source=CASH, target=REVENUE, amount=1, unit="EUR"),
        Transfer(source=CASH, target=CASH, amount=1, unit="PLN"),
    ):
        answer = ledger.record(transfer)
        assert isinstance(answer, Refused)
        assert answer.reason is Reason.CONFLICT
    assert ledger.balance(card) == 3
    assert selectors.discrepancies() == []


def test_an_account_opened_by_several_operations_is_opened_once_and_keeps_what_it_holds(ledger: Ledger) -> None:
    card = ledger.points("card", 3)
    assert ledger.points("card", 2) == card
    assert ledger.balance(card) == 5


def reserve(card: UUID, amount: int, grant: UUID = GRANT) -> Reserved:
    return Reserved(
        id=grant, source=card, target=TAKEN, amount=amount, unit="points", expires_at=AT + timedelta(seconds=15)
    )


def test_what_is_reserved_cannot_be_drawn_until_it_is_given_back(ledger: Ledger) -> None:
    card = ledger.points("card", 5)
    assert ledger.record(reserve(card, 3)) == Done()
    draw = Transfer(source=card, target=TAKEN, amount=3, unit="points")
    assert ledger.record(draw, checked=True) == Refused(Reason.NOT_ENOUGH_POINTS, {"available": 2, "needed": 3})
    assert ledger.record(draw) == Refused(Reason.INSUFFICIENT_FUNDS)
    assert ledger.record(ReservationEnded(id=GRANT, source=card, amount=3, posted=False)) == Done()
    assert ledger.record(draw) == Done()
    assert selectors.balances([card])[card].available == 2


def test_a_posted_reservation_draws_exactly_what_was_reserved(ledger: Ledger) -> None:
    card = ledger.points("card", 3)
    ledger.record(reserve(card, 3))
    posted = ReservationEnded(id=GRANT, source=card, amount=3, posted=True)
    assert ledger.record(posted, Transfer(source=card, target=TAKEN, amount=3, unit="points")) == Done()
    held = selectors.balances([card])[card]
    assert (held.balance, held.reserved, held.available) == (0, 0, 0)
    assert selectors.discrepancies() == []


@pytest.mark.parametrize("posted", [True, False])
def test_a_reservation_ends_once(ledger: Ledger, posted: bool) -> None:
    card = ledger.points("card", 9)
    ledger.record(reserve(card, 3), reserve(card, 2, named_id("other grant")))
    assert ledger.record(ReservationEnded(id=GRANT, source=card, amount=3, posted=False)) == Done()
    again = ledger.record(ReservationEnded(id=GRANT, source=card, amount=3, posted=posted))
    assert isinstance(again, Refused)
    assert again.reason is Reason.CONFLICT
    assert selectors.balances([card])[card].reserved == 2


@pytest.mark.parametrize(("grant", "amount"), [(GRANT, 2), (GRANT, 4), (named_id("never granted"), 3)])
def test_an_end_that_does_not_match_its_reservation_is_refused(ledger: Ledger, grant: UUID, amount: int) -> None:
    card = ledger.points("card", 9)
    ledger.record(reserve(card, 3), reserve(card, 3, named_id("other grant")))
    answer = ledger.record(ReservationEnded(id=grant, source=card, amount=amount, posted=False))
    assert isinstance(answer, Refused)
    assert selectors.balances([card])[card].reserved == 6


def test_reserving_more_than_there_is_or_from_nowhere_is_refused(ledger: Ledger) -> None:
    card = ledger.points("card", 2)
    assert ledger.record(reserve(card, 3)) == Refused(Reason.INSUFFICIENT_FUNDS)
    assert isinstance(ledger.record(reserve(NOBODY, 3)), Refused)
    with_overdraft = named_id("overdrawable")
    opened = AccountOpened(id=with_overdraft, owner=NORTH, purpose="money", unit="points", overdraft=3)
    assert ledger.record(opened, reserve(with_overdraft, 3)) == Done()
    assert selectors.balances([with_overdraft])[with_overdraft].available == 0
