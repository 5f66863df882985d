"""The generated day: pure, in order, physically possible, and of the size that was asked for."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta

import msgspec
import pytest

from karnet.wiring.demo.day import generate, whole
from karnet.wiring.demo.network import LIFTS, ZONE
from karnet.wiring.demo.pool import CLERKS
from karnet.wiring.demo.swimming import swim
from karnet.wiring.play.reading import numbered, read
from karnet.wiring.play.steps import CloseShift, Invoice, OpenShift, Scan, Sell, Step, Take
from karnet.wiring.play.steps_stays import ChargeBand, Enter, ReadBand, SettleStays

DAY = date(2026, 1, 17)


@pytest.fixture(scope="module")
def steps() -> list[Step]:
    return list(generate(seed=7, skiers=400, day=DAY))


def test_the_same_seed_makes_the_same_day_and_another_seed_another(steps: list[Step]) -> None:
    assert list(generate(seed=7, skiers=400, day=DAY)) == steps
    assert list(generate(seed=8, skiers=400, day=DAY)) != steps


def test_written_to_a_file_and_read_again_it_is_the_same_scenario(steps: list[Step]) -> None:
    lines = read(msgspec.json.encode(step) for step in steps)
    assert [line.step for line in lines] == steps
    assert [line.key for line in lines] == [line.key for line in numbered(enumerate(steps, start=1))]
    assert len({line.key for line in lines}) == len(lines)


def test_as_many_people_come_as_were_asked_for(steps: list[Step]) -> None:
    sold = [card for step in steps if isinstance(step, Sell) for line in step.lines for card in line.cards]
    slips = Counter(sold)
    assert len(slips) == 400


def test_nobody_is_at_two_lifts_at_once(steps: list[Step]) -> None:
    rides = {lift.gate: timedelta(seconds=lift.round_s) for lift in LIFTS}
    free_at: dict[str, object] = {}
    for step in steps:
        if isinstance(step, Scan) and step.expect == {"ok": True}:
            assert step.at >= free_at.get(step.card, step.at)
        if isinstance(step, Take) and step.taken and step.card:
            free_at[step.card] = step.at + rides[step.gate]


def test_no_lift_carries_more_people_than_it_can(steps: list[Step]) -> None:
    granted = defaultdict(list)
    for step in steps:
        if isinstance(step, Scan) and step.expect == {"ok": True}:
            granted[step.gate].append(step.at)
    for lift in LIFTS:
        per_hour = Counter(at.replace(minute=0, second=0) for at in granted[lift.gate])
        # One more for each who stepped back and shows the card again.
        assert max(per_hour.values()) <= 3600 / lift.interval_s * 1.05


def test_the_day_has_everything_that_a_day_has(steps: list[Step]) -> None:
    refused = Counter((step.expect or {}).get("refused") for step in steps)
    assert {
        "passback", "not_enough_points", "expired", "not_valid_here", "unknown_medium", "medium_replaced",
        "medium_blocked", "used_cannot_return", "no_open_shift",
    } <= set(refused)  # fmt: skip
    kinds = Counter(type(step) for step in steps)
    assert kinds[OpenShift] == kinds[CloseShift] > 0
    assert kinds[Invoice] == 1


def test_two_thousand_skiers_make_about_25000_passages() -> None:
    days = list(generate())
    turns = sum(isinstance(step, Take) and step.taken for step in days)
    at_once = sum(isinstance(s, Scan) and s.gate == "jawor/carpet" and s.expect == {"ok": True} for s in days)
    assert 23_000 <= turns + at_once <= 27_000


@pytest.mark.parametrize("skiers", [1, 5, 60])
def test_a_small_day_is_a_day_too(skiers: int) -> None:
    days = list(generate(skiers=skiers))
    assert all(earlier.at <= later.at for earlier, later in zip(days, days[1:], strict=False))
    assert read(msgspec.json.encode(step) for step in days)


def test_the_pools_day_goes_beside_the_slopes_and_skiers_swim_with_their_cards(steps: list[Step]) -> None:
    both = list(whole(seed=7, skiers=400, day=DAY))
    assert all(earlier.at <= later.at for earlier, later in zip(both, both[1:], strict=False))
    assert len(both) > len(steps)
    skiers = {card for step in steps if isinstance(step, Sell) for line in step.lines for card in line.cards}
    swimmers = [band.card for step in both if isinstance(step, Enter) for band in step.bands]
    assert len(swimmers) == len(set(swimmers))
    assert 0 < len(skiers.intersection(swimmers)) < len(swimmers)
    gone = [
        s.card
        for s in both
        if isinstance(s, ReadBand) and s.gate.endswith("/out") and "refused" not in (s.expect or {})
    ]
    assert sorted(gone) == sorted(swimmers)
    assert {ChargeBand, SettleStays} <= {type(step) for step in both}


@pytest.mark.parametrize("day", [date(2026, 1, 17) + timedelta(days=n) for n in range(7)])
def test_nobody_at_the_pool_pays_at_a_till_that_is_closed(day: date) -> None:
    last: dict[str, str] = {}
    steps = list(swim(1, 2000, day))
    for step in steps:
        if (till := getattr(step, "sales_point", None)) in CLERKS:
            last[till] = type(step).__name__
    assert last == dict.fromkeys(CLERKS, "CloseShift")
    assert any(isinstance(step, SettleStays) and step.at.astimezone(ZONE).hour >= 22 for step in steps), "late guests"
