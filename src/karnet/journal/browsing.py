"""Looking into the record: operations by kind, actor and day, one operation whole, refusals counted.

Nothing here grows with history. Without a day only the latest operations are looked through (`WINDOW`), with one the
BRIN index on `at` leads to that day's pages.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db import connection

from karnet.journal.recording import HOME
from karnet.kernel.outcomes import Refused

WINDOW = 20_000
"""How many operations one page of an unfiltered search may look through."""


class Listed(NamedTuple):
    """An operation at a glance. `place`: its index in its origin's log, None while it is not sealed."""

    number: int
    id: UUID
    origin: int
    kind: str
    at: datetime
    actor: UUID
    place: int | None


class Page(NamedTuple):
    """Some operations, the latest first; `before`: the number to go on with, None at the end."""

    operations: list[Listed]
    before: int | None


def kinds_recorded() -> list[str]:
    """Return every kind of operation this installation knows, by name."""
    from karnet.journal.operations import kinds

    return sorted({kind for kind, _ in kinds()})


def browse(
    *,
    kind: str = "",
    actors: list[UUID] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = 50,
) -> Page:
    """Return a page of operations numbered below `before` (None: from the latest on). `actors` None: anybody's.

    `since` and `until` go together. Without them a page looks through WINDOW operations at most: it may be short, or
    empty, and still not be the last.
    """
    spanned = since is not None and until is not None
    # Conditions are written only where they are needed: a plan made for any value would not use the indexes.
    span = " AND o.at >= %s AND o.at < %s" if spanned else ""
    below = " AND o.number < %s" if before is not None else ""
    within = [*([since, until] if spanned else []), *([before] if before is not None else [])]
    looked_at = "" if spanned else " ORDER BY o.number DESC LIMIT %s"
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH looked AS MATERIALIZED (SELECT o.number, o.id, o.origin_id, o.kind, o.at, o.actor_id"
            f" FROM journal_operation o WHERE true{span}{below}{looked_at}),"
            " found AS (SELECT * FROM looked WHERE (%s = '' OR kind = %s)"
            " AND (%s::uuid[] IS NULL OR actor_id = ANY(%s)) ORDER BY number DESC LIMIT %s)"
            " SELECT f.number, f.id, f.origin_id, f.kind, f.at, f.actor_id, e.index,"
            " (SELECT min(number) FROM looked), (SELECT count(*) FROM looked)"
            " FROM (SELECT 1) one LEFT JOIN found f ON true LEFT JOIN journal_entry e ON e.operation_id = f.number"
            " ORDER BY f.number DESC",
            [*within, *([] if spanned else [WINDOW]), kind, kind, actors, actors, limit + 1],
        )
        rows = cursor.fetchall()
    least, looked = rows[0][7:]
    found = [Listed._make(row[:7]) for row in rows if row[0] is not None]
    if len(found) > limit:
        return Page(found[:limit], found[limit - 1].number)
    return Page(found, least if not spanned and looked == WINDOW else None)


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """An operation with the proof of its place. `entry` and `body`: stored bytes (`body` where it is kept beside the
    entry, by hash). `leaf` (hex): None while unsealed. `checkpoint`: the first signed note that covers it."""

    listed: Listed
    log: str
    entry: bytes
    body: bytes | None = None
    leaf: str | None = None
    checkpoint: str | None = None
    checkpoint_size: int | None = None
    checkpoint_at: datetime | None = None


def whole(id_: UUID) -> Whole | None:
    """Return an operation by its id, or None. Four look-ups by key."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT o.number, o.id, o.origin_id, o.kind, o.at, o.actor_id, e.index, g.name, o.data, c.data,"
            " encode(e.leaf, 'hex'), k.note, k.size, k.at FROM journal_operation o"
            " JOIN journal_origin g ON g.id = o.origin_id LEFT JOIN journal_content c ON c.digest = o.content"
            " LEFT JOIN journal_entry e ON e.operation_id = o.number LEFT JOIN LATERAL (SELECT * FROM"
            " journal_checkpoint k WHERE k.origin_id = e.origin_id AND k.size > e.index ORDER BY k.size LIMIT 1) k"
            " ON true WHERE o.id = %s",
            [id_],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    return Whole(
        listed=Listed._make(row[:7]), log=row[7], entry=bytes(row[8]), body=bytes(row[9]) if row[9] else None,
        leaf=row[10], checkpoint=row[11], checkpoint_size=row[12], checkpoint_at=row[13],
    )  # fmt: skip


def last_checkpoint() -> tuple[int, datetime] | None:
    """Return size and instant of the home log's latest checkpoint."""
    found = _rows("SELECT size, at FROM journal_checkpoint WHERE origin_id = %s ORDER BY size DESC LIMIT 1", [HOME])
    return (found[0][0], found[0][1]) if found else None


def refusals_by_reason(since: datetime, until: datetime) -> list[tuple[str, int]]:
    """Return how many requests of [since, until) were refused, by reason code, the most frequent first.

    Answered by a partial index over refusals alone (migration 0003): its condition is repeated here.
    """
    return _rows(
        "SELECT convert_from(answer, 'UTF8')::json ->> 'reason', count(*) FROM journal_request"
        f" WHERE {REFUSAL} AND at >= %s AND at < %s GROUP BY 1 ORDER BY 2 DESC, 1",
        [since, until],
    )


REFUSAL = r"substr(answer, octet_length(answer) - 16) = '\x2274797065223a2272656675736564227d'::bytea"
"""The canonical bytes of a refusal end with `"type":"refused"}`: keys are sorted, and `type` comes last."""


class RefusalAbout(NamedTuple):
    """A refusal about something (a card): when, where (a gate, if the rule said so) and why."""

    at: datetime
    place: UUID | None
    answer: Refused


def refusals_about(subject: UUID, limit: int = 10) -> list[RefusalAbout]:
    """Return the last refusals about a subject, the latest first. Answered by a partial index over such rows alone."""
    return [
        RefusalAbout(at, place, msgspec.json.decode(bytes(answer), type=Refused))
        for at, place, answer in _rows(
            "SELECT at, place, answer FROM journal_request WHERE subject = %s ORDER BY at DESC LIMIT %s",
            [subject, limit],
        )
    ]


def _rows(sql: str, parameters: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found: list[Any] = cursor.fetchall()
        return found
