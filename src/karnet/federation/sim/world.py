"""The world around the servers: time, and a network that loses, delays, doubles and cuts.

Everything that happens is an event on one heap; ties are broken by the order of planning, and every chance is drawn from
one seeded source, so the seed is the history. Members talk to the hub through the bytes of real messages.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec

from karnet.federation.core import messages
from karnet.federation.core.answering import Later
from karnet.federation.core.messages import Pull, Pulled, Pushed, Reply
from karnet.federation.core.relaying import Lane, Outbound, Rest, Send
from karnet.federation.sim import keys
from karnet.federation.sim.machine import HubMachine, Machine, Reaper, clock
from karnet.federation.sim.memory import Killed

EPOCH = datetime(2027, 1, 16, 7, tzinfo=UTC)
Act = Callable[[], None]


class Weather(msgspec.Struct, frozen=True, kw_only=True):
    """How bad the network is. Probabilities per message, delays in seconds."""

    loss: float = 0.0
    doubling: float = 0.0
    slow: float = 0.01
    slowest: float = 0.2


FAIR = Weather()


class _Waiting(msgspec.Struct):
    """A question for news that a node keeps."""

    machine: Machine
    request: messages.Request
    node: str
    until: float
    answer: Callable[[Reply | None], None]


class World:
    """Servers, network and time. `acknowledged`: what the hub gave receipts for, by log: size and root."""

    def __init__(
        self, chance: Random, hub: HubMachine, machines: list[Machine], weather: Weather, reaper: Reaper
    ) -> None:
        self.chance, self.hub, self.machines, self.weather, self.reaper = chance, hub, machines, weather, reaper
        self.now = 0.0
        self.acknowledged: dict[str, dict[int, bytes]] = {}
        self.sent = 0
        self._events: list[tuple[float, int, Act]] = []
        self._planned = 0
        self._waiting: list[_Waiting] = []
        self._sealing: set[str] = set()
        self._applying: set[str] = set()

    def at(self, when: float, act: Act) -> None:
        """Plan something."""
        self._planned += 1
        heapq.heappush(self._events, (max(when, self.now), self._planned, act))

    def after(self, delay: float, act: Act) -> None:
        """Plan something for later."""
        self.at(self.now + delay, act)

    def run(self, until: float, done: Callable[[], bool] = lambda: False) -> bool:
        """Let events happen until a moment, or until `done`; return whether it was."""
        steps = 0
        while self._events and self._events[0][0] <= until:
            self.now, _, act = heapq.heappop(self._events)
            act()
            steps += 1
            if steps % 16 == 0 and done():
                return True
        self.now = max(self.now, until)
        return done()

    def clock(self, machine: Machine) -> datetime:
        """What the clock of a member shows."""
        return clock(self.now, EPOCH, machine.skew)

    # Processes.

    def guarded(self, machine: Machine, work: Act) -> None:
        """Do a piece of work of a member's processes; if they die of it, they start again after a while."""
        if not machine.up:
            return
        try:
            work()
        except Killed:
            self.kill(machine)

    def kill(self, machine: Machine, down_for: float | None = None) -> None:
        """All processes of a member die. Answers under way to them are lost."""
        machine.up = False
        machine.lives += 1
        life = machine.lives
        self._waiting = [waiting for waiting in self._waiting if waiting.machine is not machine]

        def start() -> None:
            if machine.lives == life:
                machine.born()
                self.awaken(machine)

        self.after(self.chance.uniform(0.1, 5) if down_for is None else down_for, start)

    def awaken(self, machine: Machine) -> None:
        """Set a member's processes going: lanes, sealer, applier."""
        for lane in (machine.out, machine.into):
            self.advance(machine, lane)
        self.seal_soon(machine)
        self.apply_soon(machine)

    def seal_soon(self, machine: Machine) -> None:
        """The sealer looks after a moment."""
        self._soon(machine, self._sealing, self._seal)

    def apply_soon(self, machine: Machine) -> None:
        """The applier looks after a moment."""
        self._soon(machine, self._applying, self._apply)

    def _soon(self, machine: Machine, planned: set[str], work: Callable[[Machine], None]) -> None:
        if machine.name in planned:
            return
        planned.add(machine.name)

        def look() -> None:
            planned.discard(machine.name)
            self.guarded(machine, lambda: work(machine))

        self.after(self.chance.uniform(0.05, 0.4), look)

    def _seal(self, machine: Machine) -> None:
        if machine.may_sign and machine.server.seal(self.chance.choice((2, 5, 1024))):
            if machine.server.disk.unsealed:
                self.seal_soon(machine)
            self.advance(machine, machine.out)

    def _apply(self, machine: Machine) -> None:
        while machine.server.apply(self.chance.choice((1, 8, 512))):
            pass

    def hub_works(self) -> None:
        """The hub's own sealer and applier look, and its nodes answer those who wait for news."""
        try:
            while self.hub.server.apply():
                pass
            if not self.hub.recovering:
                keys.confirm(self.hub.server, EPOCH + timedelta(seconds=self.now))
                self.hub.server.seal()
        except Killed:
            self.after(1, self.hub_works)
            return
        self.answer_waiting()

    # Lanes and the network.

    def advance(self, machine: Machine, lane: Lane) -> None:
        """Let a lane do its next step, unless it waits for an answer."""
        self.guarded(machine, lambda: self._advance(machine, lane))

    def _advance(self, machine: Machine, lane: Lane) -> None:
        if lane in machine.busy or lane not in (machine.out, machine.into):
            return
        todo = lane.step(machine.server.store, self.clock(machine))
        if isinstance(todo, Rest):
            wake = self.now + max(0.01, (todo.until - self.clock(machine)).total_seconds())
            planned = machine.wakes.get(lane)
            if planned is None or planned <= self.now or wake < planned:
                machine.wakes[lane] = wake
                self.at(wake, lambda: self.advance(machine, lane))
            return
        machine.busy.add(lane)
        self._carry(machine, lane, todo)

    def _carry(self, machine: Machine, lane: Lane, send: Send) -> None:
        """Carry a request and its answer, or neither, or one of the two."""
        life = machine.lives
        answered: list[bool] = []

        def ended(reply: Reply | None) -> None:
            if answered or machine.lives != life:
                return
            answered.append(True)
            machine.busy.discard(lane)
            self.guarded(machine, lambda: self._ended(machine, lane, reply))

        patience = send.timeout_ms / 1000
        if machine.cut_off or self.chance.random() < self.weather.loss:
            self.after(min(patience, self.chance.uniform(0.2, 3)), lambda: ended(None))
            return
        self.after(patience, lambda: ended(None))
        data = messages.encode(send.request)
        copies = 2 if self.chance.random() < self.weather.doubling else 1
        for _ in range(copies):
            self.after(
                self._delay(), lambda: self._arrive(machine, send.address, data, self._answering(machine, ended))
            )

    def _answering(self, machine: Machine, ended: Callable[[Reply | None], None]) -> Callable[[Reply | None], None]:
        """How a node's answer gets back, if it does."""

        def answer(reply: Reply | None) -> None:
            if reply is None or machine.cut_off or self.chance.random() < self.weather.loss:
                self.after(self.chance.uniform(0.2, 3), lambda: ended(None))
                return
            data = messages.encode(reply)
            self.after(self._delay(), lambda: ended(messages.decode_reply(data)))

        return answer

    def _delay(self) -> float:
        weather = self.weather
        return self.chance.uniform(weather.slow, weather.slowest)

    def _ended(self, machine: Machine, lane: Lane, reply: Reply | None) -> None:
        now, store = self.clock(machine), machine.server.store
        if reply is None:
            lane.on_failure(now, "no answer")
        else:
            lane.on_reply(store, reply, now)
            if isinstance(lane, Outbound) and isinstance(reply, Pushed) and reply.cosigned is not None:
                seen = self.acknowledged.setdefault(reply.log, {})
                seen[reply.cosigned.size] = reply.cosigned.root
            if isinstance(reply, Pulled):
                self.apply_soon(machine)
            self.seal_soon(machine)  # What the hub said may allow it.
        self._advance(machine, lane)

    def _arrive(self, machine: Machine, node: str, data: bytes, answer: Callable[[Reply | None], None]) -> None:
        """A request reaches a node of the hub."""
        if node in self.hub.down:
            answer(None)
            return
        request = messages.decode_request(data)
        reply = self.ask(machine, node, request)
        if isinstance(reply, Later):
            until = self.now + reply.wait_ms / 1000
            self._waiting.append(_Waiting(machine, request, node, until, answer))
            self.at(until, self.answer_waiting)
        else:
            answer(reply)

    def ask(
        self, machine: Machine, node: str, request: messages.Request, *, waited: bool = False
    ) -> Reply | Later | None:
        """Let a node handle a request; None if it dies of it."""
        self.sent += 1
        now = EPOCH + timedelta(seconds=self.now)
        store = self.hub.server.store
        before = store.received
        try:
            reply = self.hub.nodes[node].handle(store, machine.name, request, now, waited=waited)
        except Killed:
            self.hub.down.add(node)
            self.after(self.chance.uniform(0.1, 5), lambda: self._start_node(node))
            return None
        if store.received != before:
            self.after(self.chance.uniform(0, 0.2), self.hub_works)
        return reply

    def _start_node(self, node: str) -> None:
        self.hub.born(node)
        self.hub_works()

    def answer_waiting(self) -> None:
        """Nodes look again at the questions they keep."""
        waiting, self._waiting = self._waiting, []
        for question in waiting:
            if question.node in self.hub.down:
                question.answer(None)
                continue
            over = self.now >= question.until
            reply = self.ask(question.machine, question.node, question.request, waited=over)
            if isinstance(reply, Later):
                self._waiting.append(question)
            else:
                question.answer(reply)

    # Backups.

    def recover(self, machine: Machine) -> None:
        """What people do after a backup was put back: fetch the own log from the hub, apply it, confess what is lost."""
        self.guarded(machine, lambda: self._recover(machine))
        if machine.recovering:
            self.after(2, lambda: self.recover(machine))

    def _recover(self, machine: Machine) -> None:
        server = machine.server
        up = [node for node in self.hub.nodes if node not in self.hub.down]
        if machine.cut_off or not up or self.hub.recovering:
            return
        size = server.store.log(server.name).size
        reply = self.ask(machine, up[0], Pull(have={server.name: size}))
        if not isinstance(reply, Pulled):
            return
        came = machine.regain(reply)
        self._apply(machine)
        if came or server.recovering:
            return
        if server.behind_witness > 0:
            server.confess(self.clock(machine))
        machine.recovering = False
        machine.born()  # `karnet serve` starts again.
        self.awaken(machine)

    def recover_hub(self) -> None:
        """The hub's own log comes back from whichever member has most of it; members give back the rest by themselves."""
        with suppress(Killed):
            self.hub.recovering = not self._hub_recovered()
        if self.hub.recovering:
            self.after(2, self.recover_hub)
        self.hub_works()

    def _hub_recovered(self) -> bool:
        hub, server = self.hub, self.hub.server
        holders = [m for m in self.machines if not m.evil]
        if not all(machine.up and not machine.cut_off for machine in holders):
            return False  # Whoever cannot be asked now may hold most: giving entries up before would make a fork.
        best = max(holders, key=lambda m: m.server.store.log(hub.name).size)
        while hub.regain_from(best.server.store):
            pass
        while server.apply():
            pass
        if server.recovering:
            return False
        if server.behind_witness > 0:
            server.confess(EPOCH + timedelta(seconds=self.now))
        return True
