"""The world of a simulated day: everybody is a process that sleeps until a second of the day, then acts.

A process is a Python generator that yields the second at which it wants to go on. The world wakes processes in the
order of time, so the steps they emit come out in order, and nobody can be at two lifts at once. A lift or a desk serves
one after the other: who comes asks for the next free moment, and waits for it.
"""

from __future__ import annotations

import heapq
from collections.abc import Generator, Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from karnet.wiring.demo import network
from karnet.wiring.demo.network import DESKS, LIFTS, Desk, Lift
from karnet.wiring.demo.people import HOUR
from karnet.wiring.play.steps import Step

Process = Generator[int, None, None]

EVENING = (17 - 24) * HOUR
"""Of the day before."""

OPENS, CLOSES, TILLS_CLOSE = int(8.5 * HOUR), int(16.5 * HOUR), int(17.5 * HOUR)
WIND = ("kopa/chair", int(12.6 * HOUR), int(13.6 * HOUR))
"""Wind stops the Kopa chairlift for an hour."""


class Queue:
    """Serves one after the other; `interval_s` between two."""

    def __init__(self, interval_s: float) -> None:
        self.interval_s = interval_s
        self.free_at = float("-inf")

    def wait(self, now: int) -> float:
        """Return the seconds somebody who joins now would wait."""
        return max(0.0, self.free_at - now)

    def join(self, now: int) -> int:
        """Take the next free moment and return it."""
        served = max(float(now), self.free_at)
        self.free_at = served + self.interval_s
        return int(served)


class World:
    """The day's state: the clock, who sleeps until when, the queues, and what was emitted."""

    def __init__(self, seed: int, day: date) -> None:
        self.day = day
        self.now = 0
        self.chance = Random(f"{day}:{seed}")  # noqa: S311 - chance, not secrets
        self.lifts = {lift.gate: Queue(lift.interval_s) for lift in LIFTS}
        self.desks = {desk.code: Queue(desk.sale_s) for desk in DESKS}
        self.cash = dict.fromkeys((desk.code for desk in DESKS), 0)
        self.parties = 0
        """Parties at the pool that have not left yet."""
        self.emitted: list[Step] = []
        self._midnight = network.instant(day, time()).astimezone(UTC)
        self._asleep: list[tuple[int, int, Process]] = []
        self._started = 0

    def instant(self) -> datetime:
        """Return the present moment of the simulation."""
        return (self._midnight + timedelta(seconds=self.now)).astimezone(network.ZONE)

    def emit(self, step: Step) -> None:
        """Put a step of the present moment on the record."""
        self.emitted.append(step)

    def start(self, at_s: int, process: Process) -> None:
        """Let a process begin at a second of the day."""
        self._started += 1
        heapq.heappush(self._asleep, (at_s, self._started, process))

    def run(self) -> Iterator[Step]:
        """Wake everybody in turn until nobody sleeps; yield the steps."""
        while self._asleep:
            at_s, number, process = heapq.heappop(self._asleep)
            self.now = at_s
            wake = next(process, None)
            if wake is not None:
                heapq.heappush(self._asleep, (max(wake, self.now), number, process))
            yield from self.emitted
            self.emitted.clear()

    def open_lifts(self, facility: str) -> list[Lift]:
        """Return the lifts of a facility that run now."""
        return [lift for lift in LIFTS if lift.facility == facility and self.runs(lift.gate, self.now)]

    def runs(self, gate: str, at_s: int) -> bool:
        """Tell whether a lift runs at a second of the day."""
        windy, starts, ends = WIND
        return OPENS <= at_s < CLOSES and not (gate == windy and starts <= at_s < ends)

    def desk(self, facility: str, *, drawer: bool = False) -> Desk:
        """Return the desk of a facility with the shortest queue (one with a drawer, if asked for)."""
        desks = [d for d in DESKS if d.facility == facility and d.kind not in ("web", "partner")]
        if drawer:
            desks = [d for d in desks if d.has_drawer]
        return min(desks, key=lambda d: self.desks[d.code].wait(self.now))
