"""Frames, characters and receipts of the fiscal protocol. Vectors: POT-I-DEV-37, "Suma kontrolna"."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karnet.devices.documents import Document, Line, Paid
from karnet.devices.posnet.characters import decoded, encoded
from karnet.devices.posnet.commands import Paper, Unprintable, rates, receipt
from karnet.devices.posnet.frames import Decoder, Frame, Garbled, checksum, decode, encode
from karnet.devices.posnet.simulated import RATES, SimulatedPrinter

AT = datetime(2026, 1, 17, 9, tzinfo=UTC)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=2)
VALUES = st.binary(max_size=60).map(lambda data: bytes(byte for byte in data if byte >= 0x20))
FRAMES = st.builds(
    Frame,
    command=st.sampled_from(["trinit", "trline", "trend", "!sprn", "ERR"]),
    fields=st.dictionaries(NAMES, VALUES, max_size=6),
    token=st.none() | st.integers(0, 9999),
    error=st.none() | st.integers(0, 9999),
)


@pytest.mark.parametrize(("body", "crc"), [(b"123456789", 0x31C3), (b"trinit\tbm0\t", 0x4825)])
def test_the_check_sum_is_that_of_the_published_vectors(body: bytes, crc: int) -> None:
    assert checksum(body) == crc


def test_a_frame_is_that_of_the_published_example() -> None:
    assert encode(Frame(command="trinit", fields={"bm": b"0"})) == b"\x02trinit\tbm0\t#4825\x03"


@given(FRAMES)
def test_a_frame_comes_back_as_it_was(frame: Frame) -> None:
    assert Decoder().feed(encode(frame)) == [frame]


@given(st.lists(FRAMES, max_size=4), st.data())
def test_frames_come_whole_in_whatever_pieces_the_bytes_come(frames: list[Frame], data: st.DataObject) -> None:
    stream, decoder, found = b"noise" + b"".join(map(encode, frames)), Decoder(), []
    while stream:
        piece = data.draw(st.integers(1, len(stream)))
        found += decoder.feed(stream[:piece])
        stream = stream[piece:]
    assert found == frames


@given(st.binary(max_size=400))
def test_noise_never_raises_and_is_never_remembered_for_ever(noise: bytes) -> None:
    decoder = Decoder()
    decoder.feed(noise)
    good = Frame(command="scnt")
    assert decoder.feed(encode(good))[-1] == good
    decode(noise)


@given(FRAMES, st.data())
def test_one_wrong_byte_is_always_noticed(frame: Frame, data: st.DataObject) -> None:
    inner = encode(frame)[1:-1]
    at, change = data.draw(st.integers(0, len(inner) - 6)), data.draw(st.integers(1, 255))
    assert isinstance(decode(inner[:at] + bytes((inner[at] ^ change,)) + inner[at + 1 :]), Garbled)


@given(st.binary(max_size=200), st.sampled_from(["trline", "trend", "trinit", "trpayment", "trpack", "stocash"]))
def test_a_printer_answers_every_command_with_something(noise: bytes, command: str) -> None:
    printer = SimulatedPrinter()
    body = command.encode() + b"\t" + noise.replace(b"\x02", b"").replace(b"\x03", b"") + b"\t"
    found = decode(body + b"#%04X" % checksum(body))
    if isinstance(found, Frame):
        assert printer.answer(found).command == command


@pytest.mark.parametrize("page", ["cp1250", "mazovia", "latin2"])
def test_polish_letters_print_in_every_code_page(page: str) -> None:
    text = "Zażółć gęślą jaźń ZAŻÓŁĆ GĘŚLĄ JAŹŃ"
    assert decoded(encoded(text, page, 80), page) == text  # type: ignore[arg-type]


@given(st.text(max_size=50))
def test_any_text_can_be_sent_and_none_is_longer_than_asked(text: str) -> None:
    sent = encoded(text, "mazovia", 30)
    assert len(sent) <= 30
    assert all(byte >= 0x20 for byte in sent)


def sale(*lines: Line, **changes: object) -> Document:
    gross = sum(line.amount for line in lines)
    given = {
        "kind": "receipt",
        "number": "K1-1",
        "at": AT,
        "currency": "PLN",
        "payments": (Paid(kind="cash", amount=gross),),
    }
    return Document(lines=lines, **{**given, **changes})  # type: ignore[arg-type]


def line(name: str = "Bilet", quantity: int = 1, price: int = 1000, vat_bp: int = 800) -> Line:
    return Line(name=name, quantity=quantity, unit_price=price, amount=quantity * price, vat_bp=vat_bp)


def test_a_printer_takes_a_sale_with_change_deposit_and_tax_number() -> None:
    printer = SimulatedPrinter()
    paid = (Paid(kind="card", amount=5000), Paid(kind="cash", amount=3000, tendered=5000))
    document = sale(
        line("Narciarski dzień – Żółty", 2, 3000), line("Wosk", 1, 1000, 2300), deposit=1000,
        payments=paid, buyer_tax_number="5260250274",
    )  # fmt: skip
    prepared = receipt(document, RATES, Paper())
    assert not isinstance(prepared, Unprintable)
    for frame in prepared.frames:
        assert printer.answer(frame).error is None, frame
    assert printer.totals == [1000, 6000, 0, 0, 0, 0, 0] == list(prepared.totals)
    paper = "\n".join(printer.paper)
    for words in ("Narciarski dzień - Żółty", "5260250274", "2 x30,00 60,00B", "RESZTA GOTÓWKA", "Kaucja", "KARTA"):
        assert words in paper


@given(
    st.lists(
        st.builds(
            line,
            st.text(max_size=45),
            st.integers(1, 50),
            st.integers(0, 200_000),
            st.sampled_from([0, 500, 800, 2300]),
        ),
        min_size=1,
        max_size=8,
    ),
    st.integers(0, 3000),
    st.integers(0, 5000),
)
def test_every_sale_that_costs_something_prints_and_its_totals_are_the_sales(
    lines: list[Line], deposit: int, change: int
) -> None:
    gross = sum(one.amount for one in lines)
    document = sale(
        *lines,
        deposit=deposit,
        payments=(Paid(kind="cash", amount=gross + deposit, tendered=gross + deposit + change),),
    )
    prepared, printer = receipt(document, RATES, Paper(page="mazovia")), SimulatedPrinter(page="mazovia")
    if not gross:
        assert isinstance(prepared, Unprintable)
        return
    assert not isinstance(prepared, Unprintable)
    assert [printer.answer(frame).error for frame in prepared.frames] == [None] * len(prepared.frames)
    assert {RATES[n]: amount for n, amount in enumerate(printer.totals) if amount} == {
        rate: amount for rate, amount in document.by_rate.items() if amount
    }


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (sale(line(vat_bp=700)), "rate_unknown"),
        (sale(line(), payments=(Paid(kind="cash", amount=999),)), "does_not_add_up"),
        (sale(line(price=0)), "nothing_to_print"),
        (sale(line(), currency="EUR"), "currency"),
        (sale(*(line(str(n)) for n in range(501))), "too_long"),
    ],
)
def test_what_no_printer_would_take_is_said_before_anything_is_sent(document: Document, why: str) -> None:
    found = receipt(document, RATES, Paper())
    assert isinstance(found, Unprintable)
    assert found.why == why


def test_rates_are_read_as_printers_write_them() -> None:
    answer = SimulatedPrinter().answer(Frame(command="vatget"))
    assert rates(answer) == RATES
    assert rates(Frame(command="vatget", fields={"va": b"23", "vb": b"8,5"}))[:3] == (2300, 850, 10_100)
