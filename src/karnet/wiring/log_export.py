"""`karnet journal export`: the log out of the database into a directory of static files, what is new since last time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from karnet.journal.log_tables import LogTables, snapshot
from karnet.journal.operations import kinds
from karnet.journal.recording import HOME
from karnet.journal.tlog.checkpoint import Checkpoint
from karnet.journal.tlog.keyring import Keyring, Keys
from karnet.journal.tlog.tiles import (
    TILE_WIDTH,
    TileName,
    cut_tile,
    encode_bundle,
    hashes_at_level,
    levels_of,
    tiles_between,
)
from karnet.wiring.log_directory import LogDirectory
from karnet.wiring.problem import InstallationProblem, explained

Progress = Callable[[int, int], None]


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What an export wrote: the log's size before and now, and the contents added."""

    log: str
    before: int
    size: int
    contents: int


def export(directory: LogDirectory, keys: Keys, progress: Progress = lambda done, size: None) -> Exported:
    """Bring `directory` up to the newest checkpoint. Safe to repeat and to interrupt: the checkpoint comes last.

    Raises InstallationProblem: `nothing-sealed`, and `export-differs` where the directory holds something that this
    log does not contain (another log, or a later state: then it is this database that was rolled back).
    """
    with snapshot() as cursor, explained("write", directory.path):
        log = LogTables(cursor)
        note = log.checkpoint()
        if note is None:
            raise InstallationProblem(
                "nothing-sealed", "Nothing is sealed yet.", "Run `karnet serve`, or `karnet journal seal`, first."
            )
        signed = Keyring.of(keys).open(note)
        newest = signed.checkpoint
        old = _present(directory, keys, log, newest)
        directory.path.mkdir(parents=True, exist_ok=True)
        for name in tiles_between(old, newest.size):
            assert name.level is not None
            tile = log.tile(name.level, name.index)
            directory.put(name, cut_tile(tile, name.level, name.index, name.width))
        _bundles(directory, log, old, newest.size, progress)
        contents = _contents(cursor, directory, old, newest.size)
        directory.commit(note, signed.log_signatures[0].key)
        for name in _partials(old):
            if name not in set(_partials(newest.size)):
                directory.remove(name)
    return Exported(log=newest.origin, before=old, size=newest.size, contents=contents)


def _present(directory: LogDirectory, keys: Keys, log: LogTables, newest: Checkpoint) -> int:
    """Return the size of the log that is in the directory already, once this log is known to contain it."""
    if directory.note() is None:
        return 0
    old = directory.open(keys).checkpoint
    if old.size > newest.size or log.root_at(old.size) != old.root:
        raise InstallationProblem(
            "export-differs",
            f"{directory.path} holds {old.size} entries that this database's log ({newest.size}) does not contain.",
            "If the database was restored from a backup, run `karnet journal recover`. Else export to an empty "
            "directory, and keep this one: it is evidence.",
        )
    return old.size


def _bundles(directory: LogDirectory, log: LogTables, old: int, size: int, progress: Progress) -> None:
    for start in range(old // TILE_WIDTH * TILE_WIDTH, size, TILE_WIDTH):
        stop = min(start + TILE_WIDTH, size)
        entries = [entry for entry in log.entries(start, stop) if entry is not None]
        if len(entries) < stop - start:
            raise InstallationProblem(
                "log-damaged",
                f"Entries between {start} and {stop} are missing in the database.",
                "Run `karnet journal verify`: it names them.",
            )
        directory.put(TileName(None, start // TILE_WIDTH, stop - start), encode_bundle(entries))
        progress(stop, size)


def _contents(cursor: Any, directory: LogDirectory, old: int, size: int) -> int:
    house = [kind for (kind, _), struct in kinds().items() if struct.SCOPE == "house"]
    cursor.execute(
        # Shared contents have no salt; kinds that stay at home are left out by name as well.
        "SELECT c.digest, c.data FROM journal_entry e JOIN journal_operation o ON o.number = e.operation_id"
        " JOIN journal_content c ON c.digest = o.content"
        " WHERE e.origin_id = %s AND e.index >= %s AND e.index < %s AND octet_length(c.salt) = 0"
        " AND NOT o.kind = ANY(%s)",
        [HOME, old, size, house],
    )
    count = 0
    for digest, data in cursor.fetchall():
        directory.put_content(bytes(digest), bytes(data))
        count += 1
    return count


def _partials(size: int) -> list[TileName]:
    """The partial tiles and the partial bundle of a log of this size."""
    names = [
        TileName(level, hashes_at_level(level, size) // TILE_WIDTH, hashes_at_level(level, size) % TILE_WIDTH)
        for level in range(levels_of(size))
        if hashes_at_level(level, size) % TILE_WIDTH
    ]
    if size % TILE_WIDTH:
        names.append(TileName(None, size // TILE_WIDTH, size % TILE_WIDTH))
    return names
