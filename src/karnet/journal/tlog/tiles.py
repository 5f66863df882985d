"""Tiles: a Merkle tree stored as runs of up to 256 hashes (C2SP tlog-tiles).

A tile at level L, index N holds hashes of complete subtrees of 256**L leaves, the first of them
number N * 256. A partial tile is a prefix of the full one; only full tiles are hashed into the level above.
Tile contents are joined hashes: `bytes`, 32 for each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from karnet.journal.tlog.merkle import HASH_SIZE, NodeReader, join_hashes, root_of_joined

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
TILE_BYTES = TILE_WIDTH * HASH_SIZE
MAX_LEVEL = 63
MAX_ENTRY_BYTES = 0xFFFF

TileReader = Callable[[int, int, int], bytes | None]
"""`(level, index, width)` to the joined hashes of that tile, None if there is none.

May answer with more hashes than asked for (a tile that has grown since): the surplus is ignored.
"""

_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([0-9]{1,3}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class TileName:
    """Which resource: a tile of hashes, or an entry bundle if `level` is None. Width 1 to 256; 256 is a full one."""

    level: int | None
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if self.level is not None and not 0 <= self.level <= MAX_LEVEL:
            raise ValueError(f"tile level {self.level} is not within 0 to {MAX_LEVEL}")
        if not 0 <= self.index < 1 << 64:
            raise ValueError(f"tile index {self.index} is not within 64 bits")
        if not 1 <= self.width <= TILE_WIDTH:
            raise ValueError(f"tile width {self.width} is not within 1 to {TILE_WIDTH}")

    @property
    def path(self) -> str:
        """The path below the log's prefix, for example `tile/0/x001/x234/067.p/8`."""
        level = "entries" if self.level is None else str(self.level)
        groups = [f"{self.index % 1000:03d}"]
        rest = self.index // 1000
        while rest:
            groups.append(f"x{rest % 1000:03d}")
            rest //= 1000
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """The path of a tile of hashes. Raises ValueError for a number out of range."""
    return TileName(level, index, width).path


def entries_path(index: int, width: int = TILE_WIDTH) -> str:
    """The path of an entry bundle. Raises ValueError for a number out of range."""
    return TileName(None, index, width).path


def parse_path(path: str) -> TileName:
    """The tile a path names. Raises ValueError for anything but the one canonical spelling."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise ValueError(f"not a tile path: {path[:80]!r}")
    level, groups, width = match.groups()
    name = TileName(
        level=None if level == "entries" else int(level),
        index=int(groups.replace("/", "").replace("x", "")),
        width=TILE_WIDTH if width is None else int(width),
    )
    if name.path != path:
        raise ValueError(f"not the canonical tile path (that is {name.path!r}): {path!r}")
    return name


def hashes_at_level(level: int, size: int) -> int:
    """How many hashes a tree of `size` leaves has at this tile level."""
    return size >> (TILE_HEIGHT * level)


def partial_width(level: int, size: int) -> int:
    """Width of the partial tile at this level in a tree of `size`; 0 if there is none."""
    return hashes_at_level(level, size) % TILE_WIDTH


def levels_of(size: int) -> int:
    """How many tile levels a tree of `size` leaves has; 0 for an empty tree."""
    return -(-size.bit_length() // TILE_HEIGHT)


def tiles_between(old_size: int, new_size: int) -> list[TileName]:
    """The tiles of hashes that appear or change when a tree grows, lowest level first, in index order.

    Each has its width in the tree of `new_size`. Raises ValueError for a tree that shrinks.
    """
    if not 0 <= old_size <= new_size:
        raise ValueError(f"a tree does not go from {old_size} leaves to {new_size}")
    names = []
    for level in range(levels_of(new_size)):
        old, new = hashes_at_level(level, old_size), hashes_at_level(level, new_size)
        for index in range(old >> TILE_HEIGHT, -(-new >> TILE_HEIGHT)) if old < new else ():
            names.append(TileName(level, index, min(TILE_WIDTH, new - index * TILE_WIDTH)))
    return names


@dataclass(frozen=True, slots=True)
class TileWrite:
    """A tile as it now is: store it under (level, index), over a narrower one of the same place."""

    level: int
    index: int
    hashes: bytes

    @property
    def width(self) -> int:
        """Hashes in the tile, 1 to 256."""
        return len(self.hashes) // HASH_SIZE

    @property
    def path(self) -> str:
        """Where C2SP tlog-tiles serves this tile."""
        return tile_path(self.level, self.index, self.width)


class TileBuilder:
    """Grows a tree by leaf hashes and says which tiles to write. Keeps only the partial tile of each level.

    Not thread-safe; one builder belongs to one sealer.
    """

    __slots__ = ("_edge", "_size")

    def __init__(self) -> None:
        self._size = 0
        self._edge: list[bytes] = []

    @classmethod
    def resume(cls, size: int, read_tile: TileReader) -> TileBuilder:
        """Continue a stored tree of `size` leaves; reads at most one partial tile a level.

        Raises ValueError if one is absent or too narrow. Does not check hashes: compare `root()` with the
        checkpoint of that size before appending.
        """
        builder = cls()
        builder._size = size
        builder._edge = read_edge(size, read_tile)
        return builder

    @property
    def size(self) -> int:
        """Leaves in the tree."""
        return self._size

    def root(self) -> bytes:
        """The tree head. Costs up to 255 hashes a level, so once a seal rather than once a leaf."""
        return root_of_edge(self._edge)

    def partial(self, level: int) -> bytes:
        """The partial tile of this level, empty if there is none."""
        return self._edge[level] if level < len(self._edge) else b""

    def append(self, leaf_hashes: Sequence[bytes]) -> list[TileWrite]:
        """Append leaves; the tiles that appeared or changed, lowest level first, in index order.

        The same list as `tiles_between(old size, new size)`. Raises ValueError, and changes nothing, if a hash
        is not 32 bytes.
        """
        added = join_hashes(leaf_hashes)
        writes: list[TileWrite] = []
        level = 0
        while added:
            if level == len(self._edge):
                self._edge.append(b"")
            run = self._edge[level] + added
            first = hashes_at_level(level + 1, self._size)
            full = [run[at : at + TILE_BYTES] for at in range(0, len(run) - TILE_BYTES + 1, TILE_BYTES)]
            writes += [TileWrite(level, first + nth, tile) for nth, tile in enumerate(full)]
            rest = run[len(full) * TILE_BYTES :]
            if rest:
                writes.append(TileWrite(level, first + len(full), rest))
            self._edge[level] = rest
            added = b"".join([root_of_joined(tile) for tile in full])
            level += 1
        self._size += len(leaf_hashes)
        return writes


def cut_tile(tile: bytes | None, level: int, index: int, width: int) -> bytes:
    """The first `width` hashes of a tile that was read. Raises ValueError if it is absent or too narrow."""
    if tile is None:
        raise ValueError(f"{tile_path(level, index, width)} is absent")
    if len(tile) < width * HASH_SIZE or len(tile) % HASH_SIZE or len(tile) > TILE_BYTES:
        raise ValueError(f"{tile_path(level, index, width)} has {len(tile)} bytes, not {width * HASH_SIZE}")
    return tile[: width * HASH_SIZE]


def read_edge(size: int, read_tile: TileReader) -> list[bytes]:
    """The partial tile of every level of a tree of `size`, level 0 first, empty where the level has none.

    Raises ValueError if one is absent or too narrow.
    """
    edge = []
    for level in range(levels_of(size)):
        width, index = partial_width(level, size), hashes_at_level(level + 1, size)
        edge.append(cut_tile(read_tile(level, index, width), level, index, width) if width else b"")
    return edge


def root_of_edge(edge: Sequence[bytes]) -> bytes:
    """The tree head from the partial tiles of all levels, level 0 first."""
    right = b""
    for tile in edge:
        if tile:
            right = root_of_joined(tile + right)
    return root_of_joined(right)


def root_from_tiles(size: int, read_tile: TileReader) -> bytes:
    """The tree head at `size` from stored tiles. Raises ValueError if one is absent or too narrow."""
    return root_of_edge(read_edge(size, read_tile))


def node_reader(size: int, read_tile: TileReader) -> NodeReader:
    """Reads any node of the tree of `size` out of its tiles, for proofs; keeps the tiles it has read.

    The reader raises ValueError if a tile is absent or too narrow, or the node is not within the tree.
    """
    kept: dict[tuple[int, int], bytes] = {}

    def read(level: int, index: int) -> bytes:
        if level < 0 or index < 0 or (index + 1) << level > size:
            raise ValueError(f"node {level}/{index} is not within a tree of {size}")
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile_index, offset = divmod(index << height, TILE_WIDTH)
        tile = kept.get((tile_level, tile_index))
        if tile is None:
            width = min(TILE_WIDTH, hashes_at_level(tile_level, size) - tile_index * TILE_WIDTH)
            tile = cut_tile(read_tile(tile_level, tile_index, width), tile_level, tile_index, width)
            kept[tile_level, tile_index] = tile
        return root_of_joined(tile[offset * HASH_SIZE : (offset + (1 << height)) * HASH_SIZE])

    return read


def bundles_of(size: int) -> Iterator[TileName]:
    """The entry bundles of a log of `size` entries, in order."""
    for start in range(0, size, TILE_WIDTH):
        yield TileName(None, start // TILE_WIDTH, min(TILE_WIDTH, size - start))


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """An entry bundle: each entry after its length as big-endian uint16.

    Raises ValueError for no entries, more than 256, or one longer than 65,535 bytes.
    """
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise ValueError(f"an entry bundle holds 1 to {TILE_WIDTH} entries, not {len(entries)}")
    parts = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise ValueError(f"an entry of {len(entry)} bytes is longer than {MAX_ENTRY_BYTES}")
        parts.append(len(entry).to_bytes(2, "big"))
        parts.append(entry)
    return b"".join(parts)


def decode_bundle(bundle: bytes, width: int) -> list[bytes]:
    """The `width` entries of a bundle. Raises ValueError if it holds fewer, more, or half an entry."""
    if not 1 <= width <= TILE_WIDTH:
        raise ValueError(f"an entry bundle holds 1 to {TILE_WIDTH} entries, not {width}")
    entries: list[bytes] = []
    at, end = 0, len(bundle)
    while at < end and len(entries) < width:
        start = at + 2
        at = start + int.from_bytes(bundle[at:start], "big")
        if start > end or at > end:
            raise ValueError(f"entry {len(entries)} of the bundle is cut short")
        entries.append(bundle[start:at])
    if len(entries) != width or at != end:
        raise ValueError(f"the bundle does not hold exactly {width} entries")
    return entries
