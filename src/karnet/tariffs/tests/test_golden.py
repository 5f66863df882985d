"""Acceptance cases S-a to S-h and the price lists of real pools, worked by hand (`scenarios/tariffs`)."""

from __future__ import annotations

import pytest

from karnet.kernel.decimals import money
from karnet.tariffs.bills import amount_text
from karnet.tariffs.checking import problems
from karnet.tariffs.columns import columns
from karnet.tariffs.model import from_json, to_json
from karnet.tariffs.rating import rate
from karnet.tariffs.repricing import reprice
from karnet.tariffs.tests.examples import Example, Worked, examples

EXAMPLES = examples()
WORKED = [
    pytest.param(example, worked, id=f"{example.title} / {worked.title}")
    for example in EXAMPLES
    for worked in example.bills
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_every_example_is_a_tariff_that_could_be_published_and_survives_its_canonical_form(example: Example) -> None:
    assert problems(example.tariff) == {}
    assert from_json(to_json(example.tariff)) == example.tariff


@pytest.mark.parametrize(("example", "worked"), WORKED)
def test_a_bill_is_what_it_comes_to_by_hand(example: Example, worked: Worked) -> None:
    bill = rate(example.tariff, worked.stay)
    found = {"total": bill.total_minor, "due": bill.due_minor, "returned": bill.returned_minor, "kept": bill.kept_minor}
    by_hand = {name: text for name in found if (text := getattr(worked, name)) is not None}
    assert {name: money(found[name], "PLN") for name in by_hand} == by_hand


@pytest.mark.parametrize(("example", "worked"), WORKED)
def test_columns_come_to_the_same(example: Example, worked: Worked) -> None:
    repriced = reprice(example.tariff, columns([worked.stay]))
    assert money(int(repriced.total_minor[0]), "PLN") == worked.total
    assert money(int(repriced.due_minor[0]), "PLN") == worked.due


def test_the_examples_hold_the_cases_of_the_specification_and_at_least_three_pools() -> None:
    titles = [example.title for example in EXAMPLES]
    assert {title[:3] for title in titles if title.startswith("S-")} == {
        "S-a",
        "S-b",
        "S-c",
        "S-d",
        "S-f",
        "S-g",
        "S-h",
    }
    assert len([example for example in EXAMPLES if ".pl" in example.note]) >= 3


def test_a_bill_names_every_step_in_order() -> None:
    example = next(one for one in EXAMPLES if one.title.startswith("Milicka"))
    bill = rate(example.tariff, example.bills[2].stay)
    said = [
        (line.code.value, line.band, line.units, amount_text(line.amount, bill.denominator, "PLN"))
        for line in bill.lines
    ]
    assert said == [
        ("package", "weekend-morning", 0, "9.00"),
        ("included", "", 0, "0.00"),
        ("time", "weekend", 20, "3.33333333…"),
        ("rounding", "", 0, "-0.03333333…"),
    ]
