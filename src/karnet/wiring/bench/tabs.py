"""Visits to a pool with the full service: band, gate, sauna, restaurant, till, document. Every step is a durable commit.

A facility of its own with a tariff as they are (bench.stays): an hour included, ten minutes free, a sauna on top.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from karnet.stays.requests import Band, Border, ChargeBand, Enter, Furnish, HouseRules, Read, Settle
from karnet.wiring.bench.measure import Figure, Yardstick, profiled, rate_with_latency, timed
from karnet.wiring.bench.stays import tariff
from karnet.wiring.bench.world import World

VISITS = 120
GROUPS, TOGETHER = 12, 64
PREPAID = 2500
GATES = {"in": ("", "pool"), "sauna": ("pool", "sauna"), "back": ("sauna", "pool")}


class Pool:
    """A furnished pool with a shift at its till."""

    _made = itertools.count()

    def __init__(self, world: World) -> None:
        from karnet.access.operations import gate_id
        from karnet.access.services import EnrolGate, enrol_gates
        from karnet.accounts.services import OpenBooks, open_books
        from karnet.catalogue.rules import PublishTariff
        from karnet.catalogue.tariffs import publish_tariffs
        from karnet.orders.services import OpenShift, open_shifts
        from karnet.parties import services as parties
        from karnet.stays.services import furnish

        self.code = f"pool{next(self._made)}"
        self._keys = itertools.count()
        self.at = world.now
        made: dict[str, Any] = {"actor": world.server}
        (place,) = good(
            parties.enrol_facilities(
                [
                    parties.EnrolFacility(
                        **self.asked(), **made, code=self.code, currency="PLN", time_zone="Europe/Warsaw"
                    )
                ]
            )
        )
        self.facility = place.id
        good(open_books([OpenBooks(**self.asked(), **made, facility=place.id, currency="PLN")]))
        till = parties.EnrolSalesPoint(**self.asked(), **made, facility=place.id, code="till", kind="till")
        self.till = good(parties.enrol_sales_points([till]))[0].id
        clerk = parties.EnrolOperator(**self.asked(), **made, facility=place.id, code="op")
        self.clerk = good(parties.enrol_operators([clerk]))[0].id
        good(enrol_gates([EnrolGate(**self.asked(), **made, facility=place.id, code=code) for code in GATES]))
        self.gates = {code: gate_id(place.id, code) for code in GATES}
        borders = tuple(
            Border(gate=self.gates[code], out_of=out_of, into=into) for code, (out_of, into) in GATES.items()
        )
        zones: dict[str, int | None] = {"pool": None, "sauna": None}
        rules = HouseRules(vat_bp=800, on_top_vat_bp=2300)
        good(furnish([Furnish(**self.asked(), **made, facility=place.id, zones=zones, borders=borders, rules=rules)]))
        in_force = PublishTariff(**self.asked(), **made, facility=place.id, in_force_from=self.at, tariff=tariff(1))
        good(publish_tariffs([in_force]))
        good(open_shifts([OpenShift(**self.asked(), actor=self.clerk, sales_point=self.till)]))

    def asked(self, at: datetime | None = None) -> dict[str, Any]:
        """Return a new key and an instant."""
        return {"key": f"{self.code}:{next(self._keys)}", "at": at or self.at}

    def visit(self, bands: Sequence[str]) -> list[Callable[[], Any]]:
        """Return the six steps of visits that go on together, each of them one transaction."""
        from karnet.orders.operations import Payment
        from karnet.orders.requests import Extra
        from karnet.stays import services

        desk: dict[str, Any] = {"actor": self.clerk, "sales_point": self.till}
        came: list[Any] = []

        def cash(amount: int) -> tuple[Payment, ...]:
            return (Payment(kind="cash", amount=amount),) if amount else ()

        def enter() -> None:
            asked = [
                Enter(
                    **self.asked(), **desk, tariff="pool-1", payments=cash(PREPAID),
                    bands=(Band(number=band, package="1h", prepaid_minor=PREPAID),),
                )
                for band in bands
            ]  # fmt: skip
            came.extend(good(services.enter(asked)))

        def read(code: str, minutes: int) -> None:
            gate, at = self.gates[code], self.at + timedelta(minutes=minutes)
            good(services.read([Read(**self.asked(at), actor=gate, gate=gate, chip=band) for band in bands]))

        def eat() -> None:
            dish = (Extra(code="soup", unit_price=1500, vat_bp=800),)
            at = self.at + timedelta(minutes=50)
            good(
                services.charge_bands([ChargeBand(**self.asked(at), **desk, band=band, extras=dish) for band in bands])
            )

        def settle() -> None:
            at = self.at + timedelta(minutes=80)
            asked = [Settle(**self.asked(at), **desk, stays=one.stays, payments=cash(self.owed)) for one in came]
            assert all(done.closed for done in good(services.settle(asked)))

        steps = [lambda: read("in", 1), lambda: read("sauna", 20), lambda: read("back", 45), eat]
        return [enter, *steps, settle]

    def learn(self) -> None:
        """Make one visit and keep what it owes at the end: all are alike."""
        from karnet.stays.bills import bills
        from karnet.stays.selectors import stays_inside

        *steps, _ = self.visit([f"{self.code}-first"])
        for step in steps:
            step()
        (stay,) = stays_inside(self.facility)
        self.owed = bills([stay], self.at + timedelta(minutes=80))[stay].owed_minor


def good(answers: Sequence[Any]) -> Sequence[Any]:
    """Return answers, none of them a refusal."""
    from karnet.kernel.outcomes import Refused

    for answer in answers:
        if isinstance(answer, Refused):
            raise RuntimeError(f"the benchmark's pool was refused: {answer}")
    return answers


def tabs(world: World, against: Yardstick, out: Path, visits: int = VISITS) -> Figure:
    """Whole visits one after the other: band and tab, three gates, a soup, settled and closed with a document."""
    pool = Pool(world)
    pool.learn()
    every = [pool.visit([f"{pool.code}-{n}"]) for n in range(visits)]
    took = [timed(lambda steps=steps: [step() for step in steps]) for steps in every]  # type: ignore[misc]
    with profiled(out / "profile-tabs.txt"):
        for n in range(visits // 10):
            for step in pool.visit([f"{pool.code}-p{n}"]):
                step()
    return rate_with_latency(took, against, "one visit: six durable commits, from the band to the document")


def tabs_batch(world: World, against: Yardstick, out: Path, groups: int = GROUPS, together: int = TOGETHER) -> Figure:
    """Visits of 64 guests at a time, each on a tab of its own: what a rush comes to."""
    pool = Pool(world)
    pool.learn()
    every = [pool.visit([f"{pool.code}-{n}-{guest}" for guest in range(together)]) for n in range(groups)]
    took = [timed(lambda steps=steps: [step() for step in steps]) for steps in every]  # type: ignore[misc]
    with profiled(out / "profile-tabs_batch.txt"):
        for step in pool.visit([f"{pool.code}-p-{guest}" for guest in range(together)]):
            step()
    return rate_with_latency(took, against, f"visits, {together} at a time in six durable commits", each=together)
