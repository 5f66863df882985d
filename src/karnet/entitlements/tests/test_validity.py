"""When tickets open gates: hours, days, k of n days, seasons; from sale or first passage; both clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karnet.catalogue.operations import Validity
from karnet.entitlements.rules import (
    FOR_EVER,
    Holding,
    MediumState,
    activation,
    after_passage,
    day_use,
    days_left,
    drawing_order,
    medium_id,
    unusable,
    unused,
    usable_medium,
    validity_at_sale,
    validity_from_first_passage,
)
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import Window, zone

WARSAW = "Europe/Warsaw"


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """An instant by the clock on the wall in Warsaw."""
    return datetime(year, month, day, hour, minute, tzinfo=zone(WARSAW)).astimezone(UTC)


def holding(validity: Validity, **values: object) -> Holding:
    base = Holding(
        id=UUID(int=1), medium=UUID(int=2), product=UUID(int=3), product_code="T", kind="time", category="adult",
        facility=UUID(int=4), currency="PLN", price=100, time_zone=WARSAW, validity=validity, sold_at=at(2026, 1, 17, 9),
    )  # fmt: skip
    return msgspec.structs.replace(base, **values)


def sold(validity: Validity, start: datetime, **values: object) -> Holding:
    span = validity_at_sale(validity, start, WARSAW)
    assert span is not None
    return holding(validity, valid_from=span[0], valid_until=span[1], **values)


def reason(refusal: Refused | None) -> Reason | None:
    return refusal.reason if refusal else None


SPANS = [
    # kind, what it is sold for, when it starts, from, until
    (Validity(kind="hours", hours=4), at(2026, 1, 17, 9, 30), at(2026, 1, 17, 9, 30), at(2026, 1, 17, 13, 30)),
    (Validity(kind="days", days=1), at(2026, 1, 17, 9, 30), at(2026, 1, 17), at(2026, 1, 18)),
    (Validity(kind="days", days=7), at(2026, 1, 17, 23, 59), at(2026, 1, 17), at(2026, 1, 24)),
    (Validity(kind="days_within", days=5, within_days=7), at(2026, 1, 17, 9), at(2026, 1, 17), at(2026, 1, 24)),
    (
        Validity(kind="season", first_day=date(2025, 12, 6), last_day=date(2026, 3, 29)),
        at(2025, 11, 1),
        at(2025, 12, 6),
        at(2026, 3, 30),
    ),
    # Clocks go forward on 29 March 2026 at 02:00: that day has 23 hours, and four hours are four hours.
    (Validity(kind="hours", hours=4), at(2026, 3, 29, 0, 30), at(2026, 3, 29, 0, 30), at(2026, 3, 29, 5, 30)),
    (Validity(kind="days", days=1), at(2026, 3, 29, 12), at(2026, 3, 29), at(2026, 3, 30)),
    # Clocks go back on 25 October 2026 at 03:00: that day has 25 hours.
    (Validity(kind="hours", hours=4), at(2026, 10, 25, 1, 30), at(2026, 10, 25, 1, 30), at(2026, 10, 25, 4, 30)),
    (Validity(kind="days", days=2), at(2026, 10, 24, 12), at(2026, 10, 24), at(2026, 10, 26)),
]


@pytest.mark.parametrize(("validity", "start", "valid_from", "valid_until"), SPANS)
def test_a_ticket_is_valid_from_and_until(
    validity: Validity, start: datetime, valid_from: datetime, valid_until: datetime
) -> None:
    assert validity_at_sale(validity, start, WARSAW) == (valid_from, valid_until)


def test_days_of_the_clock_changes_are_23_and_25_hours_long() -> None:
    day = Validity(kind="days", days=1)
    spring, autumn = (validity_at_sale(day, start, WARSAW) for start in (at(2026, 3, 29, 12), at(2026, 10, 25, 12)))
    assert spring is not None
    assert spring[1] is not None
    assert spring[1] - spring[0] == timedelta(hours=23)
    assert autumn is not None
    assert autumn[1] is not None
    assert autumn[1] - autumn[0] == timedelta(hours=25)


def test_hours_are_elapsed_hours_on_the_days_of_the_clock_changes() -> None:
    for start in (at(2026, 3, 29, 0, 30), at(2026, 10, 25, 1, 30)):
        span = validity_at_sale(Validity(kind="hours", hours=4), start, WARSAW)
        assert span is not None
        assert span[1] is not None
        assert span[1] - span[0] == timedelta(hours=4)


def test_a_ticket_that_starts_at_the_first_passage_has_no_span_when_sold() -> None:
    validity = Validity(kind="days", days=3, starts="first_passage")
    assert validity_at_sale(validity, at(2026, 1, 17, 9), WARSAW) is None
    assert validity_from_first_passage(validity, at(2026, 2, 1, 15), WARSAW) == (at(2026, 2, 1), at(2026, 2, 4))


def test_the_first_passage_starts_the_ticket_and_the_next_ones_do_not() -> None:
    ticket = holding(Validity(kind="hours", hours=2, starts="first_passage"))
    first, second = at(2026, 2, 1, 10), at(2026, 2, 1, 11)
    started = activation(ticket, first)
    assert started is not None
    assert (started.valid_from, started.valid_until) == (first, first + timedelta(hours=2))
    ticket = after_passage(ticket, first)
    assert activation(ticket, second) is None
    assert unusable(ticket, second) is None
    assert reason(unusable(ticket, first + timedelta(hours=2))) == Reason.EXPIRED


def test_a_first_passage_on_a_ticket_sold_with_its_span_keeps_the_span_and_marks_it_used() -> None:
    ticket = sold(Validity(kind="days", days=1), at(2026, 1, 17, 9))
    assert unused(ticket)
    started = activation(ticket, at(2026, 1, 17, 10))
    assert started is not None
    assert (started.valid_from, started.valid_until) == (ticket.valid_from, ticket.valid_until)
    assert not unused(after_passage(ticket, at(2026, 1, 17, 10)))


def test_a_season_bounds_a_ticket_of_any_kind() -> None:
    week = Validity(kind="days", days=7, last_day=date(2026, 3, 29))
    assert validity_at_sale(week, at(2026, 3, 28, 12), WARSAW) == (at(2026, 3, 28), at(2026, 3, 30))
    later = holding(msgspec.structs.replace(week, starts="first_passage", first_day=date(2025, 12, 6)))
    assert reason(unusable(later, at(2025, 12, 5, 12))) == Reason.NOT_YET_VALID
    assert unusable(later, at(2026, 3, 29, 23, 59)) is None
    assert reason(unusable(later, at(2026, 3, 30))) == Reason.EXPIRED


def test_validity_is_from_inclusive_until_exclusive() -> None:
    ticket = sold(Validity(kind="days", days=1), at(2026, 1, 17, 9))
    instant = timedelta(milliseconds=1)
    assert reason(unusable(ticket, at(2026, 1, 17) - instant)) == Reason.NOT_YET_VALID
    assert unusable(ticket, at(2026, 1, 17)) is None
    assert unusable(ticket, at(2026, 1, 18) - instant) is None
    assert reason(unusable(ticket, at(2026, 1, 18))) == Reason.EXPIRED


def test_points_without_a_season_never_expire() -> None:
    ticket = sold(FOR_EVER, at(2026, 1, 17, 9), kind="points", points=30, available=30)
    assert unusable(ticket, at(2046, 1, 17)) is None


def test_a_five_of_seven_ticket_opens_on_five_days_and_all_day_long_on_each() -> None:
    ticket = sold(Validity(kind="days_within", days=5, within_days=7), at(2026, 1, 17, 8))
    for n in range(5):
        morning = at(2026, 1, 17 + n, 9)
        assert days_left(ticket, morning) == 5 - n
        assert unusable(ticket, morning) is None
        used = day_use(ticket, morning)
        assert used is not None
        assert used.day == date(2026, 1, 17 + n)
        ticket = after_passage(ticket, morning)
        assert day_use(ticket, at(2026, 1, 17 + n, 23)) is None
        assert unusable(ticket, at(2026, 1, 17 + n, 23)) is None
    assert days_left(ticket, at(2026, 1, 22, 9)) == 0
    assert reason(unusable(ticket, at(2026, 1, 22, 9))) == Reason.DAYS_USED_UP
    assert reason(unusable(ticket, at(2026, 1, 24, 9))) == Reason.EXPIRED


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_a_day_of_a_clock_change_uses_up_one_day(day: date, hours: int) -> None:
    start = at(day.year, day.month, day.day)
    ticket = sold(Validity(kind="days_within", days=2, within_days=3), start)
    for hour in range(hours):
        ticket = after_passage(ticket, start + timedelta(hours=hour))
    assert ticket.days_used == (day,)
    assert days_left(ticket, start + timedelta(hours=hours)) == 1


def test_weekly_windows_are_read_on_the_wall_clock_of_the_seller() -> None:
    evening = Validity(
        kind="season", first_day=date(2026, 1, 1), last_day=date(2026, 12, 31),
        windows=(Window(weekdays=(0, 1, 2, 3, 4), start_minute=17 * 60, end_minute=21 * 60),),
    )  # fmt: skip
    ticket = sold(evening, at(2026, 1, 2))
    assert reason(unusable(ticket, at(2026, 3, 27, 16, 59))) == Reason.OUTSIDE_WINDOW
    assert unusable(ticket, at(2026, 3, 27, 17)) is None
    assert unusable(ticket, at(2026, 3, 30, 17)) is None  # summer time began in between
    assert reason(unusable(ticket, at(2026, 3, 28, 18))) == Reason.OUTSIDE_WINDOW  # Saturday


def test_a_void_ticket_opens_nothing() -> None:
    ticket = sold(Validity(kind="days", days=1), at(2026, 1, 17, 9), voided=True)
    assert reason(unusable(ticket, at(2026, 1, 17, 10))) == Reason.ENTITLEMENT_VOID


@pytest.mark.parametrize(
    ("state", "blocks", "expected"),
    [
        ("in_use", 0, None),
        ("in_use", 1, Reason.MEDIUM_BLOCKED),
        ("returned", 0, Reason.MEDIUM_RETURNED),
        ("returned", 1, Reason.MEDIUM_BLOCKED),
        ("replaced", 1, Reason.MEDIUM_REPLACED),
    ],
)
def test_a_medium_counts_only_in_use_and_unblocked(state: str, blocks: int, expected: Reason | None) -> None:
    medium = MediumState(id=medium_id("1"), number="1", chip="1", kind="card", state=state, blocks=blocks)
    assert reason(usable_medium(medium)) == expected


def test_a_gate_draws_on_what_expires_first_then_on_what_was_sold_first() -> None:
    season = {"kind": "points", "points": 30}
    later = holding(FOR_EVER, id=UUID(int=10), sold_at=at(2026, 1, 2), valid_from=at(2026, 1, 2), **season)
    earlier = holding(FOR_EVER, id=UUID(int=11), sold_at=at(2026, 1, 1), valid_from=at(2026, 1, 1), **season)
    expiring = holding(
        FOR_EVER,
        id=UUID(int=12),
        sold_at=at(2026, 1, 3),
        valid_from=at(2026, 1, 3),
        valid_until=at(2026, 2, 1),
        **season,
    )
    assert drawing_order([later, earlier, expiring]) == [expiring, earlier, later]


starts = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
zones = st.sampled_from([WARSAW, "Europe/Rome", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia"])


@given(starts, st.integers(1, 30), zones)
def test_a_ticket_of_days_covers_its_start_and_whole_local_days(start: datetime, days: int, name: str) -> None:
    span = validity_at_sale(Validity(kind="days", days=days), start, name)
    assert span is not None
    assert span[1] is not None
    assert span[0] <= start < span[1]
    local_from, local_until = (moment.astimezone(zone(name)) for moment in (span[0], span[1]))
    assert (local_until.date() - local_from.date()).days == days


@given(starts, st.integers(1, 100), zones)
def test_a_ticket_of_hours_lasts_exactly_that_long(start: datetime, hours: int, name: str) -> None:
    assert validity_at_sale(Validity(kind="hours", hours=hours), start, name) == (start, start + timedelta(hours=hours))
