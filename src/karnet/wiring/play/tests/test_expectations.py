"""Expectations: subset of the outcome, money by value, failures with their path."""

from __future__ import annotations

from typing import Any

import pytest

from karnet.wiring.play.amounts import Money
from karnet.wiring.play.expectations import failures

OUTCOME = {
    "ok": True,
    "left": 14,
    "net": {"A": Money(1500, "PLN"), "B": Money(-5, "PLN")},
    "owes": [{"from": "B", "to": "A"}],
    "nothing": None,
}


@pytest.mark.parametrize(
    "expected",
    [
        {},
        {"ok": True, "left": 14},
        {"net": {"A": "15.00"}},
        {"net": {"A": "15"}},
        {"net": {"A": 1500, "B": "-0.05"}},
        {"owes": [{"to": "A"}]},
        {"nothing": None, "refused": None},
    ],
)
def test_fields_that_are_named_must_be_equal_and_others_do_not_matter(expected: dict[str, Any]) -> None:
    assert failures(expected, OUTCOME) == []


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ({"ok": False}, "ok: expected false, got true"),
        ({"ok": 1}, "ok: expected 1, got true"),
        ({"left": True}, "left: expected true, got 14"),
        ({"refused": "passback"}, 'refused: expected "passback", got nothing'),
        ({"net": {"A": 15}}, 'net.A: expected 15, got "15.00"'),
        ({"net": {"B": "0.05"}}, 'net.B: expected "0.05", got "-0.05"'),
        ({"net": {"C": "0"}}, 'net.C: expected "0", got nothing'),
        ({"net": {"A": "much"}}, 'net.A: expected "much", got "15.00"'),
        ({"owes": [{"to": "B"}]}, 'owes[0].to: expected "B", got "A"'),
        ({"owes": []}, 'owes: expected [], got [{"from":"B","to":"A"}]'),
        ({"left": None}, "left: expected nothing, got 14"),
    ],
)
def test_a_field_that_differs_is_told_with_its_path_what_was_expected_and_what_came(
    expected: dict[str, Any], told: str
) -> None:
    assert list(map(str, failures(expected, OUTCOME))) == [told]
