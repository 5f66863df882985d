"""From any figure of a facility to what is behind it: the rows add up to the figure, for the season and for periods."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from karnet.orders.charging import ChargeCard, LoadMoney, MoneyOn, charge, load
from karnet.parties.operations import facility_id, operator_id, sales_point_id
from karnet.settlement import selectors
from karnet.settlement.drilling import FIGURES, Fact, Stand, facts_behind, stands_of
from karnet.settlement.requests import ClosedPeriod
from karnet.settlement.rules.report import FacilityLine, Report
from karnet.settlement.tests.season import DAY, Season, draft, row
from karnet.settlement.tests.test_random_seasons import RULES, play

pytestmark = pytest.mark.database


def money_on_cards(season: Season, numbers: list[str], chance: random.Random) -> None:
    """Put money on some cards and spend part of it elsewhere."""
    for n, number in enumerate(numbers[:5]):
        taken, spent = chance.choice("ABC"), chance.choice("ABC")
        asked = {"at": DAY + timedelta(hours=1, minutes=n), "number": number}
        (put,) = load([LoadMoney(key=season.key(), amount=chance.randrange(1000, 9000), **at(taken), **asked)])
        if isinstance(put, MoneyOn):
            charge([ChargeCard(key=season.key(), amount=chance.randrange(1, put.money + 1), **at(spent), **asked)])


def at(code: str) -> dict[str, Any]:
    facility = facility_id(code)
    return {"actor": operator_id(facility, "anna"), "sales_point": sales_point_id(facility, "till")}


def behind(report: Report, code: str, figure: str, stand: Stand, before: Stand | None = None) -> list[Fact]:
    found = facts_behind(facility_id(code), figure, agreement=report.agreement, stand=stand, before=before)
    return list(found)  # type: ignore[arg-type]


def shown(line: FacilityLine) -> dict[str, int]:
    return {figure: getattr(line, figure) for figure in FIGURES}


@pytest.mark.parametrize("seed", range(len(RULES)))
def test_what_is_behind_every_figure_adds_up_to_it(database: None, seed: int) -> None:
    season, chance = Season(), random.Random(700 + seed)
    season.agree(draft(**{"bonus": chance.choice(["giver", "members"]), **RULES[seed]}))
    numbers = play(season, chance, 6)
    money_on_cards(season, numbers, chance)
    cut = season.seal()
    report = season.settle(cut)
    stand = Stand(cut, None, report.as_of)
    for line in report.facilities:
        found = {figure: sum(one.amount for one in behind(report, line.code, figure, stand)) for figure in FIGURES}
        assert found == shown(line), line.code


def test_what_is_behind_a_closed_period_is_what_came_to_it(database: None) -> None:
    season = Season()
    agreement = season.agree()
    first = season.sell("day", seller="A")
    season.pass_gates("AB")
    (number,) = season.numbers
    closed = [season.close(at=DAY + timedelta(hours=3), until=DAY + timedelta(hours=3))]
    season.pass_gates("C", number=number, at=DAY + timedelta(hours=4))
    season.sell("points30", seller="B", at=DAY + timedelta(hours=4))
    season.pass_gates("A", at=DAY + timedelta(hours=5))
    season.hand_in(number, facility="C", at=DAY + timedelta(hours=6))
    closed.append(season.close(at=DAY + timedelta(hours=7), until=DAY + timedelta(hours=7)))
    assert all(isinstance(one, ClosedPeriod) for one in closed), closed
    done = selectors.closings(agreement.id)
    (found,) = (one for one in selectors.agreements() if one.id == agreement.id)
    for sequence in (1, 2):
        report, stands = selectors.closed_report(found, sequence), stands_of(done, sequence)
        assert report is not None
        assert stands is not None
        stand, before = stands
        for code in "ABC":
            sums = {f: sum(one.amount for one in behind(report, code, f, stand, before)) for f in FIGURES}
            assert sums == shown(row(report, code)), (sequence, code)
    (ticket,) = behind(report, "B", "time", stand, before)
    assert ticket.ticket == first.entitlements[0]
    assert ticket.amount == 5053 - 9600, "by hand: 1.5 of 2.5 became 1.5 of 4.75, of 160.00"


def test_the_facts_go_on_where_a_page_ended(database: None) -> None:
    season = Season()
    agreement = season.agree()
    for n in range(5):
        season.sell("day", seller="A", at=DAY + timedelta(minutes=n))
        season.hand_in(season.numbers[0], facility="C", at=DAY + timedelta(hours=1, minutes=n))
    stand = Stand(season.seal(), None)
    asked: dict[str, Any] = {"agreement": agreement.id, "stand": stand}
    everything = list(facts_behind(facility_id("A"), "balance", **asked))  # type: ignore[arg-type]
    assert [one.kind for one in everything] == ["deposit"] * 5, "what A sold and nobody used is A's own"
    for n, one in enumerate(everything):
        rest = list(facts_behind(facility_id("A"), "balance", after=one.mark, **asked))  # type: ignore[arg-type]
        assert rest == everything[n + 1 :]
    tickets = list(facts_behind(facility_id("A"), "collected", **asked))  # type: ignore[arg-type]
    assert list(facts_behind(facility_id("A"), "collected", after=tickets[1].mark, **asked)) == tickets[2:]  # type: ignore[arg-type]
    assert {one.number for one in everything} != {""}
