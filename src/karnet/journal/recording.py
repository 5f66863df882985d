"""Appending entries to the local log: bytes, house contents, numbers. Called by `transact` only."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from karnet.journal.flight import Send
from karnet.journal.operations import Entry, EntryHead, Operation, Received, Recorded, encode_entry
from karnet.journal.requests import Asked, id_made_by, made_id
from karnet.kernel import canonical
from karnet.kernel.time import instant

HOME = 1
"""The origin number of this server's own log."""


MAX_INLINE_BYTES = 24 * 1024
"""Entries above this name their body by hash, and stay well below their 32 KiB."""

MAX_CONTENT_BYTES = 4 * 1024 * 1024
"""A shared body above this could not travel to other servers (federation.core.messages)."""


class TooLarge(ValueError):
    """A body that could never travel."""


def entry(operation: Operation, request: Asked, ordinal: int, cause: UUID | None) -> Entry:
    """Return the entry of a request's `ordinal`-th operation; its id derives from key and ordinal."""
    made = made_id(request, ordinal)
    return Entry(id=made, at=instant(request.at), actor=request.actor, body=operation, cause=cause)


def received(sizes: dict[str, int], following: Entry, server: UUID) -> Entry:
    """Return the entry that says what was applied at this server before the operation that follows it, in the name of
    its actor."""
    at, actor = following.at, following.actor
    made = id_made_by(server, actor, at, f"received:{following.id}", 0)
    return Entry(id=made, at=at, actor=actor, body=Received(sizes=sizes), cause=None)


def open_record(cursor: Any, count: int) -> list[int]:
    """Open the projected tables to this transaction and draw that many operation numbers.

    To be called after every lock the decisions needed: a dependent operation has a higher number. The transaction id
    is drawn before the numbers: the sealer relies on it (sealing, "settled").
    """
    cursor.execute(
        # The id must be asked for by name: the planner drops a stable function whose value nobody uses.
        "SELECT nextval('journal_operation_number') FROM (SELECT set_config('karnet.recording', 'on', true),"
        " pg_current_xact_id() AS drawn OFFSET 0) AS opened, generate_series(1, %s) WHERE opened.drawn IS NOT NULL",
        [count],
    )
    return [number for (number,) in cursor.fetchall()]


def open_after_arrivals(cursor: Any, count: int) -> tuple[dict[str, int], list[int]]:
    """Open the record for operations decided here: what the home log has not said yet of what was applied here, and
    their numbers, one more for the operation that says it.

    The look comes after the decisions' last read, so whatever they saw is in it, and before the numbers are drawn, so
    an operation that said it already has a lower number. Two transactions may both say it: that is harmless.
    """
    cursor.execute(
        "WITH news AS MATERIALIZED ("
        "  SELECT o.name, a.size FROM journal_applied a JOIN journal_origin o ON o.id = a.origin_id"
        "  WHERE a.size > coalesce((SELECT max(r.size) FROM journal_received r WHERE r.origin = 1 AND r.log = o.name), 0)"
        "), opened AS MATERIALIZED ("
        "  SELECT set_config('karnet.recording', 'on', true), pg_current_xact_id() AS drawn,"
        "  (SELECT jsonb_object_agg(name, size)::text FROM news) AS news"
        ") SELECT opened.news, nextval('journal_operation_number') FROM opened,"
        " generate_series(1, %s + (opened.news IS NOT NULL)::int) WHERE opened.drawn IS NOT NULL",
        [count],
    )
    rows = cursor.fetchall()
    news = rows[0][0]
    return msgspec.json.decode(news) if news else {}, [number for _, number in rows]


def append(send: Send, entries: Sequence[Entry], numbers: Sequence[int]) -> list[Recorded]:
    """Send entries to the local log under numbers drawn for them; return them with their numbers, in order."""
    kept: list[tuple[bytes, bytes, bytes]] = []
    rows = [(n, e.id, e.body.KIND, e.at, e.actor, *_stored(e, kept)) for n, e in zip(numbers, entries, strict=True)]
    if kept:
        keep(send, kept)
    _insert(send, rows)
    return [Recorded(e, HOME, number) for e, number in zip(entries, numbers, strict=True)]


def append_received(send: Send, received: Sequence[tuple[int, EntryHead, bytes, bytes | None]]) -> None:
    """Send entries that were signed before (number, head, bytes, shared content if it has one) to the local log."""
    contents = [(head.sha256, b"", content) for _, head, _, content in received if content is not None]
    if contents:
        keep(send, contents)
    append_arrived(send, HOME, [(number, head, data) for number, head, data, _ in received])


def append_arrived(send: Send, origin: int, arrived: Sequence[tuple[int, EntryHead, bytes]]) -> None:
    """Send signed entries of a log (number, head, bytes) to the operations; their contents are kept already."""
    _insert(send, [(number, h.id, h.kind, h.at, h.actor, data, h.sha256) for number, h, data in arrived], origin)


def _insert(send: Send, rows: Sequence[tuple[object, ...]], origin: int = HOME) -> None:
    send(
        "INSERT INTO journal_operation (number, id, origin_id, kind, at, actor_id, data, content)"
        " SELECT d.number, d.id, %s::smallint, d.kind, d.at, d.actor, d.data, d.content"
        " FROM unnest(%b::bigint[], %b::uuid[], %b::text[], %b::timestamptz[], %b::uuid[], %b::bytea[], %b::bytea[])"
        " AS d(number, id, kind, at, actor, data, content)",
        [origin, *([*column] for column in zip(*rows, strict=True))],
    )


def keep(send: Send, contents: Sequence[tuple[bytes | None, bytes, bytes]]) -> None:
    """Send contents (digest, salt, data) to be kept beside the journal; one that is there already stays."""
    send(
        "INSERT INTO journal_content (digest, salt, data)"
        " SELECT * FROM unnest(%b::bytea[], %b::bytea[], %b::bytea[]) ON CONFLICT DO NOTHING",
        [list(column) for column in zip(*contents, strict=True)],
    )


def _stored(e: Entry, kept: list[tuple[bytes, bytes, bytes]]) -> tuple[bytes, bytes | None]:
    """Return the bytes of an entry and the digest of its body if that is kept beside it, in which case it is put into
    `kept` (digest, salt, data): house kinds, and large ones."""
    house = e.body.SCOPE == "house"
    if not house:
        data = encode_entry(e)
        if len(data) <= MAX_INLINE_BYTES:
            return data, None
    # The salt keeps partners from guessing a house body from its hash; a shared one travels, so it needs none.
    salt, body = secrets.token_bytes(16) if house else b"", canonical.encode(e.body)
    if not house and len(body) > MAX_CONTENT_BYTES:
        raise TooLarge(f"makes {e.body.KIND} of {len(body)} bytes, {MAX_CONTENT_BYTES} is the most")
    digest = sha256(salt + body).digest()
    kept.append((digest, salt, body))
    return encode_entry(e, digest), digest
