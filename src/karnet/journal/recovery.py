"""Applying again what a restored backup lost: sealed entries from an export, through the same projections as ever.

The entries were verified before they come here (wiring.log_recovery). All of it is one transaction: either the log
ends where the export ends, tiles and checkpoint included, or nothing has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection, transaction

from karnet.journal import recording, sealing
from karnet.journal.flight import in_one_flight
from karnet.journal.founding import FoundedAnswer, server_id
from karnet.journal.log_tables import LogTables
from karnet.journal.operations import Entry, Founded, HistoryBreak, Recorded, Recovered, decode_entry, entry_head
from karnet.journal.projection import project
from karnet.journal.recording import HOME
from karnet.journal.tlog.checkpoint import Checkpoint
from karnet.journal.tlog.merkle import leaf_hashes
from karnet.journal.tlog.tiles import TileBuilder
from karnet.journal.transaction import Outcome, Transaction, transact
from karnet.kernel.outcomes import Refused

BATCH = 1024


class Lost(msgspec.Struct, frozen=True):
    """A sealed entry to apply again: its bytes, and the content it names, where there is one and it was found."""

    data: bytes
    content: bytes | None


class CannotApply(Exception):
    """An entry cannot be applied to this database; nothing was changed."""


class Applied(msgspec.Struct, frozen=True):
    """Entries `[first, until)` were applied; of `contents_missing` the content was not to be had."""

    first: int
    until: int
    contents_missing: int


def apply_lost(
    batches: Iterator[Sequence[Lost]],
    final: Checkpoint,
    notes: Sequence[tuple[datetime, Checkpoint, bytes]],
    progress: Callable[[int, int], None] = lambda done, size: None,
) -> Applied:
    """Apply entries that follow the log in the database, up to the `final` checkpoint, in one transaction.

    `notes` are the signed notes above the present size, `final`'s among them. Operations the database has already, not
    sealed, keep their rows. Needs the tables' owner: nobody records meanwhile. Raises CannotApply.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [sealing.LOCK])
        if cursor.fetchone() != (True,):
            raise sealing.Busy
        cursor.execute("LOCK TABLE journal_operation IN SHARE ROW EXCLUSIVE MODE")
        tables = LogTables(cursor)
        first = tables.size() or 0
        builder = TileBuilder.resume(first, tables.tile)
        missing = 0
        for batch in batches:
            if builder.size == 0:
                _found(cursor, batch[0])
            missing += _apply(cursor, builder, batch)
            progress(builder.size, final.size)
        if (builder.size, builder.root()) != (final.size, final.root):
            raise CannotApply("the entries do not lead to the checkpoint that was signed over them")
        for at, checkpoint, note in notes:
            cursor.execute(
                "INSERT INTO journal_checkpoint (origin_id, size, root, note, at) VALUES (%s, %s, %s, %s, %s)",
                [HOME, checkpoint.size, checkpoint.root, note.decode(), at],
            )
    return Applied(first, final.size, missing)


def confess(name: str, at: datetime, history: HistoryBreak) -> None:
    """Record in the log what a restored backup did to it. Safe to repeat."""

    def record(tx: Transaction[Confession, FoundedAnswer]) -> None:
        tx.record([Outcome(r, FoundedAnswer(server=server_id(name)), (Recovered(history=history),)) for r in tx.fresh])

    key = f"recover:{history.first}:{history.until}:{history.root}"
    request = Confession(key=key, at=at, actor=server_id(name), history=history)
    (answer,) = transact([request], record, answers=FoundedAnswer)
    assert not isinstance(answer, Refused), answer


class Confession(msgspec.Struct, frozen=True, kw_only=True):
    """Put down a break in the log's history."""

    key: str
    at: datetime
    actor: UUID
    history: HistoryBreak


def _found(cursor: Any, first: Lost) -> None:
    """An empty database: the log's own row, which its first entry tells, has to be there before anything else."""
    body = decode_entry(first.data).body
    if not isinstance(body, Founded):
        raise CannotApply("the first entry is not the founding of a log")
    cursor.execute(
        "INSERT INTO journal_origin (id, name, server) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        [HOME, body.name, body.server.id],
    )
    cursor.execute(
        "INSERT INTO journal_tree (origin_id, size, settled) VALUES (%s, 0, 0) ON CONFLICT DO NOTHING", [HOME]
    )


def _apply(cursor: Any, builder: TileBuilder, batch: Sequence[Lost]) -> int:
    """Insert, project, seal; return how many contents were not to be had."""
    heads = [entry_head(lost.data) for lost in batch]
    cursor.execute("SELECT id, number, data FROM journal_operation WHERE id = ANY(%s)", [[head.id for head in heads]])
    present: dict[UUID, tuple[int, bytes]] = {row[0]: (row[1], bytes(row[2])) for row in cursor.fetchall()}
    fresh = [(lost, head) for lost, head in zip(batch, heads, strict=True) if head.id not in present]
    for lost, head in zip(batch, heads, strict=True):
        if head.id in present and present[head.id][1] != lost.data:
            raise CannotApply(f"operation {head.id} is in the database with other contents than were signed")
    numbers = recording.open_record(cursor, len(fresh))
    cursor.execute("SELECT server FROM journal_origin WHERE id = %s", [HOME])
    (server,) = cursor.fetchone()
    recorded, missing = [], 0
    with in_one_flight(connection) as send:
        if fresh:
            recording.append_received(
                send, [(n, head, lost.data, lost.content) for n, (lost, head) in zip(numbers, fresh, strict=True)]
            )
        for number, (lost, head) in zip(numbers, fresh, strict=True):
            if head.sha256 is not None and lost.content is None:
                missing += 1
            else:
                entry: Entry = decode_entry(lost.data, lost.content)
                recorded.append(Recorded(entry, HOME, number, server))
        # What was decided stays decided, whatever has come from others before it this time.
        project(send, recorded, arriving=True)
    number_of = {head.id: n for n, (_, head) in zip(numbers, fresh, strict=True)}
    number_of.update({identity: number for identity, (number, _) in present.items()})
    hashes = leaf_hashes(lost.data for lost in batch)
    first = builder.size
    tiles = builder.append(hashes)
    sealed = [number_of[head.id] for head in heads]
    sealing.write_sealed(cursor, first, sealed, hashes, tiles)
    sealing.run_hooks(cursor, sealed)
    return missing
