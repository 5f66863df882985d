"""How histories begin: servers that know of each other's logs, and whose logs are founded.

Most histories begin where everybody has received everybody's first entries; that state is made once and copied.
"""

from __future__ import annotations

from functools import lru_cache
from random import Random

from karnet.federation.core.accepting import receive
from karnet.federation.core.batching import next_push
from karnet.federation.sim.business import Desk
from karnet.federation.sim.server import Disk, Server, identity
from karnet.federation.sim.world import EPOCH

HUB = "hub.example/log"
CODES = ("alp", "bor", "cim", "dol")


def strangers(members: int, chance: Random) -> list[Server]:
    """Return a hub and members that follow each other's logs, nothing recorded yet. Every installation numbers the logs
    in its own order."""
    names = [HUB, *(f"{code}.example/log" for code in CODES[:members])]
    identities = [identity(name) for name in names]
    ids = {who.name: who.server for who in identities}
    servers = [Server(who, ids) for who in identities]
    for server in servers:
        others = [who for who in identities if who.name != server.name]
        chance.shuffle(others)
        for who in others:
            server.join(who)
    return servers


def acquainted(members: int, variant: int) -> list[Server]:
    """Return a hub and members whose logs are founded, and known to all. `variant`: one of a few orders of logs."""
    servers = strangers(members, Random(variant))
    for server, (disk, witness) in zip(servers, _acquainted(members, variant), strict=True):
        server.put_back(disk)
        server.witness = dict(witness)
    return servers


@lru_cache(maxsize=32)
def _acquainted(members: int, variant: int) -> list[tuple[Disk, dict[int, bytes]]]:
    servers = strangers(members, Random(variant))
    for server, code in zip(servers, ("hub", *CODES), strict=False):
        Desk(server, code).found(EPOCH)
        server.seal()
    for server in servers:
        for other in servers:
            if other is not server and (push := next_push(server.store, server.name, 0)) is not None:
                receive(other.store, push, sender=server.name)
    for server in servers:
        server.apply()
    return [(server.disk, server.witness) for server in servers]
