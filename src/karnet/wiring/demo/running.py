"""Playing a day of the demo and proving it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from datetime import time as wall_time

import msgspec

from karnet.accounts.selectors import books_balance
from karnet.journal.rebuilding import check
from karnet.kernel.outcomes import Refused
from karnet.settlement.rules.report import Report
from karnet.settlement.services import settle
from karnet.wiring.demo import network
from karnet.wiring.demo.day import whole
from karnet.wiring.demo.place import Day
from karnet.wiring.demo.tally import Tally
from karnet.wiring.installation import Installation
from karnet.wiring.play.acts_record import differences, seal_now, verified
from karnet.wiring.play.player import play
from karnet.wiring.play.progress import bar
from karnet.wiring.play.reading import numbered
from karnet.wiring.play.staging import staged

Say = Callable[[str], None]


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What was proved after a day: the journal verified (`size` entries under `root`, hex), every one of `rows` made
    again from it, and the books (sum by unit)."""

    log: str
    size: int
    root: str
    sound: bool
    faults: list[str]
    rows: int
    differences: list[str]
    books: Mapping[str, int]

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return self.sound and not self.differences and not any(self.books.values())


class Played(msgspec.Struct, frozen=True):
    """A day that was played: what it came to, its settlement, the proof, and seconds by part."""

    tally: Tally
    report: Report
    proof: Proof
    seconds: dict[str, float]

    @property
    def sound(self) -> bool:
        """Whether everything is proved and came out as reckoned."""
        return self.proof.holds and not self.tally.unexpected


def play_day(installation: Installation, day: Day, say: Say, *, show_bar: bool) -> Played:
    """Play a day through the services, settle the season to its end, verify the journal and replay it.

    Django must be connected to the installation. Interrupted at any moment, it goes on from there when called again.
    """
    seconds: dict[str, float] = {}
    tally = Tally()
    with _timed(seconds, "generate"):
        lines = numbered(enumerate(whole(day.seed, day.skiers, day.day), start=1))
    with _timed(seconds, "play"), bar(len(lines), show=show_bar) as advance:
        for outcome in play(staged(installation), lines):
            tally.count(outcome)
            advance(outcome)
    with _timed(seconds, "seal"):
        seal_now(installation)
    say("settling")
    with _timed(seconds, "settle"):
        evening = network.instant(day.day, wall_time(23, 59, 59))
        report = _settled(evening)
    say("verifying the journal and replaying it into empty tables")
    with _timed(seconds, "verify"):
        verification = verified(installation)
    with _timed(seconds, "rebuild --check"):
        replay = check()
    proof = Proof(
        log=verification.log,
        size=verification.size,
        root=verification.root,
        sound=verification.sound,
        faults=[f"{fault.index}: {fault.what} {fault.detail}" for fault in verification.faults],
        rows=sum(table.rows for table in replay.tables),
        differences=differences(replay),
        books=books_balance(),
    )
    return Played(tally, report, proof, seconds)


def _settled(at: datetime) -> Report:
    report = settle(at=at, until=at, as_of=at)
    assert not isinstance(report, Refused), f"the network's agreement is in force: {report}"
    return report


@contextmanager
def _timed(seconds: dict[str, float], what: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds[what] = time.perf_counter() - began
