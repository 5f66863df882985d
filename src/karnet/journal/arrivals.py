"""Logs of other servers: joined, received and kept verbatim. What is kept is applied by `applying`.

Receiving stores what was verified (federation.core.accepting): entries, contents, tiles, note, in one commit that moves
the log's tree by compare-and-swap. Nothing of it reaches a table of a slice; it never waits for applying.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection, transaction

from karnet.journal.flight import in_one_flight
from karnet.journal.founding import server_id
from karnet.journal.operations import entry_head
from karnet.journal.recording import HOME, keep
from karnet.journal.tlog.keyring import Keyring, LogKey
from karnet.journal.tlog.note import VerifierKey
from karnet.journal.tlog.tiles import TileWrite
from karnet.kernel.time import instant

_JOINING = 0x4B61726E65744A6F  # "KarnetJo": one joins at a time, so origin numbers have no race


class Moved(Exception):
    """The log is no longer as the caller read it: another process received meanwhile. Read again."""


class UnknownLog(LookupError):
    """No log of this name was joined."""


class HeldLog(msgspec.Struct, frozen=True, kw_only=True):
    """A log of another server as it is held here.

    `size` entries are held, those below `applied` are applied. `until`: entries from there on are kept, not applied (a
    suspended member). `quarantined`: why nothing is applied, or None. `waiting`: what the next entry waits for.
    """

    name: str
    origin: int
    server: UUID
    vkey: str
    size: int
    applied: int
    until: int | None = None
    quarantined: QuarantineNotice | None = None
    waiting: str = ""

    @property
    def believed(self) -> int:
        """How far it is applied in the end, as things are: not from a bad entry on, nor after a membership ended."""
        ends = [self.size, self.until, self.quarantined.index if self.quarantined else None]
        return min(end for end in ends if end is not None)


class QuarantineNotice(msgspec.Struct, frozen=True, kw_only=True):
    """Entry `index` of a log is not applied, nor any after it: since when and why."""

    log: str
    index: int
    code: str
    detail: str
    at: datetime
    evidence: bytes = b""


class KeptEntry(msgspec.Struct, frozen=True):
    """An entry, verbatim, and the shared content it names by hash (None: it names none, or a house content)."""

    data: bytes
    content: bytes | None = None


def join_log(name: str, vkey: str, at: datetime) -> int:
    """Make room for another server's log from its beginning; return its origin number here. Safe to repeat.

    `vkey`: the C2SP verifier key that signs it. The server's id follows from the name. Raises ValueError where the key
    is not of this name, or the log was joined under another key.
    """
    if VerifierKey.parse(vkey).name != name:
        raise ValueError(f"the key is not one of {name!r}")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_JOINING])
        cursor.execute("SELECT id FROM journal_origin WHERE name = %s", [name])
        row = cursor.fetchone()
        if row is not None:
            origin = int(row[0])
            if origin == HOME or vkey not in _keys(cursor, origin):
                raise ValueError(
                    f"{name!r} is this server's own log" if origin == HOME else f"{name!r} has another key"
                )
            return origin
        cursor.execute(
            "INSERT INTO journal_origin (id, name, server)"
            " SELECT greatest(max(id), %s) + 1, %s, %s FROM journal_origin RETURNING id",
            [HOME, name, server_id(name)],
        )
        origin = int(cursor.fetchone()[0])
        cursor.execute("INSERT INTO journal_tree (origin_id, size, settled) VALUES (%s, 0, 0)", [origin])
        cursor.execute("INSERT INTO journal_applied (origin_id, size, waiting) VALUES (%s, 0, '')", [origin])
        _insert_key(cursor, origin, 0, vkey, at)
    return origin


def change_key(name: str, first: int, vkey: str, at: datetime, ends: int | None = None) -> None:
    """From tree size `first` on, another key signs the log `name`; with `ends`, those before it sign nothing above that.

    Safe to repeat; raises UnknownLog, ValueError.
    """
    if VerifierKey.parse(vkey).name != name:
        raise ValueError(f"the key is not one of {name!r}")
    with transaction.atomic(), connection.cursor() as cursor:
        origin = origin_of(cursor, name)
        if _keys(cursor, origin).get(vkey) not in (None, first):
            raise ValueError(f"this key signs {name!r} from another size on")
        _insert_key(cursor, origin, first, vkey, at, ends)


def log_keys(name: str) -> Keyring:
    """Return the keys of another server's log, each with the tree sizes it signs. Raises UnknownLog."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT vkey, first, ends FROM journal_log_key WHERE origin_id = %s"
            # A key may be lost right after it came into force: then the one that ends it is the newer.
            " ORDER BY first, ends NULLS FIRST",
            [origin_of(cursor, name)],
        )
        rows = cursor.fetchall()
    found = []
    for place, (vkey, first, _) in enumerate(rows):
        until = min((ends for *_, ends in rows[place + 1 :] if ends is not None), default=None)
        found.append(LogKey(key=VerifierKey.parse(vkey), above=max(0, first - 1), until=until))
    return Keyring(tuple(found))


def held_logs() -> dict[str, HeldLog]:
    """Return every log of other servers that was joined, by name. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD)
        rows = cursor.fetchall()
    return {
        row[0]: HeldLog(
            name=row[0], origin=row[1], server=row[2], vkey=row[3], size=row[4], applied=row[5], until=row[6],
            waiting=row[7],
            quarantined=None if row[8] is None else QuarantineNotice(
                log=row[0], index=row[8], code=row[9], detail=row[10], at=row[11], evidence=bytes(row[12])
            ),
        )
        for row in rows
    }  # fmt: skip


_HELD = """
SELECT o.name, o.id, o.server,
    (SELECT k.vkey FROM journal_log_key k WHERE k.origin_id = o.id
        ORDER BY k.first DESC, k.ends DESC NULLS LAST LIMIT 1),
    t.size, a.size, a.until, a.waiting, q.index, q.code, q.detail, q.at, q.evidence
FROM journal_origin o JOIN journal_tree t ON t.origin_id = o.id JOIN journal_applied a ON a.origin_id = o.id
LEFT JOIN LATERAL (
    SELECT * FROM journal_quarantine WHERE origin_id = o.id AND released_at IS NULL ORDER BY index LIMIT 1
) q ON true ORDER BY o.name
"""


def applied_sizes() -> dict[str, int]:
    """Return how far each log is applied here, by name; of the home log, what is sealed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT o.name, coalesce(a.size, t.size) FROM journal_origin o JOIN journal_tree t ON t.origin_id = o.id"
            " LEFT JOIN journal_applied a ON a.origin_id = o.id"
        )
        return dict(cursor.fetchall())


def receive(
    name: str,
    first: int,
    entries: Sequence[bytes],
    contents: Mapping[bytes, bytes],
    tiles: Sequence[TileWrite],
    *,
    note: bytes,
    noted: int,
    note_root: bytes,
    at: datetime,
) -> int:
    """Keep verified entries of another server's log from index `first` on; return its size here afterwards.

    `contents`: the shared bodies they name, by SHA-256. `tiles`: as they are afterwards. `note`: a checkpoint over
    `noted` entries with `note_root`, at least as many as are held then. On disk when it returns. Raises Moved if the
    log is not at `first`, UnknownLog.
    """
    size = first + len(entries)
    assert noted >= size, "a note covers what comes with it"
    with transaction.atomic():
        with connection.cursor() as cursor:
            origin = origin_of(cursor, name)
            cursor.execute(
                "UPDATE journal_tree SET size = %s WHERE origin_id = %s AND size = %s", [size, origin, first]
            )
            if cursor.rowcount != 1:
                raise Moved
        with in_one_flight(connection) as send:
            if contents:
                keep(send, [(digest, b"", data) for digest, data in contents.items()])
            send(
                "INSERT INTO journal_arrival (origin_id, index, data)"
                " SELECT %s::smallint, d.index, d.data FROM unnest(%b::bigint[], %b::bytea[]) AS d(index, data)",
                [origin, list(range(first, size)), list(entries)],
            )
            send(
                "INSERT INTO journal_tile AS t (origin_id, level, index, hashes)"
                " SELECT %s::smallint, d.level, d.index, d.hashes FROM unnest(%b::int[], %b::bigint[], %b::bytea[])"
                " AS d(level, index, hashes) ON CONFLICT (origin_id, level, index) DO UPDATE SET hashes = excluded.hashes",
                [origin, [t.level for t in tiles], [t.index for t in tiles], [t.hashes for t in tiles]],
            )
            send(
                "INSERT INTO journal_checkpoint (origin_id, size, root, note, at)"
                " VALUES (%s::smallint, %s::bigint, %s, %s, %s::timestamptz) ON CONFLICT DO NOTHING",
                [origin, noted, note_root, note.decode(), instant(at)],
            )
    return size


def kept_entries(name: str, first: int, limit: int) -> list[KeptEntry]:
    """Return up to `limit` entries of any log held here from index `first` on, applied or not, to hand them on.

    Of the home log, what is sealed. House contents are never among them. Raises UnknownLog.
    """
    with connection.cursor() as cursor:
        origin = origin_of(cursor, name, HOME)
        cursor.execute(_KEPT, [origin, first, first + limit, origin, first, first + limit])
        entries = [bytes(data) for _, data in cursor.fetchall()]
        digests = [head.sha256 for head in map(entry_head, entries)]
        cursor.execute(
            "SELECT digest, data FROM journal_content WHERE digest = ANY(%b::bytea[]) AND salt = ''",
            [[digest for digest in digests if digest is not None]],
        )
        contents = {bytes(digest): bytes(data) for digest, data in cursor.fetchall()}
    return [
        KeptEntry(data, contents.get(digest) if digest else None) for data, digest in zip(entries, digests, strict=True)
    ]


_KEPT = """
SELECT e.index, o.data FROM journal_entry e JOIN journal_operation o ON o.number = e.operation_id
WHERE e.origin_id = %s AND e.index >= %s AND e.index < %s
UNION ALL
SELECT a.index, a.data FROM journal_arrival a WHERE a.origin_id = %s AND a.index >= %s AND a.index < %s ORDER BY 1
"""


def quarantine(name: str, index: int, code: str, detail: str, at: datetime, evidence: bytes = b"") -> None:
    """Apply nothing of the log from entry `index` on, until it is released; what stands before it still counts.
    What is quarantined already stays so.

    `evidence`: bytes that convince a third party. Receiving goes on. Raises UnknownLog.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        put_in_quarantine(cursor, origin_of(cursor, name), index, code, detail, at, evidence)


def put_in_quarantine(
    cursor: Any, origin: int, index: int, code: str, detail: str, at: datetime, evidence: bytes = b""
) -> None:
    """As `quarantine`, within the caller's transaction."""
    cursor.execute(
        "INSERT INTO journal_quarantine (origin_id, at, index, code, detail, evidence)"
        " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [origin, instant(at), index, code, detail, evidence],
    )


def release(name: str, at: datetime) -> bool:
    """Try again to apply the log; return whether it was in quarantine. What was kept on it stays on record."""
    with transaction.atomic(), connection.cursor() as cursor:
        origin = origin_of(cursor, name)
        cursor.execute(
            "UPDATE journal_quarantine SET released_at = %s WHERE origin_id = %s AND released_at IS NULL",
            [instant(at), origin],
        )
        return bool(cursor.rowcount)


def quarantines() -> list[tuple[QuarantineNotice, datetime | None]]:
    """Return every quarantine there was and when it was released, newest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT o.name, q.index, q.code, q.detail, q.at, q.evidence, q.released_at FROM journal_quarantine q"
            " JOIN journal_origin o ON o.id = q.origin_id ORDER BY q.at DESC"
        )
        return [
            (
                QuarantineNotice(
                    log=row[0], index=row[1], code=row[2], detail=row[3], at=row[4], evidence=bytes(row[5])
                ),
                row[6],
            )
            for row in cursor.fetchall()
        ]


def suspend(name: str, until: int | None) -> None:
    """Apply entries of the log below index `until` only; None: all of them again. Raises UnknownLog.

    What is applied already stays applied: a good index below that is shown, not undone.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE journal_applied SET until = %s WHERE origin_id = %s", [until, origin_of(cursor, name)])


def origin_of(cursor: Any, name: str, lowest: int = HOME + 1) -> int:
    """Return the origin number of a log here; `lowest` HOME admits the home log too. Raises UnknownLog."""
    cursor.execute("SELECT id FROM journal_origin WHERE name = %s AND id >= %s", [name, lowest])
    row = cursor.fetchone()
    if row is None:
        raise UnknownLog(f"no log named {name!r} was joined here")
    return int(row[0])


def _keys(cursor: Any, origin: int) -> dict[str, int]:
    cursor.execute("SELECT vkey, first FROM journal_log_key WHERE origin_id = %s", [origin])
    return dict(cursor.fetchall())


def _insert_key(cursor: Any, origin: int, first: int, vkey: str, at: datetime, ends: int | None = None) -> None:
    cursor.execute(
        "INSERT INTO journal_log_key (origin_id, first, vkey, at, ends) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        [origin, first, vkey, instant(at), ends],
    )
