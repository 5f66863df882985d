"""A period under two tariffs: the sums are those of the bills one by one, and every partition adds up."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np

from karnet.tariffs.columns import columns
from karnet.tariffs.comparing import Compared, Comparison, Known, Missing, ratable, revenue
from karnet.tariffs.model import Band, Caps, Tariff
from karnet.tariffs.rating import Rater
from karnet.tariffs.repricing import reprice
from karnet.tariffs.stays import Move, Stay
from karnet.tariffs.tests.making import clock, stay, tariff

CHEAP_MORNINGS = tariff(
    clock(Band(code="am", end_minute=720, prices={"adult": 60}), Band(code="pm", prices={"adult": 110})),
    caps=Caps(stay={"adult": 9000}),
)
FLAT = tariff(clock())
VISITS = [
    stay(("08:10", "pool"), ended="09:10"),
    stay(("11:30", "pool"), ("12:00", "sauna"), ended="12:30"),
    stay(("15:05", "pool"), ended="17:05"),
    stay(("15:05", "pool"), ended="16:00", prepaid_minor=9000),
    stay(("09:00", "pool"), ("09:20", "sauna"), ("09:40", "pool"), ended="10:00"),
]


def compared(stays: list[Stay], before: Tariff, after: Tariff, chunk: int) -> Compared:
    comparison = Comparison("Europe/Warsaw")
    for begin in range(0, len(stays), chunk):
        part = stays[begin : begin + chunk]
        known = [Known(UUID(int=begin + n), one) for n, one in enumerate(part)]
        rated = [revenue(reprice(one, columns(part))) for one in (before, after)]
        comparison.add(columns(part), *rated, known)
    return comparison.result()


def brought(one: Stay, by: Tariff) -> int:
    bill = Rater(by).rate(one)
    return bill.total_minor + bill.kept_minor


def test_the_sums_are_those_of_bills_one_by_one_however_they_are_cut_into_chunks() -> None:
    found = compared(VISITS, FLAT, CHEAP_MORNINGS, 2)
    whole = found.whole
    pairs = [(brought(one, FLAT), brought(one, CHEAP_MORNINGS)) for one in VISITS]
    assert (whole.stays, whole.before, whole.after) == (5, sum(b for b, _ in pairs), sum(a for _, a in pairs))
    assert (whole.more, whole.less) == (sum(a > b for b, a in pairs), sum(a < b for b, a in pairs))
    assert whole.rise - whole.fall == whole.change
    for groups in (found.days, found.hours, found.categories, found.zones):
        for figure in ("stays", "before", "after", "more", "less", "rise", "fall"):
            assert sum(getattr(group, figure) for group in groups) == getattr(whole, figure), figure
    assert {one.name: one.stays for one in found.hours} == {"08": 1, "09": 1, "11": 1, "15": 2}
    assert Counter(one.name for one in found.zones) == {"pool": 1, "pool + sauna": 1}
    assert [one.change for one in found.dearer] == sorted([a - b for b, a in pairs if a > b], reverse=True)
    assert [one.change for one in found.cheaper] == sorted(a - b for b, a in pairs if a < b)
    assert compared(VISITS, FLAT, CHEAP_MORNINGS, 5) == found


def test_the_hours_are_those_of_the_wall_clock_on_the_night_it_is_set_back() -> None:
    def at_night(hour: int) -> Stay:
        entry = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
        return Stay(category="adult", moves=(Move(at=entry, zone="pool"),), ended=entry + timedelta(minutes=20))

    found = compared([at_night(0), at_night(1), at_night(2)], FLAT, FLAT, 9)
    assert {one.name: one.stays for one in found.hours} == {"02": 2, "03": 1}, "half past two comes twice"
    assert [one.name for one in found.days] == ["2026-10-25"]


def test_what_a_tariff_does_not_know_is_left_out_and_counted() -> None:
    stays = [
        *VISITS,
        stay(("08:10", "pool"), ended="09:10", category="child"),
        stay(("08:00", "pool"), ended="09:00", package="2h"),
    ]
    places, missing = ratable(columns(stays), frozenset({"adult"}), frozenset())
    assert places.tolist() == [0, 1, 2, 3, 4]
    assert missing == {Missing("category", "child"): 1, Missing("package", "2h"): 1}
    assert np.array_equal(ratable(columns(VISITS), frozenset({"adult"}), frozenset())[0], np.arange(5))
