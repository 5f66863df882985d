"""Random seasons through the real services, closed at random points: periods add up, and every grosz can be traced."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from karnet.accounts.operations import house_account
from karnet.accounts.selectors import balances, books_balance
from karnet.journal.cuts import Cut
from karnet.parties.operations import facility_id
from karnet.settlement import selectors
from karnet.settlement.explaining import Explanation, explain
from karnet.settlement.requests import ClosedPeriod
from karnet.settlement.tests.season import DAY, Season, draft, row

pytestmark = pytest.mark.database

RULES = [
    {},
    {"division": "equal_visited", "unused": "equal_members"},
    {"unused": "weights_of_members"},
    {"division": "first_entries", "floor": "7.5"},
    {"division": "points_frequency", "overdrawn": "seller", "unreturned": "equal_members"},
    {
        "prices": [
            {
                "product": "day",
                "price": "160.00",
                "vat": "8",
                "parts": [{"facility": "C", "amount": "33.33", "vat": "23"}],
            },
            {"product": "points30", "price": "26.00", "vat": "8"},
        ],
        "unused": "equal_members",
    },
]


def play(season: Season, chance: random.Random, steps: int) -> list[str]:
    """Sell, ski, hand in, return, and close now and then; return the numbers of all cards."""
    numbers: list[str] = []
    for step in range(steps):
        at = DAY + timedelta(hours=step)
        seller = chance.choice("ABC")
        product = chance.choice(["day", "points30", "local"])
        sale = season.sell(product, seller=seller, at=at, price=chance.choice([None, 0, chance.randrange(20_000)]))
        (number,) = season.numbers
        numbers.append(number)
        places = "ABC" if product != "local" else seller
        ways = chance.choices(places, k=chance.randrange(6))
        season.pass_gates("".join(ways), number=number, at=at)
        if not ways and chance.random() < 0.5:
            season.return_order(sale.order, facility=seller, at=at + timedelta(minutes=1))
        if product == "day" and chance.random() < 0.5:
            season.hand_in(number, facility=chance.choice("ABC"), at=at + timedelta(hours=2))
        if chance.random() < 0.3:
            until = None if chance.random() < 0.5 else at + timedelta(hours=chance.randrange(-3, 4))
            season.close(at=at, until=until)
    return numbers


@pytest.mark.parametrize("seed", range(6))
def test_periods_add_up_to_the_season_and_the_books_to_its_balances(database: None, seed: int) -> None:
    season = Season()
    agreement = season.agree(draft(**RULES[seed]))
    play(season, random.Random(seed), 14)
    last = season.close(until=datetime(2027, 4, 10, tzinfo=UTC))
    assert isinstance(last, ClosedPeriod), last
    places = selectors.places()
    in_all = season.settle(Cut(last.cut), until=datetime(2027, 4, 10, tzinfo=UTC))
    closed = [selectors.closed_report(_row(agreement.id), n + 1) for n in range(last.sequence)]
    for code in "ABC":
        for name in (
            "collected",
            "points",
            "time",
            "bundles",
            "unused",
            "over_price",
            "deferred",
            "deposits",
            "balance",
            "local",
        ):
            periods = sum(getattr(row(report, code), name) for report in closed)
            assert periods == getattr(row(in_all, code), name), (code, name)
    assert row(in_all, "A").deferred + row(in_all, "B").deferred + row(in_all, "C").deferred == 0, "the season is over"
    accounts = {code: house_account(facility_id(code), "clearing", "PLN") for code in "ABC"}
    held = balances(accounts.values())
    assert {code: held[account].balance for code, account in accounts.items()} == {
        code: row(in_all, code).balance for code in "ABC"
    }
    assert set(books_balance().values()) == {0}
    assert places


@pytest.mark.parametrize("seed", range(len(RULES)))
def test_every_grosz_of_a_settlement_is_traced_to_a_ticket(database: None, seed: int) -> None:
    season = Season()
    season.agree(draft(**RULES[seed]))
    numbers = play(season, random.Random(100 + seed), 12)
    cut = season.seal()
    report = season.settle(cut)
    traced: Counter[tuple[str, str]] = Counter()
    for number in numbers:
        found = explain(number, at=DAY, cut=cut)
        assert isinstance(found, Explanation), found
        for ticket in found.tickets:
            if ticket.agreed is None:
                traced[ticket.seller, "local"] += 0 if ticket.voided else ticket.price
                continue
            traced[ticket.seller, "over_price"] += ticket.over_price
            traced[ticket.seller, "deferred"] += ticket.deferred
            for share in ticket.shares:
                traced[share.facility, ticket.kind] += share.share
                traced[share.facility, "unused"] += share.unused
                traced[share.facility, "bundles"] += share.bundle
                traced[share.facility, "passages"] += share.passages
    for line in report.facilities:
        for name in ("local", "over_price", "deferred", "points", "time", "bundles", "unused", "passages"):
            assert traced[line.code, name] == getattr(line, name), (line.code, name)


def _row(agreement):
    return next(found for found in selectors.agreements() if found.id == agreement)
