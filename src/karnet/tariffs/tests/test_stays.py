"""Stays that cannot be rated, and what happens at their edges."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import numpy as np
import pytest

from karnet.tariffs.bills import LineCode
from karnet.tariffs.columns import columns
from karnet.tariffs.model import Late, Package
from karnet.tariffs.rating import Rater, covered_until, price_curve, rate
from karnet.tariffs.repricing import reprice
from karnet.tariffs.stays import BadStay, Halt, Move, Visit, second, visits
from karnet.tariffs.tests.making import at, band, clock, stay, tariff


def test_a_stay_of_no_time_costs_nothing() -> None:
    bill = rate(tariff(), stay(("10:00", "pool"), ended="10:00"))
    assert (bill.total_minor, bill.lines) == (0, ())


@pytest.mark.parametrize(
    ("faulty", "said"),
    [
        (stay(ended="10:00"), "at least one move"),
        (stay(("10:00", "pool"), ("09:59", "sauna"), ended="11:00"), "in order of time"),
        (stay(("10:00", "pool"), ended="11:00", category="dog"), "no category 'dog'"),
        (stay(("10:00", "pool"), ended="11:00", package="9h"), "no package '9h'"),
        (
            msgspec.structs.replace(stay(("10:00", "pool"), ended="11:00"), ended=datetime(2026, 1, 19, 11)),
            "needs a time zone",
        ),
    ],
)
def test_a_stay_that_cannot_be_rated_says_why(faulty: object, said: str) -> None:
    with pytest.raises(BadStay, match=said):
        rate(tariff(), faulty)  # type: ignore[arg-type]


def test_a_halt_cuts_a_visit_and_one_outside_it_does_not() -> None:
    moves = (Move(at=at("10:00"), zone="pool"),)
    nine, ten, half, eleven = (second(at(wall)) for wall in ("09:00", "10:00", "10:30", "11:00"))
    halted = visits(moves, eleven, [Halt(since=at("10:30"))])
    assert halted == [Visit("pool", ten, half), Visit("", half, eleven)]
    assert visits(moves, eleven, [Halt(since=at("09:00"), until=at("10:00"))]) == [Visit("pool", ten, eleven)]
    assert visits(moves, nine) == []


def test_time_in_no_zone_runs_no_clock_even_one_that_runs_everywhere() -> None:
    out = stay(("10:00", "pool"), ("10:20", ""), ("10:50", "pool"), ended="11:00")
    assert rate(tariff(), out).total_minor == 3000


def test_a_time_without_a_band_is_free_and_says_so() -> None:
    bill = rate(tariff(clock(band(end_minute=600))), stay(("09:50", "pool"), ended="10:10"))
    assert [(line.code, line.units) for line in bill.lines] == [(LineCode.TIME, 10), (LineCode.FREE, 10)]
    assert bill.total_minor == 1000


def test_a_timeline_reaches_any_year_one_after_the_other() -> None:
    rater = Rater(tariff())
    for year in range(1975, 2275, 3):
        one = stay(("10:00", "pool"), ended="11:00")
        ahead = timedelta(days=365 * (year - 2026))
        moved = msgspec.structs.replace(
            one, moves=(Move(at=one.moves[0].at + ahead, zone="pool"),), ended=one.ended + ahead
        )
        assert rater.rate(moved).total_minor == 6000


def test_paid_time_is_over_at_once_when_the_package_costs_more() -> None:
    dear = tariff(packages=(Package(code="1h", bands=(band(5000),), included_s={"pool": 3600}),))
    rater, entered = Rater(dear), stay(("10:00", "pool"), ended="10:00", package="1h")
    assert covered_until(rater, entered, 4999, at("20:00")) is None
    assert covered_until(rater, entered, 5000, at("20:00")) == at("11:00:59")
    assert covered_until(rater, entered, 5000, at("10:30")) == at("10:30")
    assert price_curve(rater, entered, [at("10:30"), at("11:00"), at("11:02")]) == [5000, 5000, 5200]


def test_entering_at_the_very_hour_of_late_settling_is_before_it_and_a_second_later_is_for_tomorrow() -> None:
    closing = tariff(late=Late(after_minute=1325, fee={"adult": 2000}))
    on_time, after = stay(("22:05", "pool"), ended="22:06"), stay(("22:05:01", "pool"), ended="22:07:01")
    for one, fee in ((on_time, 2000), (after, 0)):
        assert rate(closing, one).fees_minor == fee
        assert reprice(closing, columns([one])).fees_minor.tolist() == [fee]


def test_columns_of_no_stays_are_priced_as_nothing() -> None:
    assert [len(column) for column in reprice(tariff(), columns([]))] == [0] * 7


def test_columns_of_stays_without_visits_are_priced() -> None:
    assert reprice(tariff(), columns([stay(("10:00", "pool"), ended="10:00")] * 3)).total_minor.tolist() == [0, 0, 0]


def test_a_tariff_that_lacks_a_category_or_package_of_the_period_says_which() -> None:
    with_package = tariff(packages=(Package(code="1h", bands=(band(),)),))
    stays = columns([stay(("10:00", "pool"), ended="11:00", package="1h")])
    assert reprice(with_package, stays).total_minor.tolist() == [6100]
    with pytest.raises(BadStay, match="no package '1h'"):
        reprice(tariff(), stays)
    with pytest.raises(BadStay, match="no category 'guest'"):
        reprice(with_package, stays._replace(categories=("guest",)))
    renamed = columns([stay(("10:00", "pool"), ended="11:00", category="guest")])._replace(categories=("adult",))
    assert reprice(tariff(), renamed).total_minor.tolist() == [6000]


def test_an_amount_too_large_for_columns_is_refused_not_wrapped() -> None:
    dear = tariff(clock(band(10_000_000), unit_s=1, price_s=1), clock(band(1), code="fine", unit_s=1, price_s=86_399))
    hour = stay(("10:00", "pool"), ended="11:00")
    whole = 3600 * 10_000_000
    assert rate(dear, hour).total_minor == reprice(dear, columns([hour])).total_minor[0] == whole
    year = msgspec.structs.replace(hour, ended=hour.ended + timedelta(days=365))
    assert rate(dear, year).total_minor == (365 * 24 + 1) * whole + 365
    with pytest.raises(OverflowError, match="too long"):
        reprice(dear, columns([year]))


def test_a_stay_that_was_never_closed_is_refused() -> None:
    hour = stay(("10:00", "pool"), ended="11:00")
    endless = msgspec.structs.replace(hour, ended=hour.ended + timedelta(days=366))
    with pytest.raises(BadStay, match="366 days"):
        rate(tariff(), endless)
    with pytest.raises(BadStay, match="366 days"):
        columns([endless])


def test_a_period_of_more_than_a_century_is_refused() -> None:
    hour = columns([stay(("10:00", "pool"), ended="11:00")] * 2)
    ages = np.array([0, 200 * 366 * 86_400])
    far = hour._replace(entry_s=hour.entry_s + ages, ended_s=hour.ended_s + ages)
    with pytest.raises(BadStay, match="century"):
        reprice(tariff(), far)
