"""Appending entries to the local log: bytes, house contents, numbers. Called by `transact` only."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import UUID

from karnet.journal.operations import Entry, Operation, Recorded, encode_entry
from karnet.kernel import canonical
from karnet.kernel.ids import derived_id
from karnet.kernel.time import instant

if TYPE_CHECKING:
    from karnet.journal.transaction import Asked

HOME = 1
"""The origin number of this server's own log."""


def entry(operation: Operation, request: Asked, ordinal: int, cause: UUID | None) -> Entry:
    """Return the entry of a request's `ordinal`-th operation; its id derives from key and ordinal."""
    at = instant(request.at)
    return Entry(
        id=derived_id(at, request.key, ordinal), at=at, actor=request.actor, body=operation, cause=cause
    )


def append(cursor: Any, entries: Sequence[Entry]) -> list[Recorded]:
    """Insert entries into the local log and return them with their numbers, in order.

    The numbers are drawn here, after every lock the decision needed: a dependent operation has a higher number.
    """
    contents = [_content(e) if e.body.SCOPE == "house" else None for e in entries]
    kept = [content for content in contents if content is not None]
    if kept:
        cursor.execute(
            "INSERT INTO journal_content (digest, salt, data)"
            " SELECT * FROM unnest(%s::bytea[], %s::bytea[], %s::bytea[]) ON CONFLICT DO NOTHING",
            [list(column) for column in zip(*kept, strict=True)],
        )
    rows = [
        (e.id, e.body.KIND, e.at, e.actor, encode_entry(e, content[0] if content else None))
        for e, content in zip(entries, contents, strict=True)
    ]
    # `karnet.recording` opens the projected tables for this transaction only (wiring.database, guards).
    cursor.execute(
        "WITH opened AS MATERIALIZED (SELECT set_config('karnet.recording', 'on', true)),"
        " appended AS (INSERT INTO journal_operation (number, id, origin_id, kind, at, actor_id, data)"
        " SELECT nextval('journal_operation_number'), d.id, 1, d.kind, d.at, d.actor, d.data"
        " FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::uuid[], %s::bytea[])"
        " WITH ORDINALITY AS d(id, kind, at, actor, data, place) ORDER BY d.place RETURNING id, number)"
        " SELECT id, number FROM appended, opened",
        [list(column) for column in zip(*rows, strict=True)],
    )
    numbers = dict(cursor.fetchall())
    return [Recorded(e, HOME, numbers[e.id]) for e in entries]


def _content(e: Entry) -> tuple[bytes, bytes, bytes]:
    salt, data = secrets.token_bytes(16), canonical.encode(e.body)
    return sha256(salt + data).digest(), salt, data
