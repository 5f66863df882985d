"""Figures of a span of time, for those who run the place. Cost follows the span, not history: a BRIN index on `at`."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection


class QuarterHour(NamedTuple):
    """How many turns were taken at a gate in a quarter-hour that starts at `start` (counted from the span's start)."""

    gate: UUID
    direction: str
    start: datetime
    passages: int


def passages_by_quarter(since: datetime, until: datetime, facility: UUID | None = None) -> list[QuarterHour]:
    """Return the passages of [since, until) by gate and quarter-hour, of a facility or of all. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT gate, direction, date_bin('15 minutes', at, %s), count(*) FROM access_passage"
            " WHERE at >= %s AND at < %s AND (%s::uuid IS NULL OR facility = %s) GROUP BY 1, 2, 3 ORDER BY 3, 1",
            [since, since, until, facility, facility],
        )
        return [QuarterHour._make(row) for row in cursor.fetchall()]
