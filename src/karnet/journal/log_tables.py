"""A log as it lies in the tables: its size, notes, tiles and entries. Reading only.

Everything is read through the cursor that is passed in, so the caller's transaction decides what snapshot it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection, transaction

from karnet.journal.recording import HOME
from karnet.journal.tlog.tiles import root_from_tiles


class StoredNote(msgspec.Struct, frozen=True):
    """A row of `journal_checkpoint`: nothing in it is believed yet."""

    size: int
    root: bytes
    note: bytes
    at: datetime


@contextmanager
def snapshot() -> Iterator[Any]:
    """Open a read-only transaction that sees one state of the database, and yield its cursor.

    It takes no transaction id, so the sealer never waits for it, however long it reads.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield cursor


class LogTables:
    """The log of one origin, read through `cursor`."""

    def __init__(self, cursor: Any, origin: int = HOME) -> None:
        self.cursor = cursor
        self.origin = origin

    def size(self) -> int | None:
        """Return how many entries are sealed; None if there is no log yet."""
        self.cursor.execute("SELECT size FROM journal_tree WHERE origin_id = %s", [self.origin])
        row = self.cursor.fetchone()
        return None if row is None else int(row[0])

    def checkpoint(self) -> bytes | None:
        """Return the newest signed note."""
        notes = self.notes(newest=True)
        return notes[0].note if notes else None

    def notes(self, *, above: int = -1, newest: bool = False) -> list[StoredNote]:
        """Return the notes of sizes above `above`, in order of size; with `newest` only the last of them."""
        order = "DESC LIMIT 1" if newest else ""
        self.cursor.execute(
            "SELECT size, root, note, at FROM journal_checkpoint WHERE origin_id = %s AND size > %s"
            f" ORDER BY size {order}",
            [self.origin, above],
        )
        return [StoredNote(size, bytes(root), note.encode(), at) for size, root, note, at in self.cursor.fetchall()]

    def tile(self, level: int, index: int, width: int = 1) -> bytes | None:
        """Return the joined hashes of a tile as wide as it is now (a `TileReader`); `width` is not looked at."""
        self.cursor.execute(
            "SELECT hashes FROM journal_tile WHERE origin_id = %s AND level = %s AND index = %s",
            [self.origin, level, index],
        )
        row = self.cursor.fetchone()
        return bytes(row[0]) if row else None

    def entries(self, start: int, stop: int) -> list[bytes | None]:
        """Return sealed entries `[start, stop)`, verbatim; None where one is absent."""
        place = [self.origin, start, stop]
        self.cursor.execute(
            "SELECT e.index, o.data FROM journal_entry e LEFT JOIN journal_operation o ON o.number = e.operation_id"
            " AND o.origin_id = e.origin_id WHERE e.origin_id = %s AND e.index >= %s AND e.index < %s"
            # What another server sealed and is not applied here yet.
            " UNION ALL SELECT a.index, a.data FROM journal_arrival a"
            " WHERE a.origin_id = %s AND a.index >= %s AND a.index < %s",
            [*place, *place],
        )
        present = {index: bytes(data) for index, data in self.cursor.fetchall() if data is not None}
        return [present.get(index) for index in range(start, stop)]

    def root_at(self, size: int) -> bytes:
        """Return the tree head at an earlier (or the present) size. Raises ValueError if tiles are missing."""
        return root_from_tiles(size, self.tile)
