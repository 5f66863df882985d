"""What keeps a tariff from being published."""

from __future__ import annotations

from datetime import date

import pytest

from karnet.tariffs.checking import problems
from karnet.tariffs.model import (
    Band,
    Caps,
    DateRange,
    Late,
    Package,
    Pause,
    Rounding,
    Tariff,
    UnreadableTariff,
    from_json,
    to_json,
)
from karnet.tariffs.tests.making import band, clock, tariff

PACKAGE = Package(code="1h", bands=(band(),), included_s={"pool": 3600})

CASES: dict[str, tuple[Tariff, str]] = {
    "a code with a space": (tariff(code="no code"), "code"),
    "no currency": (tariff(currency="zloty"), "currency"),
    "no such zone": (tariff(time_zone="Europe/Wrocław"), "time_zone"),
    "no category": (tariff(categories=()), "categories"),
    "a category twice": (tariff(categories=("adult", "adult")), "categories"),
    "a clock twice": (tariff(clock(), clock()), "clocks"),
    "nothing to charge": (tariff(clocks=()), "clocks"),
    "a zone without a name": (tariff(zones=("",)), "zones"),
    "days that end before they begin": (
        tariff(calendars={"x": (DateRange(first=date(2026, 1, 2), last=date(2026, 1, 1)),)}),
        "calendars.x[0]",
    ),
    "years of days": (
        tariff(calendars={"x": (DateRange(first=date(2026, 1, 2), last=date(2036, 1, 1)),)}),
        "calendars.x[0]",
    ),
    "no step": (tariff(rounding=Rounding(step_minor=0)), "rounding.step_minor"),
    "no unit": (tariff(clock(unit_s=0)), "clocks[0].unit_s"),
    "prices for a week": (tariff(clock(price_s=604_800)), "clocks[0].price_s"),
    "grace below zero": (tariff(clock(grace_s=-1)), "clocks[0].grace_s"),
    "a zone that is none": (tariff(clock(zones=("gym",))), "clocks[0].zones"),
    "a pause where the clock never runs": (
        tariff(clock(zones=("pool",), pauses=(Pause(zone="sauna"),))),
        "clocks[0].pauses[0].zone",
    ),
    "two pauses in one zone": (
        tariff(clock(pauses=(Pause(zone="sauna"), Pause(zone="sauna", at_most_s=60)))),
        "clocks[0].pauses",
    ),
    "no band": (tariff(clock(bands=())), "clocks[0].bands"),
    "no weekday": (tariff(clock(band(weekdays=()))), "clocks[0].bands[0].weekdays"),
    "an eighth day": (tariff(clock(band(weekdays=(7,)))), "clocks[0].bands[0].weekdays"),
    "a start tomorrow": (tariff(clock(band(start_minute=1440, end_minute=1500))), "clocks[0].bands[0].start_minute"),
    "an end before the start": (tariff(clock(band(start_minute=600, end_minute=600))), "clocks[0].bands[0].end_minute"),
    "more than a day": (tariff(clock(band(start_minute=600, end_minute=2041))), "clocks[0].bands[0].end_minute"),
    "no such calendar": (tariff(clock(band(on=("easter",)))), "clocks[0].bands[0].on"),
    "no price for a category": (tariff(categories=("adult", "child")), "clocks[0].bands[0].prices"),
    "a price for no category": (
        tariff(clock(Band(code="any", prices={"adult": 1, "dog": 1}))),
        "clocks[0].bands[0].prices.dog",
    ),
    "a price below zero": (tariff(clock(band(-1))), "clocks[0].bands[0].prices.adult"),
    "a price beyond reason": (tariff(clock(band(10**9))), "clocks[0].bands[0].prices.adult"),
    "time included of no clock": (
        tariff(packages=(Package(code="1h", bands=(band(),), included_s={"gym": 3600}),)),
        "packages[0].included_s.gym",
    ),
    "a package twice": (tariff(packages=(PACKAGE, PACKAGE)), "packages"),
    "a cap below zero": (tariff(caps=Caps(stay={"adult": -1})), "caps.stay.adult"),
    "a cap between steps": (
        tariff(caps=Caps(stay={"adult": 1005}), rounding=Rounding(step_minor=10)),
        "caps.stay.adult",
    ),
    "a clock's cap between steps": (
        tariff(clock(caps=Caps(day={"adult": 1005})), rounding=Rounding(step_minor=10)),
        "clocks[0].caps.day.adult",
    ),
    "a minimum between steps": (tariff(minimum={"adult": 1}, rounding=Rounding(step_minor=10)), "minimum.adult"),
    "a cap of days at the exit's rate": (
        tariff(clock(rate_of="exit", caps=Caps(day={"adult": 100}))),
        "clocks[0].caps.day",
    ),
    "a cap of days over a clock at the exit's rate": (
        tariff(clock(rate_of="exit"), caps=Caps(day={"adult": 100})),
        "caps.day",
    ),
    "a day that starts tomorrow": (tariff(day_start_minute=1440), "day_start_minute"),
    "a time stop of a year": (tariff(stop_hold_s=365 * 86_400), "stop_hold_s"),
    "a late hour tomorrow": (tariff(late=Late(after_minute=1440, fee={})), "late.after_minute"),
    "a late fee for no category": (tariff(late=Late(after_minute=0, fee={"dog": 1})), "late.fee.dog"),
    "units without a common denominator": (
        tariff(clock(unit_s=1, price_s=86_399), clock(code="other", unit_s=1, price_s=86_400)),
        "clocks",
    ),
}


@pytest.mark.parametrize("title", CASES)
def test_a_tariff_that_could_break_a_promise_is_refused_with_the_field_at_fault(title: str) -> None:
    faulty, path = CASES[title]
    assert list(problems(faulty)) == [path]
    assert problems(faulty)[path]


def test_every_problem_is_told_at_once() -> None:
    faulty = tariff(clock(band(-1), unit_s=0), minimum={"dog": 5})
    assert set(problems(faulty)) == {"clocks[0].unit_s", "clocks[0].bands[0].prices.adult", "minimum.dog"}


def test_a_tariff_without_faults_has_no_problems() -> None:
    assert problems(tariff(packages=(PACKAGE,))) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "truncated"),
        (b"[]", "Expected `object`"),
        (b'{"format": 2}', "Invalid value 2"),
        (b'{"format": 1, "code": 7}', "$.code"),
        (to_json(tariff())[:-1] + b',"vat":1}', "unknown field `vat`"),
        (to_json(tariff()).replace(b'"unit_s":60', b'"unit_s":0.5'), "$.clocks[0].unit_s"),
        (b"\xff", ""),
        (b"[" * 100_000, ""),
    ],
)
def test_what_is_no_tariff_is_refused_with_the_place(text: bytes, said: str) -> None:
    with pytest.raises(UnreadableTariff) as error:
        from_json(text)
    assert said in str(error.value)


def test_the_canonical_form_names_its_format_and_leaves_defaults_out() -> None:
    assert to_json(tariff()) == (
        b'{"categories":["adult"],"clocks":[{"bands":[{"code":"any","prices":{"adult":100}}],"code":"pool","unit_s":60}],'
        b'"code":"test","currency":"PLN","format":1,"time_zone":"Europe/Warsaw","zones":["pool","sauna"]}'
    )
