"""`verify`: is the record in the database what was signed, and is every row beside it what the entries say?

Evidence, strongest first: notes of the checkpoint file (outside the database), notes in the database, the tiles they
commit to, the entries' bytes. Then every column that is derived from an entry's bytes is compared with them, and every
content with its hash. One snapshot, one pass over the entries, memory bounded by the number of checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection

from karnet.journal import selectors
from karnet.journal.arrivals import log_keys, origin_of
from karnet.journal.guard import Witnessed
from karnet.journal.log_rows import ENTRY, Fault, RowSource
from karnet.journal.log_tables import LogTables, StoredNote, snapshot
from karnet.journal.operations import kinds
from karnet.journal.recording import HOME
from karnet.journal.tlog.checkpoint import Checkpoint, CheckpointError
from karnet.journal.tlog.keyring import Keyring, Keys
from karnet.journal.tlog.merkle import EMPTY_ROOT
from karnet.journal.tlog.note import NoteError
from karnet.journal.tlog.verifier import Tampered, What, verify_log

# Checkpoints that narrow down where a rewritten log departs; all others are checked on the way.
_NARROWING = 64
_SHOWN = 20


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What was verified: `size` sealed entries under `root` (hex), `checkpoints` notes; and the first faults, by index.

    `unsealed` operations are committed but not yet under any signature; the oldest is from `oldest_unsealed_at`.
    """

    log: str
    size: int
    root: str
    checkpoints: int
    witnessed: int
    faults: list[Fault]
    unsealed: int
    oldest_unsealed_at: datetime | None

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.faults


Progress = Callable[[int, int], None]


def verify_home(
    keys: Keys, witnessed: Sequence[Witnessed], progress: Progress = lambda done, size: None
) -> Verification:
    """Verify the home log in the database against its keys and the checkpoint file's notes.

    `witnessed` must have been read before the call: the file never runs ahead of the database, so what is in it by
    then has to be there. `progress(done, size)` is called as entries pass. Never raises for what it finds.
    """
    return _verify(HOME, Keyring.of(keys), witnessed, progress)


def verify_held(name: str, progress: Progress = lambda done, size: None) -> Verification:
    """Verify another server's log as it is held here, applied or not, against its keys and its notes.

    What it keeps at home is not here, so only contents that travel are looked for. Raises arrivals.UnknownLog.
    """
    with connection.cursor() as cursor:
        origin = origin_of(cursor, name)
    return _verify(origin, log_keys(name), (), progress)


def _verify(origin: int, keys: Keyring, witnessed: Sequence[Witnessed], progress: Progress) -> Verification:
    with snapshot() as cursor:
        log = LogTables(cursor, origin)
        size = log.size() or 0
        evidence = _Evidence(keys, size, whole=origin == HOME)
        evidence.stored(log.notes())
        evidence.outside(witnessed)
        trusted = evidence.roots.get(size, EMPTY_ROOT if size == 0 else None)
        faults = evidence.faults
        if trusted is None:
            if not evidence.pending:  # the rest of what that note covers is on its way
                faults.append(
                    Fault(index=size, until=size, what="checkpoint_missing", where="journal_checkpoint",
                          detail=f"no valid checkpoint covers all {size} sealed entries")
                )  # fmt: skip
            size = max((s for s in evidence.roots if s < size), default=0)
            trusted = evidence.roots.get(size, EMPTY_ROOT)
        with closing(RowSource(cursor, log.size() or 0, evidence.roots, progress, origin)) as source:
            verdict = verify_log(Checkpoint(keys.name, size, trusted), source, evidence.narrowing(size))
        if isinstance(verdict, Tampered) and verdict.what is not What.HISTORY_REWRITTEN:
            faults.append(Fault.of(verdict))
        elif source.contradicted is not None:  # sound under its newest note, but not what older notes said
            faults.append(source.contradicted)
        faults += source.faults
        faults += _outside_the_tree(cursor, origin, log.size() or 0)
        faults += _contents(cursor, origin, source.contents_known_missing)
        tail = selectors.progress() if origin == HOME else None
    faults.sort(key=lambda fault: (fault.index, fault.until))
    return Verification(
        log=keys.name,
        size=size,
        root=trusted.hex(),
        checkpoints=evidence.count,
        witnessed=len(witnessed),
        faults=faults[:_SHOWN],
        unsealed=tail.unsealed if tail else 0,
        oldest_unsealed_at=tail.oldest_unsealed_at if tail else None,
    )


class _Evidence:
    """What the notes say, once their signatures are checked: `roots` by size. Contradictions become faults.

    `whole`: no note may be over more than there is. Of another's log a batch may have ended within its note.
    """

    def __init__(self, keys: Keyring, size: int, *, whole: bool) -> None:
        self.keys, self.name = keys, keys.name
        self.size, self.whole, self.pending = size, whole, False
        self.roots: dict[int, bytes] = {}
        self.faults: list[Fault] = []
        self.count = 0
        self._known: set[bytes] = set()
        self._stored: set[int] = set()

    def stored(self, notes: Sequence[StoredNote]) -> None:
        """Take the notes in the database, whose columns must say what the notes say."""
        for row in notes:
            self.count += 1
            self._stored.add(row.size)
            checkpoint = self._opened(row.note, row.size, "journal_checkpoint.note")
            if checkpoint is None:
                continue
            if checkpoint.size != row.size or checkpoint.root != row.root:
                self._fault(row.size, "checkpoint_altered", "journal_checkpoint", "its columns differ from its note")
            if checkpoint.size > self.size and not self.whole:
                self.pending = True
                continue
            if checkpoint.size > self.size:
                detail = f"a checkpoint of {checkpoint.size} entries, but the tree has {self.size}"
                self._gone(checkpoint.size, "journal_tree", detail)
            else:
                self.roots[checkpoint.size] = checkpoint.root

    def outside(self, witnessed: Sequence[Witnessed]) -> None:
        """Take the notes of the checkpoint file, which outweigh those of the database."""
        largest = 0
        for line in witnessed:
            checkpoint = self._opened(line.note, 0, "checkpoints file") if line.note not in self._known else None
            if checkpoint is None:
                continue
            largest = max(largest, checkpoint.size)
            if self.roots.get(checkpoint.size, checkpoint.root) != checkpoint.root:
                detail = f"the checkpoint file has another root at {checkpoint.size} entries than the database"
                self._fault(checkpoint.size, What.HISTORY_REWRITTEN, "journal_checkpoint", detail)
            if checkpoint.size > self.size:
                continue
            if checkpoint.size not in self._stored:
                detail = "it is in the checkpoint file only"
                self._fault(checkpoint.size, "checkpoint_missing", "journal_checkpoint", detail)
            self.roots[checkpoint.size] = checkpoint.root
        if largest > self.size:
            detail = f"{largest} entries were signed, {self.size} are there: cut off, or restored from an old backup"
            self._gone(largest, "journal_entry", detail)

    def narrowing(self, size: int) -> list[Checkpoint]:
        """Return some checkpoints below `size`, spread over the log."""
        sizes = sorted(s for s in self.roots if s < size)
        step = -(-len(sizes) // _NARROWING) or 1
        return [Checkpoint(self.name, s, self.roots[s]) for s in sizes[::step]]

    def _opened(self, note: bytes, size: int, where: str) -> Checkpoint | None:
        try:
            opened = self.keys.open(note).checkpoint
        except (NoteError, CheckpointError) as error:
            self._fault(size, "checkpoint_altered", where, str(error))
            return None
        self._known.add(note)
        return opened

    def _fault(self, size: int, what: str, where: str, detail: str) -> None:
        self.faults.append(
            Fault(index=max(0, size - 1), until=size, what=what, where=where, detail=f"checkpoint {size}: {detail}")
        )

    def _gone(self, until: int, where: str, detail: str) -> None:
        self.faults.append(Fault(index=self.size, until=until, what=What.ENTRY_MISSING, where=where, detail=detail))


def _outside_the_tree(cursor: Any, origin: int, size: int) -> list[Fault]:
    """Rows that no index of the tree accounts for."""
    faults = []
    cursor.execute(
        "SELECT index FROM (SELECT origin_id, index FROM journal_entry"
        " UNION ALL SELECT origin_id, index FROM journal_arrival) e"
        " WHERE origin_id = %s AND (index < 0 OR index >= %s) ORDER BY index LIMIT 1",
        [origin, size],
    )
    for (index,) in cursor.fetchall():
        detail = f"an entry row at index {index}, outside the {size} entries of the tree"
        faults.append(Fault(index=index, until=index + 1, what=What.ENTRY_INSERTED, where=ENTRY, detail=detail))
    cursor.execute(
        "SELECT o.number, o.id FROM journal_operation o JOIN journal_tree t ON t.origin_id = o.origin_id"
        # What arrived has its index in the commit that applied it.
        " WHERE o.origin_id = %s AND (o.number <= t.settled OR o.origin_id <> 1)"
        " AND NOT EXISTS (SELECT 1 FROM journal_entry e WHERE e.operation_id = o.number) ORDER BY o.number LIMIT 1",
        [origin],
    )
    for number, identity in cursor.fetchall():
        detail = f"operation {identity} (number {number}) was put in behind the sealer: it is in no entry"
        faults.append(
            Fault(index=size, until=size, what="operation_inserted", where="journal_operation", detail=detail)
        )
    return faults


def _contents(cursor: Any, origin: int, known_missing: Sequence[tuple[int, int]]) -> list[Fault]:
    """Contents that are not what their entries name, or are gone without a recovery having said so."""
    at_home = [kind for (kind, _), struct in kinds().items() if struct.SCOPE == "house"] if origin != HOME else []
    cursor.execute(
        "SELECT e.index, c.digest IS NULL, encode(o.content, 'hex') FROM journal_operation o"
        " JOIN journal_entry e ON e.operation_id = o.number"
        " LEFT JOIN journal_content c ON c.digest = o.content"
        " WHERE o.origin_id = %s AND o.content IS NOT NULL AND o.kind <> ALL(%s)"
        " AND (c.digest IS NULL OR sha256(c.salt || c.data) <> c.digest) ORDER BY e.index",
        [origin, at_home],
    )
    faults = []
    for index, missing, digest in cursor.fetchall():
        if missing and any(first <= index < until for first, until in known_missing):
            continue
        what = "content_missing" if missing else "content_altered"
        detail = f"content {digest} is {'absent' if missing else 'not what its hash says'}"
        faults.append(Fault(index=index, until=index + 1, what=what, where="journal_content", detail=detail))
        if len(faults) == _SHOWN:
            break
    return faults
