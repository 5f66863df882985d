"""Figures of a day read that day's pages, however long the history: plans of the real statements on a season of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from karnet.access.figures import passages_by_quarter
from karnet.journal.browsing import WINDOW, browse, refusals_by_reason
from karnet.orders.figures import refunds, sales_by_product

pytestmark = pytest.mark.database
DAYS, A_DAY = 40, 1_000
FIRST = datetime(2025, 12, 1, tzinfo=UTC)
LAST = FIRST + timedelta(days=DAYS - 1)

_AT = f"timestamptz '{FIRST.isoformat()}' + n * interval '1 day' / {A_DAY}"
_ROWS = f"generate_series(0, {DAYS * A_DAY - 1}) AS n"


@pytest.fixture
def season(superuser: Any) -> None:
    """Forty days of passages, operations and requests (every twentieth refused), made in SQL: only plans matter."""
    refused = """'{"reason":"' || (ARRAY['expired','passback'])[1 + n / 20 % 2] || '","type":"refused"}'"""
    with superuser.transaction():
        superuser.execute("SET LOCAL karnet.recording = 'on'")
        superuser.execute("SET LOCAL session_replication_role = 'replica'")
        superuser.execute(
            "INSERT INTO access_passage (id, gate, facility, medium, entitlement, direction, points, weight, at, origin,"
            " number) SELECT gen_random_uuid(), ('00000000-0000-0000-0000-00000000000' || n % 7)::uuid, gen_random_uuid(),"
            f" gen_random_uuid(), gen_random_uuid(), 'in', 1, 1000000, {_AT}, 1, n FROM {_ROWS}"
        )
        superuser.execute(
            "INSERT INTO journal_operation (number, id, origin_id, kind, at, actor_id, data) SELECT n + 1,"
            f" gen_random_uuid(), 1, 'access.passed', {_AT}, gen_random_uuid(), '{{}}' FROM {_ROWS}"
        )
        superuser.execute(
            "INSERT INTO journal_request (key, digest, answer, at) SELECT n::text, '', convert_to(CASE WHEN n % 20 = 0"
            f" THEN {refused} ELSE '{{\"type\":\"admitted\"}}' END, 'UTF8'), {_AT} FROM {_ROWS}"
        )
    for table in ("access_passage", "journal_operation", "journal_request"):
        superuser.execute(f"VACUUM ANALYZE {table}")


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """Note the statements that run."""
    seen: list[tuple[str, Any]] = []

    def note(execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any) -> Any:
        seen.append((sql, parameters))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(note):
        yield seen


def rows_read(ask: Callable[[], object]) -> int:
    """Return how many rows the scans of a question's statements looked at, those they threw away included."""
    with statements() as seen:
        ask()
    read = 0
    with connection.cursor() as cursor:
        for sql, parameters in seen:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters)
            read += _scanned(cursor.fetchone()[0][0]["Plan"])
    return read


def _scanned(plan: dict[str, Any]) -> int:
    below = sum(_scanned(child) for child in plan.get("Plans", ()))
    if "Relation Name" not in plan:
        return below
    thrown = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    return below + round((plan["Actual Rows"] + thrown) * plan["Actual Loops"])


def test_figures_of_a_day_read_that_day_alone(season: None) -> None:
    until = LAST + timedelta(days=1)
    assert sum(quarter.passages for quarter in passages_by_quarter(LAST, until)) == A_DAY
    # A BRIN range is 32 pages: some rows of the days beside are looked at, too.
    assert rows_read(lambda: passages_by_quarter(LAST, until)) < 8 * A_DAY
    assert refusals_by_reason(LAST, until) == [("expired", A_DAY // 40), ("passback", A_DAY // 40)]
    assert rows_read(lambda: refusals_by_reason(LAST, until)) <= A_DAY // 20
    assert sales_by_product(FIRST, LAST) == []
    assert refunds(FIRST, LAST) == []


def test_browsing_reads_a_day_or_a_window_and_pages_follow_each_other(season: None) -> None:
    until = FIRST + timedelta(days=1)
    day = browse(kind="access.passed", since=FIRST, until=until)
    assert [operation.number for operation in day.operations][:2] == [A_DAY, A_DAY - 1]
    assert rows_read(lambda: browse(kind="access.passed", since=FIRST, until=until)) < 8 * A_DAY
    rare = browse(kind="journal.founded")
    assert rare.operations == []
    assert rare.before == DAYS * A_DAY - WINDOW + 1
    assert rows_read(lambda: browse(kind="journal.founded")) <= WINDOW
    assert rows_read(lambda: browse(kind="journal.founded", before=rare.before)) <= WINDOW
    first = browse(limit=30)
    second = browse(limit=30, before=first.before)
    numbers = [operation.number for operation in (*first.operations, *second.operations)]
    assert numbers == list(range(DAYS * A_DAY, DAYS * A_DAY - 60, -1))
