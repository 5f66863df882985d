"""Conflicts that arrive from other servers are settled by the agreement's rule, and shown (SPEC N14)."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from karnet.parties.operations import facility_id
from karnet.settlement.rules.totals import NOBODY, Kind, Terms, Totals
from karnet.settlement.tests.season import DAY, Season, draft, row

pytestmark = pytest.mark.database


@pytest.mark.parametrize(("rule", "balances"), [("payer", [-1000, 1000, 0]), ("taker", [-2000, 1000, 1000])])
def test_a_deposit_that_two_servers_paid_out_is_borne_as_agreed(
    database: None, superuser: psycopg.Connection, rule: str, balances: list[int]
) -> None:
    season = Season()
    season.agree(draft(second_payout=rule, prices=[{"product": "week", "price": "1", "vat": "8"}]))
    season.sell("day", seller="A")
    season.hand_in(season.numbers[0], facility="B", at=DAY + timedelta(hours=1))
    # What arrives from a server that could not know of it.
    superuser.execute("SET karnet.recording = 'on'")
    superuser.execute(
        "INSERT INTO entitlements_deposit_back (deposit_id, medium, facility_id, amount, currency, at, origin, number)"
        " SELECT deposit_id, medium, %s, amount, currency, at + interval '1 hour', origin, number - 1"
        " FROM entitlements_deposit_back",
        [facility_id("C")],
    )
    report = season.settle()
    assert [row(report, code).deposits for code in "ABC"] == balances
    assert [row(report, code).second_payouts for code in "ABC"] == [0, 0, 1000]


@pytest.mark.parametrize(("rule", "owed"), [("payer", 16000), ("taker", 32000)])
def test_refunds_that_others_paid_are_owed_by_who_sold_and_disputed_ones_as_agreed(rule: str, owed: int) -> None:
    terms = Terms("PLN", {}, "weighted_passages", "seller", DAY, {}, second_payout=rule)  # type: ignore[arg-type]
    totals = Totals(terms)
    totals.add_refunds(0, 1, 16000, disputed=False)
    totals.add_refunds(0, 1, 16000, disputed=True)
    totals.add_refunds(0, 0, 16000, disputed=False)
    assert totals.result() == {(0, Kind.OWES_REFUNDS, 1): owed, (1, Kind.DISPUTED_REFUNDS, NOBODY): 16000}
