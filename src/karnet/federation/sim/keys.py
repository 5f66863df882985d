"""Changing keys in a history: who announces, what the hub confirms, and which keys the tables of a server say a log has.

The real ones are `federation.services`, `federation.keys`, `federation.selectors.log_keys` and `wiring.key_change`.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from karnet.federation import rules
from karnet.federation.operations import LogKey as SaidKey
from karnet.federation.operations import Member, Opened
from karnet.federation.requests import AnnounceKey, ConfirmKey
from karnet.federation.sim.signing import made_key, remembering_text
from karnet.journal.operations import Operation
from karnet.journal.tlog.keyring import LogKey
from karnet.journal.tlog.note import SignatureType

if TYPE_CHECKING:
    from karnet.federation.sim.server import Server


def opened(server: Server) -> Opened:
    """Return the fact that makes a server the hub."""
    who = server.who
    vkey, cosigner = who.key.verifier.format(), who.cosigner.verifier.format()
    member = Member(log=who.name, server=who.server, vkey=vkey, cosigner=cosigner)
    return Opened(member=member, key=SaidKey(log=who.name, vkey=vkey, above=0))


def announce(server: Server, at: datetime) -> bool:
    """Make the next key of a server and announce it in its log; one after the other."""
    if server.next_key is not None:
        return False
    server.changes += 1
    key = made_key(f"log {server.changes}", server.name, SignatureType.ED25519)
    request = AnnounceKey(
        key=f"announce:{server.name}:{server.changes}", at=at, actor=server.who.server, log=server.name,
        vkey=key.verifier.format(),
    )  # fmt: skip
    return _recorded(server, request.key, at, rules.decide_announcement(request, None)) and server.expect(key)


def confirm(hub: Server, at: datetime) -> None:
    """Let every key sign that a member announced and the hub has not confirmed yet."""
    said = {row["vkey"] for row in hub.rows("federation.Key").values()}
    for row in list(hub.rows("federation.Announcement").values()):
        log, vkey = row["log"], row["vkey"]
        if vkey in said or log == hub.name:
            continue
        request = ConfirmKey(key=f"confirm:{vkey}", at=at, actor=hub.who.server, log=log, vkey=vkey)
        index = hub.index_of(row["operation"])
        if index is not None:
            known = rules.Known(log=log)
            _recorded(hub, request.key, at, rules.decide_confirmation(request, known, {vkey: index}))


def keys_of(server: Server, log: str) -> tuple[LogKey, ...]:
    """Return the keys of a log as a server's tables tell them, its first one before them."""
    first = server.first_key(log)
    said: dict[str, tuple[int, int | None]] = {first.key.format(): (0, None)}
    for row in server.rows("federation.Key").values():
        if row["log"] == log:
            said.setdefault(row["vkey"], (row["above"], row["ends"]))
    if log in {row["log"] for row in server.rows("federation.Hub").values()}:
        for row in server.rows("federation.Announcement").values():
            index = server.index_of(row["operation"]) if row["log"] == log else None
            if index is not None:
                said.setdefault(row["vkey"], (index + 1, None))
    found = sorted(said.items(), key=lambda one: one[1][0])
    return tuple(LogKey(key=remembering_text(vkey), above=above, until=ends) for vkey, (above, ends) in found)


def _recorded(server: Server, key: str, at: datetime, decided: tuple[object, tuple[Operation, ...]]) -> bool:
    _, operations = decided
    return bool(operations) and server.record(key, at, server.who.server, *operations)
