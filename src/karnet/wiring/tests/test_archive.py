"""When the daily archive is due."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from karnet.wiring.archive import due

DAY = datetime(2026, 12, 1).astimezone()


@pytest.mark.parametrize(
    ("now", "last", "expected"),
    [
        (DAY + timedelta(hours=3, minutes=59), None, False),
        (DAY + timedelta(hours=4), None, True),
        (DAY + timedelta(hours=4, minutes=1), DAY + timedelta(hours=4), False),
        (DAY + timedelta(hours=23), DAY + timedelta(hours=3), True),
        (DAY + timedelta(hours=23), DAY - timedelta(hours=2), True),
        (DAY + timedelta(days=1, hours=3), DAY + timedelta(hours=4), False),
        (DAY + timedelta(days=1, hours=4), DAY + timedelta(hours=4), True),
    ],
)
def test_the_archive_is_pulled_once_after_the_hour_of_each_day(
    now: datetime, last: datetime | None, expected: bool
) -> None:
    assert due(now, "04:00", last) is expected
