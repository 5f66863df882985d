"""Appending entries to the local log: bytes, house contents, numbers. Called by `transact` only."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

from karnet.journal.operations import Entry, Operation, Recorded, encode_entry
from karnet.journal.requests import Asked
from karnet.kernel import canonical
from karnet.kernel.ids import derived_id
from karnet.kernel.time import instant

HOME = 1
"""The origin number of this server's own log."""


MAX_INLINE_BYTES = 24 * 1024
"""Bodies above this go by hash: the entry stays well below its 32 KiB."""


def entry(operation: Operation, request: Asked, ordinal: int, cause: UUID | None) -> Entry:
    """Return the entry of a request's `ordinal`-th operation; its id derives from key and ordinal."""
    at = instant(request.at)
    return Entry(id=derived_id(at, request.key, ordinal), at=at, actor=request.actor, body=operation, cause=cause)


def append(cursor: Any, entries: Sequence[Entry]) -> list[Recorded]:
    """Insert entries into the local log and return them with their numbers, in order.

    The numbers are drawn here, after every lock the decision needed: a dependent operation has a higher number.
    """
    contents = [_content(e) for e in entries]
    kept = [content for content in contents if content is not None]
    if kept:
        cursor.execute(
            "INSERT INTO journal_content (digest, salt, data)"
            " SELECT * FROM unnest(%b::bytea[], %b::bytea[], %b::bytea[]) ON CONFLICT DO NOTHING",
            [list(column) for column in zip(*kept, strict=True)],
        )
    digests = [content[0] if content else None for content in contents]
    rows = [
        (e.id, e.body.KIND, e.at, e.actor, encode_entry(e, digest), digest)
        for e, digest in zip(entries, digests, strict=True)
    ]
    # `karnet.recording` opens the projected tables for this transaction only (wiring.database, guards). The
    # transaction id is drawn before the numbers: the sealer relies on it (sealing, "settled").
    cursor.execute("SELECT set_config('karnet.recording', 'on', true), pg_current_xact_id()")
    cursor.execute(
        "INSERT INTO journal_operation (number, id, origin_id, kind, at, actor_id, data, content)"
        " SELECT nextval('journal_operation_number'), d.id, 1, d.kind, d.at, d.actor, d.data, d.content"
        " FROM unnest(%b::uuid[], %b::text[], %b::timestamptz[], %b::uuid[], %b::bytea[], %b::bytea[])"
        " WITH ORDINALITY AS d(id, kind, at, actor, data, content, place) ORDER BY d.place RETURNING id, number",
        [list(column) for column in zip(*rows, strict=True)],
    )
    numbers = dict(cursor.fetchall())
    return [Recorded(e, HOME, numbers[e.id]) for e in entries]


def _content(e: Entry) -> tuple[bytes, bytes, bytes] | None:
    """Return digest, salt and data of a body that is kept beside its entry: house kinds, and large ones."""
    house = e.body.SCOPE == "house"
    data = canonical.encode(e.body)
    if not house and len(data) <= MAX_INLINE_BYTES:
        return None
    # The salt keeps partners from guessing a house body from its hash; a shared one travels, so it needs none.
    salt = secrets.token_bytes(16) if house else b""
    return sha256(salt + data).digest(), salt, data
