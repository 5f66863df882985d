"""Servers for tests of the protocol: each writes a log of its own into simulated storage and may follow others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256

from karnet.federation.core.batching import next_push
from karnet.federation.core.messages import Push
from karnet.federation.core.store import Kept
from karnet.federation.sim.memory import MemoryLog, MemoryStore
from karnet.journal.tlog.keyring import LogKey
from karnet.journal.tlog.note import SignatureType, SigningKey

NOON = datetime(2027, 1, 16, 11, tzinfo=UTC)


class Scribe:
    """A server that writes numbered entries. `seed` tells keys apart: two scribes of one name are two histories."""

    def __init__(self, name: str, seed: str = "") -> None:
        self.name = name
        self.key = SigningKey(name, SignatureType.ED25519, sha256(f"log {name}".encode()).digest())
        self.cosigner = SigningKey(name, SignatureType.COSIGNATURE_V1, sha256(f"cosigner {name}".encode()).digest())
        self.seed = seed or name
        self.store = MemoryStore(name, [MemoryLog.empty(name, self.log_key)])
        self.store.know(self.cosigner.verifier)

    @property
    def log_key(self) -> LogKey:
        return LogKey(key=self.key.verifier)

    def write(self, count: int, *, length: int = 0) -> None:
        """Seal that many more entries under one note."""
        first = self.store.log(self.name).size
        entries = [f'"{self.seed} {n}"'.ljust(length).encode() for n in range(first, first + count)]
        self.store.seal([Kept(entry) for entry in entries], self.key)

    def write_these(self, entries: Sequence[Kept]) -> None:
        """Seal these entries under one note."""
        self.store.seal(entries, self.key)

    def follow(self, *others: Scribe) -> None:
        """Take up other servers' logs and cosigners."""
        for other in others:
            self.store.follow(MemoryLog.empty(other.name, other.log_key))
            self.store.know(other.cosigner.verifier)

    def push(self, first: int) -> Push:
        """The batch of this server's log from an index on."""
        push = next_push(self.store, self.name, first)
        assert push is not None
        return push

    def entries_of(self, log: str) -> list[bytes]:
        """What this server holds of a log."""
        return [kept.data for kept in self.store.log(log).entries]
