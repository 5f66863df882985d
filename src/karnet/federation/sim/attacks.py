"""Members that cheat. Each attack happens once, at a moment of the history, and says how it must be named.

`Named` is what must be found afterwards: evidence at the hub (who sent it, from which index on) or, for entries that no
honest server would record, the log in quarantine exactly at that entry, at every honest server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

import msgspec

from karnet.accounts.operations import AccountOpened, BooksOpened, stored_account
from karnet.federation.core.batching import next_push
from karnet.federation.core.messages import Code, Push
from karnet.federation.core.store import Kept
from karnet.federation.sim.business import CURRENCY
from karnet.federation.sim.machine import Machine
from karnet.federation.sim.memory import MemoryLog, MemoryStore
from karnet.federation.sim.server import stored
from karnet.federation.sim.world import World
from karnet.journal.operations import ActorEnrolled, Entry, Operation
from karnet.journal.rules.arrivals import Log, Made, Place, claims_of
from karnet.journal.tlog.note import SignatureType, SigningKey, sign_note
from karnet.kernel.ids import derived_id, owned_id
from karnet.kernel.time import instant
from karnet.parties.operations import Operator, OperatorEnrolled, operator_id


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """How an attack must be named. `codes`: of the evidence at the hub, from entry `index` on (or from a later one, if
    honest entries were still under way); `bad_index`: of the entry that nobody applies."""

    log: str
    sender: str = ""
    index: int = 0
    codes: tuple[Code, ...] = ()
    bad_index: int | None = None


Attack = Callable[[World, Machine, Machine], "Named | None"]


def rewrite(world: World, evil: Machine, victim: Machine) -> Named | None:
    """An entry that everybody holds is changed in the member's own database, and all signed anew."""
    held = world.hub.server.store.log(evil.name).size
    log = evil.server.store.log(evil.name)
    if held < 9 or log.size < held:
        return None
    place = world.chance.randrange(8, held)
    entries = list(log.entries)
    entries[place] = Kept(entries[place].data.replace(b'"v":1', b'"v":1 '))
    _replace(evil, [*entries, Kept(b'"later"')], [*sorted(log.notes), len(entries) + 1])
    world.awaken(evil)
    return Named(log=evil.name, sender=evil.name, index=held, codes=(Code.FORK, Code.INCONSISTENT))


def fork(world: World, evil: Machine, victim: Machine) -> Named | None:
    """A second history from some point on, longer than the first: what was sold at the end never was."""
    held = world.hub.server.store.log(evil.name).size
    log = evil.server.store.log(evil.name)
    if held < 9 or log.size < held:
        return None
    place = world.chance.randrange(8, held)
    entries = [*log.entries[:place], *log.entries[place + 1 :], *(Kept(b'"%d"' % n) for n in range(4))]
    _replace(evil, entries, [place or 1, len(entries)])
    world.awaken(evil)
    return Named(log=evil.name, sender=evil.name, index=held, codes=(Code.FORK, Code.INCONSISTENT))


def _replace(evil: Machine, entries: list[Kept], sizes: list[int]) -> None:
    """Make the member's log another one, signed at these sizes."""
    old = evil.server.store.log(evil.name)
    forged = MemoryStore(evil.name, [MemoryLog.empty(evil.name, *old.keys)])
    at = 0
    for size in sizes:
        if at < size <= len(entries):
            forged.seal(entries[at:size], evil.server.who.key)
            at = size
    if at < len(entries):
        forged.seal(entries[at:], evil.server.who.key)
    new = forged.log(evil.name)
    old.entries, old.tiles, old.notes, old.root = new.entries, new.tiles, new.notes, new.root
    evil.server.store.roots.clear()
    old.applied = len(entries)


def _seal(world: World, evil: Machine, kept: Kept) -> Named:
    """Seal an entry that no honest server records. What is recorded and unsealed goes first, as ever."""
    while evil.server.disk.unsealed:
        evil.server.seal()
    index = evil.server.store.log(evil.name).size
    evil.server.seal_these([kept])
    world.awaken(evil)
    return Named(log=evil.name, bad_index=index)


def _entry(world: World, evil: Machine, operation: Operation, at: datetime) -> Kept:
    actor = evil.desk.operator
    at = instant(at)
    entry_id = owned_id(evil.server.who.server, at, f"evil:{world.chance.getrandbits(64)}")
    return stored(Entry(id=entry_id, at=at, actor=actor, body=operation), b"")


def nameless_seller(world: World, evil: Machine, victim: Machine) -> Named | None:
    """A ticket enters the system, sold by somebody of another server, or by nobody there is (SPEC N7)."""
    media = evil.server.rows("entitlements.Medium")
    if not media:
        return None
    medium = world.chance.choice(list(media))[0]
    nobody = derived_id(world.clock(evil), "nobody")
    operator, till = world.chance.choice(
        ((victim.desk.operator, None), (nobody, None), (None, victim.desk.till), (None, nobody))
    )
    sold = evil.desk.sold(world.chance, world.clock(evil), medium, operator=operator, till=till)  # type: ignore[arg-type]
    return _seal(world, evil, _entry(world, evil, sold, world.clock(evil)))


def foreign_operator(world: World, evil: Machine, victim: Machine) -> Named | None:
    """Somebody is enrolled at a facility of another server."""
    facility = victim.desk.facility
    operator = operator_id(facility, "mallory")
    enrolled = OperatorEnrolled(
        actor=ActorEnrolled(id=operator, kind="operator", parent=facility),
        operator=Operator(id=operator, facility=facility, code="mallory"),
    )
    return _seal(world, evil, _entry(world, evil, enrolled, world.clock(evil)))


def echo(world: World, evil: Machine, victim: Machine) -> Named | None:
    """An entry of another server is played again as one's own."""
    heard = evil.server.store.log(victim.name)
    if heard.applied < 8:
        return None
    return _seal(world, evil, heard.entries[world.chance.randrange(1, heard.applied)])


def garbage(world: World, evil: Machine, victim: Machine) -> Named | None:
    """Bytes that are no entry, or not in the one form an entry has."""
    written = evil.server.store.log(evil.name).entries
    if len(written) < 8:
        return None
    sound = written[1].data
    data = world.chance.choice((b"\x00\xff", b"{}", b"[]", sound.replace(b":", b": ", 1), sound[:-1], b""))
    return _seal(world, evil, Kept(data))


def money_from_nothing(world: World, evil: Machine, victim: Machine) -> Named | None:
    """Points are booked onto a ticket from an account that does not exist."""
    tickets = evil.server.rows("entitlements.Entitlement")
    if not tickets:
        return None
    ticket = tickets[world.chance.choice(list(tickets))]
    passed = evil.desk.passed(world.chance, world.clock(evil), ticket, 5)
    ghost = derived_id(world.clock(evil), "ghost")
    transfers = tuple(msgspec.structs.replace(transfer, source=ghost) for transfer in passed.transfers)
    return _seal(
        world, evil, _entry(world, evil, msgspec.structs.replace(passed, transfers=transfers), world.clock(evil))
    )


def account_on_other_terms(world: World, evil: Machine, victim: Machine) -> Named | None:
    """An account that another facility is about to open is opened first, on terms of the attacker's own.

    Whoever applies the attacker's entry first would go by other terms than the rest, for ever.
    """
    rows = victim.server.rows("entitlements.Medium").values()
    known = evil.server.rows("entitlements.Medium")
    media = [row for row in rows if (row["id"],) in known]
    if not media or not victim.may_sign:
        return None
    medium = world.chance.choice(media)
    account = stored_account(medium["id"], medium["issue"], victim.desk.facility, "money", CURRENCY)
    opened = AccountOpened(
        id=account, owner=medium["id"], purpose="money", unit=CURRENCY, overdraft=world.chance.choice((1_000_00, None))
    )
    named = _seal(
        world,
        evil,
        _entry(world, evil, BooksOpened(facility=evil.desk.facility, accounts=(opened,)), world.clock(evil)),
    )
    desk, now = victim.desk, world.clock(victim)
    desk.record(desk.loaded(world.chance, now, medium), world.chance, now)
    world.awaken(victim)
    return named


def stolen_id(world: World, evil: Machine, victim: Machine) -> Named | None:
    """A member gives something of its own the id of another's, just made: an operation, or anything that one makes.

    It says nothing of having heard of the other, so some will meet the thief's entry first.
    """
    nodes = sorted(world.hub.nodes.keys() - world.hub.down)
    if not victim.may_sign or not nodes:
        return None
    now = world.clock(victim)
    ways = ("sell", "pass_gate", "grant", "load", "charge", "block", "hand_in", "open_shift")
    name = world.chance.choice(ways)
    theirs, ours = (getattr(machine.desk, name)(world.chance, now) for machine in (victim, evil))
    if theirs is None or ours is None or not victim.desk.record(theirs, world.chance, now):
        return None
    genuine = victim.server.disk.unsealed[-1].entry
    while victim.server.disk.unsealed:
        victim.server.seal()
    push = next_push(victim.server.store, victim.name, world.hub.server.store.log(victim.name).size)
    if push is None:
        return None
    _say(world, victim, push)  # The thief hears of it from the hub.
    forged = Entry(
        id=owned_id(evil.server.who.server, instant(now), "thief"), at=instant(now), actor=genuine.actor, body=ours
    )
    pairs = zip(_made(forged, evil), _made(genuine, victim), strict=False)
    instead, stolen = world.chance.choice(list(pairs))
    actor = evil.desk.gate if genuine.actor == victim.desk.gate else evil.desk.operator
    kept = stored(msgspec.structs.replace(forged, actor=actor), b"")
    return _seal(world, evil, Kept(kept.data.replace(str(instead).encode(), str(stolen).encode()), kept.content))


def _made(entry: Entry, machine: Machine) -> list[UUID]:
    """What an entry makes, in its order."""
    place = Place(Log(machine.name, machine.server.who.server), 1)
    return [claim.id for claim in claims_of(entry, place) if isinstance(claim, Made)]


def forged_relay(world: World, evil: Machine, victim: Machine) -> Named | None:
    """A member passes on another's entries, altered, before their server does."""
    held = world.hub.server.store.log(victim.name).size
    if not victim.may_sign or not world.hub.nodes.keys() - world.hub.down:
        return None
    desk, now = victim.desk, world.clock(victim)
    desk.record(desk.sell(world.chance, now), world.chance, now)
    while victim.server.disk.unsealed:
        victim.server.seal()
    world.after(1, lambda: world.awaken(victim))
    push = next_push(victim.server.store, victim.name, held)
    if push is None:
        return None
    entries = (push.entries[0].replace(b'"v":1', b'"v":2'), *push.entries[1:])
    _say(world, evil, msgspec.structs.replace(push, entries=entries))
    return Named(log=victim.name, sender=evil.name, index=held, codes=(Code.ALTERED,))


def forged_note(world: World, evil: Machine, victim: Machine) -> Named | None:
    """A member writes on in another's name, with a key of its own. Nothing of it is even kept."""
    push = next_push(victim.server.store, victim.name, 0)
    if push is None:
        return None
    key = SigningKey(victim.name, SignatureType.ED25519, evil.server.who.key.seed)
    note = sign_note(push.note.split(b"\n\n")[0].decode() + "\n", [key])
    held = world.hub.server.store.log(victim.name).size
    _say(world, evil, msgspec.structs.replace(push, first=held, note=note))
    return Named(log=victim.name)


def flood(world: World, evil: Machine, victim: Machine) -> Named | None:
    """A member sends as much as it can of what makes no sense. It is told to wait; the others are served."""

    def more(left: int) -> None:
        junk = Push(log=evil.name, first=world.chance.getrandbits(40), entries=(world.chance.randbytes(64),), note=b"-")
        for _ in range(40):
            _say(world, evil, junk)
        if left:
            world.after(0.5, lambda: more(left - 1))

    more(6)
    return Named(log=evil.name)


def _say(world: World, evil: Machine, push: Push) -> None:
    nodes = [node for node in world.hub.nodes if node not in world.hub.down]
    if nodes:
        world.ask(evil, world.chance.choice(nodes), push)


ATTACKS: Mapping[str, Attack] = MappingProxyType(
    {
        "rewrite": rewrite,
        "fork": fork,
        "nameless_seller": nameless_seller,
        "foreign_operator": foreign_operator,
        "echo": echo,
        "garbage": garbage,
        "money_from_nothing": money_from_nothing,
        "account_on_other_terms": account_on_other_terms,
        "stolen_id": stolen_id,
        "forged_relay": forged_relay,
        "forged_note": forged_note,
        "flood": flood,
    }
)
