"""Applying what arrived: kept entries of other logs become operations here, through the projections of local ones.

Per log in index order, a batch in a transaction: numbers are drawn then, so the order of numbers is the order in which
things came to be known here, and a rebuild replays it. An entry waits until what its server had received is applied
here too; one that the rules or the tables refuse puts its log into quarantine, and only that log (docs/federation.md).
One applier per installation: an advisory lock keeps others out. Local decisions and the sealer go on meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import DataError, IntegrityError, InternalError, OperationalError, connection, transaction
from psycopg import errors

from karnet.journal import arrivals, recording, sealing
from karnet.journal.flight import in_one_flight
from karnet.journal.operations import Entry, EntryHead, Recorded, UnknownKind, entry_head
from karnet.journal.projection import Conflict, project
from karnet.journal.rules.arrivals import (
    ActorView,
    Fault,
    Log,
    Place,
    claims_of,
    enrolments,
    judge,
    named,
    read_entry,
    waits_for,
)
from karnet.journal.tlog.merkle import leaf_hashes
from karnet.kernel.canonical import NotCanonical

BATCH = 512
"""Entries of one transaction: the sealer waits for it, so it must stay short."""

LOCK = 0x4B61726E65744170  # "KarnetAp"
MAX_TRIES = 8

Locks = Callable[[Any, Sequence[Entry]], None]
_locks: list[Locks] = []


def locks_before_applying(function: Locks) -> Locks:
    """Register `f(cursor, entries)`: takes the locks that local decisions on the same things hold, in their order.

    Runs before numbers are drawn, so of two operations on one thing the later one has the higher number here.
    """
    _locks.append(function)
    return function


class Busy(Exception):
    """Another process of this installation applies what arrived."""


class Applied(msgspec.Struct, frozen=True):
    """What one pass applied: entries by log. `more`: another pass may apply more at once."""

    counts: dict[str, int]
    more: bool

    @property
    def count(self) -> int:
        """How many entries were applied in all."""
        return sum(self.counts.values())


def apply_all(now: Callable[[], datetime]) -> int:
    """Apply until nothing is left that can be; return how many entries were applied. Raises Busy."""
    count, more = 0, True
    while more:
        applied = apply_arrived(now())
        count, more = count + applied.count, applied.more
    return count


def apply_arrived(now: datetime, limit: int = BATCH) -> Applied:
    """Apply up to `limit` kept entries of each log, a transaction each. Safe to repeat, and to be killed at any point.

    What is not applied says why: `arrivals.held_logs` tells what a log waits for, or its quarantine (since `now`).
    Raises Busy if another process is at it.
    """
    counts: dict[str, int] = {}
    for name in _with_something_to_apply():
        count = _apply_log(name, now, limit)
        if count:
            counts[name] = count
    return Applied(counts, more=bool(counts))


def _with_something_to_apply() -> list[str]:
    return [log.name for log in arrivals.held_logs().values() if log.applied < log.believed]


def _apply_log(name: str, now: datetime, limit: int) -> int:
    """Apply a batch; where the tables refuse it, what precedes the entry at fault, found by halves."""
    tries = 0
    while True:
        attempt = _Attempt(name, now, limit)
        try:
            with transaction.atomic():
                attempt.run()
            return attempt.count
        except OperationalError as error:
            tries += 1
            if tries == MAX_TRIES or not isinstance(error.__cause__, errors.DeadlockDetected):
                raise
        except _REFUSALS as error:
            if attempt.count <= 1:
                detail = str(error).strip().splitlines()[0][:1000]
                arrivals.quarantine(name, attempt.first, "refused_by_tables", detail, now)
                return 0
            limit = attempt.count // 2


_REFUSALS = (IntegrityError, DataError, InternalError, Conflict, ValueError, TypeError, LookupError, ArithmeticError)


class _Read(msgspec.Struct):
    """The entries that can be applied now, from the first on, and what stops the next one."""

    entries: list[Entry]
    heads: list[EntryHead]
    data: list[bytes]
    waiting: str = ""
    fault: Fault | None = None


class _Attempt:
    """One batch of one log, within a transaction. `count` entries from index `first` on are tried."""

    def __init__(self, name: str, now: datetime, limit: int) -> None:
        self.name, self.now, self.limit = name, now, limit
        self.first = self.count = 0

    def run(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
            if cursor.fetchone() != (True,):
                raise Busy
            cursor.execute(_STATE, [self.name])
            row = cursor.fetchone()
            assert row is not None, "logs are never left"
            origin, server, self.first, until, was_waiting = row
            read = self._read(cursor, origin, Log(self.name, server), until)
            self.count = len(read.entries)
            if read.entries:
                self._apply(cursor, origin, server, read)
            if read.entries or read.waiting != was_waiting:
                cursor.execute(
                    "UPDATE journal_applied SET size = %s, waiting = %s WHERE origin_id = %s",
                    [self.first + self.count, read.waiting[:400], origin],
                )
            if read.fault is not None:
                index = self.first + self.count
                arrivals.put_in_quarantine(cursor, origin, index, read.fault.code, read.fault.detail, self.now)

    def _read(self, cursor: Any, origin: int, log: Log, until: int | None) -> _Read:
        stop = self.first + self.limit if until is None else min(until, self.first + self.limit)
        cursor.execute(
            "SELECT data FROM journal_arrival WHERE origin_id = %s AND index >= %s AND index < %s ORDER BY index",
            [origin, self.first, stop],
        )
        kept = [bytes(data) for (data,) in cursor.fetchall()]
        read = _decoded(cursor, kept)
        applied = arrivals.applied_sizes()
        claimed = [claims_of(entry, Place(log, self.first + n)) for n, entry in enumerate(read.entries)]
        actors = _actors(cursor, {actor for claims in claimed for actor in named(claims)})
        for n, (entry, claims) in enumerate(zip(read.entries, claimed, strict=True)):
            missing = waits_for(entry, {**applied, log.name: self.first + n})
            actors = {**enrolments(entry, log), **actors}
            fault = judge(claims, log, actors.get)
            if missing or fault:
                waiting = (
                    f"waits for {', '.join(f'{size} entries of {name}' for name, size in sorted(missing.items()))}"
                )
                return _Read(
                    read.entries[:n],
                    read.heads[:n],
                    read.data[:n],
                    waiting if missing else "",
                    None if missing else fault,
                )
        return read

    def _apply(self, cursor: Any, origin: int, server: UUID, read: _Read) -> None:
        for function in _locks:
            function(cursor, read.entries)
        numbers = recording.open_record(cursor, len(read.entries))
        recorded = [
            Recorded(entry, origin, number, server) for entry, number in zip(read.entries, numbers, strict=True)
        ]
        with in_one_flight(connection) as send:
            recording.append_arrived(send, origin, list(zip(numbers, read.heads, read.data, strict=True)))
            project(send, [r for r in recorded if r.entry.body.SCOPE == "shared"], arriving=True)
            send(
                "INSERT INTO journal_entry (origin_id, index, operation_id, leaf)"
                " SELECT %s::smallint, d.index, d.number, d.leaf"
                " FROM unnest(%b::bigint[], %b::bigint[], %b::bytea[]) AS d(index, number, leaf)",
                [origin, list(range(self.first, self.first + self.count)), numbers, leaf_hashes(read.data)],
            )
            send(
                "DELETE FROM journal_arrival WHERE origin_id = %s::smallint AND index < %s::bigint",
                [origin, self.first + self.count],
            )
        sealing.run_hooks(cursor, numbers)


# What stands before the entry that a quarantine is about goes on being applied: others may rest on it.
_STATE = """
SELECT o.id, o.server, a.size, least(a.until, (
    SELECT min(q.index) FROM journal_quarantine q WHERE q.origin_id = o.id AND q.released_at IS NULL
)), a.waiting FROM journal_origin o JOIN journal_applied a ON a.origin_id = o.id WHERE o.name = %s FOR UPDATE OF a
"""


def _decoded(cursor: Any, kept: Sequence[bytes]) -> _Read:
    """Return the entries in these bytes, up to the first that cannot be read here."""
    read = _Read([], [], [])
    try:
        for data in kept:
            read.heads.append(entry_head(data))
    except NotCanonical as error:
        read.fault = Fault("garbled", f"not an entry: {error}")
    contents = _contents(cursor, [head.sha256 for head in read.heads if head.sha256 is not None])
    for head, data in zip(read.heads, kept, strict=False):
        try:
            entry = read_entry(data, head, contents.get(head.sha256) if head.sha256 else None)
        except UnknownKind as error:
            read.waiting, read.fault = f"needs a newer Karnet: {error}", None
            break
        except (NotCanonical, ValueError) as error:
            read.fault = Fault("garbled", str(error))
            break
        read.entries.append(entry)
        read.data.append(data)
    read.heads = read.heads[: len(read.entries)]
    return read


def _contents(cursor: Any, digests: Sequence[bytes]) -> Mapping[bytes, bytes]:
    if not digests:
        return {}
    # Salted ones are the home server's own: whoever names one of them in another log has no claim on it.
    cursor.execute(
        "SELECT digest, data FROM journal_content WHERE digest = ANY(%b::bytea[]) AND salt = ''", [list(digests)]
    )
    return {bytes(digest): bytes(data) for digest, data in cursor.fetchall()}


def _actors(cursor: Any, ids: set[UUID]) -> dict[UUID, ActorView]:
    cursor.execute(
        "SELECT a.id, a.kind, a.parent_id, o.server FROM journal_actor a JOIN journal_origin o ON o.id = a.origin"
        " WHERE a.id = ANY(%b::uuid[])",
        [list(ids)],
    )
    return {row[0]: ActorView(*row[1:]) for row in cursor.fetchall()}
