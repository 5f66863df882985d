"""Claims of seats: alone and in batches, while nothing is sold, and while a hundred thousand seats are."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from karnet.kernel.ids import named_id
from karnet.wiring.bench.measure import Figure, Yardstick, profiled, rate_with_latency, timed
from karnet.wiring.bench.world import World

SEATS = 110_000
SOLD = 100_000
SINGLY, BATCHES, TOGETHER = 300, 20, 128


class Hall:
    """A hall of numbered seats at the first facility; seats are claimed from the first on."""

    _made = itertools.count()

    def __init__(self, world: World, seats: int) -> None:
        from karnet.capacity.operations import unit_id
        from karnet.parties.operations import facility_id

        self.world, self.resource = world, named_id("bench hall", next(self._made))
        self.facility: UUID = facility_id("a")
        self._keys = itertools.count()
        numbers = [str(n) for n in range(1, seats + 1)]
        for start in range(0, seats, 10_000):
            self._define(tuple(numbers[start : start + 10_000]))
        self._seats = iter([unit_id(self.resource, number) for number in numbers])

    def _asked(self) -> dict[str, Any]:
        return {"key": f"{self.resource}:{next(self._keys)}", "at": self.world.now, "actor": self.world.server}

    def _define(self, numbers: tuple[str, ...]) -> None:
        from karnet.capacity.services import Define, define

        _good(
            define(
                [Define(**self._asked(), facility=self.facility, resource=self.resource, kind="hall", units=numbers)]
            )
        )

    def claims(self, sales: int, seats: int = 1) -> Callable[[], None]:
        """Return what claims the next seats, so many sales of so many in one transaction."""
        from karnet.capacity.services import TakePlaces, Want, claim

        asked = [
            TakePlaces(
                **self._asked(),
                resource=self.resource,
                wants=(Want(allotment=self.resource, units=tuple(itertools.islice(self._seats, seats))),),
            )
            for _ in range(sales)
        ]
        return lambda: _good(claim(asked))


def _good(answers: Sequence[Any]) -> None:
    from karnet.kernel.outcomes import Refused

    for answer in answers:
        if isinstance(answer, Refused):
            raise RuntimeError(f"the benchmark's hall was refused: {answer}")


def claims(
    world: World, against: Yardstick, out: Path, *, seats: int = SEATS, sold: int = SOLD, singly: int = SINGLY,
    batches: int = BATCHES, together: int = TOGETHER,
) -> Figure:  # fmt: skip
    """One seat a transaction, and 128 in one; then the same when 100,000 seats are sold: selling must not grow slower."""
    hall = Hall(world, seats)
    empty = _measured(hall, against, f"{singly} claims of a seat, each a durable commit, nothing sold", singly)
    empty_batch = _measured(hall, against, f"{together} claims in a commit, nothing sold", batches, together)
    left = sold - singly - batches * together
    for start in range(0, left, 1_000):
        hall.claims(1, min(1_000, left - start))()
    full = _measured(hall, against, f"the same with {sold:,} seats sold", singly)
    full_batch = _measured(hall, against, f"{together} claims in a commit, {sold:,} seats sold", batches, together)
    with profiled(out / "profile-claims.txt"):
        hall.claims(together)()
    return Figure(
        note="claims of a seat, one a commit, while 100,000 seats are sold",
        per_s=full.per_s,
        ratio=full.ratio,
        p50_ms=full.p50_ms,
        p99_ms=full.p99_ms,
        parts={"empty": empty, "empty_batch": empty_batch, "full_batch": full_batch},
    )


def _measured(hall: Hall, against: Yardstick, note: str, times: int, each: int = 1) -> Figure:
    asked = [hall.claims(each) for _ in range(times)]
    return rate_with_latency([timed(one) for one in asked], against, note, each=each)
