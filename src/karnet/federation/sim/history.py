"""One seed, one history: what happens, and what must hold when it is over."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from random import Random

import msgspec

from karnet.federation.core.answering import Allowance
from karnet.federation.core.relaying import Trouble
from karnet.federation.sim import invariants, keys
from karnet.federation.sim.attacks import ATTACKS, Named
from karnet.federation.sim.business import Desk
from karnet.federation.sim.genesis import CODES, HUB, acquainted, strangers
from karnet.federation.sim.invariants import Broken
from karnet.federation.sim.machine import HubMachine, Machine, Reaper
from karnet.federation.sim.memory import Killed
from karnet.federation.sim.server import Server
from karnet.federation.sim.world import EPOCH, FAIR, Weather, World

LENGTH = 60.0
"""Seconds of business; afterwards the weather is fair, and everything must come to rest."""
PATIENCE = 400.0
"""Seconds within which it must."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a history is made of. Drawn from the seed; told when it fails."""

    members: int
    acts: int
    crowds: int
    weather: Weather
    crash_one_in: int = 0
    cuts: int = 0
    kills: int = 0
    wrong_clocks: bool = False
    restored: str = ""
    attack: str = ""
    from_nothing: bool = False
    late_member: bool = False
    key_changes: int = 0


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a history: numbers for people."""

    seed: int
    plan: Plan
    operations: int
    messages: int
    killed: int
    overdrawn: int
    claimed_twice: int
    attacked: bool
    keys_changed: int = 0


class Failed(Exception):
    """A history in which something did not hold: its seed plays it again."""

    def __init__(self, seed: int, plan: Plan, what: str) -> None:
        super().__init__(f"seed {seed}: {what}\n  in {plan}")
        self.seed, self.plan, self.what = seed, plan, what


def drawn(chance: Random, attack: str | None = None) -> Plan:
    """Return a plan. A third of all histories are peaceful, so that what is found in the others is easier to tell."""
    members = chance.choice((2, 2, 3, 3, 4))
    from_nothing = chance.random() < 0.25
    acts, crowds = chance.randint(8, 32), chance.choice((2, 4, 8))
    if attack is None:
        attack = chance.choice((*ATTACKS, *[""] * 2 * len(ATTACKS)))
    if chance.random() < 0.25:
        return Plan(members=members, acts=acts, crowds=crowds, weather=FAIR, attack=attack, from_nothing=from_nothing)
    return Plan(
        members=members,
        acts=acts,
        crowds=crowds,
        weather=Weather(
            loss=chance.choice((0, 0.05, 0.25)),
            doubling=chance.choice((0, 0.1, 0.4)),
            slowest=chance.choice((0.1, 1, 6)),
        ),
        crash_one_in=chance.choice((0, 0, 150, 40)),
        cuts=chance.choice((0, 0, 1, 3)),
        kills=chance.choice((0, 1, 3)),
        wrong_clocks=chance.random() < 0.3,
        # One disaster at a time: what was acknowledged is then still held by somebody.
        restored="" if attack else chance.choice(("", "", "member", "hub")),
        attack=attack,
        from_nothing=from_nothing,
        late_member=from_nothing and chance.random() < 0.5,
        key_changes=chance.choice((0, 0, 0, 1, 3)),
    )


def play(seed: int, attack: str | None = None) -> Told:
    """Play one history. Raises Failed if something does not hold at its end."""
    return play_out(seed, attack)[0]


def play_out(seed: int, attack: str | None = None) -> tuple[Told, list[Server]]:
    """Play one history; return also its servers as they are at its end, the hub first. Raises Failed."""
    history = _History(seed, drawn(Random(f"plan {seed}"), attack))
    return history.run(), history.servers


class _History:
    def __init__(self, seed: int, plan: Plan) -> None:
        self.seed, self.plan = seed, plan
        self.chance = Random(f"history {seed}")
        if plan.from_nothing:
            self.servers = strangers(plan.members, self.chance)
        else:
            self.servers = acquainted(plan.members, self.chance.randrange(4))
        # Tight enough to stop a flood, wide enough for honest members whose requests are all doubled.
        allowance = Allowance(per_second=20, burst=60)
        self.hub = HubMachine(self.servers[0], "hub", allowance)
        self.machines = [
            Machine(server, code, HUB, self.chance) for server, code in zip(self.servers[1:], CODES, strict=False)
        ]
        self.reaper = Reaper(self.chance, plan.crash_one_in)
        self.world = World(self.chance, self.hub, self.machines, plan.weather, self.reaper)
        self.evil = self.chance.choice(self.machines) if plan.attack else None
        self.named: Named | None = None

    def run(self) -> Told:
        world = self.world
        self._begin()
        self._plan_business()
        self._plan_trouble()
        world.run(LENGTH)
        self._calm()
        try:
            if not world.run(LENGTH + PATIENCE, self._at_rest):
                raise Broken(f"not at rest after {PATIENCE:.0f} s: {self._unrest()}")
            self._check()
        except Broken as broken:
            raise Failed(self.seed, self.plan, str(broken)) from None
        return self._told()

    def _begin(self) -> None:
        for desk in (self.hub.desk, *(machine.desk for machine in self.machines)):
            assert not self.plan.from_nothing or desk.found(EPOCH), f"{desk.code} is not founded"
        if self.plan.wrong_clocks:
            for machine in self.machines:
                machine.skew = timedelta(seconds=self.chance.choice((0, -3600, 86_400, -0.5, 90)))
        for server in self.servers:
            server.crash_by(self.reaper)
        self.reaper.armed = True
        self.world.at(0, self.world.hub_works)
        for machine in self.machines:
            late = self.plan.late_member and machine is self.machines[-1]
            self.world.at(LENGTH / 2 if late else 0, lambda machine=machine: self.world.awaken(machine))  # type: ignore[misc]
        if self.evil is not None:
            self.evil.evil = True

    def _plan_business(self) -> None:
        # People come in crowds: what happens at two places at once is where servers contradict each other.
        crowds = [self.chance.uniform(1, LENGTH) for _ in range(self.plan.crowds)]
        for _ in range(self.plan.acts):
            where = self.chance.choice([self.hub, *self.machines])
            when = self.chance.choice(crowds) + self.chance.choice((0, 0, 0.5, self.chance.uniform(0, 1.5)))
            self.world.at(when, lambda where=where: self._act(where))  # type: ignore[misc]

    def _act(self, where: HubMachine | Machine) -> None:
        if isinstance(where, Machine):
            if not where.recovering:
                self.world.guarded(where, lambda: self._act_at(where.desk, where))
        elif not where.recovering:
            with suppress(Killed):
                where.desk.act(self.chance, EPOCH + timedelta(seconds=self.world.now))
            self.world.after(self.chance.uniform(0, 0.3), self.world.hub_works)

    def _act_at(self, desk: Desk, machine: Machine) -> None:
        if desk.act(self.chance, self.world.clock(machine)):
            self.world.seal_soon(machine)

    def _plan_trouble(self) -> None:
        chance, world, plan = self.chance, self.world, self.plan
        for _ in range(plan.cuts):
            machine, start = chance.choice(self.machines), chance.uniform(0, LENGTH)
            world.at(start, lambda machine=machine: setattr(machine, "cut_off", True))  # type: ignore[misc]
            world.at(start + chance.uniform(1, 25), lambda machine=machine: setattr(machine, "cut_off", False))  # type: ignore[misc]
        for _ in range(plan.kills):
            machine = chance.choice(self.machines)
            world.at(chance.uniform(0, LENGTH), lambda machine=machine: world.kill(machine))  # type: ignore[misc]
        if plan.restored == "member":
            machine, start = chance.choice(self.machines), chance.uniform(5, LENGTH - 20)
            world.at(start, lambda: setattr(machine, "backup", machine.server.disk.copy()))
            world.at(start + chance.uniform(1, 20), lambda: self._put_back(machine))
        if plan.restored == "hub":
            start = chance.uniform(5, LENGTH - 20)
            world.at(start, lambda: setattr(self.hub, "backup", self.hub.server.disk.copy()))
            world.at(start + chance.uniform(1, 20), self._put_back_hub)
        for _ in range(plan.key_changes):
            # A hub put back from a backup may have lost its announcement for good: that is for people to mend.
            changing = [] if plan.restored == "hub" else [self.hub]
            who = chance.choice([*changing, *(machine for machine in self.machines if machine is not self.evil)])
            world.at(chance.uniform(1, LENGTH), lambda who=who: self._change_key(who))  # type: ignore[misc]
        if plan.attack:
            world.at(chance.uniform(LENGTH / 3, LENGTH * 0.9), self._attack)

    def _change_key(self, where: HubMachine | Machine) -> None:
        if where.recovering:
            return
        if isinstance(where, Machine):
            self.world.guarded(where, lambda: self._announce(where))
        else:
            with suppress(Killed):
                keys.announce(where.server, EPOCH + timedelta(seconds=self.world.now))
            self.world.after(self.chance.uniform(0, 0.3), self.world.hub_works)

    def _announce(self, machine: Machine) -> None:
        if keys.announce(machine.server, self.world.clock(machine)):
            self.world.seal_soon(machine)

    def _put_back(self, machine: Machine) -> None:
        assert machine.backup is not None
        machine.server.put_back(machine.backup)
        machine.recovering = True
        self.world.kill(machine, 0.5)
        # Not before the last request of its former life has arrived: the hub may learn of more than it holds now.
        self.world.after(self.plan.weather.slowest + 1, lambda: self.world.recover(machine))

    def _put_back_hub(self) -> None:
        hub = self.hub
        assert hub.backup is not None
        hub.server.put_back(hub.backup)
        hub.recovering = True
        for node in hub.nodes:
            hub.born(node)
        # Not before the last answer of its former life has arrived: it may bring somebody the most of the hub's log.
        self.world.after(self.plan.weather.slowest + 1, self.world.recover_hub)

    def _attack(self) -> None:
        evil = self.evil
        assert evil is not None
        self.reaper.armed = False  # The attacker's own steps are not what dies here.
        if evil.up:
            victim = self.chance.choice([machine for machine in self.machines if machine is not evil])
            self.named = ATTACKS[self.plan.attack](self.world, evil, victim)
        self.reaper.armed = True

    def _calm(self) -> None:
        self.reaper.armed = False
        self.world.weather = FAIR
        for machine in self.machines:
            machine.cut_off = False

    # What must hold.

    def _honest(self) -> list[Server]:
        return [s for s in self.servers if self.evil is None or s is not self.evil.server]

    def _at_rest(self) -> bool:
        return self._unrest() == ""

    def _unrest(self) -> str:
        """What is still under way; empty if nothing is."""
        for machine in self.machines:
            if machine.recovering or not machine.up:
                return f"{machine.name} is not back"
        if self.hub.recovering or self.hub.down:
            return "the hub is not back"
        hub = self.hub.server.store
        named = self.named
        if named is not None and named.bad_index is not None and hub.log(named.log).size <= named.bad_index:
            return f"entry {named.bad_index} of {named.log} has not come yet"
        if named is not None and named.codes and not hub.evidence():
            return f"nobody has noticed {self.plan.attack} yet"
        for server in self._honest():
            if server.disk.unsealed:
                return f"{server.name} has {len(server.disk.unsealed)} operations unsealed"
            for log in server.store.all_logs():
                if log.name == server.name or not self._is_evil(log.name):
                    whole = self._server(log.name).store.log(log.name).size
                else:
                    whole = hub.log(log.name).size
                if log.size != whole:
                    return f"{server.name} holds {log.size} of {whole} entries of {log.name}"
                if log.applied < log.applicable and log.name not in server.disk.quarantines:
                    why = server.disk.waiting.get(log.name, "nobody knows why")
                    stopped = {name: (q.index, q.code, q.detail) for name, q in server.disk.quarantines.items()}
                    return f"{server.name} has applied {log.applied} of {log.size} of {log.name}: {why} {stopped or ''}"
        return ""

    def _is_evil(self, log: str) -> bool:
        return self.evil is not None and log == self.evil.name

    def _server(self, name: str) -> Server:
        return next(server for server in self.servers if server.name == name)

    def _check(self) -> None:
        honest = self._honest()
        expected = {self.named.log: self.named.bad_index} if self.named and self.named.bad_index is not None else {}
        invariants.quarantined_only(honest, expected)
        invariants.same_logs(honest, [self.evil.name] if self.evil else [])
        made = invariants.same_facts(honest)
        if self.chance.random() < 0.5:  # It costs as much as a server's whole life.
            chosen = self.chance.randrange(len(honest))
            invariants.rebuilt_is_the_same(honest[chosen], made[chosen])
        invariants.nothing_is_doubled(honest)
        invariants.books_balance(honest)
        invariants.house_contents_stay_home(honest)
        receipts = {log: seen for log, seen in self.world.acknowledged.items() if not self._is_evil(log)}
        invariants.nothing_acknowledged_is_lost(honest, receipts)
        sizes = {log.name: log.applied for log in self.hub.server.store.all_logs()}
        cut = {name: self.chance.randint(0, size) for name, size in sizes.items()}
        invariants.same_settlement_inputs(honest, cut)
        self._check_names()

    def _check_names(self) -> None:
        """Every attack is named, with the right origin and index, and nobody else is accused."""
        found = self.hub.server.store.evidence()
        told = [(e.log, e.sender, e.index, e.code) for e in found]
        named = self.named
        if named is not None and named.codes:
            last = self.hub.server.store.log(named.log).size
            if not any(
                e.log == named.log
                and e.sender == named.sender
                and named.index <= e.index <= last
                and e.code in named.codes
                for e in found
            ):
                raise Broken(f"{named} is not named; what is: {told}")
        if {e.sender for e in found} - ({self.evil.name} if self.evil else set()):
            raise Broken(f"accused without reason: {told}")
        for machine in self.machines:
            if not machine.evil:
                wrong = {trouble for trouble, _ in (*machine.out.alarms, *machine.into.alarms)} - {
                    Trouble.HUB_BEHIND,
                    Trouble.UNREACHABLE,
                }
                if wrong:
                    raise Broken(f"{machine.name} is alarmed at rest: {machine.out.alarms} {machine.into.alarms}")

    def _told(self) -> Told:
        accounts = self.hub.server.rows("accounts.Account").values()
        guards = self.hub.server.rows("journal.Guard").values()
        return Told(
            seed=self.seed,
            plan=self.plan,
            operations=sum(log.size for log in self.hub.server.store.all_logs()),
            messages=self.world.sent,
            killed=self.reaper.killed,
            overdrawn=sum(1 for row in accounts if row["overdrawn"]),
            claimed_twice=sum(1 for row in guards if row["claims"] > 1),
            attacked=self.named is not None,
            keys_changed=sum(server.key != server.who.key for server in self.servers),
        )
