"""Instants, local days and weekly windows. Every instant is zone-aware; every local question names its zone (SPEC X2)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec


class UnknownZone(ValueError):
    """The name is no zone of the IANA database."""


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """Return an IANA zone; raise UnknownZone with a hint for a name that is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownZone(f"unknown time zone {name!r}; use an IANA name such as Europe/Warsaw") from None


def instant(at: datetime) -> datetime:
    """Return the instant in UTC, cut to milliseconds: the form in which the journal keeps time."""
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    at = at.astimezone(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def local_day(at: datetime, zone_name: str) -> date:
    """Return the calendar day on which an instant falls in a zone."""
    return at.astimezone(zone(zone_name)).date()


def day_start(day: date, zone_name: str) -> datetime:
    """Return the first instant (UTC) of a local day.

    Where a change to summer time skips midnight, the day starts when the clock has jumped; where midnight happens
    twice, at the first of the two.
    """
    return _to_utc(datetime.combine(day, time.min), zone_name)


def day_end(day: date, zone_name: str) -> datetime:
    """Return the first instant (UTC) after a local day; days of 23 and 25 hours come out right."""
    return day_start(day + timedelta(days=1), zone_name)


def local_instant(day: date, wall: time, zone_name: str) -> datetime:
    """Return the instant (UTC) at which a wall clock in the zone shows `wall` on `day` (the first, if it does twice)."""
    return _to_utc(datetime.combine(day, wall), zone_name)


def _to_utc(naive: datetime, zone_name: str) -> datetime:
    # fold=0: of a wall time shown twice the first; one that summer time skips moves forward by the length of the gap.
    return naive.replace(tzinfo=zone(zone_name)).astimezone(UTC)


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A weekly window [start, end) of local wall time on some weekdays (0 = Monday). Minutes are since local midnight;
    `end_minute` may exceed 1440 by up to a day: such a window runs past midnight into the next day."""

    weekdays: tuple[int, ...]
    start_minute: int
    end_minute: int


def inside(windows: tuple[Window, ...], at: datetime, zone_name: str) -> bool:
    """Tell whether an instant falls in any window, by the wall clock of the zone (SPEC M7: [start, end))."""
    local = at.astimezone(zone(zone_name))
    minute, weekday = local.hour * 60 + local.minute, local.weekday()
    return any(
        (weekday in window.weekdays and window.start_minute <= minute < window.end_minute)
        or ((weekday - 1) % 7 in window.weekdays and window.start_minute <= minute + 1440 < window.end_minute)
        for window in windows
    )


def next_opening(windows: tuple[Window, ...], at: datetime, zone_name: str) -> datetime | None:
    """Return the first instant (UTC) after `at` at which a window opens, or None when none ever does.

    A start that summer time skips comes when the clock has jumped; one that happens twice, the first time.
    """
    today = local_day(at, zone_name)
    openings = [
        local_instant(day, time(window.start_minute // 60, window.start_minute % 60), zone_name)
        for window in windows
        for ahead in range(9)
        if (day := today + timedelta(days=ahead)).weekday() in window.weekdays
    ]
    return min((opening for opening in openings if opening > at), default=None)
