"""Reading the journal."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from uuid import UUID

import msgspec
from django.db import connection

from karnet.journal.operations import Recorded, decode_entry
from karnet.journal.recording import HOME


def entries_after(number: int, *, batch: int = 5_000, until: int | None = None) -> Iterator[Recorded]:
    """Yield the recorded operations of every origin whose bodies are here, in the order of their numbers.

    One query per `batch`; memory is bounded by it.
    """
    while True:
        rows = _page(number, batch, until)
        for row in rows:
            number = row[0]
            yield Recorded(decode_entry(bytes(row[2]), bytes(row[3]) if row[3] else None), row[1], number)
        if len(rows) < batch:
            return


def _page(number: int, batch: int, until: int | None) -> list[tuple[int, int, bytes, bytes | None]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT o.number, o.origin_id, o.data, c.data FROM journal_operation o"
            " LEFT JOIN journal_content c ON c.digest = o.content AND (o.origin_id = 1 OR c.salt = '')"
            " WHERE o.number > %s AND (%s::bigint IS NULL OR o.number <= %s)"
            " AND (o.content IS NULL OR c.digest IS NOT NULL) ORDER BY o.number LIMIT %s",
            [number, until, until, batch],
        )
        rows: list[tuple[int, int, bytes, bytes | None]] = cursor.fetchall()
    return rows


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far the home log is: operations recorded, entries sealed, and the unsealed tail (docs/trust.md)."""

    recorded: int
    sealed: int
    unsealed: int
    oldest_unsealed_at: datetime | None


def progress() -> Progress:
    """Return how far the home log is. Cost does not grow with history: only the unsealed tail is counted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.size, count(o.number), min(o.at) FROM journal_tree t LEFT JOIN journal_operation o"
            " ON o.origin_id = t.origin_id AND o.number > t.settled"
            " AND NOT EXISTS (SELECT 1 FROM journal_entry e WHERE e.operation_id = o.number)"
            " WHERE t.origin_id = %s GROUP BY t.size",
            [HOME],
        )
        row = cursor.fetchone()
    size, unsealed, oldest = row or (0, 0, None)
    return Progress(recorded=size + unsealed, sealed=size, unsealed=unsealed, oldest_unsealed_at=oldest)


def position(operation: UUID) -> tuple[int, int] | None:
    """Return (origin, index) of a sealed operation, or None while it is not sealed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.origin_id, e.index FROM journal_entry e JOIN journal_operation o ON o.number = e.operation_id"
            " WHERE o.id = %s",
            [operation],
        )
        row: tuple[int, int] | None = cursor.fetchone()
    return row


def asked_at(keys: Collection[str]) -> dict[str, datetime]:
    """Return when the remembered requests of these keys were made; keys never answered are left out.

    A face repeats a request under the instant it first had: the instant is part of what must not differ.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT key, at FROM journal_request WHERE key = ANY(%s)", [list(keys)])
        return dict(cursor.fetchall())


def sealed_at(index: int, limit: int) -> list[tuple[int, int, datetime]]:
    """Return (index, number, instant) of the home log's sealed operations from `index` on, in order; nothing is decoded.

    For whoever looks up in tables of a slice what these operations made.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.index, o.number, o.at FROM journal_entry e JOIN journal_operation o ON o.number = e.operation_id"
            " WHERE e.origin_id = %s AND e.index >= %s ORDER BY e.index LIMIT %s",
            [HOME, index, limit],
        )
        rows: list[tuple[int, int, datetime]] = cursor.fetchall()
    return rows


def sealed_after(index: int, limit: int) -> list[tuple[int, Recorded]]:
    """Return the home log's sealed entries from `index` on whose bodies are here, with their indices, in order.

    Unlike numbers, indices have no gaps and never change: whoever remembers the next one misses nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.index, o.number, o.data, c.data FROM journal_entry e JOIN journal_operation o"
            " ON o.number = e.operation_id LEFT JOIN journal_content c ON c.digest = o.content"
            " WHERE e.origin_id = %s AND e.index >= %s ORDER BY e.index LIMIT %s",
            [HOME, index, limit],
        )
        rows = cursor.fetchall()
    return [
        (index, Recorded(decode_entry(bytes(data), bytes(content) if content else None), HOME, number))
        for index, number, data, content in rows
    ]
