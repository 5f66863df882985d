"""A hub with two nodes and two members: real processes, real databases, real HTTPS.

Made once for all tests of the package, because it takes half a minute: every test sells cards of its own names, and
leaves the servers running, linked, and Jawor's shift open.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from karnet.wiring import postgres
from karnet.wiring.demo import network
from karnet.wiring.demo.weekend import found_network
from karnet.wiring.installation import Installation
from karnet.wiring.network.servers import Card
from karnet.wiring.play.steps import OpenShift, Sell
from karnet.wiring.play.words import SaleLine
from karnet.wiring.tests.conftest import _shelf
from tests.network.tapping import tapped

DAY = date(2026, 1, 17)


@pytest.fixture(scope="package")
def card() -> Iterator[Card]:
    place = Path(tempfile.mkdtemp(prefix="kn-", dir=_shelf()))
    place.chmod(0o711)
    made = Card(place, ["jawor", "kopa"], domain="karnet.test", link=tapped(place / "hub"))
    try:
        with made:
            made.make(lambda said: None)
            found_network(made, DAY)
            open_shift(made, morning())
            yield made
    finally:
        for record in place.rglob("cluster.json"):
            postgres.remove(Installation.load(record.parent, environment={}))
        shutil.rmtree(place, ignore_errors=True)


def open_shift(card: Card, at: datetime) -> None:
    shift = OpenShift(at=at, sales_point="jawor/till-1", operator="jawor/grzegorz", float_amount="777.77")
    told = card.members["jawor"].ask("play", steps=[msgspec.to_builtins(shift)])
    assert told["outcomes"][0]["ok"], told


def morning(seconds: int = 0) -> datetime:
    return network.instant(DAY, time(9)) + timedelta(seconds=seconds)


def sale(number: int, card: str) -> dict[str, Any]:
    """The sale of a day ticket at Jawor; `number` orders sales in time."""
    step = Sell(
        at=morning(number),
        sales_point="jawor/till-1",
        operator="jawor/grzegorz",
        lines=(SaleLine(product="day", category="adult", cards=(card,)),),
    )
    told: dict[str, Any] = msgspec.to_builtins(step)
    return told
