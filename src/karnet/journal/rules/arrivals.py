"""What is believed of an entry that arrived from another server. Pure: the simulator decides by the same code.

A server vouches for its own people and places only. So everything an entry says somebody did must have been done by
actors that its own log enrolled (SPEC N7), and no log enrols anybody into another server. What other servers made may be
named and used. Slices say what their parts claim (`claims`), as they register projections; here the claims are judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias, TypeVar
from uuid import UUID

import msgspec

from karnet.journal.operations import (
    ActorEnrolled,
    ActorKind,
    ActorRetired,
    Entry,
    EntryHead,
    Founded,
    Part,
    Received,
    UnknownKind,
    Withheld,
    decode_entry,
    encode_entry,
    scope_of,
)
from karnet.kernel.canonical import NotCanonical
from karnet.kernel.ids import owns


class Log(msgspec.Struct, frozen=True):
    """Whose entries are judged: the log's permanent name and its server."""

    name: str
    server: UUID


class ActorView(msgspec.Struct, frozen=True):
    """What is known of an actor: its kind, what it belongs to, and the server whose log enrolled it."""

    kind: str
    parent: UUID | None
    server: UUID


ActorOf: TypeAlias = Callable[[UUID], ActorView | None]


class Own(msgspec.Struct, frozen=True):
    """The entry claims that this actor belongs to its own server. `kinds`: what it may be, empty = anything.
    `under`: what it belongs to itself (an operator's facility)."""

    actor: UUID
    kinds: tuple[ActorKind, ...] = ()
    under: UUID | None = None


class Made(msgspec.Struct, frozen=True):
    """The entry makes a thing of this id, or ends one that its server made: the id must be its own server's (ADR 0011).

    What is known by its name (`named_id`) is not claimed so: there the name says whose it is.
    """

    id: UUID


class Wrong(msgspec.Struct, frozen=True):
    """The entry contradicts itself, whatever is known besides."""

    code: str
    detail: str


Claim: TypeAlias = Own | Made | Wrong


class Fault(msgspec.Struct, frozen=True):
    """Why an entry is not applied: a code for programs, a sentence for people."""

    code: str
    detail: str


class Place(msgspec.Struct, frozen=True):
    """Where an entry stands: in whose log, at which index."""

    log: Log
    index: int


FunctionT = TypeVar("FunctionT", bound=Callable[..., Iterable[Claim]])
WholeT = TypeVar("WholeT", bound=Callable[[Sequence[Part], "Place"], Iterable[Claim]])
_whole: list[Callable[[Sequence[Part], Place], Iterable[Claim]]] = []
_claims: dict[type[Part], list[Callable[..., Iterable[Claim]]]] = {}


def claims(part: type[Part]) -> Callable[[FunctionT], FunctionT]:
    """Register what a part claims: `def f(part, place)` yields an Own for every actor that must be the log's own, a Made
    for every id that must be of its making, and Wrong for what can never be right. Needs no state, so it is pure."""

    def register(function: FunctionT) -> FunctionT:
        _claims.setdefault(part, []).append(function)
        return function

    return register


def claims_as_a_whole(function: WholeT) -> WholeT:
    """Register what operations claim by what stands together in them: `def f(parts, place)`, the operation itself first."""
    _whole.append(function)
    return function


def read_entry(data: bytes, head: EntryHead, content: bytes | None) -> Entry:
    """Return the entry in bytes of another log; `content` is the shared body it names by hash, if it is there.

    House operations come back as Withheld. Raises UnknownKind where a newer Karnet may know better (a kind, a version,
    or a field unknown here), NotCanonical where nobody can: then whoever signed it did not record it as we do.
    """
    scope = scope_of(head.kind)
    if scope is None:
        raise UnknownKind(f"operation kind {head.kind!r} is unknown here")
    if scope == "house":
        return Entry(id=head.id, at=head.at, actor=head.actor, body=Withheld())
    if head.sha256 is not None and content is None:
        raise NotCanonical(f"{head.kind}: the content {head.sha256.hex()} it names did not come with it")
    try:
        entry = decode_entry(data, content)
    except NotCanonical as error:
        if "unknown field" in str(error):
            raise UnknownKind(str(error)) from None
        raise
    if encode_entry(entry, head.sha256) != data:
        raise NotCanonical(f"{head.kind}: not in canonical form")
    return entry


def claims_of(entry: Entry, place: Place) -> tuple[Claim, ...]:
    """Return everything an entry claims: that who did it and its id are its log's own, and what its parts say."""
    found: list[Claim] = []
    if place.index == 0 and not isinstance(entry.body, Founded):
        found.append(Wrong("not_founded", "the first entry is not the founding of the log"))
    if not isinstance(entry.body, Founded):
        found.append(Own(entry.actor))
    parts = (entry.body, *entry.body.parts())
    for part in parts:
        for function in _claims.get(type(part), ()):
            found.extend(function(part, place))
    for whole in _whole:
        found.extend(whole(parts, place))
    found.append(Made(entry.id))
    return tuple(found)


def named(claimed: Iterable[Claim]) -> set[UUID]:
    """Return the actors that must be looked up to judge these claims."""
    return {claim.actor for claim in claimed if isinstance(claim, Own)}


def enrolments(entry: Entry, log: Log) -> dict[UUID, ActorView]:
    """Return the actors an entry enrols: later entries of a batch are judged on them too."""
    return {
        part.id: ActorView(part.kind, part.parent, log.server)
        for part in entry.body.parts()
        if isinstance(part, ActorEnrolled)
    }


def judge(claimed: Iterable[Claim], log: Log, actor_of: ActorOf) -> Fault | None:
    """Return why an entry with these claims is not believed, or None.

    `actor_of` knows who was enrolled before it, and by the entry itself (`enrolments`); what was there first prevails.
    """
    for claim in claimed:
        fault = _fault(claim, log, actor_of)
        if fault is not None:
            return fault
    return None


def _fault(claim: Claim, log: Log, actor_of: ActorOf) -> Fault | None:
    if isinstance(claim, Wrong):
        return Fault(claim.code, claim.detail)
    if isinstance(claim, Made):
        own = owns(log.server, claim.id)
        return None if own else Fault("stolen_id", f"it makes {claim.id}, whose id is not one of its server's")
    return _disowned(claim, log, actor_of)


def _disowned(claim: Own, log: Log, actor_of: ActorOf) -> Fault | None:
    actor = actor_of(claim.actor)
    if actor is None:
        return Fault("unknown_actor", f"it names {claim.actor}, whom nobody enrolled")
    if actor.server != log.server:
        return Fault("foreign_actor", f"it names the {actor.kind} {claim.actor} as its own, of another server")
    if claim.kinds and actor.kind not in claim.kinds:
        return Fault("wrong_actor", f"it names the {actor.kind} {claim.actor} as {' or '.join(claim.kinds)}")
    if claim.under is not None and actor.parent != claim.under:
        return Fault("wrong_actor", f"it names the {actor.kind} {claim.actor} of another than {claim.under}")
    return None


def missing(said: Mapping[str, int], applied: Mapping[str, int]) -> dict[str, int]:
    """Return what an entry still waits for: of the logs its server had received (`said`), those not applied as far here
    (`applied`, the home log as far as it is sealed), with the size waited for. Empty: nothing."""
    return {log: size for log, size in said.items() if applied.get(log, 0) < size}


def waits_for(entry: Entry, applied: Mapping[str, int]) -> dict[str, int]:
    """Return what must be applied here before this entry, as `missing`."""
    return missing(entry.body.sizes, applied) if isinstance(entry.body, Received) else {}


@claims(Founded)
def founded(part: Founded, place: Place) -> Sequence[Claim]:
    if place.index != 0 or part.name != place.log.name or part.server.id != place.log.server:
        return [Wrong("not_founded", f"a founding of {part.name!r} at index {place.index} of {place.log.name!r}")]
    return ()


@claims(ActorEnrolled)
def enrolled(part: ActorEnrolled, place: Place) -> Sequence[Claim]:
    if part.kind == "server":
        own = part.id == place.log.server and place.index == 0 and part.parent is None
        return () if own else [Wrong("foreign_actor", f"it enrols the server {part.id}")]
    if part.parent is None:
        return [Wrong("orphan_actor", f"it enrols the {part.kind} {part.id} as nobody's")]
    return [Own(part.parent, _PARENTS[part.kind])]


@claims_as_a_whole
def enrolled_by_name(parts: Sequence[Part], place: Place) -> Sequence[Claim]:
    """Whoever is enrolled is somebody of whom the same operation says more, by the same id: a facility, an operator, a
    gate. Those parts compare the id with its name; so nobody enrols as something else who has another server's name."""
    actors = {part.id for part in parts if isinstance(part, ActorEnrolled)}
    if not actors or isinstance(parts[0], Founded):
        return ()
    told = {getattr(part, "id", None) for part in parts if not isinstance(part, ActorEnrolled)}
    return [Wrong("wrong_id", f"it enrols {actor}, and says not who that is") for actor in sorted(actors - told)]


_PARENTS: dict[str, tuple[ActorKind, ...]] = {
    "facility": ("server",),
    "sales_point": ("facility",),
    "operator": ("facility", "sales_point"),
    "device": ("facility", "sales_point"),
}


@claims(ActorRetired)
def retired(part: ActorRetired, place: Place) -> Sequence[Claim]:
    return [Own(part.id)]


@claims(Received)
def received(part: Received, place: Place) -> Sequence[Claim]:
    if any(size < 0 for size in part.sizes.values()) or place.log.name in part.sizes:
        return [Wrong("bad_sizes", "it says it received its own log, or less than nothing")]
    return ()


def claiming_parts() -> frozenset[type[Part]]:
    """Return every part type whose claims some slice registered (a house test compares it with what parts name)."""
    return frozenset(_claims)
