"""Appending entries to the local log: bytes, house contents, numbers. Called by `transact` only."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

from karnet.journal.flight import Send
from karnet.journal.operations import Entry, EntryHead, Operation, Recorded, encode_entry
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


def open_record(cursor: Any, count: int) -> list[int]:
    """Open the projected tables to this transaction and draw that many operation numbers.

    To be called after every lock the decisions needed: a dependent operation has a higher number. The transaction id
    is drawn before the numbers: the sealer relies on it (sealing, "settled").
    """
    cursor.execute(
        "SELECT nextval('journal_operation_number') FROM (SELECT set_config('karnet.recording', 'on', true),"
        " pg_current_xact_id() OFFSET 0) AS opened, generate_series(1, %s)",
        [count],
    )
    return [number for (number,) in cursor.fetchall()]


def append(send: Send, entries: Sequence[Entry], numbers: Sequence[int]) -> list[Recorded]:
    """Send entries to the local log under numbers drawn for them; return them with their numbers, in order."""
    contents = [_content(e) for e in entries]
    kept = [content for content in contents if content is not None]
    if kept:
        _keep(send, kept)
    digests = [content[0] if content else None for content in contents]
    rows = [
        (number, e.id, e.body.KIND, e.at, e.actor, encode_entry(e, digest), digest)
        for number, e, digest in zip(numbers, entries, digests, strict=True)
    ]
    _insert(send, rows)
    return [Recorded(e, HOME, number) for e, number in zip(entries, numbers, strict=True)]


def append_received(send: Send, received: Sequence[tuple[int, EntryHead, bytes, bytes | None]]) -> None:
    """Send entries that were signed before (number, head, bytes, shared content if it has one) to the local log."""
    contents = [(head.sha256, b"", content) for _, head, _, content in received if content is not None]
    if contents:
        _keep(send, contents)
    _insert(send, [(number, h.id, h.kind, h.at, h.actor, data, h.sha256) for number, h, data, _ in received])


def _insert(send: Send, rows: Sequence[tuple[object, ...]]) -> None:
    send(
        "INSERT INTO journal_operation (number, id, origin_id, kind, at, actor_id, data, content)"
        " SELECT d.number, d.id, 1, d.kind, d.at, d.actor, d.data, d.content"
        " FROM unnest(%b::bigint[], %b::uuid[], %b::text[], %b::timestamptz[], %b::uuid[], %b::bytea[], %b::bytea[])"
        " AS d(number, id, kind, at, actor, data, content)",
        [list(column) for column in zip(*rows, strict=True)],
    )


def _keep(send: Send, contents: Sequence[tuple[bytes | None, bytes, bytes]]) -> None:
    send(
        "INSERT INTO journal_content (digest, salt, data)"
        " SELECT * FROM unnest(%b::bytea[], %b::bytea[], %b::bytea[]) ON CONFLICT DO NOTHING",
        [list(column) for column in zip(*contents, strict=True)],
    )


def _content(e: Entry) -> tuple[bytes, bytes, bytes] | None:
    """Return digest, salt and data of a body that is kept beside its entry: house kinds, and large ones."""
    house = e.body.SCOPE == "house"
    data = canonical.encode(e.body)
    if not house and len(data) <= MAX_INLINE_BYTES:
        return None
    # The salt keeps partners from guessing a house body from its hash; a shared one travels, so it needs none.
    salt = secrets.token_bytes(16) if house else b""
    return sha256(salt + data).digest(), salt, data
