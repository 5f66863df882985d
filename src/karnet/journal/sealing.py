"""Sealing: committed operations get a gap-free index, their Merkle tiles and a signed checkpoint, in one commit.

One sealer per server: an advisory lock keeps others out, and the tree is moved by compare-and-swap in case two believe
they hold it. Commits land out of the order of their numbers, so the sealer does not take "numbers greater than the last
seen". It takes an operation only when no operation it may depend on can still appear below it:

* `transaction` of every visible unsealed operation is compared with the oldest transaction still running. The lowest
  number written by a transaction at or above that horizon bounds the batch. What an operation depends on was committed
  before its number was drawn, so it is visible, has a lower number, and is below the same bound.
* `settled` is a number up to which everything is sealed or was rolled back, so a pass looks at the unsealed tail only.
  A pass notes the sequence's value and then draws a transaction id of its own; when every transaction up to that id
  has ended, no number up to that value can appear any more: whoever drew one has an id from before. (A snapshot's
  xmax would not do: it is the first id that had not completed, so the youngest running transactions are above it.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection, transaction

from karnet.journal.recording import HOME
from karnet.journal.tlog.checkpoint import Checkpoint, sign_checkpoint
from karnet.journal.tlog.merkle import leaf_hashes
from karnet.journal.tlog.note import SigningKey
from karnet.journal.tlog.tiles import TileBuilder, TileWrite
from karnet.kernel.time import instant

BATCH = 1024
LOCK = 0x4B61726E65745365  # "KarnetSe"

Hook = Callable[[Any, list[int]], None]
_hooks: list[Hook] = []


def on_sealed(hook: Hook) -> Hook:
    """Register `hook(cursor, numbers)`: runs in the sealing transaction, with projected tables open to it.

    For what may lag behind the decisions, such as the balances of hot accounts. Must be set-based.
    """
    _hooks.append(hook)
    return hook


def run_hooks(cursor: Any, numbers: list[int]) -> None:
    """Run every hook for operations just sealed (`rebuild` does so for the tables it fills)."""
    for hook in _hooks:
        hook(cursor, numbers)


class Busy(Exception):
    """Another process of this installation is the sealer."""


class SealedBatch(msgspec.Struct, frozen=True, kw_only=True):
    """What one pass sealed: `count` entries, the tree's new size, and the signed note over it."""

    count: int
    size: int
    note: bytes


class Sealer:
    """Seals the home log. Use as a context manager: entering takes the lock (raises Busy) and resumes the tree.

    `witness` is called with each signed note after its commit (the checkpoint file); `clock` gives checkpoint times.
    """

    def __init__(
        self, key: SigningKey, *, clock: Callable[[], datetime], witness: Callable[[datetime, bytes], None]
    ) -> None:
        self._key, self._clock, self._witness = key, clock, witness
        self._builder: TileBuilder | None = None
        self._mark: tuple[int, int] | None = None

    def __enter__(self) -> Sealer:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
            if cursor.fetchone() != (True,):
                raise Busy
        return self

    def __exit__(self, *_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])

    def seal(self, limit: int = BATCH) -> SealedBatch | None:
        """Seal up to `limit` operations in one commit; None when there is nothing to seal."""
        at = instant(self._clock())
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                sealed = self._seal(cursor, at, limit)
        except BaseException:
            self._builder = self._mark = None  # the tree in memory may be ahead of the tables: read it again
            raise
        if sealed is not None:
            self._witness(at, sealed.note)
        return sealed

    def seal_all(self) -> int:
        """Seal until nothing is left that can be sealed; return how many entries were."""
        count = 0
        while (sealed := self.seal()) is not None:
            count += sealed.count
        return count

    def _seal(self, cursor: Any, at: datetime, limit: int) -> SealedBatch | None:
        builder = self._builder = self._builder or _resumed(cursor)
        numbers, entries = self._take(cursor, limit)
        if not numbers:
            return None
        hashes = leaf_hashes(entries)
        first = builder.size
        tiles = builder.append(hashes)
        checkpoint = Checkpoint(self._key.name, builder.size, builder.root())
        note = sign_checkpoint(checkpoint, self._key)
        write_sealed(cursor, first, numbers, hashes, tiles)
        cursor.execute(
            "INSERT INTO journal_checkpoint (origin_id, size, root, note, at) VALUES (%s, %s, %s, %s, %s)",
            [HOME, checkpoint.size, checkpoint.root, note.decode(), at],
        )
        cursor.execute("SELECT set_config('karnet.recording', 'on', true)")
        run_hooks(cursor, numbers)
        return SealedBatch(count=len(numbers), size=builder.size, note=note)

    def _take(self, cursor: Any, limit: int) -> tuple[list[int], list[bytes]]:
        """Return numbers and bytes of what may be sealed now, and move `settled` as far as is known."""
        cursor.execute(_TAKE, [HOME, HOME, limit, HOME])
        rows = cursor.fetchall()
        last_value, settled, xmin = rows[0][2:]
        numbers = [row[0] for row in rows if row[0] is not None]
        entries = [bytes(row[1]) for row in rows if row[0] is not None]
        if self._mark is not None and xmin > self._mark[1]:
            settled = self._mark[0] if len(numbers) < limit else min(self._mark[0], numbers[-1])
            cursor.execute(
                "UPDATE journal_tree SET settled = %s WHERE origin_id = %s AND settled < %s", [settled, HOME, settled]
            )
            self._mark = None
        if self._mark is None and settled < last_value:
            cursor.execute("SELECT pg_current_xact_id()::text::bigint")
            self._mark = (last_value, cursor.fetchone()[0])
        return numbers, entries


_TAKE = """
WITH horizon AS MATERIALIZED (
    SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END AS last_value,
           pg_snapshot_xmin(pg_current_snapshot()) AS xmin,
           (SELECT settled FROM journal_tree WHERE origin_id = %s) AS settled
    FROM journal_operation_number s
), unsealed AS MATERIALIZED (
    SELECT o.number, o.transaction FROM journal_operation o
    WHERE o.origin_id = %s AND o.number > (SELECT settled FROM horizon)
      AND NOT EXISTS (SELECT 1 FROM journal_entry e WHERE e.operation_id = o.number)
    -- The bound matters only below what is taken, so the lowest numbers suffice, however long the tail is.
    ORDER BY o.number LIMIT %s
), bound AS (
    SELECT min(u.number) AS number FROM unsealed u, horizon h WHERE u.transaction >= h.xmin
), taken AS (
    SELECT o.number, o.data FROM journal_operation o
    WHERE o.origin_id = %s AND o.number IN (
        SELECT u.number FROM unsealed u, bound b WHERE b.number IS NULL OR u.number < b.number)
)
SELECT t.number, t.data, h.last_value, h.settled, h.xmin::text::bigint
FROM horizon h LEFT JOIN taken t ON true ORDER BY t.number
"""


def _resumed(cursor: Any) -> TileBuilder:
    cursor.execute("SELECT size FROM journal_tree WHERE origin_id = %s", [HOME])
    (size,) = cursor.fetchone()
    builder = TileBuilder.resume(size, lambda level, index, width: _stored_tile(cursor, level, index))
    cursor.execute("SELECT root FROM journal_checkpoint WHERE origin_id = %s AND size = %s", [HOME, size])
    row = cursor.fetchone()
    if size and (row is None or bytes(row[0]) != builder.root()):
        raise Altered(f"the tiles of the log do not give the root of its checkpoint at size {size}")
    return builder


class Altered(Exception):
    """The stored tree is not the one that was signed: nothing more is sealed. `karnet journal verify` says where."""


def _stored_tile(cursor: Any, level: int, index: int) -> bytes | None:
    cursor.execute(
        "SELECT hashes FROM journal_tile WHERE origin_id = %s AND level = %s AND index = %s", [HOME, level, index]
    )
    row = cursor.fetchone()
    return bytes(row[0]) if row else None


def write_sealed(
    cursor: Any, first: int, numbers: Sequence[int], hashes: Sequence[bytes], tiles: Sequence[TileWrite]
) -> None:
    """Give operations the indices from `first` on, store the tiles they change, and move the tree; Busy if it moved."""
    cursor.execute(
        "INSERT INTO journal_entry (origin_id, index, operation_id, leaf)"
        " SELECT %s, d.index, d.number, d.leaf FROM unnest(%b::bigint[], %b::bigint[], %b::bytea[])"
        " AS d(index, number, leaf)",
        [HOME, list(range(first, first + len(numbers))), list(numbers), list(hashes)],
    )
    cursor.execute(
        "INSERT INTO journal_tile AS t (origin_id, level, index, hashes)"
        " SELECT %s, d.level, d.index, d.hashes FROM unnest(%b::int[], %b::bigint[], %b::bytea[])"
        " AS d(level, index, hashes) ON CONFLICT (origin_id, level, index) DO UPDATE SET hashes = excluded.hashes",
        [HOME, [t.level for t in tiles], [t.index for t in tiles], [t.hashes for t in tiles]],
    )
    size = first + len(numbers)
    cursor.execute("UPDATE journal_tree SET size = %s WHERE origin_id = %s AND size = %s", [size, HOME, first])
    if cursor.rowcount != 1:
        raise Busy
