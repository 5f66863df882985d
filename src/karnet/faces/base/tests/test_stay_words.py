"""Bills in words: the worked bill of docs/tariffs.md, and every code in every language."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import pytest
from django.utils import translation

from karnet.faces.base.charts import Stretch, price_strip
from karnet.faces.base.stay_words import LineSaid, duration, explained, package_name, zone_name
from karnet.kernel.reason_words import DAYS
from karnet.kernel.time import zone
from karnet.tariffs.bills import Bill, Line, LineCode
from karnet.tariffs.model import Band, Clock, Package, Rounding, Tariff
from karnet.tariffs.rating import rate
from karnet.tariffs.stays import Move, Stay

WARSAW = zone("Europe/Warsaw")


class Pool(NamedTuple):
    currency: str = "PLN"
    time_zone: str = "Europe/Warsaw"


def _at(hour: int, minute: int) -> datetime:
    return datetime(2026, 1, 19, hour, minute, tzinfo=WARSAW)


def _move(hour: int, minute: int, zone: str) -> Move:
    return Move(at=_at(hour, minute), zone=zone)


SMALL_POOL = Tariff(
    code="small-pool", currency="PLN", time_zone="Europe/Warsaw", categories=("adult",), zones=("pool", "sauna"),
    clocks=(
        Clock(
            code="pool", zones=("pool",), unit_s=60, price_s=3600, grace_s=600,
            bands=(
                Band(code="day", end_minute=960, prices={"adult": 1800}),
                Band(code="evening", start_minute=960, prices={"adult": 2200}),
            ),
        ),
        Clock(code="sauna", zones=("sauna",), unit_s=300, on_top=True, bands=(Band(code="any", prices={"adult": 200}),)),
    ),
    packages=(Package(code="1h", included_s={"pool": 3600}, bands=(Band(code="any", prices={"adult": 1800}),)),),
    rounding=Rounding(step_minor=10),
)  # fmt: skip


def _bill() -> Bill:
    moves = (_move(14, 30, "pool"), _move(15, 20, "sauna"), _move(15, 42, "pool"))
    return rate(SMALL_POOL, Stay(category="adult", package="1h", prepaid_minor=1800, moves=moves, ended=_at(16, 20)))


def _lines(language: str = "en") -> list[LineSaid]:
    with translation.override(language):
        return explained(_bill(), Pool())


def test_a_bill_says_what_each_line_is_and_why() -> None:
    assert [(line.what, line.why, line.amount.replace("\u00a0", " ")) for line in _lines()] == [
        ("Package 1 h", "the price on entry at 14:30", "18.00 PLN"),
        ("Pool: included in the package", "14:30–15:20, 50 min", ""),
        ("Pool: included in the package", "15:42–15:52, 10 min", ""),
        ("Pool: free time", "15:52–16:02, 10 min", ""),
        ("Pool", "16:02–16:20, 18 min: 18 × 1 min at 22.00\u00a0PLN an hour", "6.60 PLN"),
        ("Sauna", "15:20–15:40, 20 min: 4 × 5 min at 2.00\u00a0PLN", "8.00 PLN"),
        ("Sauna: time not counted", "15:40–15:42, 2 min: a unit counts when it is full", ""),
    ]


def test_a_line_is_told_unit_by_unit() -> None:
    sauna = next(line for line in _lines() if line.code == "time" and line.on_top)
    assert [step.at for step in sauna.steps] == ["15:20", "15:25", "15:30", "15:35"]
    assert {step.amount for step in sauna.steps} == {"2.00\u00a0PLN"}


@pytest.mark.parametrize("language", sorted(DAYS))
def test_every_line_has_words_in_every_language(language: str) -> None:
    at = _at(14, 0)
    lines = tuple(
        Line(code, 7, clock="pool", zone="sauna", since=at, until=at, units=1, unit_s=60, limit_minor=5, day=at.date())
        for code in LineCode
    )
    bill = Bill(lines, 3, 0, 0, 0, 0, 0, 0, 0, 0, at)
    with translation.override(language):
        said = explained(bill, Pool())
    assert all(line.what and line.why for line in said)
    if language != "en":
        with translation.override("en"):
            english = explained(bill, Pool())
        # Words that are the same in two languages are few (a bar, a spa): none of them stands for a whole line.
        same = [a.code for a, b in zip(said, english, strict=True) if (a.what, a.why) == (b.what, b.why)]
        assert set(same) <= {"time"}


def test_names_of_a_place_are_read_from_its_codes() -> None:
    with translation.override("pl"):
        assert [zone_name("machine_room"), zone_name("lap-pool"), zone_name("vip-lounge")] == [
            "Siłownia z przyrządami",
            "Basen sportowy",
            "Vip lounge",
        ]
        assert (package_name("2h"), package_name("whole-day")) == ("2 godz.", "Whole day")
        assert (duration(4980), duration(0), duration(61)) == ("1 godz. 23 min", "0 min", "1 min 1 s")


def test_a_price_strip_draws_each_step_and_names_the_zones_that_have_room() -> None:
    drawn = price_strip(
        [(0, 0), (0.5, 500), (1, 1000)], [Stretch(0, 0.9, "Pool"), Stretch(0.9, 1, "<Sauna>")], [(0, "14:30")], "10.00",
        "Price over time", due_from=0.5,
    )  # fmt: skip
    assert "M0 100 L0 100.0 H500 V50.0 H1000 V0.0 H1000" in drawn
    assert ">Pool</text>" in drawn
    assert "&lt;Sauna&gt;</title>" in drawn
    assert ">&lt;Sauna&gt;</text>" not in drawn
