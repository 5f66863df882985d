"""The protocol's storage (core.store.Store) over PostgreSQL: the journal's tables, and federation's own.

Every method is one transaction. Reads of a log take one snapshot. What is received is written by `journal.arrivals`,
which moves the log by compare-and-swap, so several hub nodes may receive at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
from django.db import connection, transaction

from karnet.federation.core.messages import Cosigned, Evidence
from karnet.federation.core.store import Acceptable, Kept, LogView, Moved, Status
from karnet.federation.models import Member
from karnet.federation.selectors import keyrings
from karnet.journal import arrivals
from karnet.journal.log_tables import LogTables, snapshot
from karnet.journal.recording import HOME
from karnet.journal.tlog.merkle import EMPTY_ROOT, consistency_proof
from karnet.journal.tlog.note import Note, VerifierKey
from karnet.journal.tlog.tiles import node_reader, read_edge

_evidence = msgspec.msgpack.Decoder(Evidence)


class PostgresStore:
    """Storage of this server. `now` stamps what is kept of quarantines. Safe between threads: connections are theirs."""

    def __init__(self, home: str, now: Callable[[], datetime]) -> None:
        self._home = home
        self._now = now
        self._origins: dict[str, int] = {}

    @property
    def home(self) -> str:
        """The name of this server's own log."""
        return self._home

    def logs(self) -> Mapping[str, LogView]:
        """Return every log held here (`Store.logs`). Three queries."""
        keys = keyrings()
        with snapshot() as cursor:
            cursor.execute(_LOGS)
            rows = cursor.fetchall()
            pending = _pending(cursor)
            return {
                row[0]: LogView(
                    name=row[0],
                    keys=keys[row[0]].keys if row[0] in keys else (),
                    size=row[2],
                    root=_root(cursor, row),
                    note=(row[5] or "").encode(),
                    pending=tuple(pending.get(row[1], ())),
                    applied=row[2] if row[1] == HOME else row[6],
                    status=_status(*row[7:]),
                )
                for row in rows
            }

    def edge(self, log: str, size: int) -> tuple[bytes, ...]:
        """Return the partial tiles of a log at its present size. Raises Moved."""
        with self._log(log) as tables:
            if tables.size() != size:
                raise Moved(log)
            return tuple(read_edge(size, tables.tile))

    def root_at(self, log: str, size: int) -> bytes:
        """Return the tree head at a size held. Raises ValueError."""
        with self._log(log) as tables:
            _check_held(tables, size)
            return tables.root_at(size)

    def proof(self, log: str, old: int, new: int) -> tuple[bytes, ...]:
        """Return the consistency proof between two sizes held. Raises ValueError."""
        with self._log(log) as tables:
            _check_held(tables, new)
            return tuple(consistency_proof(old, new, node_reader(new, tables.tile)))

    def entries(self, log: str, first: int, limit: int, limit_bytes: int) -> list[Kept]:
        """Return entries from `first` on with the shared contents they name (`Store.entries`)."""
        found: list[Kept] = []
        for kept in arrivals.kept_entries(log, first, limit):
            limit_bytes -= len(kept.data) + len(kept.content or b"")
            if found and limit_bytes < 0:
                break
            found.append(Kept(kept.data, kept.content))
        return found

    def note_within(self, log: str, above: int, until: int) -> bytes | None:
        """Return the note of the greatest size in (above, until], or None."""
        return self._note(log, "c.size > %s AND c.size <= %s ORDER BY c.size DESC", [above, until])

    def note_after(self, log: str, above: int) -> bytes | None:
        """Return the note of the smallest size above `above` that is fully held, or None."""
        return self._note(log, "c.size > %s ORDER BY c.size", [above])

    def receive(self, batch: Acceptable) -> None:
        """Store a verified batch (`journal.arrivals.receive`). Raises Moved."""
        try:
            arrivals.receive(
                batch.log,
                batch.first,
                batch.entries,
                batch.contents,
                batch.tiles,
                note=batch.note,
                noted=batch.noted,
                note_root=batch.note_root,
                at=self._now(),
            )
        except arrivals.Moved:
            raise Moved(batch.log) from None

    def cosignatures(self, logs: Collection[str]) -> tuple[Cosigned, ...]:
        """Return the newest cosignature of every cosigner of each of these logs."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT log, size, root, line FROM federation_cosignature WHERE log = ANY(%s) ORDER BY log, cosigner",
                [list(logs)],
            )
            return tuple(
                Cosigned(log=log, size=size, root=bytes(root), line=line) for log, size, root, line in cursor.fetchall()
            )

    def cosigners(self) -> Sequence[VerifierKey]:
        """Return the cosignature keys of the hub and of every member there ever was."""
        return [VerifierKey.parse(text) for text in Member.objects.values_list("cosigner", flat=True)]

    def save_cosignatures(self, cosigned: Sequence[Cosigned]) -> None:
        """Keep cosignatures, of each cosigner the one over most. In key order, for nodes that do so at once."""
        newest: dict[tuple[str, str], Cosigned] = {}
        for line in cosigned:
            key = line.log, _signer(line)
            if key not in newest or newest[key].size < line.size:
                newest[key] = line
        rows = [(log, by, one.size, one.root, one.line) for (log, by), one in sorted(newest.items())]
        if rows:
            with connection.cursor() as cursor:
                cursor.execute(_SAVE_COSIGNATURES, [list(column) for column in zip(*rows, strict=True)])

    def quarantine(self, evidence: Evidence) -> None:
        """Keep evidence; what is proven stops the applying of its log until people release it."""
        message = msgspec.msgpack.encode(evidence)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO federation_evidence (digest, log, message) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                [_about(evidence), evidence.log, message],
            )
            fresh = cursor.rowcount == 1
        if fresh and evidence.proven and evidence.log != self._home:
            arrivals.quarantine(evidence.log, evidence.index, str(evidence.code), evidence.detail, self._now(), message)

    def evidence(self) -> Sequence[Evidence]:
        """Return what was kept and nobody has settled, oldest first."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT message FROM federation_evidence WHERE settled_at IS NULL ORDER BY found_at, digest")
            return [_evidence.decode(bytes(message)) for (message,) in cursor.fetchall()]

    def _note(self, log: str, condition: str, parameters: list[int]) -> bytes | None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT c.note FROM journal_checkpoint c JOIN journal_tree t USING (origin_id)"
                f" WHERE c.origin_id = %s AND c.size <= t.size AND {condition} LIMIT 1",
                [self._origin(log), *parameters],
            )
            row = cursor.fetchone()
        return row[0].encode() if row else None

    def _log(self, log: str) -> _Opened:
        return _Opened(self._origin(log))

    def _origin(self, log: str) -> int:
        # A log's number here never changes, so it is asked for once.
        if log not in self._origins:
            with connection.cursor() as cursor:
                cursor.execute("SELECT name, id FROM journal_origin")
                self._origins = dict(cursor.fetchall())
        if log not in self._origins:
            raise ValueError(f"no log named {log!r} is held here")
        return self._origins[log]


class _Opened:
    """One log in one snapshot, as a context."""

    def __init__(self, origin: int) -> None:
        self._origin = origin
        self._snapshot = snapshot()

    def __enter__(self) -> LogTables:
        return LogTables(self._snapshot.__enter__(), self._origin)

    def __exit__(self, *error: Any) -> None:
        self._snapshot.__exit__(*error)


def _check_held(tables: LogTables, size: int) -> None:
    held = tables.size() or 0
    if not 0 <= size <= held:
        raise ValueError(f"the log is held up to {held} entries, not {size}")


def _pending(cursor: Any) -> dict[int, list[bytes]]:
    """Notes over more than is held, by origin: a batch ended within them."""
    cursor.execute(
        "SELECT c.origin_id, c.note FROM journal_tree t JOIN journal_checkpoint c"
        " ON c.origin_id = t.origin_id AND c.size > t.size ORDER BY c.origin_id, c.size"
    )
    found: dict[int, list[bytes]] = {}
    for origin, note in cursor.fetchall():
        found.setdefault(origin, []).append(note.encode())
    return found


def _root(cursor: Any, row: tuple[Any, ...]) -> bytes:
    _, origin, size, noted, root = row[:5]
    if size == 0:
        return EMPTY_ROOT
    return bytes(root) if noted == size else LogTables(cursor, origin).root_at(size)


def _about(evidence: Evidence) -> bytes:
    """What makes two pieces of evidence one: the same matter, from the same sender."""
    return sha256(repr((evidence.log, str(evidence.code), evidence.index, evidence.sender)).encode()).digest()


def _status(until: int | None, quarantined: bool) -> Status:
    if until is not None:
        return Status.SUSPENDED
    return Status.QUARANTINED if quarantined else Status.FOLLOWED


def _signer(cosigned: Cosigned) -> str:
    (line,) = Note.parse(f"-\n\n{cosigned.line}".encode()).signatures
    return line.name


_LOGS = """
SELECT o.name, o.id, t.size, c.size, c.root, c.note, coalesce(a.size, 0), a.until, q.origin_id IS NOT NULL
FROM journal_origin o JOIN journal_tree t ON t.origin_id = o.id
LEFT JOIN journal_applied a ON a.origin_id = o.id
LEFT JOIN journal_quarantine q ON q.origin_id = o.id AND q.released_at IS NULL
LEFT JOIN LATERAL (
    SELECT size, root, note FROM journal_checkpoint WHERE origin_id = o.id AND size <= t.size ORDER BY size DESC LIMIT 1
) c ON true
"""

_SAVE_COSIGNATURES = """
INSERT INTO federation_cosignature AS c (log, cosigner, size, root, line)
SELECT * FROM unnest(%b::text[], %b::text[], %b::bigint[], %b::bytea[], %b::text[])
ON CONFLICT (log, cosigner) DO UPDATE SET size = excluded.size, root = excluded.root, line = excluded.line,
    saved_at = now() WHERE excluded.size > c.size
"""
