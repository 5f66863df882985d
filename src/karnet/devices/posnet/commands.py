"""A receipt as commands of the printer. POT-I-DEV-37: trinit, trnipset, trline, trpack, trpayment, trend, stocash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from karnet.devices.documents import Document, Line, merged
from karnet.devices.posnet.characters import CodePage, decoded, encoded, goods_key
from karnet.devices.posnet.frames import Frame

LETTERS = "abcdefg"
"""The printer's seven VAT rates, A to G, in the order of their numbers 0 to 6."""

EXEMPT, INACTIVE = 10_000, 10_100
"""What the printer answers for a rate that is exempt from VAT (100 %), and for one that is not programmed (101 %)."""

MAX_LINES = 500
MAX_AMOUNT = 9_999_999_999
_PAYMENTS = {"cash": 0, "card": 2, "voucher": 7, "bank_transfer": 8, "invoice": 5, "on_account": 5}
_OTHER_PAYMENT = 6
_NAMES = {"stored_money": "Karnet", "internal_account": "Konto", "invoice": "Faktura", "on_account": "Na rachunek"}

Why = Literal["rate_unknown", "too_long", "too_much", "does_not_add_up", "nothing_to_print", "currency"]


class Unprintable(msgspec.Struct, frozen=True):
    """No fiscal printer would take this receipt. `detail`: the rate in basis points, or an amount."""

    why: Why
    detail: int = 0


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """How a printer is set: its code page and how many characters of a name it takes (older models 40, online 80)."""

    page: CodePage = "cp1250"
    name_length: int = 40


class Commands(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt ready to be sent. `totals`: gross by VAT number 0..6, by which the printer's memory of its last receipt
    is known again."""

    frames: tuple[Frame, ...]
    totals: tuple[int, ...]


def rates(answer: Frame) -> tuple[int, ...]:
    """Return the seven VAT rates of a printer in basis points, from its answer to `vatget` ("8,00", "8")."""
    return tuple(_basis_points(answer.fields.get(f"v{letter}", b"101")) for letter in LETTERS)


def _basis_points(value: bytes) -> int:
    whole, _, part = value.replace(b",", b".").partition(b".")
    digits = part[:2].ljust(2, b"0")
    return int(whole) * 100 + int(digits) if whole.isdigit() and digits.isdigit() else INACTIVE


def vat_number(vat_bp: int, programmed: Sequence[int]) -> int | None:
    """Return the number of the letter that stands for a rate; for 0 % that is not programmed, the exempt one."""
    wanted = (vat_bp, EXEMPT) if vat_bp == 0 else (vat_bp,)
    return next((programmed.index(rate) for rate in wanted if rate in programmed), None)


def receipt(document: Document, programmed: Sequence[int], paper: Paper) -> Commands | Unprintable:
    """Return a sale as a fiscal receipt. Card deposits are returnable packaging: paid with the sale, no revenue, no VAT.

    The printer checks every sum we state (`wa`, `to`, `fp`, `re`, `op`): a command that is lost or comes twice ends in
    an error and a cancelled receipt, never in a wrong one.
    """
    problem = _problem(document)
    if problem is not None:
        return problem
    lines, totals = merged(document.lines), [0] * len(LETTERS)
    frames = [Frame(command="trinit", fields={"bm": b"0"})]
    if document.buyer_tax_number:
        frames.append(Frame(command="trnipset", fields={"ni": encoded(document.buyer_tax_number, paper.page, 30)}))
    for name, line in zip(_names(lines, paper), lines, strict=True):
        number = vat_number(line.vat_bp, programmed)
        if number is None:
            return Unprintable("rate_unknown", line.vat_bp)
        totals[number] += line.amount
        frames.append(_line(name, line, number, paper))
    if document.deposit:
        frames.append(_deposit(document.deposit, paper))
    frames += _payments(document, paper)
    ends = {"to": document.gross, "fp": document.total + document.change}
    ends |= {"re": document.change} if document.change else {}
    ends |= {"op": document.deposit, "om": 0} if document.deposit else {}
    frames.append(Frame(command="trend", fields={name: b"%d" % value for name, value in ends.items()}))
    return Commands(frames=tuple(frames), totals=tuple(totals))


def slip(document: Document) -> Frame:
    """Return the paper of a return on a fiscal printer, not fiscal: an amount, nothing else (`stocash`)."""
    return Frame(command="stocash", fields={"kw": b"%d" % document.refund})


def _problem(document: Document) -> Unprintable | None:
    paid = sum(payment.amount for payment in document.payments)
    if document.currency != "PLN":
        return Unprintable("currency")
    if document.gross <= 0:
        return Unprintable("nothing_to_print")
    if paid != document.total or any(line.amount != line.quantity * line.unit_price for line in document.lines):
        return Unprintable("does_not_add_up", paid)
    if len(merged(document.lines)) > MAX_LINES:
        return Unprintable("too_long", len(merged(document.lines)))
    if document.total + document.change > MAX_AMOUNT:
        return Unprintable("too_much", document.total)
    return None


def _names(lines: Sequence[Line], paper: Paper) -> list[str]:
    """Return names the printer accepts and tells apart: it remembers goods by name and refuses one at a higher rate
    than before, so what is sold at several rates carries its rate."""
    names = [decoded(encoded(line.name, paper.page, paper.name_length), paper.page) for line in lines]
    names = [name if goods_key(name) else f"Towar {name}".strip() for name in names]
    found: dict[str, set[int]] = {}
    for name, line in zip(names, lines, strict=True):
        found.setdefault(goods_key(name), set()).add(line.vat_bp)
    return [
        f"{line.vat_bp / 100:g}% {name}" if len(found[goods_key(name)]) > 1 else name
        for name, line in zip(names, lines, strict=True)
    ]


def _line(name: str, line: Line, number: int, paper: Paper) -> Frame:
    fields = {
        "na": encoded(name, paper.page, paper.name_length),
        "vt": b"%d" % number,
        "pr": b"%d" % line.unit_price,
        "il": b"%d" % line.quantity,
        "wa": b"%d" % line.amount,
    }
    return Frame(command="trline", fields=fields)


def _deposit(amount: int, paper: Paper) -> Frame:
    described = encoded("Kaucja za karty", paper.page, 40)
    return Frame(command="trpack", fields={"pr": b"%d" % amount, "wa": b"%d" % amount, "de": described})


def _payments(document: Document, paper: Paper) -> list[Frame]:
    frames = []
    for payment in document.payments:
        kind = _PAYMENTS.get(payment.kind, _OTHER_PAYMENT)
        fields = {"ty": b"%d" % kind, "wa": b"%d" % (payment.tendered or payment.amount), "re": b"0"}
        if payment.kind in _NAMES:
            fields["na"] = encoded(_NAMES[payment.kind], paper.page, 25)
        frames.append(Frame(command="trpayment", fields=fields))
    if document.change:
        fields = {"ty": b"0", "wa": b"%d" % document.change, "re": b"1"}
        frames.append(Frame(command="trpayment", fields=fields))
    return frames
