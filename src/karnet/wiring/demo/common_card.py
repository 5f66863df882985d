"""`karnet demo --network`: a ski weekend on a hub with two nodes and three servers, with what goes wrong in life.

Saturday, the link of Kopa is cut for a while; processes are killed; on Sunday Polana's database is a backup of the evening
before. Then all four settle over one cut. Measured on the way: seconds from a sale at one server to the first passage at
another.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from datetime import time as wall_time
from functools import partial
from pathlib import Path

import msgspec

from karnet.wiring.demo import network
from karnet.wiring.demo.day import generate
from karnet.wiring.demo.weekend import facility_of, found_network
from karnet.wiring.network.servers import Card, at_once, copy_cluster, karnet, restore_cluster
from karnet.wiring.play.steps import Sell, Step
from karnet.wiring.play.words import SaleLine

Say = Callable[[str], None]

SATURDAY = date(2026, 1, 17)
WINDOW = timedelta(minutes=4)
"""Steps of the same minutes are played at all servers at once."""
_PROBE_CASHIER, _PROBE_TILL = "jawor/grzegorz", "jawor/till-1"


class Weekend(msgspec.Struct, kw_only=True):
    """What the weekend came to."""

    steps: int = 0
    refused: int = 0
    latencies_s: list[float] = []
    incidents: list[str] = []
    cut: dict[str, int] = {}
    hashes: dict[str, str] = {}
    faults: list[str] = []

    @property
    def sound(self) -> bool:
        """Whether all four settle alike, every measured card opened its gate, and every log verifies."""
        return len(set(self.hashes.values())) == 1 and not self.faults and bool(self.latencies_s)

    def quantile(self, share: float) -> float:
        """Return a quantile of the seconds from sale to passage."""
        ordered = sorted(self.latencies_s)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def play_weekend(
    place: Path,
    say: Say,
    *,
    seed: int,
    skiers: int,
    shown: Callable[[Weekend], None] = lambda weekend: None,
    stay: Callable[[Card], None] | None = None,
) -> Weekend:
    """Play it all in directories below `place`; everything that was started has ended when it returns.

    `shown` hears the outcome, then `stay`, if given, may keep the servers up as long as it wants.
    """
    found = Weekend()
    with Card(place, list(network.FACILITIES), domain="karnet.demo") as card:
        card.make(say)
        say("each facility sets itself up; the hub proposes the season's agreement, every manager signs it")
        found_network(card, SATURDAY)
        story = _Story(card, found, say)
        story.saturday(_steps(seed, skiers, SATURDAY))
        story.backup()
        story.sunday(_steps(seed + 1, skiers, SATURDAY + timedelta(days=1)))
        story.settle()
        shown(found)
        if stay is not None:
            stay(card)
    return found


def _steps(seed: int, skiers: int, day: date) -> list[Step]:
    setup = len(list(network.setup(day)))
    return [step for step in list(generate(seed, skiers, day))[setup:] if facility_of(step) is not None]


class _Story:
    def __init__(self, card: Card, found: Weekend, say: Say) -> None:
        self._card, self._found, self._say = card, found, say
        self._backup = card.members["polana"].path / "backup-of-saturday"

    def saturday(self, steps: Sequence[Step]) -> None:
        """A day with a link that is cut from eleven to one, and two killed processes."""
        kopa, hub = self._card.members["kopa"], self._card.hub
        self._play(steps, until=self._at(SATURDAY, 11))
        self._measure(SATURDAY, 40)
        kopa.cut()
        self._tell("11:00 the link between Kopa and the hub is cut; Kopa goes on selling and admitting")
        self._play(steps, since=self._at(SATURDAY, 11), until=self._at(SATURDAY, 13))
        waiting = kopa.ask("query", sql=_NOT_VOUCHED)["rows"][0][0]
        kopa.mend()
        self._tell(f"13:00 the link is back; {waiting} entries of Kopa had waited, all in order")
        self._play(steps, since=self._at(SATURDAY, 13), until=self._at(SATURDAY, 14))
        killed = hub.kill("hub-1"), kopa.kill("relay")
        self._tell(f"14:00 SIGKILL to hub node 1 and to Kopa's relay (processes {killed[0]} and {killed[1]})")
        self._play(steps, since=self._at(SATURDAY, 14))
        hub.wait_for("hub-1", other_than=killed[0])
        kopa.wait_for("relay", other_than=killed[1])

    def backup(self) -> None:
        """In the evening, Polana copies its database."""
        polana = self._card.members["polana"]
        self._card.settled_cut()
        polana.stop()
        copy_cluster(polana, self._backup)
        polana.serve()
        self._tell("Saturday evening: Polana makes a backup of its database")

    def sunday(self, steps: Sequence[Step]) -> None:
        """At noon, Polana's disk dies: the backup is restored, and the hub gives back what it lacks."""
        day = SATURDAY + timedelta(days=1)
        polana = self._card.members["polana"]
        self._play(steps, until=self._at(day, 12))
        self._card.settled_cut()
        held = self._card.hub.ask("logs")["held"][polana.name]
        polana.stop()
        restore_cluster(polana, self._backup)
        self._tell(f"Sunday noon: Polana's database is the backup of the evening before; its log had {held} entries")
        karnet(polana.path, "federation", "recover")
        polana.serve()
        now = polana.ask("logs")["applied"][polana.name]
        self._tell(f"the hub gave back what was lost: {now} entries, and Polana may sign again")
        self._play(steps, since=self._at(day, 12))

    def settle(self) -> None:
        """All four settle the season so far, over one cut."""
        self._say("waiting until everybody has everything")
        self._found.cut = self._card.settled_cut()
        at = network.instant(SATURDAY + timedelta(days=1), wall_time(23, 59, 59)).isoformat()
        for server in self._card.servers:
            told = server.ask("settle", cut=self._found.cut, at=at)
            self._found.hashes[server.name] = told.get("sha256", str(told))
        for server in self._card.servers:
            for name, what in server.ask("logs")["quarantined"].items():
                self._found.faults.append(f"{server.name}: {name} is in quarantine: {what}")

    def _play(self, steps: Sequence[Step], *, since: datetime | None = None, until: datetime | None = None) -> None:
        """Play the day's steps of some hours: a few minutes at all servers at once, then the next few."""
        own = {name: [step for step in steps if facility_of(step) == name] for name in self._card.members}
        for name, server in self._card.members.items():
            # Anew each time: a server that was stopped has another hand.
            server.ask("load", steps=[msgspec.to_builtins(step) for step in own[name]])
        for first, last in _windows(steps, since, until):
            at_once([partial(self._play_at, name, own[name], first, last) for name in own], len(own))

    def _play_at(self, name: str, own: Sequence[Step], first: datetime, last: datetime) -> None:
        start, stop = (bisect_left(own, at, key=lambda step: step.at) for at in (first, last))
        if start < stop:
            outcomes = self._card.members[name].ask("play_loaded", start=start, stop=stop)["outcomes"]
            self._found.steps += len(outcomes)
            self._found.refused += sum(not outcome["ok"] for outcome in outcomes)

    def _measure(self, day: date, cards: int) -> None:
        """Sell day tickets at Jawor and show each at a gate of Polana until it opens."""
        at = self._at(day, 11)
        jawor, polana = self._card.members["jawor"], self._card.members["polana"]
        for n in range(cards):
            sold_at = at + timedelta(seconds=n)
            step = Sell(
                at=sold_at,
                sales_point=_PROBE_TILL,
                operator=_PROBE_CASHIER,
                lines=(SaleLine(product="day", category="adult", cards=(f"probe-{n}",)),),
            )
            sold = jawor.ask("sell", step=msgspec.to_builtins(step))
            if not sold["ok"]:
                self._found.faults.append(f"a measured sale was refused: {sold['told']}")
                return
            shown = (sold_at + timedelta(seconds=60)).isoformat()
            told = polana.ask("admit", gate="polana/tow", card=f"probe-{n}", at=shown, wait_s=60)
            if told["ok"]:
                self._found.latencies_s.append(told["monotonic"] - sold["monotonic"])
            else:
                self._found.faults.append(f"a measured card was never admitted: {told['said']}")

    def _tell(self, what: str) -> None:
        self._found.incidents.append(what)
        self._say(what)

    @staticmethod
    def _at(day: date, hour: int) -> datetime:
        return network.instant(day, wall_time(hour))


_NOT_VOUCHED = (
    "SELECT t.size - coalesce((SELECT max(s.size) FROM federation_cosignature s JOIN journal_origin o ON o.name = s.log"
    " WHERE o.id = 1 AND s.cosigner <> o.name), 0) FROM journal_tree t WHERE t.origin_id = 1"
)


def _windows(
    steps: Sequence[Step], since: datetime | None, until: datetime | None
) -> Iterator[tuple[datetime, datetime]]:
    """Yield stretches of a few minutes that have steps, between two instants."""
    first, last = since or steps[0].at, until or steps[-1].at + timedelta(seconds=1)
    while first < last:
        end = min(first + WINDOW, last)
        yield first, end
        first = end
