"""Every debt is traced to what it is made of: tickets used or not, charges, deposits paid back."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from karnet.orders.charging import ChargeCard, LoadMoney, MoneyOn, charge, load
from karnet.parties.operations import facility_id, operator_id, sales_point_id
from karnet.settlement.rules.report import Report
from karnet.settlement.tests.season import DAY, Season, draft
from karnet.settlement.tests.test_random_seasons import play
from karnet.settlement.tracing import all_traced_tickets, traced_charges, traced_deposits

pytestmark = pytest.mark.database
END = datetime(2027, 4, 10, tzinfo=UTC)
BUNDLE = [
    {"product": "day", "price": "160.00", "vat": "8", "parts": [{"facility": "C", "amount": "60.00", "vat": "23"}]},
    {"product": "points30", "price": "26.00", "vat": "8"},
]


@pytest.mark.parametrize(
    "rules", [{}, {"unused": "equal_members"}, {"floor": "12.5", "division": "first_entries"}, {"prices": BUNDLE}]
)
def test_a_debt_for_tickets_is_the_sum_of_shares_in_the_tickets_it_is_traced_to(
    database: None, rules: dict[str, object]
) -> None:
    season = Season()
    season.agree(draft(**rules))
    play(season, random.Random(11), 10)
    cut = season.seal()
    report = season.settle(cut, until=END)
    assert isinstance(report, Report)
    owed = {(pair.debtor, pair.creditor): pair.tickets for pair in report.pairs}
    for debtor in "ABC":
        for creditor in "ABC":
            if debtor != creditor:
                tickets = all_traced_tickets(facility_id(debtor), facility_id(creditor), at=DAY, cut=cut, until=END)
                shares = sum(
                    share.share + share.unused + share.bundle
                    for ticket in tickets
                    for share in ticket.shares
                    if share.facility == creditor
                )
                assert shares == owed.get((debtor, creditor), 0), (debtor, creditor)


def test_money_and_deposits_are_traced_to_cards(database: None) -> None:
    season = Season()
    season.agree()
    season.sell("day", seller="A")
    (number,) = season.numbers
    a, c = facility_id("A"), facility_id("C")
    till = {"at": DAY, "number": number}
    put = LoadMoney(
        key=season.key(), actor=operator_id(a, "anna"), sales_point=sales_point_id(a, "till"), amount=900, **till
    )
    assert isinstance(load([put])[0], MoneyOn)
    spent = ChargeCard(
        key=season.key(), actor=operator_id(c, "anna"), sales_point=sales_point_id(c, "till"), amount=700, **till
    )
    assert isinstance(charge([spent])[0], MoneyOn)
    season.hand_in(number, facility="C", at=DAY + timedelta(hours=1))
    cut = season.seal()
    asked = {"cut": cut, "until": None, "limit": 5}
    assert [(one.number, one.money, one.bonus) for one in traced_charges(a, c, **asked)] == [(number, 700, 0)]
    assert [(one.number, one.money) for one in traced_deposits(a, c, **asked)] == [(number, 1000)]
    assert traced_charges(c, a, **asked) == traced_deposits(c, a, **asked) == []
