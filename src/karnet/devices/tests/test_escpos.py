"""Slips of receipt printers: laid out, printed, heard of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karnet.devices.documents import Document, Line, Paid
from karnet.devices.escpos.serving import SlipServer
from karnet.devices.escpos.simulated import WIDTH, SimulatedSlipPrinter
from karnet.devices.escpos.slips import Layout, body, slip
from karnet.devices.escpos.talking import print_slip
from karnet.devices.links import connect
from karnet.devices.posnet.driving import Mark, Outcome, Printed, Unclear, Waits
from karnet.devices.posnet.talking import Patience
from karnet.devices.words import GOODS, PAYMENTS, WORDS

AT = datetime(2026, 1, 17, 9, tzinfo=UTC)
CALM = Patience(printing_s=1.0, at_once_s=1.0)


def sold(language: str = "pl", **changes: object) -> Document:
    lines = (
        Line(name="Zażółć gęślą jaźń, bilet dzienny ulgowy dla młodzieży", quantity=2, unit_price=7500, amount=15000, vat_bp=800),
        Line(name="Wosk", quantity=1, unit_price=999, amount=999, vat_bp=2300),
    )  # fmt: skip
    given = {
        "kind": "receipt", "number": "K1-000042", "at": AT, "currency": "PLN", "heading": ("Kopa sp. z o.o.", "NIP 5260250274"),
        "lines": lines, "deposit": 2000, "operator": "Anna", "language": language,
        "payments": (Paid(kind="cash", amount=17999, tendered=20000),),
    }  # fmt: skip
    return Document(**{**given, **changes})  # type: ignore[arg-type]


def printed(document: Document, layout: Layout | None = None) -> SimulatedSlipPrinter:
    printer = SimulatedSlipPrinter()
    assert printer.feed(slip(document, layout or Layout(drawer=True))) == b""
    assert printer.unknown == 0
    return printer


def test_a_receipt_says_what_was_sold_opens_the_drawer_and_is_cut() -> None:
    printer = printed(sold())
    paper = "\n".join(printer.paper)
    for words in ("Kopa sp. z o.o.", "K1-000042", "2 x 75,00", "150,00", "Kaucja", "Razem PLN", "179,99", "20,01",
                  "w tym VAT 8 %", "11,11", "To nie jest paragon fiskalny"):  # fmt: skip
        assert words in paper
    assert (printer.cuts, printer.drawer, printer.codes) == (1, 1, ["K1-000042"])
    assert max(map(len, printer.paper)) <= WIDTH


def test_a_paper_speaks_the_five_languages_and_no_drawer_opens_for_a_copy() -> None:
    titles = {"pl": "Kopia", "en": "Copy", "ru": "Копия", "it": "Copia", "de": "Kopie"}
    for language, title in titles.items():
        printer = printed(sold(language, kind="copy"))
        assert any(title in line for line in printer.paper), (language, printer.paper)
        assert printer.drawer == 0
    assert {len(names) for names in (*PAYMENTS.values(), *GOODS.values())} == {len(WORDS)}


def test_a_return_says_what_was_paid_out() -> None:
    document = Document(kind="return", number="K1-000042", at=AT, currency="PLN", refund=15000, language="en")
    assert any("Paid out PLN" in line and "150.00" in line for line in printed(document).paper)


@given(st.text(max_size=120), st.integers(32, 56))
def test_no_line_is_wider_than_the_paper_and_no_character_of_a_name_is_lost(name: str, columns: int) -> None:
    line = Line(name=name, quantity=1, unit_price=100, amount=100, vat_bp=800)
    document = sold(lines=(line,), deposit=0, payments=(Paid(kind="card", amount=100),))
    lines = body(document, columns)
    assert max(map(len, lines)) <= columns


@given(st.binary(max_size=300))
def test_a_printer_survives_any_bytes(noise: bytes) -> None:
    printer = SimulatedSlipPrinter()
    printer.feed(noise)
    printer.feed(noise[::-1])


@pytest.fixture
def server() -> Iterator[SlipServer]:
    with SlipServer(SimulatedSlipPrinter()) as made:
        yield made


def send(server: SlipServer, marks: list[Mark | None], mark: Mark | None = None) -> Outcome:
    link = connect(server.address, 9100, 1.0)
    try:
        return print_slip(link, slip(sold(), Layout()), mark, CALM, marks.append)
    finally:
        link.close()


def test_a_slip_is_printed_when_the_printer_says_so(server: SlipServer) -> None:
    assert send(server, []) == Printed("")
    assert server.printer.cuts == 1


def test_without_paper_or_answer_nothing_is_sent(server: SlipServer) -> None:
    marks: list[Mark | None] = []
    server.set_paper(False)
    assert send(server, marks) == Waits("no_paper")
    server.set_paper(True)
    server.silent = True
    assert send(server, marks) == Waits("silent")
    assert (marks, server.printer.cuts) == ([], 0)


def test_a_slip_that_was_sent_and_not_heard_of_is_never_sent_again_by_itself(server: SlipServer) -> None:
    marks: list[Mark | None] = []
    assert send(server, marks) == Printed("")
    assert send(server, [], marks[0]) == Unclear("unanswered")
    assert server.printer.cuts == 1
