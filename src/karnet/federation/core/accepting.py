"""What a receiver believes: a batch is stored only if the log's key signed a tree that continues the one held here.

The rule is the same for a hub that a member pushes to and for a member that pulls from its hub; they differ in whom
they blame. A log that sends its own entries answers for every contradiction; somebody who passes on what others signed
answers for it unless the log's own key is on both sides of the contradiction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

import msgspec

from karnet.federation.core.messages import MAX_CONTENT_BYTES, MAX_ENTRIES, MAX_ENTRY_BYTES, Code, Evidence, Push
from karnet.federation.core.store import Acceptable, LogView, Moved, Store
from karnet.journal.operations import entry_head, scope_of
from karnet.journal.tlog.checkpoint import Checkpoint, CheckpointError
from karnet.journal.tlog.keyring import Keyring
from karnet.journal.tlog.merkle import leaf_hashes, verify_consistency
from karnet.journal.tlog.note import Note, NoteError
from karnet.journal.tlog.tiles import TileBuilder, TileWrite, partial_width
from karnet.kernel.canonical import NotCanonical

MAX_PENDING = 8
"""Notes over more than is held that a log may leave open at once."""
MAX_PROOF = 64
MAX_BATCH_NOTE_BYTES = 32 * 1024
_TRIES = 4


class Present(msgspec.Struct, frozen=True):
    """Nothing new: the batch is held already, under a note that agrees with what is held."""


class Rejection(msgspec.Struct, frozen=True):
    """Why a batch is not stored, and what is kept of it as evidence, if it shows that somebody is not honest."""

    code: Code
    detail: str
    evidence: Evidence | None = None


Edge = Callable[[], Sequence[bytes]]
RootAt = Callable[[int], bytes]


def accept(view: LogView, push: Push, *, edge: Edge, root_at: RootAt, sender: str) -> Acceptable | Present | Rejection:
    """Judge a batch against the log as it is held.

    `edge` reads the partial tiles at `view.size`, `root_at` the tree head at any size up to it. `sender`: the log of the
    server that brings it. Nothing in a batch raises: whatever bytes come, the answer is one of the three.
    """
    misfit = _misfit(push)
    if misfit is not None:
        return misfit
    try:
        noted = _opened(view, push.note)
    except (NoteError, CheckpointError) as error:
        return Rejection(Code.BAD_NOTE, str(error))
    end = push.first + len(push.entries)
    if noted.size < end:
        return Rejection(Code.BAD_BATCH, f"the note covers {noted.size} entries, the batch ends at {end}")
    forked = _forked(view, push, noted, root_at, sender)
    if forked is not None:
        return forked
    if noted.size <= view.size:
        return Present()
    if push.first != view.size:
        code = Code.GAP if push.first > view.size else Code.STALE
        return Rejection(code, f"{view.name} is held up to {view.size}, the batch starts at {push.first}")
    if len(view.pending) >= MAX_PENDING and push.note not in view.pending:
        return Rejection(Code.BAD_BATCH, "too many notes whose entries never came")
    return _continued(view, push, noted, edge, sender)


def _misfit(push: Push) -> Rejection | None:
    """What is wrong with a batch by itself."""
    if push.first < 0 or not push.entries:
        return Rejection(Code.BAD_BATCH, "a batch starts somewhere and has entries")
    if len(push.entries) > MAX_ENTRIES or len(push.contents) > MAX_ENTRIES:
        return Rejection(Code.TOO_LARGE, f"more than {MAX_ENTRIES} entries or contents")
    for place, entry in enumerate(push.entries, push.first):
        if len(entry) > MAX_ENTRY_BYTES:
            return Rejection(Code.TOO_LARGE, f"entry {place} has {len(entry)} bytes; {MAX_ENTRY_BYTES} at most")
    if any(len(content) > MAX_CONTENT_BYTES for content in push.contents):
        return Rejection(Code.TOO_LARGE, f"a content of more than {MAX_CONTENT_BYTES} bytes")
    if len(push.proof) > MAX_PROOF or len(push.rest) > MAX_PROOF or len(push.note) > MAX_BATCH_NOTE_BYTES:
        return Rejection(Code.TOO_LARGE, "a proof or a note longer than any log needs")
    return None


def _forked(view: LogView, push: Push, noted: Checkpoint, root_at: RootAt, sender: str) -> Rejection | None:
    """Whether the note, which the log's key did sign, contradicts what the same key signed before."""
    if noted.size <= view.size:
        if root_at(noted.size) == noted.root:
            return None
    elif not any((other := _checkpoint(note)).size == noted.size and other.root != noted.root for note in view.pending):
        return None
    detail = f"two trees of {noted.size} entries are signed by the key of {view.name}"
    return Rejection(Code.FORK, detail, _evidence(view, push, Code.FORK, detail, sender))


def _continued(view: LogView, push: Push, noted: Checkpoint, edge: Edge, sender: str) -> Acceptable | Rejection:
    """Judge a batch that starts where the log ends."""
    if not verify_consistency(
        old_size=view.size, old_root=view.root, new_size=noted.size, new_root=noted.root, proof=push.proof
    ):
        whose = view.name if sender == view.name else f"{sender}, which passes it on,"
        detail = f"{whose} does not prove that the tree of {noted.size} begins with the {view.size} entries held"
        return Rejection(Code.INCONSISTENT, detail, _evidence(view, push, Code.INCONSISTENT, detail, sender))
    builder = _builder(view, edge())
    if builder.root() != view.root:
        raise Moved(view.name)
    leaves = leaf_hashes(push.entries)
    writes, broken = _grown(builder, view, leaves)
    if not _leads_to(builder, noted, push.rest):
        detail = f"entries {view.size} to {builder.size - 1} are not those of the tree that {view.name} signed"
        return Rejection(Code.ALTERED, detail, _evidence(view, push, Code.ALTERED, detail, sender))
    if broken is not None:
        detail = f"the key of {view.name} signed another tree of {broken.size} entries before"
        return Rejection(Code.FORK, detail, _evidence(view, push, Code.FORK, detail, sender))
    contents = _contents(push)
    if isinstance(contents, Rejection):
        return contents
    return Acceptable(
        log=view.name,
        first=push.first,
        entries=push.entries,
        leaves=tuple(leaves),
        contents=contents,
        tiles=writes,
        size=builder.size,
        root=builder.root(),
        note=push.note,
        noted=noted.size,
        note_root=noted.root,
    )


def _builder(view: LogView, edge: Sequence[bytes]) -> TileBuilder:
    def read(level: int, index: int, width: int) -> bytes | None:
        assert width == partial_width(level, view.size)
        return edge[level] if level < len(edge) else None

    try:
        return TileBuilder.resume(view.size, read)
    except ValueError:
        raise Moved(view.name) from None


def _grown(builder: TileBuilder, view: LogView, leaves: Sequence[bytes]) -> tuple[list[TileWrite], Checkpoint | None]:
    """Append the leaves; return the tiles as they are in the end, and the first pending note that they contradict."""
    last = builder.size + len(leaves)
    writes: dict[tuple[int, int], TileWrite] = {}
    broken = None
    due = sorted((found for note in view.pending if (found := _checkpoint(note)).size <= last), key=lambda c: c.size)
    at = 0
    for stop in (*due, None):
        until = len(leaves) if stop is None else stop.size - view.size
        for write in builder.append(leaves[at:until]):
            writes[write.level, write.index] = write
        at = until
        if stop is not None and broken is None and builder.root() != stop.root:
            broken = stop
    return [writes[place] for place in sorted(writes)], broken


def _leads_to(builder: TileBuilder, noted: Checkpoint, rest: Sequence[bytes]) -> bool:
    return verify_consistency(
        old_size=builder.size, old_root=builder.root(), new_size=noted.size, new_root=noted.root, proof=rest
    )


def _contents(push: Push) -> dict[bytes, bytes] | Rejection:
    """The contents of a batch by their digest, if they are exactly those that its entries may bring and must bring."""
    given = {sha256(content).digest(): content for content in push.contents}
    unnamed = set(given)
    for place, entry in enumerate(push.entries, push.first):
        if b'"sha256"' not in entry:
            continue
        try:
            head = entry_head(entry)
        except NotCanonical:
            continue  # Applying it will say so, and name its index; it is the log's entry nevertheless.
        if head.sha256 is None:
            continue
        scope = scope_of(head.kind)  # None for a kind unknown here: it may bring a content or not.
        if scope == "house" and head.sha256 in given:
            return Rejection(Code.BAD_CONTENT, f"the content of entry {place} ({head.kind}) stays with its server")
        if scope == "shared" and head.sha256 not in given:
            return Rejection(Code.MISSING_CONTENT, f"the content of entry {place} ({head.kind}) did not come with it")
        unnamed.discard(head.sha256)
    if unnamed:
        return Rejection(Code.BAD_CONTENT, f"{len(unnamed)} contents that no entry of the batch names")
    return given


def _opened(view: LogView, note: bytes) -> Checkpoint:
    """The checkpoint in a note, signed by a key of the log that may sign at its size. Raises NoteError, CheckpointError."""
    return Keyring(view.keys).open(note).checkpoint


def _checkpoint(note: bytes) -> Checkpoint:
    """The checkpoint in a note that was verified when it was stored."""
    return Checkpoint.parse(Note.parse(note).text)


def _evidence(view: LogView, push: Push, code: Code, detail: str, sender: str) -> Evidence:
    held = view.pending[-1] if view.pending else view.note
    return Evidence(
        log=view.name,
        code=code,
        index=view.size,
        held=held,
        offered=push.note,
        detail=detail,
        sender=sender,
        proven=code is Code.FORK,
    )


def convicts(evidence: Evidence, view: LogView, root_at: RootAt) -> bool:
    """Whether evidence that somebody reports shows, by itself and what is held here, that the log's key signed twice.

    Two notes over the same size with different roots, or one over entries held here with another root than theirs.
    """
    signed: dict[int, bytes] = {}
    for note in (evidence.held, evidence.offered):
        try:
            found = _opened(view, note)
        except (NoteError, CheckpointError):
            continue
        if signed.setdefault(found.size, found.root) != found.root:
            return True
        if found.size <= view.size and root_at(found.size) != found.root:
            return True
    return False


class Taken(msgspec.Struct, frozen=True):
    """A batch was stored. `checkpoint`: what the receiver may cosign now; None where the batch ends within its note."""

    log: str
    size: int
    checkpoint: Checkpoint | None


def receive(store: Store, push: Push, *, sender: str) -> Taken | Present | Rejection:
    """Judge a batch and store it durably, or keep the evidence. Safe beside other processes over the same storage."""
    for _ in range(_TRIES):
        view = store.logs().get(push.log)
        if view is None:
            return Rejection(Code.UNKNOWN_LOG, f"no log {push.log[:80]!r} is followed here")
        if push.log == store.home:
            return Rejection(Code.REFUSED, "this server's own log is written by itself alone")
        try:
            outcome = _accepted(store, view, push, sender)
            if isinstance(outcome, Acceptable):
                store.receive(outcome)
        except Moved:
            continue
        if isinstance(outcome, Acceptable):
            complete = outcome.noted == outcome.size
            return Taken(push.log, outcome.size, Checkpoint(push.log, outcome.size, outcome.root) if complete else None)
        if isinstance(outcome, Rejection) and outcome.evidence is not None:
            store.quarantine(outcome.evidence)
        return outcome
    return Rejection(Code.BUSY, f"{push.log} is being received by others")


def _accepted(store: Store, view: LogView, push: Push, sender: str) -> Acceptable | Present | Rejection:
    return accept(
        view,
        push,
        edge=lambda: store.edge(view.name, view.size),
        root_at=lambda size: store.root_at(view.name, size),
        sender=sender,
    )
