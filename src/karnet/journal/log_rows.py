"""The log's rows as a stream for the verifier, each row compared with its entry's bytes as it passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec
from django.db import connection

from karnet.journal.log_tables import LogTables
from karnet.journal.operations import Recovered, decode_body
from karnet.journal.recording import HOME
from karnet.journal.tlog.merkle import Frontier
from karnet.journal.tlog.verifier import Tampered, What

ENTRY = "journal_entry"
OPERATION = "journal_operation"
_FETCH = 4096
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL's, from which its binary timestamps count microseconds
_MAX_FAULTS = 100


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not as it was signed: in `[index, until)`; `what` for programs, `detail` for people."""

    index: int
    until: int
    what: str
    where: str
    detail: str

    @classmethod
    def of(cls, found: Tampered) -> Fault:
        """Return the verifier's finding in this form."""
        return cls(index=found.index, until=found.until, what=found.what, where="log", detail=found.detail)


class _Named(msgspec.Struct, frozen=True):
    """The members of an entry that have columns of their own."""

    id: str
    at: datetime
    actor: str
    kind: str
    v: int
    sha256: str | None = None
    body: msgspec.Raw = msgspec.Raw(b"null")


_decode = msgspec.json.Decoder(_Named).decode
Row = tuple[int, bytes | None, bytes | None, str, str, bytes, str, bytes | None]

# uuid as text and the time in PostgreSQL's binary form: cheaper to compare than to turn into objects.
_ROWS = """
SELECT e.index, o.data, e.leaf, o.id::text, o.kind, timestamptz_send(o.at), o.actor_id::text, o.content
FROM journal_entry e LEFT JOIN journal_operation o ON o.number = e.operation_id AND o.origin_id = e.origin_id
WHERE e.origin_id = %s AND e.index >= 0 AND e.index < %s ORDER BY e.index
"""

# What follows in another server's log: kept, not applied yet, so there are no columns beside the bytes.
_KEPT = """
SELECT a.index, a.data, NULL::bytea, '', '', ''::bytea, '', NULL::bytea FROM journal_arrival a
WHERE a.origin_id = %s AND a.index >= 0 AND a.index < %s ORDER BY a.index
"""


class RowSource:
    """A `LogSource` over the log of an origin: streams entries in order, answers others singly.

    As rows pass for the first time, `faults` collects columns that differ from the entry's bytes, `contradicted` is
    the first of `roots` (by size) that the entries do not give, and `contents_known_missing` collects the ranges a
    recovery confessed. Close it before its transaction ends.
    """

    def __init__(
        self,
        cursor: Any,
        size: int,
        roots: Mapping[int, bytes],
        progress: Callable[[int, int], None],
        origin: int = HOME,
    ) -> None:
        self.faults: list[Fault] = []
        self.contradicted: Fault | None = None
        self.contents_known_missing: list[tuple[int, int]] = []
        self._tables = LogTables(cursor, origin)
        self._origin = origin
        self._streams = [_ROWS] if origin == HOME else [_ROWS, _KEPT]
        self._size = size
        self._progress = progress
        self._stream: Any = None
        self._next = 0
        self._ahead: list[bytes | None] = []
        self._frontier = Frontier()
        self._roots = roots
        self._sizes = iter(sorted(size for size in roots if size))
        self._due = next(self._sizes, None)
        self._sound = 0

    def tile(self, level: int, index: int, width: int) -> bytes | None:
        """Return a tile as stored."""
        return self._tables.tile(level, index, width)

    def entries(self, start: int, stop: int) -> Sequence[bytes | None]:
        """Return entries `[start, stop)`, None where one is absent; cheap where `start` follows the last call."""
        if start != self._next:
            return self._tables.entries(start, stop)
        while len(self._ahead) < stop - start and (rows := self._fetched()):
            self._pass(rows)
        self._next = stop
        found, self._ahead = self._ahead[: stop - start], self._ahead[stop - start :]
        return found

    def close(self) -> None:
        """End the stream. Not left to the garbage collector, which might do so in the middle of another query."""
        if self._stream is not None:
            self._stream.close()

    def _fetched(self) -> list[Row]:
        rows: list[Row] = self._stream.fetchmany(_FETCH) if self._stream is not None else []
        while not rows and self._streams:
            self.close()
            self._stream = connection.connection.cursor("karnet_verify", binary=True)
            self._stream.execute(self._streams.pop(0), [self._origin, self._size])
            rows = self._stream.fetchmany(_FETCH)
        return rows

    def _pass(self, rows: list[Row]) -> None:
        at = self._next + len(self._ahead)
        leaves: list[bytes] = []
        for row in rows:
            index, data, leaf = row[0], row[1], row[2]
            while at + len(leaves) < index:
                self._ahead.append(None)
                leaves.append(bytes(32))
            self._ahead.append(data)
            if data is None:
                self._fault(index, What.ENTRY_MISSING, OPERATION, "its operation is gone")
                leaves.append(leaf or bytes(32))
                continue
            hashed = sha256(b"\x00" + data).digest()
            leaves.append(hashed)
            if leaf is None:
                continue
            if hashed != leaf:
                self._fault(index, "leaf_altered", f"{ENTRY}.leaf", "the stored leaf hash is not that of the entry")
            self._compare(row, data)
        self._follow(at, leaves)
        self._progress(at + len(leaves), self._size)

    def _compare(self, row: Row, data: bytes) -> None:
        index, _, _, identity, kind, at, actor, content = row
        try:
            entry = _decode(data)
        except msgspec.DecodeError as error:
            self._fault(index, What.ENTRY_ALTERED, f"{OPERATION}.data", f"not an entry: {error}")
            return
        since = entry.at - _EPOCH
        microseconds = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
        same_time = microseconds.to_bytes(8, "big", signed=True) == at
        same_content = (content.hex() if content is not None else None) == entry.sha256
        if same_time and same_content and entry.id == identity and entry.kind == kind and entry.actor == actor:
            if kind == Recovered.KIND:
                self._confessed(entry)
            return
        pairs = (
            ("id", entry.id == identity),
            ("kind", entry.kind == kind),
            ("actor_id", entry.actor == actor),
            ("at", same_time),
            ("content", same_content),
        )
        for column in (name for name, same in pairs if not same):
            self._fault(index, "column_altered", f"{OPERATION}.{column}", f"{column} is not what the entry says")

    def _confessed(self, entry: _Named) -> None:
        body = decode_body(entry.kind, entry.v, bytes(entry.body))
        assert isinstance(body, Recovered)
        if body.history.contents_missing:
            self.contents_known_missing.append((body.history.first, body.history.until))

    def _follow(self, at: int, leaves: list[bytes]) -> None:
        """Grow the tree by these leaves and compare its root at every size that was signed."""
        start = 0
        while self._due is not None and self._due <= at + len(leaves):
            self._frontier.extend(leaves[start : self._due - at])
            start = self._due - at
            if self._frontier.root() == self._roots[self._due]:
                self._sound = self._due
            elif self.contradicted is None:
                detail = f"the log does not contain its own state of {self._due} entries"
                what = What.HISTORY_REWRITTEN
                self.contradicted = Fault(index=self._sound, until=self._due, what=what, where="log", detail=detail)
            self._due = next(self._sizes, None)
        self._frontier.extend(leaves[start:])

    def _fault(self, index: int, what: str, where: str, detail: str) -> None:
        if len(self.faults) < _MAX_FAULTS:
            self.faults.append(Fault(index=index, until=index + 1, what=what, where=where, detail=detail))
