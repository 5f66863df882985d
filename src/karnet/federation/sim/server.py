"""One simulated server: what its database holds, and what its processes do with it.

The journal's own mechanism is PostgreSQL and cannot be simulated; its order of steps is followed here (`record` is
`journal.transaction`, `seal` is `journal.sealing`, `apply` is `journal.applying`), while everything that decides is the
real code: the protocol core, the judgement of arrivals, the projections.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

import msgspec

from karnet.federation.core.store import Acceptable, Kept
from karnet.federation.operations import KeyAnnounced, KeyChanged
from karnet.federation.sim import keys
from karnet.federation.sim.memory import Crash, MemoryLog, MemoryStore, unharmed
from karnet.federation.sim.schema import Row
from karnet.federation.sim.signing import RememberingKey, SimulatedKey, made_key, remembering
from karnet.federation.sim.tables import Refused, Tables
from karnet.journal.operations import (
    Entry,
    HistoryBreak,
    Operation,
    Received,
    Recorded,
    Recovered,
    UnknownKind,
    encode_entry,
    entry_head,
)
from karnet.journal.projection import Conflict
from karnet.journal.rules.arrivals import (
    ActorView,
    Claim,
    Fault,
    Log,
    Place,
    claims_of,
    enrolments,
    judge,
    read_entry,
    waits_for,
)
from karnet.journal.tlog.keyring import Keyring, LogKey
from karnet.journal.tlog.note import SignatureType, VerifierKey
from karnet.kernel import canonical
from karnet.kernel.canonical import NotCanonical
from karnet.kernel.ids import named_id, owned_id
from karnet.kernel.time import instant

HOME = 1
_REFUSALS = (Conflict, Refused, ValueError, TypeError, LookupError, ArithmeticError)


class Unsealed(msgspec.Struct, frozen=True):
    """An operation that is recorded and not sealed yet."""

    number: int
    entry: Entry
    kept: Kept


class Quarantine(msgspec.Struct, frozen=True):
    """Why nothing of a log is applied from `index` on."""

    index: int
    code: str
    detail: str


class Disk:
    """All that a backup of a server's database holds."""

    def __init__(self, store: MemoryStore, server_of: Mapping[str, UUID]) -> None:
        self.store = store
        self._server_of = server_of
        self.origins: dict[int, str] = {HOME: store.home}
        self.tables = Tables(self.server)
        self.unsealed: list[Unsealed] = []
        self.number = 0
        self.places: dict[tuple[int, int], int] = {}
        self.ids: set[UUID] = set()
        self.recorded: list[Recorded] = []
        self.said: dict[str, int] = {}
        self.quarantines: dict[str, Quarantine] = {}
        self.waiting: dict[str, str] = {}

    def server(self, origin: int) -> UUID:
        """Return the server of a local origin number."""
        return self._server_of[self.origins[origin]]

    def copy(self) -> Disk:
        """Return a backup."""
        copy = Disk(self.store.backup(), self._server_of)
        copy.origins = dict(self.origins)
        copy.tables = self.tables.copy(copy.server)
        copy.unsealed = list(self.unsealed)
        copy.number = self.number
        copy.places = dict(self.places)
        copy.ids = set(self.ids)
        copy.recorded = list(self.recorded)
        copy.said = dict(self.said)
        copy.quarantines = dict(self.quarantines)
        copy.waiting = dict(self.waiting)
        return copy


class Identity(msgspec.Struct, frozen=True):
    """Who a server is for ever: the name of its log, its id, its keys."""

    name: str
    server: UUID
    key: SimulatedKey
    cosigner: SimulatedKey
    verifier: RememberingKey
    cosigner_verifier: RememberingKey


@lru_cache(maxsize=64)
def identity(name: str) -> Identity:
    """Return the identity of a simulated server. Its keys follow from its name, so that one seed replays one history."""
    key, cosigner = (
        made_key("log", name, SignatureType.ED25519),
        made_key("cosigner", name, SignatureType.COSIGNATURE_V1),
    )
    return Identity(name, named_id("server", name), key, cosigner, remembering(key), remembering(cosigner))


class Server:
    """A server: its identity, its disk, and the checkpoint file, which no backup puts back."""

    def __init__(self, who: Identity, servers: Mapping[str, UUID]) -> None:
        self.who = who
        self.name = who.name
        self._servers = servers
        self.disk = Disk(self._new_store(), servers)
        self.witness: dict[int, bytes] = {}
        # The keys directory: no backup of the database puts it back.
        self.key: SimulatedKey = who.key
        self.next_key: SimulatedKey | None = None
        self.changes = 0
        self._crash: Crash = unharmed

    def _new_store(self) -> MemoryStore:
        store = MemoryStore(self.name, [MemoryLog.empty(self.name, LogKey(key=self.who.verifier))])
        store.know(self.who.cosigner_verifier)
        return store

    def crash_by(self, crash: Crash) -> None:
        """From now on every write asks `crash` whether the process dies at it."""
        self._crash = crash
        self.disk.store.crash = crash

    def put_back(self, backup: Disk) -> None:
        """The database is as it was when the backup was made; the checkpoint file is not."""
        self.disk = backup.copy()
        self.disk.store.crash = self._crash

    def join(self, other: Identity) -> None:
        """Take up another server's log, under the next origin number of this installation."""
        if other.name in self.disk.origins.values():
            return
        self.disk.origins[max(self.disk.origins) + 1] = other.name
        self.disk.store.follow(MemoryLog.empty(other.name, LogKey(key=other.verifier)))
        self.disk.store.know(other.cosigner_verifier)

    def first_key(self, log: str) -> LogKey:
        """Return the key that signed a log from its beginning."""
        return LogKey(key=identity(log).verifier)

    def expect(self, key: SimulatedKey) -> bool:
        """Keep the key that is to sign next, until it may."""
        self.next_key = key
        return True

    def index_of(self, operation: UUID) -> int | None:
        """Return where an operation stands in its log, once that is sealed."""
        for recorded in reversed(self.disk.recorded):
            if recorded.entry.id == operation:
                return self.disk.places.get((recorded.origin, recorded.number))
        return None

    def look_at_keys(self) -> None:
        """Go by the keys that the tables tell, from now on."""
        for log in self.disk.store.all_logs():
            log.keys = keys.keys_of(self, log.name)

    @property
    def store(self) -> MemoryStore:
        """The protocol's storage."""
        return self.disk.store

    def rows(self, label: str) -> dict[tuple[object, ...], Row]:
        """Return the rows of a table by its model's label ("orders.Order")."""
        return self.disk.tables.labelled(label).rows

    # What `journal.transaction` does.

    def record(self, key: str, at: datetime, actor: UUID, *operations: Operation, salt: bytes = b"") -> bool:
        """Record operations that were decided here, in one transaction; return whether the tables took them."""
        disk, at = self.disk, instant(at)
        store = disk.store
        news = {
            log.name: log.applied
            for log in store.all_logs()
            if log.name != self.name and log.applied > disk.said.get(log.name, 0)
        }
        bodies: list[Operation] = [Received(sizes=news)] if news else []
        bodies += operations
        server = self.who.server
        entries = [
            Entry(id=owned_id(server, at, key, ordinal), at=at, actor=actor, body=body)
            for ordinal, body in enumerate(bodies)
        ]
        numbered = list(enumerate(entries, disk.number + 1))
        self._crash("record")
        try:
            disk.tables.project([Recorded(entry, HOME, number) for number, entry in numbered], arriving=False)
        except _REFUSALS:
            return False
        disk.recorded += [Recorded(entry, HOME, number, self.who.server) for number, entry in numbered]
        disk.unsealed += [Unsealed(number, entry, stored(entry, salt)) for number, entry in numbered]
        disk.ids.update(entry.id for entry in entries)
        disk.number += len(entries)
        disk.said.update(news)
        self._heard(entries)
        self._crash("recorded")
        return True

    # What `journal.sealing` does.

    def seal(self, limit: int = 1024) -> int:
        """Seal up to `limit` operations under one note; return how many."""
        taken = self.disk.unsealed[:limit]
        if not taken:
            return 0
        self.seal_these([operation.kept for operation in taken])
        return len(taken)

    def seal_these(self, entries: Sequence[Kept]) -> None:
        """Seal entries, the first unsealed operations among them, in one transaction, and write the note down."""
        disk = self.disk
        first = disk.store.log(self.name).size
        numbers = {operation.kept.data: operation.number for operation in disk.unsealed}
        self._crash("seal")
        if self.next_key is not None and self.next_key.verifier in self._may_sign(first + 1):
            self.key, self.next_key = self.next_key, None
        note = disk.store.seal(entries, self.key)
        self._settled(first, entries, numbers)
        if self.next_key is not None:
            self.look_at_keys()  # The hub's own signs what follows its announcement.
        self._crash("sealed")
        self.witness[first + len(entries)] = note
        self._crash("witnessed")

    def _may_sign(self, size: int) -> Sequence[VerifierKey]:
        own = Keyring(self.disk.store.log(self.name).keys)
        return [VerifierKey(key.name, key.type, key.public_key) for key in own.at(size)]

    def _heard(self, entries: Sequence[Entry]) -> None:
        if any(isinstance(entry.body, KeyAnnounced | KeyChanged) for entry in entries):
            self.look_at_keys()

    def _settled(self, first: int, entries: Sequence[Kept], numbers: Mapping[bytes, int]) -> None:
        disk = self.disk
        disk.store.log(self.name).applied = first + len(entries)
        for index, kept in enumerate(entries, first):
            number = numbers.get(kept.data)
            if number is not None:
                disk.places[HOME, number] = index
        sealed = {kept.data for kept in entries}
        disk.unsealed = [operation for operation in disk.unsealed if operation.kept.data not in sealed]

    # What `journal.applying` does.

    def apply(self, limit: int = 512) -> int:
        """Apply up to `limit` kept entries of each log; return how many were."""
        count = 0
        for origin, name in list(self.disk.origins.items()):
            log = self.disk.store.log(name)
            if name in self.disk.quarantines:
                continue
            for _ in range(min(limit, log.applicable - log.applied)):
                if not self._apply_next(origin, log):
                    break
                count += 1
        return count

    def _apply_next(self, origin: int, log: MemoryLog) -> bool:
        """Apply a log's next entry in a transaction of its own; False where it waits, or is refused for good."""
        disk, index = self.disk, log.applied
        kept = log.entries[index]
        whose = Log(log.name, disk.server(origin))
        entry = _read(kept.data, kept.content)
        if isinstance(entry, str):
            disk.waiting[log.name] = entry
            return False
        fault = entry if isinstance(entry, Fault) else None
        if isinstance(entry, Entry):
            applied = {name: self._applied(name) for name in disk.origins.values()}
            missing = waits_for(entry, {**applied, log.name: index})
            if missing:
                disk.waiting[log.name] = f"waits for {missing}"
                return False
            fault = self._fault(entry, kept, whose, index) or self._projected(entry, whose, origin)
        if fault is not None:
            self._crash("quarantine")
            disk.quarantines[log.name] = Quarantine(index, fault.code, fault.detail)
            self._crash("quarantined")
            return False
        return True

    def _fault(self, entry: Entry, kept: Kept, whose: Log, index: int) -> Fault | None:
        actors = enrolments(entry, whose)

        def actor_of(actor: UUID) -> ActorView | None:
            row = self.rows("journal.Actor").get((actor,))
            if row is None:
                return actors.get(actor)
            return ActorView(row["kind"], row["parent"], self.disk.server(row["origin"]))

        return judge(_claims(kept.data, kept.content, whose, index), whose, actor_of)

    def _projected(self, entry: Entry, whose: Log, origin: int) -> Fault | None:
        disk = self.disk
        log = disk.store.log(whose.name)
        data = log.entries[log.applied].data
        number = next((u.number for u in disk.unsealed if u.kept.data == data), None) if origin == HOME else None
        self._crash("apply")
        if number is None:  # Else the backup had it, not sealed yet.
            number = disk.number + 1
            if entry.id in disk.ids:
                return Fault("refused_by_tables", f"operation {entry.id} is recorded already")
            if entry.body.SCOPE == "shared":
                recorded = Recorded(entry, origin, number, whose.server)
                try:
                    disk.tables.project([recorded], arriving=True)
                except _REFUSALS as error:
                    return Fault("refused_by_tables", str(error))
                disk.recorded.append(recorded)
            disk.number = number
            disk.ids.add(entry.id)
        if origin == HOME:
            disk.unsealed = [operation for operation in disk.unsealed if operation.number != number]
            if isinstance(entry.body, Received):
                disk.said.update(entry.body.sizes)
        disk.places[origin, number] = log.applied
        log.applied += 1
        self._heard([entry])
        disk.waiting.pop(whose.name, None)
        self._crash("applied")
        return None

    def _applied(self, name: str) -> int:
        return self.disk.store.log(name).applied

    # What `karnet journal recover` does.

    def start(self) -> None:
        """Bring the checkpoint file up to date with the database, as the sealer does before its first signature."""
        log = self.disk.store.log(self.name)
        if log.size >= max(self.witness, default=0) and log.size:
            self.witness[log.size] = log.notes[log.size]

    @property
    def behind_witness(self) -> int:
        """How many entries the checkpoint file has seen signed that the database does not hold."""
        return max(self.witness, default=0) - self.disk.store.log(self.name).size

    @property
    def recovering(self) -> bool:
        """Whether entries of the own log that a backup lost are back, but not applied again yet."""
        log = self.disk.store.log(self.name)
        return log.applied < log.size

    def regain(self, batch: Acceptable) -> None:
        """Take back entries of the own log that a backup lost, verified like anybody's. `apply` applies them again, in
        order with what they had received: the backup lost entries of other logs, too."""
        self.disk.store.receive(batch)

    def confess(self, at: datetime) -> None:
        """Go on without entries that were signed and that nobody has any more, and say so in the log."""
        size, lost = self.disk.store.log(self.name).size, max(self.witness)
        root = self.witness[lost].split(b"\n")[2].hex()[:64]
        broken = HistoryBreak(first=size, until=lost, root=root, abandoned=True)
        if not any(isinstance(operation.entry.body, Recovered) for operation in self.disk.unsealed):
            self.record(f"recover:{self.name}:{lost}", at, self.who.server, Recovered(history=broken))
        self.witness = {held: note for held, note in self.witness.items() if held <= size}


def stored(entry: Entry, salt: bytes) -> Kept:
    """Return an entry as it is kept: a house body, or a published price list, beside it by its hash.

    (The real journal puts only large shared bodies beside their entries; here they all are, to be seen travelling.)
    """
    house = entry.body.SCOPE == "house"
    if not house and entry.body.KIND != "catalogue.published":
        return Kept(encode_entry(entry))
    body = canonical.encode(entry.body)
    digest = sha256((salt if house else b"") + body).digest()
    return Kept(encode_entry(entry, digest), None if house else body)


@lru_cache(maxsize=8192)
def _read(data: bytes, content: bytes | None) -> Entry | Fault | str:
    """An entry of another log; why it cannot be one; or what it needs to be read. Pure, so remembered."""
    try:
        return read_entry(data, entry_head(data), content)
    except UnknownKind as error:
        return f"needs a newer Karnet: {error}"
    except (NotCanonical, ValueError) as error:
        return Fault("garbled", str(error))


@lru_cache(maxsize=8192)
def _claims(data: bytes, content: bytes | None, whose: Log, index: int) -> tuple[Claim, ...]:
    """What an entry that can be read claims. Pure, so remembered: every server asks it."""
    entry = _read(data, content)
    assert isinstance(entry, Entry)
    return claims_of(entry, Place(whose, index))
