"""Benefit cards: one entry a day, owed by the issuer, and what exceeds it by the guest (SPEC S17)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from karnet.accounts.operations import house_account
from karnet.accounts.selectors import balances
from karnet.orders.receipts import receipt
from karnet.passes.benefits import as_csv, entries, forget_numbers
from karnet.passes.kinds import Programme
from karnet.passes.requests import ProgrammesHold, SetProgrammes
from karnet.passes.services import set_programmes
from karnet.stays.requests import Band, Benefit, Entered
from karnet.stays.services import enter
from karnet.stays.tests.conftest import (
    ANNA,
    NOON,
    POOL,
    SCHOOL,
    World,
    assert_books_balance,
    assert_rebuilt_alike,
    race,
    refusal,
    state,
)

pytestmark = pytest.mark.database


@pytest.fixture
def pool(world: World) -> World:
    fit = Programme(code="FIT", package="1h", vat_bp=800, issuer=SCHOOL)
    asked = SetProgrammes(key="programmes", at=NOON - timedelta(hours=1), actor=ANNA, facility=POOL, programmes=(fit,))
    assert isinstance(set_programmes([asked])[0], ProgrammesHold)
    return world


def shown(number: str, card: str = "4400 1234", programme: str = "FIT", **changes: Any) -> Band:
    return Band(number=number, benefit=Benefit(programme=programme, card=card), **changes)


def test_the_issuer_owes_the_entry_and_the_guest_what_exceeds_it(pool: World, superuser: psycopg.Connection) -> None:
    came = pool.came(shown("1"))
    assert (came.prepaid, came.change) == (1800, 0)
    pool.passes("in", "1", 0)
    assert pool.owed(came.stays[0], 70) == 300
    done = pool.settled(came.stays[0], at=70, pay=300)
    printed = receipt(done.order) if done.order else None
    assert printed is not None
    assert [(p.kind, p.amount) for p in printed.payments] == [("invoice", 1800), ("cash", 300)]
    account = house_account(POOL, "receivables", "PLN")
    assert balances([account])[account].balance == -1800
    assert_books_balance()
    assert_rebuilt_alike(superuser)


def test_a_card_opens_once_a_day_however_its_number_is_written_and_again_tomorrow(pool: World) -> None:
    pool.came(shown("1"))
    before = state()
    assert refusal(pool.enters(shown("2", "44001234"))) == "benefit_used"
    assert refusal(pool.enters(shown("2", "9"), shown("3", "9"))) == "benefit_used"
    assert state() == before
    pool.came(shown("2", "44001234"), at=NOON + timedelta(days=1))
    assert refusal(pool.enters(shown("3", programme="OTHER"))) == "unknown_programme"


def test_two_tills_let_one_card_in_once(pool: World) -> None:
    asked = [pool.entry(shown(str(n))) for n in range(4)]
    answers = race([lambda r=r: enter([r])[0] for r in asked])
    assert sum(isinstance(answer, Entered) for answer in answers) == 1
    assert {answer.reason for answer in answers if not isinstance(answer, Entered)} == {"benefit_used"}


def test_the_monthly_list_names_each_entry_and_its_sum(pool: World) -> None:
    pool.came(shown("1"), shown("2", "=1+1", category="child"), Band(number="3", package="1h"), pay=1800)
    pool.came(shown("4"), at=NOON + timedelta(days=20))
    first, last = NOON.date().replace(day=1), NOON.date().replace(day=31)
    listed = entries(POOL, "FIT", first, last)
    assert [(one.number, one.category, one.amount, one.vat) for one in listed] == [
        ("4400 1234", "adult", 1800, 133),
        ("=1+1", "child", 1200, 89),
    ]
    assert as_csv(listed, "PLN").splitlines()[1:] == [
        "2026-01-19,4400 1234,adult,18.00,1.33,PLN",
        "2026-01-19,'=1+1,child,12.00,0.89,PLN",
        "total,,,30.00,2.22,PLN",
    ]
    assert forget_numbers(NOON + timedelta(days=1)) == 1
    assert [one.number for one in entries(POOL, "FIT", first, last)] == ["4400 1234", ""]
