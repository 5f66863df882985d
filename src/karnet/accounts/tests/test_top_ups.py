"""Electronic passes: bonus tiers and the order of spending (acceptance cases S-e, S-i, S-j)."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karnet.accounts.top_ups import Tier, draw, top_up
from karnet.kernel.decimals import minor_units

FILE = Path(__file__).parents[4] / "scenarios" / "passes" / "top-ups.json"


class Paid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    paid: tuple[str, ...]
    bonus: str
    valid_days: int | None = None


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    note: str
    tiers: tuple[Tier, ...]
    top_ups: tuple[Paid, ...]


CASES = msgspec.json.decode(FILE.read_bytes(), type=list[Case])


@pytest.mark.parametrize(
    ("tiers", "case"), [(case.tiers, paid) for case in CASES for paid in case.top_ups], ids=lambda one: str(one)[:60]
)
def test_a_top_up_brings_the_bonus_of_the_highest_tier_it_reaches(tiers: tuple[Tier, ...], case: Paid) -> None:
    found = [top_up(tiers, minor_units(paid, "PLN")) for paid in case.paid]
    assert sum(one.bonus_minor for one in found) == minor_units(case.bonus, "PLN")
    assert [one.money_minor for one in found] == [minor_units(paid, "PLN") for paid in case.paid]
    assert {one.valid_days for one in found} == {case.valid_days}


@pytest.mark.parametrize(
    ("order", "left"),
    [(("bonus", "money"), {"bonus": 0, "money": 24500}), (("money", "bonus"), {"money": 20000, "bonus": 4500})],
)
def test_money_and_bonus_are_spent_in_the_products_order(order: tuple[str, ...], left: dict[str, int]) -> None:
    """S-e: 300.00 with 15 % are 300.00 money and 45.00 bonus."""
    added = top_up([Tier(from_minor=30000, bonus_bp=1500)], 30000)
    purses = {"money": added.money_minor, "bonus": added.bonus_minor}
    assert purses == {"money": 30000, "bonus": 4500}
    drawn = draw(10000, [(name, purses[name]) for name in order])
    assert drawn.short_minor == 0
    for name, amount in drawn.parts:
        purses[name] -= amount
    assert purses == left


def test_the_third_band_on_one_pass_pays_at_the_till_what_the_pass_does_not_cover() -> None:
    """S-j: a pass with 100.00, three bands, 40.00 each: the third pays 20.00 at the till."""
    available, short = 10000, []
    for _ in range(3):
        drawn = draw(4000, [("money", available)])
        available -= sum(amount for _, amount in drawn.parts)
        short.append(drawn.short_minor)
    assert short == [0, 0, 2000]
    assert available == 0


@given(
    st.integers(0, 10**7),
    st.lists(st.tuples(st.integers(), st.integers(-100, 10**6)), unique_by=lambda purse: purse[0]),
)
def test_a_charge_is_drawn_whole_in_order_and_never_more_than_is_there(
    amount: int, purses: list[tuple[int, int]]
) -> None:
    drawn = draw(amount, purses)
    assert sum(part for _, part in drawn.parts) + drawn.short_minor == amount
    available = dict(purses)
    assert all(0 < part <= available[purse] for purse, part in drawn.parts)
    order = [purse for purse, _ in purses]
    assert [purse for purse, _ in drawn.parts] == [purse for purse in order if purse in dict(drawn.parts)]
    emptied = [purse for purse, part in drawn.parts if part == available[purse]]
    assert len(drawn.parts) - len(emptied) <= 1
    assert drawn.short_minor == 0 or len(emptied) == len(drawn.parts)


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 3000)), max_size=5), st.integers(0, 10**6))
def test_a_bonus_is_never_more_than_the_tiers_announce(tiers: list[tuple[int, int]], paid: int) -> None:
    found = top_up([Tier(from_minor=low, bonus_bp=bonus) for low, bonus in tiers], paid)
    assert 0 <= found.bonus_minor * 10_000 <= paid * max([bonus for low, bonus in tiers if low <= paid], default=0)
