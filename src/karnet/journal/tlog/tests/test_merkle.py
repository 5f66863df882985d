"""Hashing and proofs against RFC 6962, published vectors, and a slow definition of the tree."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karnet.journal.tlog.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    leaf_hashes,
    node_hash,
    range_hash,
    root_of,
    split_hashes,
    verify_consistency,
    verify_inclusion,
)
from karnet.journal.tlog.tests.vectors import VECTORS, decoded, numbered

SIZES = st.integers(1, 700)
LEAVES = leaf_hashes(numbered(700))


def tree_head(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, word for word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(tree_head(leaves[:split]), tree_head(leaves[split:]))


def read_leaves(level: int, index: int) -> bytes:
    return tree_head(LEAVES[index << level : (index + 1) << level])


def flipped(data: bytes, bit: int) -> bytes:
    at = bit // 8 % len(data)
    return data[:at] + bytes([data[at] ^ 1 << bit % 8]) + data[at + 1 :]


def test_hashes_are_those_of_rfc_6962() -> None:
    # transparency-dev/merkle, rfc6962/rfc6962_test.go
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b"L123456").hex() == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    assert node_hash(b"N123", b"N456").hex() == ("aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb")


def test_a_node_cannot_be_passed_off_as_a_leaf() -> None:
    left, right = leaf_hashes([b"Hello", b"World"])
    assert len({node_hash(left, right), node_hash(right, left), leaf_hash(left + right)}) == 3


@pytest.mark.parametrize("case", VECTORS["inclusion"], ids=lambda case: case["desc"])
def test_inclusion_is_judged_as_published(case: dict[str, Any]) -> None:
    accepted = verify_inclusion(
        index=case["leafIdx"],
        size=case["treeSize"],
        leaf=b64decode(case["leafHash"]),
        proof=decoded(case["proof"]),
        root=b64decode(case["root"]),
    )
    assert accepted is not case["wantErr"]


@pytest.mark.parametrize("case", VECTORS["consistency"], ids=lambda case: case["desc"])
def test_consistency_is_judged_as_published(case: dict[str, Any]) -> None:
    accepted = verify_consistency(
        old_size=case["size1"],
        old_root=b64decode(case["root1"]),
        new_size=case["size2"],
        new_root=b64decode(case["root2"]),
        proof=decoded(case["proof"]),
    )
    # Some published cases accept placeholder "roots" of 12 bytes; this implementation refuses what is no hash.
    hashes = len(b64decode(case["root1"])) == len(b64decode(case["root2"])) == 32
    assert accepted is (hashes and not case["wantErr"])


@given(SIZES)
@settings(deadline=None)
def test_the_root_is_that_of_the_definition(size: int) -> None:
    assert root_of(LEAVES[:size]) == tree_head(LEAVES[:size])


@given(st.lists(st.integers(0, 90), max_size=8), st.data())
@settings(deadline=None)
def test_a_frontier_has_the_root_of_its_leaves_however_it_grew(steps: list[int], data: st.DataObject) -> None:
    frontier = Frontier()
    for step in steps:
        frontier.extend(LEAVES[frontier.size : frontier.size + step])
        if data.draw(st.booleans()):
            frontier = Frontier(frontier.size, frontier.peaks)
    assert frontier.size == sum(steps)
    assert frontier.root() == tree_head(LEAVES[: sum(steps)])


def test_a_frontier_refuses_peaks_that_do_not_fit_and_hashes_of_another_length() -> None:
    with pytest.raises(ValueError, match="does not have 1 peaks"):
        Frontier(3, LEAVES[:1])
    with pytest.raises(ValueError):
        Frontier(-1)
    frontier = Frontier()
    frontier.extend(LEAVES[:5])
    with pytest.raises(ValueError, match="32 bytes"):
        frontier.extend([LEAVES[5][:31], LEAVES[6] + b"\0"])
    assert (frontier.size, frontier.root()) == (5, tree_head(LEAVES[:5]))


@given(SIZES, st.data())
@settings(deadline=None)
def test_an_inclusion_proof_verifies_and_any_flipped_bit_is_detected(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, read_leaves)
    claim: dict[str, Any] = {
        "index": index,
        "size": size,
        "leaf": LEAVES[index],
        "proof": proof,
        "root": tree_head(LEAVES[:size]),
    }
    assert verify_inclusion(**claim)
    bit = data.draw(st.integers(0, 255))
    field = data.draw(st.sampled_from(["leaf", "root", *range(len(proof))]))
    if isinstance(field, int):
        changed = {"proof": [*proof[:field], flipped(proof[field], bit), *proof[field + 1 :]]}
    else:
        changed = {field: flipped(claim[field], bit)}
    assert not verify_inclusion(**claim | changed)
    assert not verify_inclusion(**claim | {"proof": [*proof, LEAVES[0]]})
    if proof:
        assert not verify_inclusion(**claim | {"proof": proof[:-1]})


@given(SIZES, st.data())
@settings(deadline=None)
def test_a_consistency_proof_verifies_and_any_flipped_bit_is_detected(size: int, data: st.DataObject) -> None:
    old_size = data.draw(st.integers(0, size))
    proof = consistency_proof(old_size, size, read_leaves)
    claim: dict[str, Any] = {
        "old_size": old_size,
        "old_root": tree_head(LEAVES[:old_size]),
        "new_size": size,
        "new_root": tree_head(LEAVES[:size]),
        "proof": proof,
    }
    assert verify_consistency(**claim)
    bit = data.draw(st.integers(0, 255))
    # The root of a tree that follows an empty one is vouched for by nothing.
    fields = ["old_root", "new_root", *range(len(proof))] if old_size else ["old_root"]
    field = data.draw(st.sampled_from(fields))
    if isinstance(field, int):
        changed = {"proof": [*proof[:field], flipped(proof[field], bit), *proof[field + 1 :]]}
    else:
        changed = {field: flipped(claim[field], bit)}
    assert not verify_consistency(**claim | changed)
    assert not verify_consistency(**claim | {"proof": [*proof, LEAVES[0]]})
    if proof:
        assert not verify_consistency(**claim | {"proof": proof[:-1]})


def test_no_proof_is_made_of_what_is_not_there() -> None:
    for index, size in [(-1, 5), (5, 5), (0, 0)]:
        with pytest.raises(ValueError):
            inclusion_proof(index, size, read_leaves)
    for old, new in [(-1, 5), (6, 5)]:
        with pytest.raises(ValueError):
            consistency_proof(old, new, read_leaves)


def test_a_proof_from_another_tree_does_not_verify() -> None:
    other = tree_head(LEAVES[1:9])
    proof = consistency_proof(5, 8, read_leaves)
    assert not verify_consistency(old_size=5, old_root=tree_head(LEAVES[:5]), new_size=8, new_root=other, proof=proof)


def test_hashes_of_a_wrong_length_are_refused_rather_than_hashed() -> None:
    root = tree_head(LEAVES[:2])
    assert not verify_inclusion(index=0, size=2, leaf=LEAVES[0], proof=[b"\0" * 31], root=root)
    assert not verify_inclusion(index=-1, size=2, leaf=LEAVES[0], proof=[LEAVES[1]], root=root)
    with pytest.raises(ValueError):
        root_of([b"short"])
    with pytest.raises(ValueError):
        split_hashes(b"\0" * 33)


def test_an_empty_range_hashes_to_the_empty_root() -> None:
    assert range_hash(4, 4, read_leaves) == EMPTY_ROOT
