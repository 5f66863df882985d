"""Sales become papers: each once, in their order, whatever the printer does, and no sale waits for one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from karnet.devices import printing, queue
from karnet.devices.escpos.serving import SlipServer
from karnet.devices.escpos.simulated import SimulatedSlipPrinter
from karnet.devices.models import Cursor, Job
from karnet.devices.posnet.frames import Frame
from karnet.devices.posnet.serving import FAULTS, Fault, PosnetServer
from karnet.devices.posnet.simulated import RATES
from karnet.devices.printers import Settings, add_printer, assign, printers, retire_printer
from karnet.devices.tests.conftest import CALM, HASTY, Clock, given_printer, seal, work
from karnet.kernel.outcomes import Refused
from karnet.orders.receipts import receipt
from karnet.orders.tests.conftest import BEN, NORTH, TILL, TILL2, World, cash

pytestmark = pytest.mark.database


def states() -> list[str]:
    return list(Job.objects.order_by("n").values_list("state", flat=True))


def sell(world: World, n: int) -> None:
    """A day ticket on a new card (its deposit is no sale) and wax at another rate, with change."""
    ticket, wax = world.line("DAY", str(2000 + n)), world.line("WAX")
    due = 16000 + 1000 + 999
    world.sold(ticket, wax, pay=[cash(due, due + 1)])


def test_what_is_printed_are_the_sales_by_rate_whatever_the_printer_does(world: World, fiscal: PosnetServer) -> None:
    for n in range(12):
        sell(world, n)
    fiscal.faults = [Fault(5 + 4 * n, FAULTS[n % len(FAULTS)]) for n in range(2 * len(FAULTS))]
    for _ in range(60):
        work(patience=HASTY)
        fiscal.set_paper(True)
        if set(states()) == {"printed"}:
            break
    assert states() == ["printed"] * 12
    assert fiscal.printer.receipts_ever == 12
    assert {RATES[n]: amount for n, amount in enumerate(fiscal.printer.totals) if amount} == {
        800: 12 * 16000,
        2300: 12 * 999,
    }
    numbers = list(Job.objects.order_by("n").values_list("number", flat=True))
    assert numbers == sorted(set(numbers)), "in the order of the sales, each under a number of its own"


def test_a_journal_read_again_after_a_crash_queues_nothing_twice(world: World, fiscal: PosnetServer) -> None:
    start = Cursor.objects.get().index
    sell(world, 1)
    work()
    Cursor.objects.update(index=start)
    work()
    assert states() == ["printed"]
    assert fiscal.printer.receipts_ever == 1


def test_a_receipt_can_be_had_before_the_seal_and_is_still_one(world: World, fiscal: PosnetServer) -> None:
    order = world.sold(world.line("WAX"), pay=999).order
    queue.print_order(order)
    queue.print_order(order)
    work()
    queue.print_order(order)
    work()
    assert fiscal.printer.receipts_ever == 1


def test_a_sale_neither_waits_for_a_printer_nor_fails_by_one(world: World, fiscal: PosnetServer) -> None:
    fiscal.close()
    sell(world, 1)
    for _ in range(3):
        work()
    assert states() == ["queued"]
    (printer,) = printers()
    assert (printer.state, printer.waiting) == ("silent", 1)


def test_paper_that_ends_within_a_receipt_loses_nothing(world: World, fiscal: PosnetServer) -> None:
    sell(world, 1)
    fiscal.faults = [Fault(6, "no_paper")]
    work()
    assert (states(), printers()[0].state) == (["printing"], "no_paper")
    sell(world, 2)
    work()
    assert states() == ["printing", "queued"], "the second waits for the first"
    fiscal.set_paper(True)
    work(3)
    assert (states(), printers()[0].state) == (["printed", "printed"], "")
    assert fiscal.printer.receipts_ever == 2


def test_a_worker_that_dies_within_a_receipt_is_followed_by_one_that_asks(world: World, fiscal: PosnetServer) -> None:
    sell(world, 1)
    fiscal.faults = [Fault(9, "silent_after")]
    seal()
    queue.fill()
    job = Job.objects.get()
    (printer,) = printing.due(Clock.at)
    printing.work(printer, lambda: Clock.at, CALM)
    job.refresh_from_db()
    assert job.state == "printing"
    Job.objects.update(next_at=Clock.at)
    work(2)
    assert states() == ["printed"]
    assert fiscal.printer.receipts_ever == 1


def test_many_workers_print_each_receipt_once(world: World, fiscal: PosnetServer) -> None:
    for n in range(4):
        sell(world, n)
    seal()
    queue.fill()
    (printer,) = printing.due(Clock.at)

    def one(_: int) -> None:
        try:
            queue.fill()
            printing.work(printer, lambda: Clock.at, CALM)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(one, range(3)))
    work()
    assert fiscal.printer.receipts_ever == 4


def test_what_nobody_can_tell_waits_for_somebody_and_holds_nothing_up(world: World, fiscal: PosnetServer) -> None:
    sell(world, 1)
    fiscal.faults = [Fault(9, "drop_after")]
    work()
    fiscal.printer.answer(Frame(command="dailyrep"))
    sell(world, 2)
    work(2)
    assert states() == ["needs_look", "printed"]
    (job,) = [job for job in queue.open_jobs([printers()[0].id]) if job.state == "needs_look"]
    assert job.error == "daily_report"
    assert queue.settle(job.id, "printed", Clock.at)
    assert not queue.retry(job.id), "it does not stand still any more"
    work()
    assert states() == ["printed", "printed"]


def test_an_older_paper_printed_again_is_not_taken_for_the_one_that_was_begun(
    world: World, fiscal: PosnetServer
) -> None:
    fiscal.printer.rates[0] = 10_100
    world.sold(world.line("WAX"), pay=999)
    work()
    fiscal.printer.rates[0] = 2300
    world.sold(world.line("WAX"), pay=999)
    fiscal.faults = [Fault(fiscal.asked + 3, "drop_before")]
    work()
    assert states() == ["failed", "printing"]
    assert queue.retry(Job.objects.order_by("n")[0].id)
    work(3)
    assert (states(), fiscal.printer.receipts_ever) == (["printed", "printed"], 2)


def test_what_the_printer_refuses_fails_alone_and_prints_once_it_is_mended(world: World, fiscal: PosnetServer) -> None:
    fiscal.printer.rates[1] = 10_100
    sell(world, 1)
    world.sold(world.line("WAX"), pay=999)
    work()
    assert states() == ["failed", "printed"]
    (job,) = queue.open_jobs([printers()[0].id])
    assert job.error == "rate_unknown:800"
    fiscal.printer.rates[1] = 800
    assert queue.retry(job.id)
    work()
    assert states() == ["printed", "printed"]


def test_a_return_is_no_fiscal_paper_and_deposits_alone_are_none_either(world: World, fiscal: PosnetServer) -> None:
    sold = world.sold(world.line("WAX"), pay=999)
    found = receipt(sold.order)
    assert found is not None
    world.sold(world.line("CARD", "3001"), pay=1000)
    world.taken_back(sold.order, lines=tuple(line.id for line in found.lines))
    work()
    assert sorted(Job.objects.values_list("kind", flat=True)) == ["receipt", "return"]
    assert fiscal.printer.receipts_ever == 1
    assert any("Zwrot towaru" in line and "9,99" in line for line in fiscal.printer.paper)
    assert fiscal.printer.totals[0] == 999, "what was sold was sold; a return stands in a register of its own"


def test_slips_come_out_beside_fiscal_receipts_and_copies_once_each(world: World, fiscal: PosnetServer) -> None:
    with SlipServer(SimulatedSlipPrinter()) as slips:
        given_printer(slips.address, "escpos", "slips")
        order = world.sold(world.line("WAX"), pay=999).order
        work()
        assert (slips.printer.cuts, fiscal.printer.receipts_ever) == (0, 1)
        for _again in range(2):
            assert queue.print_copy(order, "a form")
        world.sold(world.line("CARD", "3001"), pay=1000)
        work()
        assert slips.printer.cuts == 2, "the copy, and the receipt of a deposit, which is not fiscal"
        assert [job.state for job in queue.jobs_of_orders([order])[order]] == ["printed", "printed"]
        assert any("Kopia" in line for line in slips.printer.paper)


def test_a_sales_point_without_a_printer_prints_nothing(world: World, fiscal: PosnetServer) -> None:
    world.open_shift(TILL2, BEN)
    world.sold(world.line("WAX"), pay=999, sales_point=TILL2, actor=BEN)
    work()
    assert states() == []
    assert not queue.print_copy(world.sold(world.line("WAX"), pay=999).order, "x"), "a fiscal printer makes no copies"


def test_a_printer_is_written_down_with_care(world: World) -> None:
    def problems(code: str, kind: str, address: str) -> set[str]:
        answer = add_printer(NORTH, code, kind, address, Clock.at)
        return set(answer.facts) - {"field"} if isinstance(answer, Refused) else set()

    assert problems("one", "posnet", "tcp://10.0.0.7:6666") == set()
    assert problems("one", "posnet", "serial:///dev/ttyUSB0?baud=9600") == {"code"}
    assert problems("two", "escpos", "tcp://10.0.0.7:6666") == {"address"}
    assert problems("two/three", "fax", "http://x") == {"code", "kind", "address"}
    for address in ("tcp://", "tcp://a:99999", "serial://x/y", "serial:///dev/x?baud=1", "tcp://a/b", "//"):
        assert problems("two", "escpos", address) == {"address"}, address
    unknown = add_printer(NORTH, "two", "escpos", "tcp://a", Clock.at, Settings(profile="no such printer"))
    assert isinstance(unknown, Refused)
    assert "settings" in unknown.facts
    (printer,) = printers()
    assert isinstance(assign(TILL, "slips", printer.id), Refused)
    assert assign(TILL, "fiscal", printer.id) is None
    world.sold(world.line("WAX"), pay=999)
    seal()
    queue.fill()
    assert retire_printer(printer.id, Clock.at)
    assert (printers(), states()) == ([], ["dropped"])


def test_what_stood_on_a_paper_is_forgotten_after_a_month_and_its_number_is_not(
    world: World, fiscal: PosnetServer
) -> None:
    sell(world, 1)
    work()
    assert queue.forget(Clock.at + queue.KEPT - timedelta(hours=1)) == 0
    assert queue.forget(Clock.at + queue.KEPT) == 1
    job = Job.objects.get()
    assert (bytes(job.document), job.number) == (b"", "0001/00001")
    assert queue.forget(Clock.at + queue.KEPT) == 0


def test_a_printer_is_looked_at_while_nothing_is_printed(world: World, fiscal: PosnetServer) -> None:
    (printer,) = printers()
    assert printing.unseen(Clock.at) == [printer.id]
    fiscal.set_paper(False)
    assert printing.look(printer.id, lambda: Clock.at, CALM) == "no_paper"
    assert printing.unseen(Clock.at - timedelta(seconds=20)) == []
    assert printers()[0].state == "no_paper"
