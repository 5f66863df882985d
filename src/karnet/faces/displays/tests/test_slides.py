"""Slides: when they are shown, in which words, and what a file of them may not say."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from karnet.faces.displays.slides import SlideSaid, in_force, picture_type, problems
from karnet.kernel.time import zone

WARSAW = "Europe/Warsaw"


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 1, day, hour, minute, tzinfo=zone(WARSAW))


@pytest.mark.parametrize(
    ("said", "moment", "on"),
    [
        (SlideSaid(), at(19, 3), True),
        (SlideSaid(weekdays=(5, 6)), at(19, 12), False),  # a Monday
        (SlideSaid(weekdays=(5, 6)), at(24, 12), True),
        (SlideSaid(from_minute=480, until_minute=720), at(19, 8), True),
        (SlideSaid(from_minute=480, until_minute=720), at(19, 12), False),
        (SlideSaid(first_day=date(2026, 1, 20)), at(19, 23, 59), False),
        (SlideSaid(first_day=date(2026, 1, 20), last_day=date(2026, 1, 20)), at(20, 0), True),
        (SlideSaid(last_day=date(2026, 1, 20)), at(21, 0), False),
    ],
)
def test_a_slide_is_shown_on_its_days_and_hours_by_the_facilitys_clock(
    said: SlideSaid, moment: datetime, on: bool
) -> None:
    assert in_force(said, moment, WARSAW) is on


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (SlideSaid(title={"en": "Sale"}), []),
        (SlideSaid(title={"en": ""}), ["title"]),
        (SlideSaid(kind="page", address="http://example.org"), ["address"]),
        (SlideSaid(kind="image", address="https://example.org/a.png"), []),
        (SlideSaid(title={"en": "Sale"}, seconds=1), ["seconds"]),
        (SlideSaid(title={"en": "Sale"}, weekdays=(7,)), ["weekdays"]),
        (SlideSaid(title={"en": "Sale"}, from_minute=600, until_minute=600), ["until_minute"]),
        (SlideSaid(title={"en": "Sale"}, first_day=date(2026, 1, 2), last_day=date(2026, 1, 1)), ["last_day"]),
    ],
)
def test_what_is_wrong_with_a_slide_is_told_by_field(said: SlideSaid, wrong: list[str]) -> None:
    assert list(problems(said)) == wrong


def test_a_picture_is_known_by_its_bytes_and_not_by_its_name() -> None:
    assert picture_type(b"\x89PNG\r\n") == "image/png"
    assert picture_type(b"<svg onload=alert(1)>") is None
