"""When a weekly window opens next (SPEC M7, X2)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from karnet.kernel.time import Window, inside, next_opening

ZONE = "Europe/Warsaw"
WEEKDAYS = Window(weekdays=(0, 1, 2, 3, 4), start_minute=390, end_minute=1320)
SUNDAY = Window(weekdays=(6,), start_minute=510, end_minute=765)
NIGHT = Window(weekdays=(5,), start_minute=1320, end_minute=1560)


def utc(day: int, hour: int, minute: int = 0, month: int = 1) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("windows", "at", "opens"),
    [
        ((WEEKDAYS,), utc(15, 4), utc(15, 5, 30)),  # Thursday morning
        ((WEEKDAYS,), utc(15, 5, 30), utc(16, 5, 30)),  # at the start it has opened
        ((WEEKDAYS,), utc(16, 22), utc(19, 5, 30)),  # over the weekend
        ((WEEKDAYS, SUNDAY), utc(16, 22), utc(18, 7, 30)),
        ((NIGHT,), utc(17, 22, 30), utc(24, 21)),  # its own night has begun
        ((), utc(15, 4), None),
    ],
)
def test_the_next_opening_is_the_first_start_after_now(
    windows: tuple[Window, ...], at: datetime, opens: datetime | None
) -> None:
    assert next_opening(windows, at, ZONE) == opens
    assert opens is None or inside(windows, opens, ZONE)


@pytest.mark.parametrize(("month", "day", "hour"), [(3, 29, 7), (10, 25, 8)])
def test_the_next_opening_follows_the_wall_clock_over_a_change(month: int, day: int, hour: int) -> None:
    eve = utc(day - 1, 12, month=month)
    nine = Window(weekdays=(6,), start_minute=540, end_minute=600)
    assert next_opening((nine,), eve, ZONE) == utc(day, hour, month=month)
