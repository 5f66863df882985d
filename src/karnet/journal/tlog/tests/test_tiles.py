"""Tiles against C2SP tlog-tiles, the Tessera test log, and the leaves they stand for."""

from __future__ import annotations

from base64 import b64decode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karnet.journal.tlog.checkpoint import Checkpoint
from karnet.journal.tlog.merkle import (
    consistency_proof,
    inclusion_proof,
    join_hashes,
    leaf_hashes,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from karnet.journal.tlog.note import Note
from karnet.journal.tlog.tests.vectors import TESSERA, TESSERA_ENTRIES, StoredLog, numbered
from karnet.journal.tlog.tiles import (
    TileBuilder,
    TileName,
    bundles_of,
    decode_bundle,
    encode_bundle,
    entries_path,
    levels_of,
    node_reader,
    parse_path,
    partial_width,
    root_from_tiles,
    tile_path,
    tiles_between,
)

LEAVES = leaf_hashes(numbered(70_000))
LOG = StoredLog(numbered(70_000))
NAMES = st.builds(
    TileName,
    level=st.none() | st.integers(0, 63),
    index=st.integers(0, (1 << 64) - 1) | st.integers(0, 5000),
    width=st.integers(1, 256),
)


def builder_of(size: int) -> tuple[TileBuilder, dict[tuple[int, int], bytes]]:
    builder = TileBuilder()
    tiles = {(write.level, write.index): write.hashes for write in builder.append(LEAVES[:size])}
    return builder, tiles


@pytest.mark.parametrize(
    ("level", "index", "width", "path"),
    [
        # C2SP tlog-tiles (index 1234067) and transparency-dev/tessera, api/layout/paths_test.go
        (0, 1234067, 256, "tile/0/x001/x234/067"),
        (0, 1234067, 8, "tile/0/x001/x234/067.p/8"),
        (0, 0, 256, "tile/0/000"),
        (0, 0, 255, "tile/0/000.p/255"),
        (15, 455667, 256, "tile/15/x455/667"),
        (15, 123456789, 41, "tile/15/x123/x456/789.p/41"),
        (63, 999999999999999999, 255, "tile/63/x999/x999/x999/x999/x999/999.p/255"),
    ],
)
def test_paths_are_spelled_as_published(level: int, index: int, width: int, path: str) -> None:
    assert tile_path(level, index, width) == path
    assert parse_path(path) == TileName(level, index, width)


def test_an_entry_bundle_has_a_path_of_its_own() -> None:
    assert entries_path(1234067, 8) == "tile/entries/x001/x234/067.p/8"
    assert parse_path("tile/entries/000") == TileName(None, 0)


@given(NAMES)
@settings(deadline=None)
def test_a_path_read_back_is_the_same_tile(name: TileName) -> None:
    assert parse_path(name.path) == name


@pytest.mark.parametrize(
    "path",
    [
        *["", "tile", "tile/", "tile/0", "tile/0/", "/tile/0/000", "tile/0/000/", "tile/0/000\n", "Tile/0/000"],
        *["tile/64/000", "tile/00/000", "tile/01/000", "tile/-1/000", "tile/+1/000", "tile/data/000"],
        *["tile/0/0", "tile/0/0000", "tile/0/x000/001", "tile/0/001/002", "tile/0/x001", "tile/0/x001/x234/"],
        *["tile/0/x001/", "tile/0/x001/x234", "tile/0/X001/234", "tile/0/001.p/5/", "tile/0/001.p", "tile/0/001.p/"],
        *["tile/0/001.p/0", "tile/0/001.p/256", "tile/0/001.p/05", "tile/0/001.p/-5", "tile/0/001.p/1000"],
        *["tile/0/../../etc/passwd", "tile/0/%30%30%30", "tile/0/٠٠١", "tile/0/000.P/1", "tile/entries/000.p/256"],
        "tile/0/x018/x446/x744/x073/x709/x551/616",  # 2**64
        "tile/0/" + "x999/" * 10_000 + "999",
    ],
)
def test_any_other_spelling_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="tile"):
        parse_path(path)


@given(st.text(max_size=40))
@settings(deadline=None)
def test_whatever_is_accepted_as_a_path_is_canonical(tail: str) -> None:
    for path in (tail, f"tile/0/{tail}", f"tile/{tail}/000"):
        try:
            name = parse_path(path)
        except ValueError:
            continue
        assert name.path == path


def test_a_tree_of_70000_has_the_tiles_of_the_specification() -> None:
    names = tiles_between(0, 70_000)
    by_level = [[name for name in names if name.level == level] for level in range(3)]
    assert [len(level) for level in by_level] == [274, 2, 1]
    assert [level[-1].width for level in by_level] == [112, 17, 1]
    assert [partial_width(level, 70_000) for level in range(3)] == [112, 17, 1]
    assert [name.path for name in tiles_between(0, 256)] == ["tile/0/000", "tile/1/000.p/1"]
    assert len(names) == sum(map(len, by_level))
    assert (levels_of(0), levels_of(255), levels_of(256), levels_of(65_536)) == (0, 1, 2, 3)


def test_the_tessera_log_is_rebuilt_to_the_byte() -> None:
    builder = TileBuilder()
    for size, note in enumerate(TESSERA["checkpoints"]):
        checkpoint = Checkpoint.parse(Note.parse(note.encode()).text)
        assert (builder.size, builder.root()) == (size, checkpoint.root)
        writes = builder.append(leaf_hashes(TESSERA_ENTRIES[size : size + 1]))
    assert size == 15
    assert writes == []
    (write,) = TileBuilder().append(leaf_hashes(TESSERA_ENTRIES))
    assert write.path == "tile/0/000.p/15"
    assert write.hashes == b64decode(TESSERA["tile_0_000_p_15"])
    assert encode_bundle(TESSERA_ENTRIES) == b64decode(TESSERA["entries_000_p_15"])
    assert decode_bundle(b64decode(TESSERA["entries_000_p_15"]), 15) == TESSERA_ENTRIES


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_793, 70_000])
def test_the_root_of_the_tiles_is_the_root_of_the_leaves(size: int) -> None:
    builder, tiles = builder_of(size)
    root = root_of(LEAVES[:size])
    assert builder.root() == root
    assert root_from_tiles(size, lambda level, index, width: tiles.get((level, index))) == root


@given(st.lists(st.integers(0, 900), min_size=1, max_size=8), st.data())
@settings(deadline=None)
def test_a_builder_resumed_at_any_step_writes_what_a_fresh_one_does(steps: list[int], data: st.DataObject) -> None:
    builder, stored = TileBuilder(), dict[tuple[int, int], bytes]()

    def read(level: int, index: int, width: int) -> bytes | None:
        return stored.get((level, index))

    for step in steps:
        if data.draw(st.booleans()):
            builder = TileBuilder.resume(builder.size, read)
        before = builder.size
        writes = builder.append(LEAVES[before : before + step])
        assert [TileName(w.level, w.index, w.width) for w in writes] == tiles_between(before, before + step)
        stored |= {(write.level, write.index): write.hashes for write in writes}
    fresh, tiles = builder_of(sum(steps))
    assert stored == tiles
    assert (builder.size, builder.root()) == (fresh.size, fresh.root())


def test_a_builder_resumes_from_tiles_that_have_grown_since() -> None:
    _, tiles = builder_of(1000)
    builder = TileBuilder.resume(900, lambda level, index, width: tiles.get((level, index)))
    assert builder.root() == root_of(LEAVES[:900])


def test_a_builder_does_not_resume_without_its_partial_tiles() -> None:
    with pytest.raises(ValueError, match="absent"):
        TileBuilder.resume(5, lambda level, index, width: None)
    with pytest.raises(ValueError, match="128 bytes, not 160"):
        TileBuilder.resume(5, lambda level, index, width: join_hashes(LEAVES[:4]))


def test_a_refused_append_changes_nothing() -> None:
    builder, _ = builder_of(300)
    with pytest.raises(ValueError, match="32 bytes"):
        builder.append([LEAVES[300], b"short"])
    assert (builder.size, builder.root()) == (300, root_of(LEAVES[:300]))


def test_one_large_append_writes_what_many_small_ones_leave() -> None:
    _, tiles = builder_of(70_000)
    builder, stored = TileBuilder(), dict[tuple[int, int], bytes]()
    for at in range(0, 70_000, 977):
        for write in builder.append(LEAVES[at : min(at + 977, 70_000)]):
            stored[write.level, write.index] = write.hashes
    assert stored == tiles


@given(st.integers(1, 70_000), st.data())
@settings(deadline=None)
def test_proofs_read_from_tiles_verify(size: int, data: st.DataObject) -> None:
    index, old_size = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    read = node_reader(size, LOG.tile)
    root, old_root = root_from_tiles(size, LOG.tile), root_from_tiles(old_size, LOG.tile)
    proof = inclusion_proof(index, size, read)
    assert verify_inclusion(index=index, size=size, leaf=LEAVES[index], proof=proof, root=root)
    proof = consistency_proof(old_size, size, read)
    assert verify_consistency(old_size=old_size, old_root=old_root, new_size=size, new_root=root, proof=proof)


def test_a_node_beyond_the_tree_is_not_read() -> None:
    read = node_reader(1000, LOG.tile)
    for level, index in [(0, 1000), (3, 125), (10, 0), (-1, 0), (0, -1)]:
        with pytest.raises(ValueError, match="not within"):
            read(level, index)


def test_a_tree_does_not_shrink() -> None:
    with pytest.raises(ValueError):
        tiles_between(5, 4)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
@settings(deadline=None)
def test_a_bundle_read_back_holds_the_same_entries(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries), len(entries)) == entries


def test_a_bundle_holds_the_longest_entry_and_no_longer_one() -> None:
    assert decode_bundle(encode_bundle([b"x" * 65_535]), 1) == [b"x" * 65_535]
    for entries in ([b"x" * 65_536], [], [b""] * 257):
        with pytest.raises(ValueError):
            encode_bundle(entries)


@pytest.mark.parametrize(
    ("bundle", "width"),
    [(b"", 1), (b"\0", 1), (b"\0\2a", 1), (b"\0\1a\0", 1), (b"\0\1a", 2), (b"\0\1a\0\1b", 1), (b"", 0), (b"\0\0", 257)],
)
def test_a_bundle_of_another_length_is_refused(bundle: bytes, width: int) -> None:
    with pytest.raises(ValueError, match="bundle"):
        decode_bundle(bundle, width)


def test_bundles_cover_the_log() -> None:
    assert [name.path for name in bundles_of(600)] == ["tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"]
    assert list(bundles_of(0)) == []
