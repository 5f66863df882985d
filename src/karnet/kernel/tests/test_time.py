"""Local days and windows on ordinary days and on both daylight-saving days of Warsaw in 2026 (29 March, 25 October)."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karnet.kernel.ids import derived_id, named_id, owned_id, owns
from karnet.kernel.time import (
    UnknownZone,
    Window,
    day_end,
    day_start,
    inside,
    instant,
    local_day,
    local_instant,
)

WARSAW = "Europe/Warsaw"


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 1, 17), 24)])
def test_a_local_day_lasts_what_it_lasts(day: date, hours: int) -> None:
    assert day_end(day, WARSAW) - day_start(day, WARSAW) == timedelta(hours=hours)


def test_a_day_whose_midnight_is_skipped_starts_when_the_clock_has_jumped() -> None:
    # Cairo, 2026-04-24: midnight jumps to 01:00.
    start = day_start(date(2026, 4, 24), "Africa/Cairo")
    assert local_day(start, "Africa/Cairo") == date(2026, 4, 24)
    assert local_day(start - timedelta(milliseconds=1), "Africa/Cairo") == date(2026, 4, 23)


def test_a_wall_time_shown_twice_is_the_first_of_the_two() -> None:
    assert local_instant(date(2026, 10, 25), time(2, 30), WARSAW) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1)))
def test_every_instant_lies_in_its_own_local_day(naive: datetime) -> None:
    at = naive.replace(tzinfo=UTC)
    day = local_day(at, WARSAW)
    assert day_start(day, WARSAW) <= at < day_end(day, WARSAW)


def test_windows_are_closed_at_the_start_and_open_at_the_end() -> None:
    morning = (Window(weekdays=(6,), start_minute=8 * 60 + 30, end_minute=12 * 60 + 45),)
    sunday = date(2026, 1, 18)
    assert inside(morning, local_instant(sunday, time(8, 30), WARSAW), WARSAW)
    assert not inside(morning, local_instant(sunday, time(12, 45), WARSAW), WARSAW)
    assert not inside(morning, local_instant(date(2026, 1, 17), time(9, 0), WARSAW), WARSAW)


def test_a_window_may_run_past_midnight() -> None:
    night = (Window(weekdays=(5,), start_minute=22 * 60, end_minute=26 * 60),)
    assert inside(night, local_instant(date(2026, 1, 18), time(1, 59), WARSAW), WARSAW)
    assert not inside(night, local_instant(date(2026, 1, 18), time(2, 0), WARSAW), WARSAW)


def test_a_zone_that_is_none_says_so() -> None:
    with pytest.raises(UnknownZone, match="IANA"):
        day_start(date(2026, 1, 1), "Poland/Krakow")


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        instant(datetime(2026, 1, 1))


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)), st.text(), st.integers(0, 99))
def test_derived_ids_are_uuid7_of_their_time_and_repeat(naive: datetime, key: str, ordinal: int) -> None:
    at = instant(naive.replace(tzinfo=UTC))
    made = derived_id(at, key, ordinal)
    assert made == derived_id(at, key, ordinal) != derived_id(at, key, ordinal + 1)
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert (made.int >> 80) == round(at.timestamp() * 1000)


def test_named_ids_are_timeless_and_distinct() -> None:
    assert named_id("account", UUID(int=1), "points") == named_id("account", UUID(int=1), "points")
    assert named_id("ab", "c") != named_id("a", "bc")
    assert named_id("x").version == 8


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)), st.text(), st.uuids(), st.uuids())
def test_owned_ids_tell_their_owner_alone(naive: datetime, key: str, owner: UUID, other: UUID) -> None:
    at = instant(naive.replace(tzinfo=UTC))
    made = owned_id(owner, at, key, "line")
    assert made == owned_id(owner, at, key, "line") != owned_id(owner, at, key, "order")
    assert (made.version, made.variant) == (8, "specified in RFC 4122")
    assert (made.int >> 80) == round(at.timestamp() * 1000)
    assert owns(owner, made)
    assert owns(other, made) == (other == owner)


def test_no_bit_of_an_owned_id_can_be_changed() -> None:
    owner = named_id("server", "alp.example/log")
    made = owned_id(owner, datetime(2027, 1, 16, tzinfo=UTC), "key")
    assert not any(owns(owner, UUID(int=made.int ^ 1 << bit)) for bit in range(128))


def test_ids_from_before_they_told_their_owner_are_anybodys() -> None:
    assert owns(UUID(int=1), derived_id(datetime(2026, 1, 16, tzinfo=UTC), "key"))


def test_ten_thousand_things_made_at_one_instant_are_ten_thousand() -> None:
    at = datetime(2027, 1, 16, tzinfo=UTC)
    assert len({owned_id(UUID(int=1), at, f"key {n}") for n in range(10_000)}) == 10_000
