"""Metered stays on fiscal paper: with everything at the exit, or the prepayment at the entry and what exceeds it later."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from karnet.devices.posnet.serving import PosnetServer
from karnet.devices.posnet.simulated import SimulatedPrinter
from karnet.devices.printers import Settings, add_printer, assign
from karnet.devices.tests.conftest import Clock, work
from karnet.stays.tests.conftest import NOON, POOL, TILL, World, set_house
from karnet.stays.tests.conftest import world as world

pytestmark = pytest.mark.database


@pytest.fixture
def printer(world: World) -> Iterator[SimulatedPrinter]:
    Clock.at = NOON
    with PosnetServer(SimulatedPrinter()) as server:
        made = add_printer(POOL, "fiscal", "posnet", server.address, NOON, Settings())
        assign(TILL, "fiscal", made)  # type: ignore[arg-type]
        yield server.printer


def test_a_stay_is_fiscalised_with_everything_at_the_exit(world: World, printer: SimulatedPrinter) -> None:
    (stay,) = world.came("1", pay=1800).stays
    world.passes("in", "1", 0)
    assert (work(), printer.receipts_ever) == (0, 0)
    world.settled(stay, at=70, pay=10 * 30)
    assert (work(), printer.totals[1]) == (1, 2100)
    assert any("Pobyt" in line for line in printer.paper)


def test_a_prepayment_may_be_fiscalised_at_the_entry_and_the_rest_at_the_exit(
    world: World, printer: SimulatedPrinter
) -> None:
    set_house(world, receipt="entry")
    (stay,) = world.came("1", pay=1800).stays
    assert (work(), printer.totals[1]) == (1, 1800)
    world.passes("in", "1", 0)
    world.settled(stay, at=70, pay=10 * 30)
    assert (work(), printer.totals[1]) == (1, 2100)
    assert printer.receipts_ever == 2
