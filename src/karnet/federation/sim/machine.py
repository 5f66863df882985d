"""A simulated installation around its server: processes that die and start again, a clock that may be wrong, lanes."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from karnet.federation.core.accepting import accept
from karnet.federation.core.answering import Allowance, Hub
from karnet.federation.core.batching import next_push
from karnet.federation.core.messages import Pulled, Push
from karnet.federation.core.relaying import Inbound, Lane, Outbound, Trouble
from karnet.federation.core.store import Acceptable
from karnet.federation.sim.business import Desk
from karnet.federation.sim.memory import Killed, MemoryStore
from karnet.federation.sim.server import Disk, Server

NODES = ("one", "two")


class Machine:
    """A member's installation. `skew`: how wrong its clock is."""

    def __init__(self, server: Server, code: str, hub: str, chance: Random) -> None:
        self.server, self.hub, self.chance = server, hub, chance
        self.desk = Desk(server, code)
        self.skew = timedelta()
        self.up = True
        self.cut_off = False
        self.evil = False
        self.lives = 0
        self.backup: Disk | None = None
        self.recovering = False
        self.busy: set[Lane] = set()
        self.wakes: dict[Lane, float] = {}
        self.born()

    def born(self) -> None:
        """The processes start: whatever they had in mind is gone, what is on the disk is not."""
        self.lives += 1
        self.up = True
        self.server.start()
        self.out = Outbound(NODES, self.chance.random, hub=self.hub)
        self.into = Inbound(NODES, self.chance.random, hub=self.hub, cosigner=self.server.who.cosigner)
        self.busy.clear()
        self.wakes.clear()

    @property
    def name(self) -> str:
        return self.server.name

    @property
    def may_sign(self) -> bool:
        """Whether the sealer may sign: not while the log is behind what was signed before, or what the hub holds."""
        behind = (Trouble.BEHIND, self.name) in self.out.alarms
        return self.up and not self.recovering and (self.evil or not behind)

    def regain(self, pulled: Pulled) -> bool:
        """Take back what the hub holds of the own log; return whether anything came."""
        for push in pulled.pushes:
            regain(self.server, push, self.hub)
        return bool(pulled.pushes)


def regain(server: Server, push: Push, sender: str) -> bool:
    """Verify a batch of a server's own log as anybody's, and take it back; return whether it was taken."""
    store = server.store
    view = store.logs()[server.name]
    outcome = accept(
        view,
        push,
        edge=lambda: store.edge(view.name, view.size),
        root_at=lambda size: store.root_at(view.name, size),
        sender=sender,
    )
    if isinstance(outcome, Acceptable):
        server.regain(outcome)
    return isinstance(outcome, Acceptable)


class HubMachine:
    """The hub's installation: several stateless nodes over one disk."""

    def __init__(self, server: Server, code: str, allowance: Allowance) -> None:
        self.server = server
        self.desk = Desk(server, code)
        self._allowance = allowance
        self.nodes = {name: self._node() for name in NODES}
        self.down: set[str] = set()
        self.backup: Disk | None = None
        self.recovering = False

    def _node(self) -> Hub:
        return Hub(self.server.who.cosigner, self._allowance)

    def born(self, node: str) -> None:
        """A node starts again."""
        self.down.discard(node)
        self.nodes[node] = self._node()
        self.server.start()

    @property
    def name(self) -> str:
        return self.server.name

    def regain_from(self, helper: MemoryStore) -> bool:
        """Take back a batch of the hub's own log from a member's storage; return whether one was taken."""
        size, own = self.server.store.log(self.name).size, helper.log(self.name)
        push = next_push(helper, self.name, size, keys=own.keys)
        return push is not None and regain(self.server, push, helper.home)


class Reaper:
    """Kills at one write in so many, while it is let."""

    def __init__(self, chance: Random, one_in: int) -> None:
        self._chance, self._one_in = chance, one_in
        self.armed = False
        self.killed = 0

    def __call__(self, point: str) -> None:
        if self.armed and self._one_in and self._chance.randrange(self._one_in) == 0:
            self.killed += 1
            raise Killed(point)


def clock(now: float, epoch: datetime, skew: timedelta) -> datetime:
    """Return what a clock shows that is wrong by `skew`, `now` seconds after the epoch."""
    return epoch + timedelta(seconds=now) + skew
