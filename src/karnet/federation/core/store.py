"""What the protocol asks of storage. Implemented over PostgreSQL (federation.store) and in memory (federation.sim).

Every method is one transaction of its own: when it returns, what it wrote is on disk; when it raises, nothing of it is.
Between two calls the process may die. Several processes may hold the same storage (hub nodes), so what was read may
have moved by the time of a write: `receive` compares and raises Moved.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from karnet.federation.core.messages import Cosigned, Evidence
from karnet.journal.tlog.keyring import LogKey
from karnet.journal.tlog.note import VerifierKey
from karnet.journal.tlog.tiles import TileWrite


class Moved(Exception):
    """The log is no longer as it was read: another process received meanwhile. Read again."""


class Status(StrEnum):
    """What is done with entries of a log. Receiving never depends on it."""

    FOLLOWED = "followed"
    QUARANTINED = "quarantined"
    """Applied up to `LogView.applied`, the rest kept: something in it was refused, or its key signed two histories."""
    SUSPENDED = "suspended"
    """Its membership ended at an index the members named: later entries are kept, not applied."""


class LogView(msgspec.Struct, frozen=True, kw_only=True):
    """A log as it is held here.

    `keys`: which may sign its notes, each for which sizes. `size`, `root`: entries held and their tree head.
    `note`: the newest note over entries that are all held (b"" if none). `pending`: notes received over more than is
    held, because a batch ended within them; none for most of the time.
    `applied`: entries applied to the tables here; of the home log, all that are held.
    """

    name: str
    keys: tuple[LogKey, ...]
    size: int
    root: bytes
    note: bytes = b""
    pending: tuple[bytes, ...] = ()
    applied: int = 0
    status: Status = Status.FOLLOWED


class Kept(msgspec.Struct, frozen=True):
    """A stored entry, and the shared content that it names by hash (None: it names none, or a house content)."""

    data: bytes
    content: bytes | None = None


class Acceptable(msgspec.Struct, frozen=True, kw_only=True):
    """A batch that was verified against the log as it was held at `first`: to be stored as it is.

    `leaves`: RFC 6962 leaf hashes of `entries`. `tiles`: as they are afterwards, over narrower ones of the same place.
    `size`, `root`: the tree afterwards. `note` covers `noted` >= size entries; equal: the batch ends where it was signed,
    `note_root` is `root`, and the receiver may cosign. `contents` by their SHA-256.
    """

    log: str
    first: int
    entries: tuple[bytes, ...]
    leaves: tuple[bytes, ...]
    contents: Mapping[bytes, bytes]
    tiles: Sequence[TileWrite]
    size: int
    root: bytes
    note: bytes
    noted: int
    note_root: bytes


class Store(Protocol):
    """Storage of one server. `home` is the name of its own log."""

    @property
    def home(self) -> str: ...

    def logs(self) -> Mapping[str, LogView]:
        """Return every log that may be received or is our own, by name: members of the common card and the hub.

        The home log counts as far as it is *sealed*. A log whose membership was recorded but of which nothing came yet
        has size 0 and merkle.EMPTY_ROOT.
        """

    def edge(self, log: str, size: int) -> tuple[bytes, ...]:
        """Return the partial tile of each level of a log at its present `size` (tiles.read_edge). Raises Moved."""

    def root_at(self, log: str, size: int) -> bytes:
        """Return the tree head over the first `size` entries held. Raises ValueError beyond what is held."""

    def proof(self, log: str, old: int, new: int) -> tuple[bytes, ...]:
        """Return the consistency proof between two sizes held (RFC 6962). Raises ValueError beyond what is held."""

    def entries(self, log: str, first: int, limit: int, limit_bytes: int) -> list[Kept]:
        """Return entries from index `first` on: at most `limit`, and no more than fit in `limit_bytes` with their
        contents, except that one is returned however large it is. House contents are never among them."""

    def note_within(self, log: str, above: int, until: int) -> bytes | None:
        """Return the stored note with the greatest size in (above, until], or None."""

    def note_after(self, log: str, above: int) -> bytes | None:
        """Return the stored note with the smallest size > above that is fully held, or None."""

    def receive(self, batch: Acceptable) -> None:
        """Store entries, contents, tiles, tree and note of another server's log, durably. Raises Moved if the log is
        not at `batch.first` any more. Nothing is applied by this."""

    def cosignatures(self, logs: Collection[str]) -> tuple[Cosigned, ...]:
        """Return, for each log named, the newest cosignature of every cosigner (of some log, perhaps none)."""

    def cosigners(self) -> Sequence[VerifierKey]:
        """Return the cosignature keys (type 0x04) of the hub and the members, also of those no longer members."""

    def save_cosignatures(self, cosigned: Sequence[Cosigned]) -> None:
        """Keep cosignatures that were verified. One that is there already changes nothing."""

    def quarantine(self, evidence: Evidence) -> None:
        """Keep evidence; if it is proven, apply nothing of that log from `evidence.index` on until people release it.

        One piece is kept for each (log, code, index, sender): repeats change nothing, so nobody fills a disk with it.
        """

    def evidence(self) -> Sequence[Evidence]:
        """Return what `quarantine` has kept and nobody has settled, oldest first."""
