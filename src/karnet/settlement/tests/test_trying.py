"""What-if over real facts, and the rules that need more of passages than their weight, through the database."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from karnet.settlement import selectors
from karnet.settlement.explaining import Explanation, explain
from karnet.settlement.rules.division import DIVISIONS
from karnet.settlement.rules.trying import Alternative, Tried
from karnet.settlement.tests.season import DAY, Season, draft, row
from karnet.settlement.trying import WhatIf, what_if

pytestmark = pytest.mark.database


def tried(season: Season, *alternatives: Alternative) -> dict[str, Tried]:
    found = what_if(alternatives, season.seal(), at=DAY)
    assert isinstance(found, WhatIf), found
    for one in found.tried:
        assert sum(effect.change for effect in one.effects) == 0, "what some win others lose"
    return {one.name: one for one in found.tried}


def times(one: Tried) -> dict[str, int]:
    return {line.code: line.time for line in one.report.facilities if line.time}


def test_rules_are_tried_side_by_side_over_the_same_passages(database: None) -> None:
    season = Season()
    season.agree()
    season.sell("day")
    season.pass_gates("BAAAACC")
    names = {rule: Alternative(name=rule, division=rule) for rule in DIVISIONS}
    found = tried(season, *names.values(), Alternative(name="floor", floor_bp=3000))
    assert times(found["first_entries"]) == {"B": 16000}
    assert times(found["equal_visited"]) == {"A": 5334, "B": 5333, "C": 5333}
    assert times(found["points_frequency"]) == {"A": 12000, "B": 2000, "C": 2000}, "3 × 4, 2 × 1, 1 × 2 of 16"
    assert times(found["weighted_passages"]) == {"A": 6400, "B": 2400, "C": 7200}, "4, 1.5 and 4.5 of 10"
    assert found["weighted_passages"].moved == 0
    assert found["equal_visited"].moved == 5333 - 2400
    assert times(found["floor"]) == {"A": 4480 + 1600, "B": 1680 + 1600, "C": 5040 + 1600}


def test_a_text_with_other_weights_weighs_the_passages_anew(database: None) -> None:
    season = Season()
    season.agree()
    season.sell("day")
    season.pass_gates("AB")
    gates = json.loads(draft())["gates"] | {"A/lift": {"points": 3, "weight": "4.50"}, "C/lift": {}}
    text = season_text(draft(gates=gates))
    found = tried(season, Alternative(name="heavier A", text=text))["heavier A"]
    assert times(found) == {"A": 12000, "B": 4000}
    actual = season.settle()
    assert found.report.agreement_sha256 != actual.agreement_sha256, "nobody takes it for a settlement"
    assert row(actual, "A").time == 6400


def season_text(text: str) -> Any:
    from karnet.settlement.rules.drafts import resolve
    from karnet.settlement.selectors import publication_facts

    facts = msgspec.structs.replace(publication_facts(), agreements=[])
    return resolve(text, facts)


@pytest.mark.parametrize("rule", list(DIVISIONS))
def test_what_the_database_sums_is_what_is_traced_ticket_by_ticket(database: None, rule: str) -> None:
    chance = random.Random(rule)
    season = Season()
    season.agree(draft(division=rule, floor="5"))
    numbers = []
    for step in range(8):
        season.sell("day", seller=chance.choice("ABC"), at=DAY + timedelta(hours=step))
        numbers += season.numbers
        season.pass_gates("".join(chance.choices("ABC", k=chance.randrange(5))), at=DAY + timedelta(hours=step))
    cut = season.seal()
    report = season.settle(cut)
    traced: Counter[str] = Counter()
    for number in numbers:
        found = explain(number, at=DAY, cut=cut)
        assert isinstance(found, Explanation), found
        for ticket in found.tickets:
            for share in ticket.shares:
                traced[share.facility] += share.share
    assert {code: traced[code] for code in "ABC"} == {code: row(report, code).time for code in "ABC"}
    assert selectors.agreements()[0].text.division == rule
