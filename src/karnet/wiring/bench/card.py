"""Figures of the common card: a hub with two nodes and two servers on this machine, real HTTPS, every commit durable.

Everything shares the machine's cores: hub, members, three databases. In life each has a machine of its own.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from datetime import time as wall_time
from pathlib import Path

import msgspec

from karnet.wiring import postgres
from karnet.wiring.bench.measure import Figure, Yardstick
from karnet.wiring.bench.world import World
from karnet.wiring.demo import network
from karnet.wiring.demo.weekend import found_network
from karnet.wiring.installation import Installation
from karnet.wiring.network.servers import Card, Server, until
from karnet.wiring.play.steps import OpenShift, Sell
from karnet.wiring.play.words import SaleLine

DAY = date(2026, 1, 17)
LOAD_PER_S = 500
RELAY_S = 40
PROBES = 60
HISTORY = 100_000


def relay(world: World, against: Yardstick, out: Path) -> Figure:
    """Seconds from a sale at one server to the card opening a gate of another, while both sell 250 a second."""
    with _card(world) as card:
        jawor, kopa = card.members["jawor"], card.members["kopa"]
        others = [Server(server.path, server.name) for server in (jawor, kopa)]
        rates: list[float] = []

        def load(server: Server, place: str) -> None:
            told = server.ask("load_sales", sales_point=place, at=_at(10), per_s=LOAD_PER_S // 2, seconds=RELAY_S)
            rates.append(told["per_s"])

        places = ("jawor/rental", "kopa/machine")
        threads = [threading.Thread(target=load, args=pair) for pair in zip(others, places, strict=True)]
        try:
            for thread in threads:
                thread.start()
            time.sleep(5)  # The load is on.
            waits = sorted(_probe(card, n) for n in range(PROBES))
            for thread in threads:
                thread.join()
        finally:
            for server in others:
                server.put_hand_down()
    return Figure(
        note=f"from a sale to the gate of another server, at {sum(rates):,.0f} sales/s on both, {PROBES} cards",
        per_s=sum(rates),
        p50_ms=1000 * waits[len(waits) // 2],
        p99_ms=1000 * waits[min(len(waits) - 1, int(0.99 * len(waits)))],
        aim="p99 <= 2,000 ms at 500/s",
    )


def catch_up(world: World, against: Yardstick, out: Path) -> Figure:
    """Seconds until a server that joins a card of 100,000 entries holds and has applied them all."""
    with _card(world) as card:
        jawor = card.members["jawor"]
        world.say(f"selling until there are {HISTORY:,} entries")
        while sum(card.hub.ask("logs")["applied"].values()) < HISTORY:
            jawor.ask("load_sales", sales_point="jawor/rental", at=_at(10), per_s=0, seconds=10)
        cut = card.settled_cut(600)
        late = Server(card.hub.path.parent / "polana", "karnet.bench/polana")
        late.make()
        card.join(late)
        card.members["polana"] = late
        began = time.perf_counter()
        late.serve()
        until(lambda: _has(late, cut), "the new server to catch up", 600)
        took = time.perf_counter() - began
    entries = sum(cut.values())
    return Figure(
        note=f"{entries:,} entries received, cosigned and applied ({entries / took:,.0f}/s), its start included",
        seconds=took,
        aim="<= 60 s for 100,000",
    )


def _has(server: Server, cut: dict[str, int]) -> bool:
    applied = server.ask("logs")["applied"]
    return all(applied.get(log, 0) >= size for log, size in cut.items())


def _probe(card: Card, n: int) -> float:
    sold_at = datetime.fromisoformat(_at(11)) + timedelta(seconds=n)
    step = Sell(
        at=sold_at,
        sales_point="jawor/till-1",
        operator="jawor/grzegorz",
        lines=(SaleLine(product="day", category="adult", cards=(f"probe-{n}",)),),
        pay="card",
    )
    sold = card.members["jawor"].ask("sell", step=msgspec.to_builtins(step))
    assert sold["ok"], sold
    shown = (sold_at + timedelta(seconds=60)).isoformat()
    told = card.members["kopa"].ask("admit", gate="kopa/summit", card=f"probe-{n}", at=shown, wait_s=60)
    assert told["ok"], told
    return float(told["monotonic"]) - float(sold["monotonic"])


def _at(hour: int) -> str:
    return _instant(hour).isoformat()


def _instant(hour: int) -> datetime:
    return network.instant(DAY, wall_time(hour))


@contextmanager
def _card(world: World) -> Iterator[Card]:
    place = Path(tempfile.mkdtemp(prefix="karnet-bench-", dir="/var/tmp"))
    place.chmod(0o711)
    card = Card(place, ["jawor", "kopa"], domain="karnet.bench")
    try:
        with card:
            card.make(world.say)
            found_network(card, DAY)
            opened = [
                OpenShift(at=_instant(8), sales_point=place, operator=clerk, float_amount="100.00")
                for place, clerk in (("jawor/rental", "jawor/hania"), ("jawor/till-1", "jawor/grzegorz"))
            ]
            card.members["jawor"].ask("play", steps=[msgspec.to_builtins(step) for step in opened])
            yield card
    finally:
        for record in place.glob("*/cluster.json"):
            postgres.remove(Installation.load(record.parent, environment={}))
        shutil.rmtree(place, ignore_errors=True)
