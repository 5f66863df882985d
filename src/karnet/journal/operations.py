"""Operations, their parts and the journal entry: the values everything else is made from.

An operation is the atomic business fact (a sale with its lines, payments and entitlements is one). It is made of parts;
a part belongs to the slice that owns the tables it is projected into, so a sale can carry an account transfer and an
entitlement without `orders` knowing those tables. Parts carry effects as values, never "recompute it".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar, Literal, TypeVar
from uuid import UUID

import msgspec

from karnet.kernel import canonical
from karnet.kernel.canonical import NotCanonical

Scope = Literal["shared", "house"]


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One effect inside an operation, projected by the slice that declares it. Add fields with defaults; never rename."""


class Operation(Part, frozen=True, kw_only=True):
    """A business fact. Subclasses are registered with @operation and list the parts they carry.

    scope "shared" travels to every server of the common card; "house" stays at home: of it only a salted hash is
    in the entry.
    """

    KIND: ClassVar[str] = ""
    VERSION: ClassVar[int] = 1
    SCOPE: ClassVar[Scope] = "shared"

    def parts(self) -> Iterable[Part]:
        """Return the parts besides the operation itself, in the order in which they must be projected."""
        return ()


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal keeps of an operation: who, when, why, what. `at` is UTC in whole milliseconds."""

    id: UUID
    at: datetime
    actor: UUID
    body: Operation
    cause: UUID | None = None


class Recorded(msgspec.Struct, frozen=True):
    """An entry with its place: `origin` is the server it comes from, `number` orders the operations of one origin.

    Both are this installation's own. `server` is the same everywhere; it is needed where a batch mixes origins.
    """

    entry: Entry
    origin: int
    number: int
    server: UUID | None = None


class _Wire(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The entry as it is stored: the members of a journal entry (docs/trust.md). `body` or `sha256`, never both."""

    id: UUID
    at: str
    actor: UUID
    kind: str
    v: int
    body: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    sha256: str | None = None
    cause: UUID | None = None


_kinds: dict[tuple[str, int], type[Operation]] = {}
_bodies: dict[tuple[str, int], msgspec.json.Decoder[Any]] = {}
_wire = msgspec.json.Decoder(_Wire)
OperationT = TypeVar("OperationT", bound=type[Operation])


_scopes: dict[str, Scope] = {}


class UnknownKind(ValueError):
    """The entry is of a kind, or a version of it, that this installation does not know: it needs a newer Karnet."""


def operation(kind: str, *, version: int = 1, scope: Scope = "shared") -> Callable[[OperationT], OperationT]:
    """Register an operation struct under its kind, `slice.fact` in the past tense ("orders.sold")."""

    def register(struct: OperationT) -> OperationT:
        assert (kind, version) not in _kinds, f"{kind} v{version} registered twice"
        struct.KIND, struct.VERSION, struct.SCOPE = kind, version, scope
        _kinds[kind, version] = struct
        _scopes[kind] = scope
        return struct

    return register


def kinds() -> Mapping[tuple[str, int], type[Operation]]:
    """Return every registered operation by (kind, version)."""
    return MappingProxyType(_kinds)


def scope_of(kind: str) -> Scope | None:
    """Return whether operations of this kind travel or stay at home; None for a kind unknown here."""
    return _scopes.get(kind)


def encode_entry(entry: Entry, content: bytes | None = None) -> bytes:
    """Return the canonical bytes of an entry: these are sealed, verbatim.

    `content` is the SHA-256 of a body kept beside the journal (a house kind); then the body itself is left out.
    """
    body = entry.body
    wire: dict[str, Any] = {
        "id": entry.id,
        "at": _wall(entry.at),
        "actor": entry.actor,
        "kind": body.KIND,
        "v": body.VERSION,
    }
    if entry.cause is not None:
        wire["cause"] = entry.cause
    if content is None:
        wire["body"] = body
    else:
        wire["sha256"] = content.hex()
    return canonical.encode(wire)


def decode_entry(data: bytes, content: bytes | None = None) -> Entry:
    """Return the entry in its bytes, the body taken from `content` where the entry names it by hash.

    Raises UnknownKind, or NotCanonical with the field at fault.
    """
    try:
        wire = _wire.decode(data)
        body = content if wire.body is msgspec.UNSET else wire.body
        if body is None:
            raise NotCanonical(f"{wire.kind}: its content is kept by another server")
        return Entry(
            id=wire.id,
            at=datetime.fromisoformat(wire.at),
            actor=wire.actor,
            body=_body_decoder(wire.kind, wire.v).decode(body),
            cause=wire.cause,
        )
    except msgspec.DecodeError as error:
        raise NotCanonical(str(error)) from None


class EntryHead(msgspec.Struct, frozen=True):
    """What an entry says of itself outside its body; `sha256` names a content kept apart, else None."""

    id: UUID
    at: datetime
    actor: UUID
    kind: str
    sha256: bytes | None


def entry_head(data: bytes) -> EntryHead:
    """Return the head of an entry, also of a kind unknown here. Raises NotCanonical."""
    try:
        wire = _wire.decode(data)
        digest = None if wire.sha256 is None else bytes.fromhex(wire.sha256)
        return EntryHead(wire.id, datetime.fromisoformat(wire.at), wire.actor, wire.kind, digest)
    except (msgspec.DecodeError, ValueError) as error:
        raise NotCanonical(str(error)) from None


def decode_body(kind: str, version: int, data: bytes) -> Operation:
    """Return the operation in the bytes of a body alone (contents of house kinds are kept apart)."""
    body: Operation = _body_decoder(kind, version).decode(data)
    return body


def _body_decoder(kind: str, version: int) -> msgspec.json.Decoder[Any]:
    decoder = _bodies.get((kind, version))
    if decoder is None:
        struct = _kinds.get((kind, version))
        if struct is None:
            raise UnknownKind(f"operation kind {kind!r} version {version} is unknown here: update Karnet")
        decoder = _bodies[kind, version] = msgspec.json.Decoder(struct)
    return decoder


def _wall(at: datetime) -> str:
    # Always three decimals, so that one instant has one form; `at` is UTC in whole milliseconds (kernel.time.instant).
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


class Withheld(Operation, frozen=True, kw_only=True):
    """Stands for a house operation of another server: what it says stays there, that it happened is on the record."""

    SCOPE: ClassVar[Scope] = "house"


ActorKind = Literal["server", "facility", "sales_point", "operator", "device"]


class ActorEnrolled(Part, frozen=True, kw_only=True):
    """Someone or something that may act or be named in operations. `parent` is the actor it belongs to
    (a facility's server, a sales point's facility, an operator's facility, a device's facility)."""

    id: UUID
    kind: ActorKind
    parent: UUID | None = None


class ActorRetired(Part, frozen=True, kw_only=True):
    """The actor may act no more; what it did stays named after it."""

    id: UUID


@operation("journal.founded")
class Founded(Operation, frozen=True, kw_only=True):
    """The first operation of a log: the server enrols itself, and `name` is the log's permanent name."""

    name: str
    server: ActorEnrolled

    def parts(self) -> Iterable[Part]:
        return (self.server,)


class HistoryBreak(Part, frozen=True, kw_only=True):
    """Entries `first` to `until` (exclusive) of this log and what became of them after a backup was restored.

    `abandoned` false: they were applied again from an export; of `contents_missing` the contents kept apart were not in
    it. `abandoned` true: they were signed (`root` is the hex root at `until` entries) and are lost; other entries stand
    at these indices now.
    """

    first: int
    until: int
    root: str
    abandoned: bool
    contents_missing: int = 0


@operation("journal.recovered")
class Recovered(Operation, frozen=True, kw_only=True):
    """The log confesses what a restored backup did to it (docs/trust.md): never a silent second history."""

    history: HistoryBreak

    def parts(self) -> Iterable[Part]:
        return (self.history,)


@operation("journal.received")
class Received(Operation, frozen=True, kw_only=True):
    """How much of other logs its server had applied when it decided what follows: tree size by name of the log.

    So another server knows what an entry may rest on, and applies it after that (docs/federation.md).
    """

    sizes: dict[str, int]
