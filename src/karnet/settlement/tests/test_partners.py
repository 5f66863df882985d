"""Who may charge cards by the agreement in force (SPEC N10): members and partners, once all members have signed."""

from __future__ import annotations

import importlib
import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.orders.charging import ChargeCard, LoadMoney, MoneyOn, charge, load
from karnet.parties.operations import facility_id, operator_id, sales_point_id
from karnet.settlement.requests import SignedAgreement
from karnet.settlement.tests.season import DAY, Season, draft, row
from karnet.settlement.tests.test_signing import log_in, manager, propose, sign

pytestmark = pytest.mark.database


def text(**changes: Any) -> str:
    gates = json.loads(draft())["gates"]
    return draft(members=["A", "B"], gates={gate: gates[gate] for gate in ("A/lift", "B/lift")}, **changes)


def at(season: Season, code: str, **changes: Any) -> dict[str, Any]:
    facility = facility_id(code)
    asked = {"actor": operator_id(facility, "anna"), "sales_point": sales_point_id(facility, "till")}
    return {"key": season.key(), "at": DAY, "number": season.numbers[0], **asked, **changes}


def charged(season: Season, code: str, amount: int, **changes: Any) -> MoneyOn | Refused:
    return charge([ChargeCard(amount=amount, **at(season, code, **changes))])[0]


@pytest.fixture
def season(database: None) -> Season:
    """A, B and C; a card with 50.00 that A took."""
    season = Season()
    season.sell("points30", seller="A")
    assert isinstance(load([LoadMoney(amount=5000, **at(season, "A"))])[0], MoneyOn)
    return season


def test_a_partner_charges_cards_and_is_paid_by_who_took_the_money(season: Season) -> None:
    season.agree(text(partners=["C"]))
    assert isinstance(charged(season, "C", 1200), MoneyOn)
    report = season.settle()
    assert (row(report, "C").balance, row(report, "A").balance - row(report, "B").balance) != (0, 0)
    assert row(report, "C").stored == 1200


def test_who_is_neither_member_nor_partner_charges_nothing(season: Season) -> None:
    season.agree(text())
    answer = charged(season, "C", 1200)
    assert isinstance(answer, Refused)
    assert answer.reason == Reason.MAY_NOT_CHARGE
    assert isinstance(charged(season, "B", 1200), MoneyOn)


def test_nobody_charges_by_a_text_that_a_member_has_not_signed(season: Season) -> None:
    for code in "AB":
        log_in(f"anna-{code}", "manager", manager(code))
    proposed = propose(season, text(partners=["C"]))
    for code in "AB":
        answer = charged(season, "C", 100)
        assert isinstance(answer, Refused)
        assert answer.reason == Reason.MAY_NOT_CHARGE
        assert isinstance(sign(season, proposed, code), SignedAgreement)
    assert isinstance(charged(season, "C", 100), MoneyOn)
    late = charged(season, "C", 100, at=DAY + timedelta(days=200))
    assert isinstance(late, Refused), "the season is over"


def test_agreements_made_before_get_the_rows_that_recording_makes(season: Season) -> None:
    for code in "AB":
        log_in(f"anna-{code}", "manager", manager(code))
    sign(season, propose(season, text(partners=["C"], limits={"refund": "50.00", "replacements": 3})), "B")
    season.agree(text(season="2027/28", first_day="2027-12-01", last_day="2028-04-05"))
    migration = importlib.import_module("karnet.settlement.migrations.0003_proposals")
    with connection.cursor() as cursor:
        for select, table in (
            (migration.PROPOSALS, "settlement_proposal"),
            (migration.CARD_TERMS, "accounts_card_terms"),
        ):
            cursor.execute(f"SELECT to_jsonb(r) FROM ({select}) r ORDER BY 1")
            made = cursor.fetchall()
            cursor.execute(f"SELECT to_jsonb(r) FROM {table} r ORDER BY 1")
            assert cursor.fetchall() == made
            assert len(made) == 2
