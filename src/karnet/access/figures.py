"""Figures of a span of time, for those who run the place. Cost follows the span, not history: a BRIN index on `at`."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from karnet.entitlements.selectors import count_in_use


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


def heads_inside(since: datetime, until: datetime, facility: UUID | None = None) -> int | None:
    """Return how many people are inside: media that passed a gate in [since, until), the last time not on the way out.

    Only facilities that count the way out are asked, for elsewhere nobody is ever seen to leave; None where there is
    none. A medium that was replaced or handed in meanwhile is nobody any more. Cost follows the span, not history.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(DISTINCT facility_id) FROM access_gate"
            " WHERE direction = 'out' AND (%s::uuid IS NULL OR facility_id = %s)",
            [facility, facility],
        )
        (counting,) = cursor.fetchone()
        if not counting:
            return None
        cursor.execute(
            "SELECT array_agg(medium) FROM (SELECT DISTINCT ON (medium) medium, direction FROM access_passage"
            " WHERE at >= %s AND at < %s AND facility = ANY(%s) ORDER BY medium, at DESC, number DESC) last"
            " WHERE direction = 'in'",
            [since, until, counting],
        )
        (inside,) = cursor.fetchone()
    return count_in_use(inside or [])
