"""Storage of one simulated server: the protocol's `Store` over dictionaries, on a disk that can die at any write.

Each writing method is one transaction: it calls `crash` with its name before it writes and again when it has
committed; `crash` may raise Killed. Nothing is ever half written, as PostgreSQL promises; what a killed process had in
mind is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from karnet.federation.core.messages import Cosigned, Evidence
from karnet.federation.core.store import Acceptable, Kept, LogView, Moved, Status
from karnet.journal.tlog.checkpoint import Checkpoint, sign_checkpoint
from karnet.journal.tlog.keyring import LogKey
from karnet.journal.tlog.merkle import EMPTY_ROOT, consistency_proof, leaf_hashes
from karnet.journal.tlog.note import SigningKey, VerifierKey
from karnet.journal.tlog.tiles import TileBuilder, TileWrite, node_reader, read_edge, root_from_tiles


class Killed(BaseException):
    """The process died. No code of ours may handle it: only the world outside sees that it is gone."""


Crash = Callable[[str], None]


def unharmed(point: str) -> None:
    """Never crash."""


class MemoryLog(msgspec.Struct):
    """One log as it is held on a disk. `notes` by size, also those over more than is held. `until`: apply no entry from
    this index on (proven evidence: what is below it stands)."""

    name: str
    keys: tuple[LogKey, ...]
    entries: list[Kept]
    tiles: dict[tuple[int, int], bytes]
    notes: dict[int, bytes]
    root: bytes = EMPTY_ROOT
    applied: int = 0
    status: Status = Status.FOLLOWED
    until: int | None = None

    @classmethod
    def empty(cls, name: str, *keys: LogKey) -> MemoryLog:
        """Return a log of which nothing came yet."""
        return cls(name=name, keys=keys, entries=[], tiles={}, notes={})

    def copy(self) -> MemoryLog:
        """Return a copy that shares nothing that changes (a backup)."""
        return msgspec.structs.replace(self, entries=list(self.entries), tiles=dict(self.tiles), notes=dict(self.notes))

    @property
    def applicable(self) -> int:
        """Up to where entries may be applied."""
        return self.size if self.until is None else min(self.size, self.until)

    @property
    def size(self) -> int:
        return len(self.entries)

    def tile(self, level: int, index: int, width: int) -> bytes | None:
        """Read a tile, for the tree's mathematics."""
        return self.tiles.get((level, index))

    def write(self, tiles: Sequence[TileWrite]) -> None:
        """Store tiles over narrower ones of the same place."""
        for tile in tiles:
            self.tiles[tile.level, tile.index] = tile.hashes

    def view(self) -> LogView:
        """Return the log as the protocol sees it."""
        size = self.size
        newest, pending = 0, []
        for noted in self.notes:
            if noted > size:
                pending.append(noted)
            elif noted > newest:
                newest = noted
        return LogView(
            name=self.name,
            keys=self.keys,
            size=size,
            root=self.root,
            note=self.notes.get(newest, b""),
            pending=tuple(self.notes[noted] for noted in sorted(pending)),
            applied=self.applied,
            status=self.status,
        )


class MemoryStore:
    """A server's storage; `home` is the name of its own log, which `seal` extends."""

    def __init__(self, home: str, logs: Sequence[MemoryLog], crash: Crash = unharmed) -> None:
        self._home = home
        self._logs = {log.name: log for log in logs}
        self._cosigners: list[VerifierKey] = []
        self._cosigned: dict[tuple[str, str], Cosigned] = {}
        self._evidence: dict[tuple[str, str, int, str], Evidence] = {}
        self.crash = crash
        self.received = 0
        self._views: dict[str, tuple[object, LogView]] = {}
        self.roots: dict[tuple[str, int], bytes] = {}
        """Tree heads that were asked for."""

    def backup(self) -> MemoryStore:
        """Return a copy of everything on the disk."""
        copy = MemoryStore(self._home, [log.copy() for log in self._logs.values()], self.crash)
        copy._cosigners = list(self._cosigners)
        copy._cosigned = dict(self._cosigned)
        copy._evidence = dict(self._evidence)
        return copy

    def follow(self, log: MemoryLog) -> None:
        """Take up another log; one that is followed already stays as it is."""
        self._logs.setdefault(log.name, log)

    def know(self, *cosigners: VerifierKey) -> None:
        """Take up cosigners."""
        self._cosigners += [key for key in cosigners if key not in self._cosigners]

    def log(self, name: str) -> MemoryLog:
        """Return a log's rows, for the simulator itself. Raises KeyError."""
        return self._logs[name]

    def all_logs(self) -> Collection[MemoryLog]:
        """Return every log's rows, for the simulator itself."""
        return self._logs.values()

    def seal(self, entries: Sequence[Kept], key: SigningKey) -> bytes:
        """Append entries to the home log and sign its new state; return the note. The caller's transaction."""
        log = self._logs[self._home]
        builder = TileBuilder.resume(log.size, log.tile)
        log.write(builder.append(leaf_hashes(entry.data for entry in entries)))
        log.entries += entries
        log.root = builder.root()
        note = sign_checkpoint(Checkpoint(log.name, builder.size, log.root), key)
        log.notes[builder.size] = note
        return note

    # The protocol's storage (federation.core.store.Store).

    @property
    def home(self) -> str:
        return self._home

    def logs(self) -> Mapping[str, LogView]:
        return {name: self._view_of(name, log) for name, log in self._logs.items()}

    def _view_of(self, name: str, log: MemoryLog) -> LogView:
        """A log's view, made anew only when something of it changed."""
        state = (log.root, len(log.notes), log.applied, log.status, log.keys)
        present = self._views.get(name)
        if present is None or present[0] != state:
            present = self._views[name] = (state, log.view())
        return present[1]

    def edge(self, log: str, size: int) -> tuple[bytes, ...]:
        held = self._logs[log]
        if held.size != size:
            raise Moved(log)
        return tuple(read_edge(size, held.tile))

    def root_at(self, log: str, size: int) -> bytes:
        held = self._logs[log]
        if not 0 <= size <= held.size:
            raise ValueError(f"{log} is held up to {held.size}, not {size}")
        if size == held.size:
            return held.root
        if (log, size) not in self.roots:  # What was there stays what it was.
            self.roots[log, size] = root_from_tiles(size, held.tile)
        return self.roots[log, size]

    def proof(self, log: str, old: int, new: int) -> tuple[bytes, ...]:
        held = self._logs[log]
        if not 0 <= old <= new <= held.size:
            raise ValueError(f"{log} is held up to {held.size}")
        return tuple(consistency_proof(old, new, node_reader(new, held.tile)))

    def entries(self, log: str, first: int, limit: int, limit_bytes: int) -> list[Kept]:
        taken: list[Kept] = []
        left = limit_bytes
        for kept in self._logs[log].entries[first : first + limit]:
            left -= len(kept.data) + len(kept.content or b"")
            if taken and left < 0:
                break
            taken.append(kept)
        return taken

    def note_within(self, log: str, above: int, until: int) -> bytes | None:
        notes = self._logs[log].notes
        return notes[best] if (best := max((n for n in notes if above < n <= until), default=0)) else None

    def note_after(self, log: str, above: int) -> bytes | None:
        held = self._logs[log]
        best = min((n for n in held.notes if above < n <= held.size), default=0)
        return held.notes[best] if best else None

    def receive(self, batch: Acceptable) -> None:
        log = self._logs[batch.log]
        if log.size != batch.first:
            raise Moved(batch.log)
        self.crash("receive")
        log.entries += [Kept(data, batch.contents.get(_digest(data))) for data in batch.entries]
        log.write(batch.tiles)
        log.root = batch.root
        log.notes[batch.noted] = batch.note
        self.received += 1
        self.crash("received")

    def cosignatures(self, logs: Collection[str]) -> tuple[Cosigned, ...]:
        return tuple(line for (log, _), line in self._cosigned.items() if log in logs)

    def cosigners(self) -> Sequence[VerifierKey]:
        return tuple(self._cosigners)

    def save_cosignatures(self, cosigned: Sequence[Cosigned]) -> None:
        self.crash("save_cosignatures")
        for line in cosigned:
            place = (line.log, line.line.split(" ")[1])
            present = self._cosigned.get(place)
            if present is None or present.size <= line.size:
                self._cosigned[place] = line
        self.crash("saved_cosignatures")

    def quarantine(self, evidence: Evidence) -> None:
        self.crash("quarantine")
        place = (evidence.log, evidence.code, evidence.index, evidence.sender)
        self._evidence.setdefault(place, evidence)
        if evidence.proven:
            log = self._logs[evidence.log]
            log.status = Status.QUARANTINED
            log.until = evidence.index if log.until is None else min(log.until, evidence.index)
        self.crash("quarantined")

    def evidence(self) -> Sequence[Evidence]:
        return tuple(self._evidence.values())


class _Named(msgspec.Struct):
    sha256: str | None = None


_named = msgspec.json.Decoder(_Named)


def _digest(entry: bytes) -> bytes:
    """The digest of the content that an entry names, b"" if none."""
    if b'"sha256"' not in entry:
        return b""
    try:
        return bytes.fromhex(_named.decode(entry).sha256 or "")
    except (msgspec.DecodeError, ValueError):
        return b""
