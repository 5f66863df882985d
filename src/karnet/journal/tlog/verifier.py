"""Verification of a whole log against a checkpoint: says that it is intact, or what is wrong first and where.

Evidence is followed downwards. The checkpoint's root vouches for the partial tiles, every hash in a vouched tile
vouches for the full tile below it, and a vouched tile of level 0 names the exact hash of every entry. So an
entry that differs from it is the altered one, provably. Where a tile is not what its parent vouches for, the
entries below it are hashed again to tell whether the tile or the entries were changed.

Cost for an intact log: one leaf hash and one node hash an entry, each entry and tile read once, in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from typing import Protocol

from karnet.journal.tlog.checkpoint import Checkpoint
from karnet.journal.tlog.merkle import HASH_SIZE, Frontier, root_of_joined, split_hashes
from karnet.journal.tlog.tiles import (
    TILE_WIDTH,
    TileBuilder,
    cut_tile,
    hashes_at_level,
    levels_of,
    partial_width,
    root_from_tiles,
    root_of_edge,
    tile_path,
)

READ_AHEAD = 16 * TILE_WIDTH
"""Entries asked for at once."""

# Stands for an absent entry; no entry hashes to it.
_NO_HASH = bytes(HASH_SIZE)
# How far around the first fault to look for a shift or an exchange, in entries.
_WINDOW = 2 * TILE_WIDTH
# How many entries in a row have to agree before a shift is believed, where there are that many.
_AGREE = 8


class LogSource(Protocol):
    """Where the log lies. Nothing it returns is trusted; exceptions it raises pass through.

    It must answer from one snapshot: what it returned once it returns again. Reads come in ascending order
    until a fault is found, so it can stream.
    """

    def entries(self, start: int, stop: int) -> Sequence[bytes | None]:
        """Entries `start` to `stop` (exclusive) as stored; None at an index that is absent, fewer at the end."""

    def tile(self, level: int, index: int, width: int) -> bytes | None:
        """The joined hashes of a tile, at least `width` of them, None if it is absent."""


class What(StrEnum):
    """What was done to the log, as far as the evidence tells."""

    ENTRY_ALTERED = "entry_altered"
    ENTRY_MISSING = "entry_missing"
    ENTRY_INSERTED = "entry_inserted"
    ENTRIES_SWAPPED = "entries_swapped"
    TILE_ALTERED = "tile_altered"
    TILE_MISSING = "tile_missing"
    HISTORY_REWRITTEN = "history_rewritten"


@dataclass(frozen=True, slots=True)
class Verified:
    """Every entry and tile below `size` is what the checkpoint, and every earlier one, committed to."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Tampered:
    """The first fault: nothing below `index` is wrong, something in `[index, until)` is.

    `until` is `index + 1` where one entry is to blame. It is wider where entries were changed together with all
    tiles that could say more, and where one hash of a tile stands for many entries. `detail` is for people.
    """

    index: int
    until: int
    what: What
    detail: str


def verify_log(checkpoint: Checkpoint, source: LogSource, earlier: Sequence[Checkpoint] = ()) -> Verified | Tampered:
    """Verify the first `checkpoint.size` entries and all their tiles.

    `earlier` are checkpoints one also believes (an own file of them, or what peers cosigned): the log must
    contain each, which shows a log rewritten and signed anew by its own key, and they narrow down where a
    rewritten log departs. The signatures of all of them are the caller's business (`open_checkpoint`), and so
    are entries at or beyond `checkpoint.size`. Does not raise for tampering. Raises ValueError if an earlier
    checkpoint is larger or of another origin.
    """
    for old in earlier:
        if old.origin != checkpoint.origin or old.size > checkpoint.size:
            raise ValueError(f"{old.origin!r} at {old.size} is no earlier state of {checkpoint.origin!r}")
    walk = _Walk(checkpoint, source, sorted(earlier, key=lambda old: old.size))
    return walk.first_fault() or Verified(checkpoint.size, checkpoint.root)


class _Walk:
    """One verification: what is believed, and the entries read ahead."""

    def __init__(self, checkpoint: Checkpoint, source: LogSource, earlier: Sequence[Checkpoint]) -> None:
        self.size = checkpoint.size
        self.root = checkpoint.root
        self.source = source
        self.earlier = earlier
        self._ahead: Sequence[bytes | None] = ()
        self._ahead_from = 0

    def first_fault(self) -> Tampered | None:
        """Follow the evidence from the root down; None for an intact log."""
        edge = [self._partial(level) for level in range(levels_of(self.size))]
        if root_of_edge([tile or b"" for tile in edge]) != self.root:
            return self._fault_at_edge(edge)
        for level in range(len(edge) - 1, -1, -1):  # The highest partial tile covers the first entries.
            first = hashes_at_level(level + 1, self.size) * TILE_WIDTH
            fault = self._fault_below(level, first, edge[level] or b"")
            if fault is not None:
                return fault
        return self._fault_in_history()

    def _fault_below(self, level: int, first: int, vouched: bytes) -> Tampered | None:
        """The first fault under vouched hashes of `level`, which start at number `first` of that level."""
        if level == 0:
            return self._fault_in_entries(first, vouched)
        for index, parent in enumerate(split_hashes(vouched), first):
            tile = self._tile(level - 1, index, TILE_WIDTH)
            if not tile or root_of_joined(tile) != parent:
                return self._fault_of_tile(level - 1, index, tile, parent)
            fault = self._fault_below(level - 1, index * TILE_WIDTH, tile)
            if fault is not None:
                return fault
        return None

    def _fault_in_entries(self, start: int, vouched: bytes) -> Tampered | None:
        """The first entry from `start` on that does not have its vouched leaf hash."""
        found = b"".join(self._hashes(start, start + len(vouched) // HASH_SIZE))
        if found == vouched:
            return None
        return self._classified(start + _first_difference(found, vouched))

    def _fault_of_tile(self, level: int, index: int, stored: bytes | None, parent: bytes) -> Tampered:
        """A full tile is not what its parent hash vouches for: was the tile changed, or the entries too?"""
        span = TILE_WIDTH ** (level + 1)
        start, until = index * span, (index + 1) * span
        rebuilt = b""
        builder = TileBuilder()
        for hashes in self._runs(start, until):
            rebuilt = next((w.hashes for w in builder.append(hashes) if w.level == level), b"")
        if root_of_joined(rebuilt) == parent:
            return _tile_fault(level, index, stored, rebuilt)
        detail = f"entries and {tile_path(level, index)} both differ from what the checkpoint commits to"
        return self._narrowed(Tampered(start, until, What.ENTRY_ALTERED, detail))

    def _fault_at_edge(self, edge: Sequence[bytes | None]) -> Tampered:
        """The partial tiles do not add up to the root: are the entries sound without them?"""
        builder = TileBuilder()
        for hashes in self._runs(0, self.size):
            builder.append(hashes)
        if builder.root() == self.root:
            for level in range(len(edge) - 1, -1, -1):
                if edge[level] != builder.partial(level):
                    index = hashes_at_level(level + 1, self.size)
                    return _tile_fault(level, index, edge[level], builder.partial(level))
        detail = "entries and partial tiles both differ from what the checkpoint commits to"
        return self._narrowed(Tampered(0, self.size, What.ENTRY_ALTERED, detail))

    def _fault_in_history(self) -> Tampered | None:
        """The log is what its checkpoint says; does it contain what earlier checkpoints said?"""
        sound = 0
        for old in self.earlier:
            if root_from_tiles(old.size, self._tile) != old.root:
                detail = f"the log does not contain its own state of {old.size} entries"
                return Tampered(sound, old.size, What.HISTORY_REWRITTEN, detail)
            sound = old.size
        return None

    def _narrowed(self, fault: Tampered) -> Tampered:
        """The fault's range, cut by the earlier checkpoints that the entries still do and no longer agree with."""
        frontier = Frontier()
        for old in self.earlier:
            if not fault.index < old.size < fault.until:
                continue
            for hashes in self._runs(frontier.size, old.size):
                frontier.extend(hashes)
            if frontier.root() != old.root:
                return replace(fault, until=old.size)
            fault = replace(fault, index=old.size)
        return fault

    def _classified(self, index: int) -> Tampered:
        """What happened at `index`, the first entry that differs from its vouched hash.

        The index is proven. What happened is read from its surroundings, and "altered" if they tell nothing.
        """
        found = self._hashes(index, min(index + _WINDOW, self.size))
        vouched = self._vouched(index, index + len(found))
        if found[0] == _NO_HASH:
            return Tampered(index, index + 1, What.ENTRY_MISSING, f"entry {index} is absent")
        partner = self._partner(index, found, vouched)
        if partner is not None:
            detail = f"entries {index} and {partner} have changed places"
            return Tampered(index, index + 1, What.ENTRIES_SWAPPED, detail)
        lost = _shift(vouched, found)
        if lost:
            detail = f"{lost} missing from {index} on, later ones have moved up"
            return Tampered(index, index + 1, What.ENTRY_MISSING, detail)
        extra = _shift(found, vouched)
        if extra:
            detail = f"{extra} inserted from {index} on, later ones have moved down"
            return Tampered(index, index + 1, What.ENTRY_INSERTED, detail)
        detail = f"entry {index} hashes to {found[0].hex()}, not {vouched[0].hex()}"
        return Tampered(index, index + 1, What.ENTRY_ALTERED, detail)

    def _partner(self, index: int, found: Sequence[bytes], vouched: Sequence[bytes]) -> int | None:
        """Where the entry that belongs at `index` stands, if the entry that stands here belongs there."""
        if found[0] in vouched:
            nth = vouched.index(found[0])
            return index + nth if found[nth] == vouched[0] else None
        for tile_index in range((index + len(vouched)) // TILE_WIDTH, -(-self.size // TILE_WIDTH)):
            start = tile_index * TILE_WIDTH
            there = self._vouched(start, min(start + TILE_WIDTH, self.size))
            if found[0] in there:
                other = start + there.index(found[0])
                return other if self._hashes(other, other + 1)[0] == vouched[0] else None
        return None

    # Reading.

    def _runs(self, start: int, stop: int) -> Iterator[list[bytes]]:
        for at in range(start, stop, READ_AHEAD):
            yield self._hashes(at, min(at + READ_AHEAD, stop))

    def _hashes(self, start: int, stop: int) -> list[bytes]:
        """Leaf hashes of stored entries `[start, stop)`, with `_NO_HASH` for those that are absent."""
        ahead_to = self._ahead_from + len(self._ahead)
        if not self._ahead_from <= start <= stop <= ahead_to:
            asked = min(max(stop, start + READ_AHEAD), self.size)
            self._ahead = self.source.entries(start, asked)[: asked - start]
            self._ahead_from = start
        run = self._ahead[start - self._ahead_from : stop - self._ahead_from]
        hashes = [_NO_HASH if entry is None else sha256(b"\x00" + entry).digest() for entry in run]
        return hashes + [_NO_HASH] * (stop - start - len(hashes))

    def _vouched(self, start: int, stop: int) -> list[bytes]:
        """Leaf hashes `[start, stop)` as the tiles of level 0 have them; `_NO_HASH` where one is absent."""
        hashes: list[bytes] = []
        first = start // TILE_WIDTH
        for index in range(first, -(-stop // TILE_WIDTH)):
            width = min(TILE_WIDTH, self.size - index * TILE_WIDTH)
            hashes += split_hashes(self._tile(0, index, width) or _NO_HASH * width)
        return hashes[start - first * TILE_WIDTH : stop - first * TILE_WIDTH]

    def _partial(self, level: int) -> bytes | None:
        width = partial_width(level, self.size)
        return self._tile(level, hashes_at_level(level + 1, self.size), width) if width else b""

    def _tile(self, level: int, index: int, width: int) -> bytes | None:
        """The first `width` hashes of a stored tile; None if it is absent, empty if it is no such tile.

        Always asks for the width the tile has at the checkpoint, since narrower ones may be gone.
        """
        present = min(TILE_WIDTH, hashes_at_level(level, self.size) - index * TILE_WIDTH)
        tile = self.source.tile(level, index, present)
        if tile is None:
            return None
        try:
            return cut_tile(tile, level, index, present)[: width * HASH_SIZE]
        except ValueError:
            return b""


def _tile_fault(level: int, index: int, stored: bytes | None, rebuilt: bytes) -> Tampered:
    """The entries are sound, a stored tile is not: where it first differs from what they hash to."""
    path = tile_path(level, index, len(rebuilt) // HASH_SIZE)
    span = TILE_WIDTH**level
    nth = _first_difference(stored or b"", rebuilt)
    start = (index * TILE_WIDTH + nth) * span
    if stored is None:
        return Tampered(start, start + span, What.TILE_MISSING, f"{path} is absent, the entries are sound")
    detail = f"hash {nth} of {path} is wrong, the entries are sound"
    return Tampered(start, start + span, What.TILE_ALTERED, detail)


def _first_difference(found: bytes, expected: bytes) -> int:
    """Number of the first hash in which two joined runs differ; the length of the shorter if it begins the other."""
    pairs = enumerate(zip(split_hashes(found), split_hashes(expected), strict=False))
    shorter = min(len(found), len(expected)) // HASH_SIZE
    return next((nth for nth, (one, other) in pairs if one != other), shorter)


def _shift(longer: Sequence[bytes], shorter: Sequence[bytes]) -> int:
    """How many hashes at the start of `longer` are lacking in `shorter`, which goes on from there; 0 if it does not."""
    if shorter[0] not in longer:
        return 0
    by = longer.index(shorter[0])
    agree = min(_AGREE, len(longer) - by)
    # Without a shift, position `by` still agrees with itself: a copy was put here, nothing moved.
    moved = by < len(shorter) and longer[by] != shorter[by]
    return by if moved and list(longer[by : by + agree]) == list(shorter[:agree]) else 0
