"""Gates over HTTP: scans by the device API, from real processes, as readers and gate controllers send them."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from karnet.wiring.bench.measure import Figure, Yardstick, profiled, rate_at_once, rate_with_latency
from karnet.wiring.bench.site import answering_here, serving
from karnet.wiring.bench.visitor import Visitor, again_for, at_once
from karnet.wiring.bench.world import World

BATCH, BATCHING = 256, 4
_BETWEEN = timedelta(seconds=61)
_LATE = timedelta(hours=40)
"""How long after the first scan the server is asked: it takes scans of the last 48 hours."""


def gates_http(world: World, against: Yardstick, out: Path) -> Figure:
    """Scans over HTTP: a lone gate, many gates at once (keep-alive, one scan a request), controllers with batches.

    Every decision is durable before it is answered. Scans that wait together are committed together (group commit over
    the server's threads), so many gates get more done than one, and none waits for a disk of its own.
    """
    world.cards(min(2048, world.size.cards))
    tokens = _tokens(world)
    asked = _Asked(world)
    # The day after tomorrow: what is asked happened since, each card 61 s after the last time.
    world.go_on(_LATE)
    with serving(world.installation, world.now) as address, ExitStack() as held:

        def gate(n: int) -> tuple[Visitor, int]:
            facility = n % len(tokens)
            return held.enter_context(Visitor(address, tokens[facility])), facility

        lone = gate(0)
        _scan(asked, *lone)
        alone = again_for(world.size.seconds, lambda: _scan(asked, *lone))
        parts = {}
        for n in world.size.gates:
            works = [partial(again_for, world.size.seconds, partial(_scan, asked, *gate(k))) for k in range(n)]
            parts[f"{n}_gates"] = rate_at_once(*at_once(works), against, f"{n} gates at once, one scan a request")
        works = [partial(again_for, world.size.seconds, partial(_batch, asked, *gate(k))) for k in range(BATCHING)]
        note = f"{BATCHING} controllers at once, {BATCH} scans a request"
        parts["batches"] = rate_at_once(*at_once(works), against, note, each=BATCH, aim=">= 5,000/s")
    with answering_here(world.installation, world.now) as post, profiled(out / "profile-gates_http.txt"):
        for _ in range(300):
            own, chip, at, _key = asked.one(0)
            post(f"/api/v1/gates/{own}/scans", msgspec.json.encode({"chip": chip, "at": at}), tokens[0])
    figure = rate_with_latency(
        alone, against, "a lone gate, one scan a request, one durable commit", aim="p99 <= 50 ms"
    )
    return msgspec.structs.replace(figure, parts=parts)


class _Asked:
    """Scans that nobody refuses: one card after another; a card comes again 61 s later, after any passback time.

    The scans tell their instants, as those of a gate that was cut off for a day do, so no card is ever too early.
    """

    def __init__(self, world: World) -> None:
        self._chips, self._first = world.chips, world.now + _BETWEEN
        self._gates = world.gates
        self._next = count()

    def one(self, facility: int) -> tuple[UUID, str, datetime, str]:
        """Return gate, chip, instant and key of a scan at a facility. Safe between threads."""
        n = next(self._next)
        gates = self._gates[facility]
        at = self._first + _BETWEEN * (n // len(self._chips))
        return gates[n % len(gates)], self._chips[n % len(self._chips)], at, f"scan-{n}"


def _scan(asked: _Asked, visitor: Visitor, facility: int) -> float:
    gate, chip, at, key = asked.one(facility)
    answer = visitor.send(f"/api/v1/gates/{gate}/scans", {"chip": chip, "at": at}, key)
    return answer.seconds


def _batch(asked: _Asked, visitor: Visitor, facility: int) -> float:
    scans = [asked.one(facility) for _ in range(BATCH)]
    body = {"scans": [{"key": key, "gate": gate, "chip": chip, "at": at} for gate, chip, at, key in scans]}
    answer = visitor.send("/api/v1/scans", body)
    if b'"refused"' in answer.body:
        raise RuntimeError(f"a scan was refused: {answer.text[:2000]}")
    return answer.seconds


def _tokens(world: World) -> list[str]:
    """Return a device's token of every facility, without a limit that this machine could reach."""
    from karnet.faces.api.tokens import Issued, NewToken, create

    made: list[str] = []
    for facility in world.facilities:
        new = NewToken(name="bench", kind="device", facility=facility, per_minute=1_000_000)
        issued: Any = create(new, world.now)
        assert isinstance(issued, Issued), issued
        made.append(issued.text)
    return made
