"""A till with printers: the sales of the counter, a seal, and simulated printers on ports of their own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from karnet.devices import printing, queue
from karnet.devices.posnet.serving import PosnetServer
from karnet.devices.posnet.simulated import SimulatedPrinter
from karnet.devices.posnet.talking import Patience
from karnet.devices.printers import Role, Settings, add_printer, assign
from karnet.journal.sealing import Sealer
from karnet.journal.tlog.note import SignatureType, SigningKey
from karnet.orders.tests.conftest import MORNING, NORTH, TILL, World
from karnet.orders.tests.conftest import world as world

KEY = SigningKey("karnet.test/log", SignatureType.ED25519, b"\x07" * 32)
CALM = Patience(printing_s=1.0, at_once_s=1.0)
HASTY = Patience(printing_s=0.1, at_once_s=0.1)
"""For tests that go on until everything is printed: what comes later is one more fault."""


class Clock:
    """The worker's clock."""

    at = MORNING + timedelta(hours=2)


def seal() -> None:
    with Sealer(KEY, clock=lambda: Clock.at, witness=lambda *_: None) as sealer:
        sealer.seal_all()


def given_printer(
    address: str, kind: str = "posnet", role: Role = "fiscal", point: UUID = TILL, at: datetime = MORNING
) -> UUID:
    """A printer of NORTH that a sales point prints on."""
    made = add_printer(NORTH, f"{kind}-{str(point)[:4]}", kind, address, at, Settings())
    assert isinstance(made, UUID), made
    assert assign(point, role, made) is None
    return made


def work(rounds: int = 1, patience: Patience = CALM) -> int:
    """Seal, queue and print what is due; between rounds the pause passes."""
    seal()
    ended = 0
    for _ in range(rounds):
        while queue.fill() == queue.BATCH:
            pass
        for printer in printing.due(Clock.at):
            ended += printing.work(printer, lambda: Clock.at, patience)
        Clock.at += timedelta(seconds=printing.PAUSES_S[-1])
    return ended


@pytest.fixture
def fiscal(world: World) -> Iterator[PosnetServer]:
    """The fiscal printer of Anna's till."""
    Clock.at = MORNING + timedelta(hours=2)
    with PosnetServer(SimulatedPrinter()) as server:
        given_printer(server.address)
        yield server
