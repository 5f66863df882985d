"""Merkle tree hashing and proofs: RFC 6962 section 2.1, verified as RFC 9162 section 2.1.3 and 2.1.4.

Hashes are 32 bytes of SHA-256. Trees are read through a `NodeReader`, so that the same functions
serve tiles in a table, tiles fetched over HTTP and a dictionary in a test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

HASH_SIZE = 32

EMPTY_ROOT = sha256(b"").digest()

NodeReader = Callable[[int, int], bytes]
"""`(level, index)` to the hash of leaves `[index * 2**level, (index + 1) * 2**level)`, all of them present."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of one entry: SHA-256(0x00 || data)."""
    return sha256(b"\x00" + data).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """The leaf hash of every entry, in order; the fast way to hash many."""
    return [sha256(b"\x00" + entry).digest() for entry in entries]


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def join_hashes(hashes: Sequence[bytes]) -> bytes:
    """The hashes one after another. Raises ValueError unless every one is 32 bytes."""
    if not set(map(len, hashes)) <= {HASH_SIZE}:
        raise ValueError("a hash is exactly 32 bytes")
    return b"".join(hashes)


def split_hashes(joined: bytes) -> list[bytes]:
    """The hashes of a joined run. Raises ValueError if it is not a whole number of them."""
    if len(joined) % HASH_SIZE:
        raise ValueError(f"{len(joined)} bytes are not a whole number of 32-byte hashes")
    return [joined[at : at + HASH_SIZE] for at in range(0, len(joined), HASH_SIZE)]


def pair_up(joined: bytes) -> bytes:
    """The parents of an even run of joined hashes, joined."""
    return b"".join([sha256(b"\x01" + joined[at : at + 64]).digest() for at in range(0, len(joined), 2 * HASH_SIZE)])


def root_of_joined(joined: bytes) -> bytes:
    """The tree head over joined hashes taken as leaves; `EMPTY_ROOT` for none.

    Pairing neighbours and carrying an odd last one up unchanged gives exactly the tree of RFC 6962,
    whose left part is the largest power of two. So the last hash may also stand for a right part that is
    smaller than its neighbours, which is how the right edge of a tree is folded.
    """
    if not joined:
        return EMPTY_ROOT
    while len(joined) > HASH_SIZE:
        paired = len(joined) & ~(2 * HASH_SIZE - 1)
        joined = pair_up(joined[:paired]) + joined[paired:]
    return joined


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The tree head over these leaf hashes. Raises ValueError for a hash that is not 32 bytes."""
    return root_of_joined(join_hashes(hashes))


class Frontier:
    """The right edge of a tree: its size and the roots of its complete subtrees, one for each set bit of the size.

    All that is needed to append and to know the root: at most 63 hashes for any log.
    """

    __slots__ = ("_peaks", "_size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        """Resume at `size` from `peaks`, largest subtree first. Raises ValueError if they do not fit each other."""
        if size < 0 or size.bit_count() != len(peaks):
            raise ValueError(f"a tree of {size} leaves does not have {len(peaks)} peaks")
        join_hashes(peaks)
        left = list(peaks)
        self._size = size
        self._peaks = [left.pop() if size >> level & 1 else b"" for level in range(size.bit_length())]

    @property
    def size(self) -> int:
        """Leaves in the tree."""
        return self._size

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """Roots of the complete subtrees, largest first: what `Frontier(size, peaks)` resumes from."""
        return tuple(peak for peak in reversed(self._peaks) if peak)

    def extend(self, hashes: Sequence[bytes]) -> None:
        """Append leaf hashes. Raises ValueError, and changes nothing, if one is not 32 bytes."""
        carried = join_hashes(hashes)
        level = 0
        while carried:
            if level == len(self._peaks):
                self._peaks.append(b"")
            run = self._peaks[level] + carried
            paired = len(run) & ~(2 * HASH_SIZE - 1)
            self._peaks[level] = run[paired:]
            carried = pair_up(run[:paired])
            level += 1
        self._size += len(hashes)

    def root(self) -> bytes:
        """The tree head; `EMPTY_ROOT` for an empty tree."""
        right = b""
        for peak in self._peaks:
            if peak:
                right = node_hash(peak, right) if right else peak
        return right or EMPTY_ROOT


def range_hash(start: int, end: int, read: NodeReader) -> bytes:
    """The tree head over leaves `[start, end)`, where `start` is a multiple of a power of two >= `end - start`.

    Such ranges are the ones that occur as siblings in proofs. Reads one complete subtree for each set bit of the length.
    """
    right = b""
    at, length = end, end - start
    for level in range(length.bit_length()):
        if length >> level & 1:
            at -= 1 << level
            peak = read(level, at >> level)
            right = node_hash(peak, right) if right else peak
    return right or EMPTY_ROOT


def _largest_power_below(count: int) -> int:
    return 1 << ((count - 1).bit_length() - 1)


def inclusion_proof(index: int, size: int, read: NodeReader) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962 section 2.1.1, leaf to root. Raises ValueError for an index outside the tree."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    path = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _largest_power_below(high - low)
        if index < middle:
            path.append(range_hash(middle, high, read))
            high = middle
        else:
            path.append(range_hash(low, middle, read))
            low = middle
    return path[::-1]


def consistency_proof(old_size: int, new_size: int, read: NodeReader) -> list[bytes]:
    """PROOF(old_size, D[new_size]) of RFC 6962 section 2.1.2; empty for equal sizes and for an empty old tree.

    Raises ValueError unless 0 <= old_size <= new_size.
    """
    if not 0 <= old_size <= new_size:
        raise ValueError(f"no proof leads from {old_size} leaves to {new_size}")
    if old_size == 0:
        return []
    path = []
    low, high = 0, new_size
    while old_size < high:
        middle = low + _largest_power_below(high - low)
        if old_size <= middle:
            path.append(range_hash(middle, high, read))
            high = middle
        else:
            path.append(range_hash(low, middle, read))
            low = middle
    if low:  # Otherwise the old tree is itself a complete subtree, and the verifier has its root already.
        path.append(range_hash(low, high, read))
    return path[::-1]


def verify_inclusion(*, index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows that `leaf` (a leaf hash) is at `index` in the tree of `size` with `root`.

    RFC 9162 section 2.1.3.2. Any malformed argument from outside is a False, never an error.
    """
    if not 0 <= index < size or any(len(part) != HASH_SIZE for part in (leaf, root, *proof)):
        return False
    node, last, here = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            here = node_hash(sibling, here)
            while node and not node & 1:
                node >>= 1
                last >>= 1
        else:
            here = node_hash(here, sibling)
        node >>= 1
        last >>= 1
    return last == 0 and here == root


def verify_consistency(
    *, old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether `proof` shows that the new tree begins with the whole old tree.

    RFC 9162 section 2.1.4.2, and beyond it: an empty old tree begins every tree, with an empty proof.
    Any malformed argument from outside is a False, never an error.
    """
    if not 0 <= old_size <= new_size or any(len(part) != HASH_SIZE for part in (old_root, new_root, *proof)):
        return False
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT and (new_size > 0 or new_root == EMPTY_ROOT)
    if old_size == new_size:
        return not proof and old_root == new_root
    path = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    if not path:
        return False
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node >>= 1
        last >>= 1
    old_here = new_here = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old_here = node_hash(sibling, old_here)
            new_here = node_hash(sibling, new_here)
            while node and not node & 1:
                node >>= 1
                last >>= 1
        else:
            new_here = node_hash(new_here, sibling)
        node >>= 1
        last >>= 1
    return last == 0 and old_here == old_root and new_here == new_root
