"""What a tariff editor points out."""

from __future__ import annotations

from datetime import date

import pytest

from karnet.tariffs.advice import AdviceCode, advice
from karnet.tariffs.checking import problems
from karnet.tariffs.model import Caps, DateRange, Package, Pause, Tariff
from karnet.tariffs.rating import rate
from karnet.tariffs.tests.making import band, clock, stay, tariff

EPIPHANY = {"holidays": (DateRange(first=date(2026, 1, 6), last=date(2026, 1, 6)),)}
WORK = (0, 1, 2, 3, 4)


def codes(checked: Tariff) -> list[AdviceCode]:
    assert problems(checked) == {}
    return [one.code for one in advice(checked)]


def test_a_plain_tariff_needs_no_advice() -> None:
    assert codes(tariff()) == []


@pytest.mark.parametrize(("price", "price_s", "even"), [(1800, 3600, True), (1000, 3600, False), (35, 0, True)])
def test_a_rate_that_does_not_divide_evenly_is_pointed_out(price: int, price_s: int, even: bool) -> None:
    found = advice(tariff(clock(band(price), price_s=price_s)))
    assert [(one.code, one.path) for one in found] == (
        [] if even else [(AdviceCode.UNEVEN_RATE, "clocks[0].bands[0].prices.adult")]
    )


def test_a_gap_is_told_with_its_days_and_minutes() -> None:
    found = advice(tariff(clock(band(end_minute=1320), band(code="night", start_minute=1330))))
    assert {one.code for one in found} == {AdviceCode.GAP}
    assert [one.facts["weekday"] for one in found] == list(range(7))
    assert {(one.facts["start_minute"], one.facts["end_minute"]) for one in found} == {(1320, 1330)}


def test_a_gap_only_on_a_holiday_is_found() -> None:
    checked = tariff(clock(band(not_on=("holidays",))), calendars=EPIPHANY)
    (found,) = advice(checked)
    assert (found.code, found.facts["calendars"], found.facts["weekday"]) == (AdviceCode.GAP, "holidays", 1)
    on_that_day = rate(checked, stay(("10:00", "pool"), ended="11:00"))
    assert on_that_day.total_minor == 6000


def test_a_band_past_midnight_fills_the_next_morning() -> None:
    late = band(code="late", start_minute=1200, end_minute=1800)
    assert codes(tariff(clock(late, band(start_minute=360, end_minute=1200)))) == []


def test_a_band_below_one_that_covers_it_is_never_in_force() -> None:
    found = advice(tariff(clock(band(), band(code="evening", start_minute=960))))
    assert [(one.code, one.path, one.facts["band"]) for one in found] == [
        (AdviceCode.UNREACHABLE_BAND, "clocks[0].bands[1]", "evening")
    ]


def test_a_band_of_a_calendar_without_days_is_never_in_force() -> None:
    checked = tariff(clock(band(code="summer", on=("summer",)), band()), calendars={"summer": ()})
    assert codes(checked) == [AdviceCode.UNREACHABLE_BAND]


def test_bands_that_overlap_in_part_are_pointed_out_and_exceptions_are_not() -> None:
    morning, day = band(code="morning", end_minute=700), band(code="day", start_minute=600)
    assert codes(tariff(clock(morning, day))) == [AdviceCode.OVERLAP]
    happy_hour = band(code="happy", start_minute=600, end_minute=660)
    assert codes(tariff(clock(happy_hour, band()))) == []
    weekend = band(code="weekend", weekdays=(5, 6), start_minute=500)
    assert codes(tariff(clock(weekend, band(code="work", weekdays=WORK), band(code="rest")))) == []


def test_a_cap_below_the_minimum_or_a_package_is_pointed_out_and_the_cap_wins() -> None:
    package = Package(code="1h", bands=(band(3000),))
    checked = tariff(caps=Caps(stay={"adult": 2000}), minimum={"adult": 2500}, packages=(package,))
    assert codes(checked) == [AdviceCode.CAP_BELOW_MINIMUM, AdviceCode.CAP_BELOW_PACKAGE]
    assert rate(checked, stay(("10:00", "pool"), ended="10:01", package="1h")).total_minor == 2000


def test_a_zone_where_no_clock_runs_is_pointed_out() -> None:
    found = advice(tariff(clock(pauses=(Pause(zone="sauna"),))))
    assert [(one.code, one.facts) for one in found] == [(AdviceCode.FREE_ZONE, {"zone": "sauna"})]
    assert codes(tariff(clock(pauses=(Pause(zone="sauna", at_most_s=600),)))) == []
