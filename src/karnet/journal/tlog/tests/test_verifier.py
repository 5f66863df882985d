"""A log in memory is tampered with in every way we know; the verifier has to name the first fault."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karnet.journal.tlog.checkpoint import Checkpoint
from karnet.journal.tlog.merkle import leaf_hashes
from karnet.journal.tlog.tests.vectors import StoredLog, numbered
from karnet.journal.tlog.tiles import TileBuilder
from karnet.journal.tlog.verifier import Tampered, Verified, What, verify_log

# Sizes on both sides of every border between tiles and levels that a quick test can afford.
SIZES = st.sampled_from([1, 2, 255, 256, 257, 512, 513, 700, 1000])


def fault_of(log: StoredLog, checkpoint: Checkpoint, *earlier: Checkpoint) -> Tampered:
    fault = verify_log(checkpoint, log, earlier)
    assert isinstance(fault, Tampered), "the tampering went unnoticed"
    return fault


def place(fault: Tampered) -> tuple[int, int, What]:
    return fault.index, fault.until, fault.what


def rewritten(log: StoredLog, entries: list[bytes]) -> StoredLog:
    """The log as somebody leaves it who changes entries and then every tile to match."""
    return StoredLog(entries, log.origin)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 4096, 4097, 65_535, 65_536, 65_537, 70_000])
def test_an_intact_log_is_verified(size: int) -> None:
    log = StoredLog(numbered(size))
    checkpoint = log.checkpoint()
    assert verify_log(checkpoint, log) == Verified(size, checkpoint.root)


def test_entries_beyond_the_checkpoint_are_left_alone() -> None:
    log = StoredLog(numbered(300))
    checkpoint = log.checkpoint()
    log.append([b"one more", b"and another"])
    log.stored.append(b"not yet in any tile")
    assert verify_log(checkpoint, log) == Verified(300, checkpoint.root)


@given(SIZES, st.data())
@settings(deadline=None, max_examples=60)
def test_any_flipped_byte_of_an_entry_is_named(size: int, data: st.DataObject) -> None:
    log = StoredLog(numbered(size))
    index = data.draw(st.integers(0, size - 1))
    entry = log.stored[index]
    assert entry is not None
    log.stored[index] = flipped(entry, data.draw(st.integers(0, len(entry) - 1)))
    fault = fault_of(log, log.checkpoint())
    assert place(fault) == (index, index + 1, What.ENTRY_ALTERED)


@given(SIZES, st.data())
@settings(deadline=None, max_examples=60)
def test_any_flipped_byte_of_a_tile_is_named(size: int, data: st.DataObject) -> None:
    log = StoredLog(numbered(size))
    level, number = data.draw(st.sampled_from(sorted(log.tiles)))
    tile = log.tiles[level, number]
    at = data.draw(st.integers(0, len(tile) - 1))
    log.tiles[level, number] = flipped(tile, at)
    fault = fault_of(log, log.checkpoint())
    start = (number * 256 + at // 32) * 256**level
    assert place(fault) == (start, start + 256**level, What.TILE_ALTERED)


@given(SIZES, st.data())
@settings(deadline=None, max_examples=60)
def test_a_removed_entry_is_named_whether_later_ones_move_up_or_not(size: int, data: st.DataObject) -> None:
    log = StoredLog(numbered(size))
    index = data.draw(st.integers(0, size - 1))
    if data.draw(st.booleans()):
        del log.stored[index]
    else:
        log.stored[index] = None
    assert place(fault_of(log, log.checkpoint())) == (index, index + 1, What.ENTRY_MISSING)


@given(SIZES, st.data())
@settings(deadline=None, max_examples=60)
def test_an_inserted_entry_is_named(size: int, data: st.DataObject) -> None:
    log = StoredLog(numbered(size))
    index = data.draw(st.integers(0, size - 1))
    log.stored.insert(index, b"never happened")
    fault = fault_of(log, log.checkpoint())
    # At the very end nothing follows that could show a shift.
    what = What.ENTRY_INSERTED if index < size - 1 else What.ENTRY_ALTERED
    assert place(fault) == (index, index + 1, what)


@given(st.sampled_from([2, 256, 257, 1000, 3000]), st.data())
@settings(deadline=None, max_examples=60)
def test_swapped_entries_are_named_by_the_first(size: int, data: st.DataObject) -> None:
    log = StoredLog(numbered(size))
    first = data.draw(st.integers(0, size - 2))
    second = data.draw(st.integers(first + 1, size - 1))
    log.stored[first], log.stored[second] = log.stored[second], log.stored[first]
    fault = fault_of(log, log.checkpoint())
    assert place(fault) == (first, first + 1, What.ENTRIES_SWAPPED)
    assert fault.detail == f"entries {first} and {second} have changed places"


def test_runs_of_entries_removed_or_inserted_are_counted() -> None:
    log = StoredLog(numbered(2000))
    checkpoint = log.checkpoint()
    del log.stored[300:340]
    fault = fault_of(log, checkpoint)
    assert (place(fault), fault.detail[:10]) == ((300, 301, What.ENTRY_MISSING), "40 missing")
    log = StoredLog(numbered(2000))
    log.stored[300:300] = [b"false"] * 40
    fault = fault_of(log, checkpoint)
    assert (place(fault), fault.detail[:11]) == ((300, 301, What.ENTRY_INSERTED), "40 inserted")


def test_a_copy_of_another_entry_is_an_alteration_not_a_swap() -> None:
    for index, other in [(300, 310), (300, 1900), (1998, 1999), (5, 3)]:
        log = StoredLog(numbered(2000))
        log.stored[index] = log.stored[other]
        assert place(fault_of(log, log.checkpoint())) == (index, index + 1, What.ENTRY_ALTERED)


def test_of_two_faults_the_first_is_named() -> None:
    log = StoredLog(numbered(70_000))
    checkpoint = log.checkpoint()
    log.stored[69_990] = b"later"
    log.stored[300] = b"earlier"
    assert place(fault_of(log, checkpoint)) == (300, 301, What.ENTRY_ALTERED)


def test_a_truncated_log_is_missing_its_first_lost_entry() -> None:
    log = StoredLog(numbered(70_000))
    del log.stored[66_000:]
    assert place(fault_of(log, log.checkpoint())) == (66_000, 66_001, What.ENTRY_MISSING)


@pytest.mark.parametrize("where", [(0, 0), (0, 273), (1, 0), (1, 1), (2, 0)])
def test_a_lost_tile_is_told_from_lost_entries(where: tuple[int, int]) -> None:
    log = StoredLog(numbered(70_000))
    checkpoint = log.checkpoint()
    level, number = where
    del log.tiles[where]
    start = number * 256 ** (level + 1)
    assert place(fault_of(log, checkpoint)) == (start, start + 256**level, What.TILE_MISSING)


@pytest.mark.parametrize("content", [b"", b"\0" * 31, b"\0" * 8192, b"\0" * 8224])
def test_a_tile_of_any_other_content_is_altered(content: bytes) -> None:
    log = StoredLog(numbered(600))
    log.tiles[0, 1] = content
    assert place(fault_of(log, log.checkpoint())) == (256, 257, What.TILE_ALTERED)


def test_an_entry_altered_with_its_tile_is_found_by_the_tile_above() -> None:
    log = StoredLog(numbered(70_000))
    checkpoint = log.checkpoint()
    log.stored[1000] = b"altered"
    log.tiles[0, 3] = b"".join(leaf_hashes([entry or b"" for entry in log.stored[768:1024]]))
    assert place(fault_of(log, checkpoint)) == (768, 1024, What.ENTRY_ALTERED)


def test_an_entry_altered_with_all_its_tiles_is_narrowed_by_earlier_checkpoints() -> None:
    log = StoredLog([])
    earlier = []
    entries = numbered(70_000)
    for start in range(0, 70_000, 700):
        log.append(entries[start : start + 700])
        earlier.append(log.checkpoint())
    forged = rewritten(log, [*entries[:1500], b"altered", *entries[1501:]])
    checkpoint = log.checkpoint()
    assert place(fault_of(forged, checkpoint)) == (0, 70_000, What.ENTRY_ALTERED)
    assert place(fault_of(forged, checkpoint, *reversed(earlier))) == (1400, 2100, What.ENTRY_ALTERED)


def test_a_log_rewritten_and_signed_anew_by_its_own_key_is_shown_by_an_earlier_checkpoint() -> None:
    log = StoredLog(numbered(300))
    kept = [log.checkpoint()]
    for more in ([b"a"] * 200, [b"b"] * 200):
        log.append(more)
        kept.append(log.checkpoint())
    forged = rewritten(log, [*numbered(300), *[b"a"] * 199, b"x", *[b"b"] * 300])
    assert verify_log(forged.checkpoint(), forged) == Verified(800, forged.checkpoint().root)
    assert verify_log(forged.checkpoint(), forged, kept[:1]) == Verified(800, forged.checkpoint().root)
    assert place(fault_of(forged, forged.checkpoint(), *kept)) == (300, 500, What.HISTORY_REWRITTEN)


def test_earlier_checkpoints_of_an_intact_log_are_confirmed() -> None:
    log = StoredLog([])
    earlier = [log.checkpoint()]
    for number in range(40):
        log.append([b"%d/%d" % (number, nth) for nth in range(number)])
        earlier.append(log.checkpoint())
    assert verify_log(log.checkpoint(), log, earlier) == Verified(780, log.checkpoint().root)


def test_two_checkpoints_of_one_size_cannot_both_be_true() -> None:
    log = StoredLog(numbered(300))
    twin = replace(log.checkpoint(), root=bytes(32))
    assert place(fault_of(log, log.checkpoint(), twin)) == (0, 300, What.HISTORY_REWRITTEN)


def test_a_checkpoint_that_this_log_never_had_blames_all_of_it() -> None:
    log = StoredLog(numbered(300))
    assert place(fault_of(log, replace(log.checkpoint(), root=bytes(32)))) == (0, 300, What.ENTRY_ALTERED)
    assert place(fault_of(StoredLog([]), Checkpoint("log", 0, bytes(32)))) == (0, 0, What.ENTRY_ALTERED)


def test_a_checkpoint_larger_than_the_log_misses_what_comes_after_it() -> None:
    longer = StoredLog(numbered(400))
    shorter = StoredLog(numbered(300))
    assert isinstance(verify_log(longer.checkpoint(), shorter), Tampered)


def test_checkpoints_that_cannot_be_earlier_ones_are_refused() -> None:
    log = StoredLog(numbered(300))
    checkpoint = log.checkpoint()
    for wrong in (replace(checkpoint, size=301), replace(checkpoint, origin="other")):
        with pytest.raises(ValueError, match="no earlier state"):
            verify_log(checkpoint, log, [wrong])


@given(st.lists(st.sampled_from(["alter", "remove", "insert", "tile", "lose"]), min_size=1, max_size=4), st.data())
@settings(deadline=None, max_examples=80)
def test_nothing_below_the_named_index_is_wrong_whatever_was_done(acts: list[str], data: st.DataObject) -> None:
    size = 800
    log = StoredLog(numbered(size))
    checkpoint = log.checkpoint()
    true_entries, true_tiles = list(log.stored), dict(log.tiles)
    for act in acts:
        index = data.draw(st.integers(0, size - 10))
        where = data.draw(st.sampled_from(sorted(true_tiles)))
        if act == "alter":
            log.stored[index] = b"altered"
        elif act == "remove":
            del log.stored[index]
        elif act == "insert":
            log.stored.insert(index, b"inserted")
        elif act == "tile":
            log.tiles[where] = flipped(true_tiles[where], index % len(true_tiles[where]))
        else:
            log.tiles.pop(where, None)
    if log.stored[:size] == true_entries and log.tiles == true_tiles:
        return
    fault = fault_of(log, checkpoint)
    assert log.stored[: fault.index] == true_entries[: fault.index]
    if fault.what not in {What.TILE_ALTERED, What.TILE_MISSING}:
        assert log.stored[fault.index : fault.until] != true_entries[fault.index : fault.until]


def test_a_sealer_that_restarts_at_every_seal_leaves_a_log_that_verifies() -> None:
    log = StoredLog([])
    entries = numbered(1200)
    for start in range(0, 1200, 171):
        log.builder = TileBuilder.resume(log.builder.size, log.tile)
        log.append(entries[start : start + 171])
    assert verify_log(log.checkpoint(), log) == Verified(1200, StoredLog(entries).checkpoint().root)
