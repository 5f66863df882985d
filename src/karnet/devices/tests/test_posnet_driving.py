"""The real driver against the real simulator over TCP: whatever breaks and wherever, what is on paper are the sales."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karnet.devices.documents import Document, Line, Paid
from karnet.devices.links import connect
from karnet.devices.posnet.commands import Paper, Unprintable
from karnet.devices.posnet.driving import Declined, Mark, Outcome, Printed, Unclear, Waits, print_document
from karnet.devices.posnet.frames import Decoder, Frame, encode
from karnet.devices.posnet.serving import FAULTS, Fault, FaultKind, PosnetServer
from karnet.devices.posnet.simulated import RATES, SimulatedPrinter
from karnet.devices.posnet.talking import Patience, Talk, run

AT = datetime(2026, 1, 17, 9, tzinfo=UTC)
CALM = Patience(printing_s=1.0, at_once_s=1.0)
"""Where one try is looked at: a busy machine is no fault."""
HASTY_S, MORE = 0.04, 1.1
"""Where only the end counts: an answer that comes later is one more fault, and must not matter; each try waits longer."""
TRIES = 60
COMMANDS = 10
"""Of a try that goes well: scomm, scnt, vatget, trinit, two trline, two trpayment, trend, then scomm, scnt, strns."""


@pytest.fixture
def server() -> Iterator[PosnetServer]:
    with PosnetServer(SimulatedPrinter()) as made:
        yield made


def sale(number: int, price: int = 1500) -> Document:
    lines = (
        Line(name="Dzień narciarski", quantity=2, unit_price=price, amount=2 * price, vat_bp=800),
        Line(name="Wosk", quantity=1, unit_price=999 + number, amount=999 + number, vat_bp=2300),
    )
    gross = sum(line.amount for line in lines)
    paid = (Paid(kind="cash", amount=gross, tendered=gross + 1),)
    return Document(kind="receipt", number=f"K1-{number}", at=AT, currency="PLN", lines=lines, payments=paid)


class Job:
    """What a queue keeps of a job: the mark survives everything."""

    def __init__(self, document: Document) -> None:
        self.document, self.mark, self.tries = document, None, 0
        self.seen: list[Outcome] = []

    def remember(self, mark: Mark | None) -> None:
        self.mark = mark

    def once(self, server: PosnetServer, patience: Patience = CALM) -> Outcome:
        self.tries += 1
        try:
            link = connect(server.address, 0, 1.0)
        except OSError:
            return Waits("silent")
        try:
            machine = print_document(self.document, Paper(), self.mark)
            return run(machine, Talk(link, patience, self.tries * 100), self.remember)
        finally:
            link.close()

    def until_it_ends(self, server: PosnetServer, *, tries: int = TRIES) -> Outcome:
        for n in range(tries):
            wait_s = min(HASTY_S * MORE**n, 2.0)
            outcome = self.once(server, Patience(printing_s=wait_s, at_once_s=wait_s))
            self.seen.append(outcome)
            if isinstance(outcome, Declined) and self.mark is None:
                continue
            if not isinstance(outcome, Waits):
                return outcome
            if outcome.state == "no_paper":
                server.set_paper(True)
        raise AssertionError(self.seen)


def by_rate(printer: SimulatedPrinter) -> dict[int, int]:
    return {RATES[n]: amount for n, amount in enumerate(printer.totals) if amount}


def totals(*documents: Document) -> dict[int, int]:
    sums: dict[int, int] = {}
    for document in documents:
        for rate, amount in document.by_rate.items():
            sums[rate] = sums.get(rate, 0) + amount
    return sums


def test_a_sale_prints_under_the_printers_own_number(server: PosnetServer) -> None:
    assert Job(sale(1)).until_it_ends(server) == Printed("0001/00001")
    assert Job(sale(2)).until_it_ends(server) == Printed("0001/00002")
    assert by_rate(server.printer) == totals(sale(1), sale(2))


@pytest.mark.parametrize(
    ("kind", "keeps"), [*((kind, False) for kind in FAULTS), ("power_before", True), ("power_after", True)]
)
def test_no_fault_at_any_command_loses_a_sale_or_prints_it_twice(
    server: PosnetServer, kind: FaultKind, keeps: bool
) -> None:
    server.printer.keeps_transaction = keeps
    documents = [sale(n) for n in range(COMMANDS + 2)]
    for n, document in enumerate(documents):
        server.faults = [Fault(server.asked + n, kind)]
        outcome = Job(document).until_it_ends(server)
        assert isinstance(outcome, Printed), (n, outcome)
    assert server.printer.receipts_ever == len(documents)
    assert by_rate(server.printer) == totals(*documents)


def test_a_cascade_of_faults_ends_in_one_receipt(server: PosnetServer) -> None:
    server.faults = [Fault(n, FAULTS[(7 * n) % len(FAULTS)]) for n in range(0, 60, 2)]
    assert isinstance(Job(sale(1)).until_it_ends(server), Printed)
    assert server.printer.receipts_ever == 1
    assert by_rate(server.printer) == totals(sale(1))


@pytest.mark.parametrize("n", [1, 40, 200, 330])
def test_a_connection_that_ends_within_a_command_costs_nothing(server: PosnetServer, n: int) -> None:
    server.drop_after_bytes = n
    assert isinstance(Job(sale(1)).until_it_ends(server), Printed)
    assert server.printer.receipts_ever == 1


def test_without_paper_a_sale_waits_and_the_reason_is_known(server: PosnetServer) -> None:
    server.set_paper(False)
    job = Job(sale(1))
    assert job.once(server) == Waits("no_paper")
    assert server.asked == 0, "nothing was begun"
    server.set_paper(True)
    assert isinstance(job.until_it_ends(server), Printed)


def test_an_open_cover_and_a_silent_printer_are_told_apart(server: PosnetServer) -> None:
    server.printer.closed = False
    assert Job(sale(1)).once(server) == Waits("cover_open")
    server.printer.closed, server.silent = True, True
    assert Job(sale(1)).once(server) == Waits("silent")


def test_what_nobody_can_tell_is_left_to_a_person(server: PosnetServer) -> None:
    job = Job(sale(1))
    server.faults = [Fault(8, "drop_after")]
    assert job.once(server) == Waits("silent")
    assert job.mark is not None
    server.printer.answer(Frame(command="dailyrep"))
    assert job.once(server) == Unclear("daily_report")


def test_a_receipt_of_another_program_in_between_is_noticed(server: PosnetServer) -> None:
    job = Job(sale(1))
    server.faults = [Fault(3, "drop_before")]
    assert job.once(server) == Waits("silent")
    assert isinstance(Job(sale(2)).until_it_ends(server), Printed)
    assert job.once(server) == Unclear("other_receipts")
    assert server.printer.receipts_ever == 1


def test_another_printer_in_its_place_is_noticed(server: PosnetServer) -> None:
    job = Job(sale(1))
    server.faults = [Fault(8, "silent_after")]
    assert isinstance(job.once(server), Waits)
    server.printer.number = "ZBF 1801007588"
    assert job.once(server) == Unclear("other_printer")


def test_what_the_printer_refuses_leaves_nothing_open(server: PosnetServer) -> None:
    assert isinstance(Job(sale(1)).until_it_ends(server), Printed)
    cheaper = Document(
        kind="receipt", number="K1-3", at=AT, currency="PLN",
        lines=(Line(name="Dzień narciarski", quantity=1, unit_price=100, amount=100, vat_bp=2300),),
        payments=(Paid(kind="card", amount=100),),
    )  # fmt: skip
    job = Job(cheaper)
    assert job.once(server) == Declined(2106, "trline")
    assert job.mark is None
    assert isinstance(Job(sale(2)).until_it_ends(server), Printed)
    unknown = Document(
        kind="receipt", number="K1-4", at=AT, currency="PLN",
        lines=(Line(name="x1", quantity=1, unit_price=100, amount=100, vat_bp=700),),
        payments=(Paid(kind="card", amount=100),),
    )  # fmt: skip
    assert Job(unknown).once(server) == Unprintable("rate_unknown", 700)


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "silent_after", "no_paper", "power_after"])
def test_the_slip_of_a_return_is_printed_once_and_is_not_fiscal(server: PosnetServer, kind: FaultKind) -> None:
    slip = Document(kind="return", number="K1-R1", at=AT, currency="PLN", refund=1500)
    server.faults = [Fault(2, kind)]
    assert Job(slip).until_it_ends(server) == Printed("")
    assert sum("Zwrot towaru" in line for line in server.printer.paper) == 1
    assert by_rate(server.printer) == {}


@pytest.mark.parametrize("kind", FAULTS)
def test_the_daily_report_is_made_once_and_receipts_go_on_behind_it(server: PosnetServer, kind: FaultKind) -> None:
    assert Job(sale(1)).until_it_ends(server) == Printed("0001/00001")
    report = Document(kind="report", number="", at=AT, currency="")
    server.faults = [Fault(server.asked + 3, kind)]
    assert Job(report).until_it_ends(server) == Printed("0001")
    assert Job(sale(2)).until_it_ends(server) == Printed("0002/00001")
    assert (server.printer.reports, server.printer.receipts_ever) == (1, 2)


class Babbler:
    """A line on which anything comes back: noise, or frames under the right token that say anything."""

    def __init__(self, data: st.DataObject) -> None:
        self._data, self._asked, self._decoder = data, Frame(command="scnt"), Decoder()

    def send(self, data: bytes) -> None:
        (frame,) = self._decoder.feed(data)
        assert isinstance(frame, Frame), "what we send is sound"
        self._asked = frame

    def receive(self, wait_s: float) -> bytes:
        said = st.dictionaries(
            st.sampled_from(["pr", "ds", "ts", "bn", "rd", "hn", "nu", "to", "va", "vb", "vc", "vg", "zz"]),
            st.sampled_from([b"", b"0", b"1", b"2", b"8,00", b"23", b"-1", b"\xff,", b"99999999999999999999"]),
        )
        if self._data.draw(st.integers(0, 9)) == 0:
            raise ConnectionResetError
        fields, error = self._data.draw(said), self._data.draw(st.sampled_from([None, None, None, 2005, 9999]))
        frame = Frame(command=self._asked.command, fields=fields, token=self._asked.token, error=error)
        return self._data.draw(st.binary(max_size=20)) + encode(frame)

    def close(self) -> None: ...


@given(st.data())
def test_whatever_a_line_says_a_try_ends_and_the_mark_is_kept_while_it_is_open(data: st.DataObject) -> None:
    job = Job(sale(1))
    outcome = run(print_document(job.document, Paper(), None), Talk(Babbler(data), CALM), job.remember)
    if isinstance(outcome, Declined):
        assert job.mark is None


@pytest.mark.skipif(not Path("/dev/ptmx").exists(), reason="no pseudo-terminals here")
def test_a_serial_line_prints_as_well(server: PosnetServer) -> None:
    ours, theirs = os.openpty()
    printer, decoder = SimulatedPrinter(), Decoder()

    def answer() -> None:
        try:
            while heard := os.read(ours, 4096):
                for found in decoder.feed(heard):
                    if isinstance(found, Frame):
                        os.write(ours, encode(printer.answer(found)))
        except OSError:
            return

    threading.Thread(target=answer, daemon=True).start()
    link = connect(f"serial://{os.ttyname(theirs)}?baud=9600", 0, 1.0)
    job = Job(sale(1))
    outcome = run(print_document(job.document, Paper(), None), Talk(link, Patience(5.0, 5.0)), job.remember)
    link.close()
    os.close(theirs)
    os.close(ours)
    assert outcome == Printed("0001/00001")
