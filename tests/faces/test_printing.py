"""Printers on pages: a manager puts one at a till, the till says that its paper is out, a cashier settles what is open."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import expect

from karnet.devices import printing, queue
from karnet.devices.models import Job
from karnet.devices.posnet.frames import Frame
from karnet.devices.posnet.serving import Fault, PosnetServer
from karnet.devices.posnet.simulated import SimulatedPrinter
from karnet.devices.posnet.talking import Patience
from karnet.devices.printers import printers
from karnet.faces.base.roles import Role
from karnet.orders.selectors import order_id
from karnet.wiring import clock
from karnet.wiring.serve.printing import papers_printed
from tests.faces.conftest import Staff, Visit, check_page, shoot
from tests.faces.test_till import KOPA, cashier, sell_a_day, shift

__all__ = ["cashier", "shift"]
CALM = Patience(printing_s=1.5, at_once_s=1.5)


def work() -> None:
    Job.objects.update(next_at=clock.now())
    for printer in printing.due(clock.now()):
        printing.work(printer, clock.now, CALM)


def test_a_printer_is_put_at_a_till_and_whoever_sells_is_told_how_it_is(
    visit: Visit, staff: Staff, cashier: Any, shift: UUID
) -> None:
    with PosnetServer(SimulatedPrinter()) as server:
        office = visit("/office/printers/", staff(Role.MANAGER))
        expect(office.get_by_text("There is no printer here").first).to_be_visible()
        office.get_by_text("Add a printer").first.click()
        form = office.locator("form[action$='/printers/add/']").first
        form.get_by_label("Code", exact=True).fill("fiscal-1")
        form.get_by_label("Address").fill(server.address)
        form.get_by_label("till-1").check()
        check_page(office)
        shoot(office, "office-printers-add")
        form.get_by_role("button", name="Add the printer").click()
        expect(office.get_by_text("not asked yet")).to_be_visible()

        page = visit("/till/", cashier)
        sell_a_day(page, "4711001")
        order = order_id(KOPA, "till-1-000001")
        assert order is not None
        server.faults = [Fault(5, "no_paper")]
        queue.print_order(order)
        work()
        page.goto("/till/")
        expect(page.get_by_text("Printer fiscal-1: out of paper.")).to_be_visible()
        shoot(page, "till-printer-out-of-paper")
        office.goto("/office/printers/")
        shoot(office, "office-printers")
        server.set_paper(True)
        server.faults = [Fault(server.asked + 12, "drop_after")]
        work()
        work()
        page.goto(f"/till/sales/{order}")
        expect(page.get_by_text("Receipt 0001/0000")).to_be_visible()
        expect(page.get_by_text("printed", exact=True)).to_be_visible()
        shoot(page, "till-sale-printed")
        assert server.printer.receipts_ever == 1

        page.goto("/till/")
        sell_a_day(page, "4711002")
        second = order_id(KOPA, "till-1-000002")
        assert second is not None
        server.faults = [Fault(server.asked + 7, "drop_after")]
        queue.print_order(second)
        work()
        server.printer.answer(Frame(command="dailyrep"))
        work()
        page.goto(f"/till/sales/{second}")
        expect(page.get_by_text("A daily report was made meanwhile.")).to_be_visible()
        shoot(page, "till-sale-needs-a-look")
        check_page(page)
        office.goto("/office/printers/")
        expect(office.get_by_role("heading", name="Waiting for somebody")).to_be_visible()
        shoot(office, "office-printers-look")
        check_page(office)
        page.get_by_role("button", name="It is on paper").click()
        expect(page.get_by_text("printed", exact=True)).to_be_visible()
        office.goto(f"/office/printers/{printers()[0].id}/")
        shoot(office, "office-printer")
        check_page(office)


class Log:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def info(self, message: str) -> None:
        self.said.append(message)

    warning = error = info


@pytest.mark.database
def test_the_worker_looks_at_printers_and_ends_when_told(shift: UUID) -> None:
    from karnet.devices.printers import add_printer

    looked = threading.Event()

    class Watched(SimulatedPrinter):
        def answer(self, frame: Frame) -> Frame:
            if frame.command == "!sdev":
                looked.set()
            return super().answer(frame)

    with PosnetServer(Watched()) as server:
        add_printer(KOPA, "fiscal-1", "posnet", server.address, clock.now())
        log = Log()
        with papers_printed(log):  # type: ignore[arg-type]
            assert looked.wait(30), log.said
        assert log.said == []
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("printer")]
    assert printers()[0].state == ""
