"""A document as bytes for a receipt printer."""

from __future__ import annotations

import os
import shutil
from functools import cache
from typing import Any

import msgspec

from karnet.devices.documents import Document, merged
from karnet.devices.words import PAYMENTS, said, words
from karnet.kernel.money import vat_included


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """How a printer is set: characters in a line (80 mm: 48 or 42, 58 mm: 32) and its profile in python-escpos, which
    knows its code pages. `drawer`: a cash drawer hangs on it."""

    columns: int = 42
    profile: str = "default"
    drawer: bool = False


def slip(document: Document, layout: Layout) -> bytes:
    """Return the bytes that print a document and cut the paper. A receipt paid in cash opens the drawer first, and a
    refund in cash too."""
    device, said_here = _escpos().Dummy(profile=layout.profile), words(document.language)
    device.hw("INIT")
    if layout.drawer and _needs_drawer(document):
        device.cashdraw(2)
    titles = {"copy": said_here.copy, "return": said_here.returned, "test": said_here.test}
    device.set(align="center", bold=True)
    for line in document.heading:
        device.textln(line[: layout.columns])
    device.set(align="center", bold=False)
    device.textln(f"{titles.get(document.kind, said_here.receipt)} {document.number}".strip())
    device.textln(document.at.strftime("%Y-%m-%d %H:%M"))
    device.set(align="left")
    for text in body(document, layout.columns):
        device.textln(text)
    device.set(align="center")
    device.textln(said_here.not_fiscal)
    if document.kind in ("receipt", "copy") and document.number:
        device.qr(document.number, native=True, size=4)
    device.cut()
    data: bytes = device.output
    return data


def knows(profile: str) -> bool:
    """Tell whether python-escpos has a profile of this name."""
    _escpos()
    from escpos.capabilities import CAPABILITIES

    return profile in CAPABILITIES["profiles"]


@cache
def _escpos() -> Any:
    """Return python-escpos, loaded when something is printed: it takes a quarter of a second, and every process that
    loads it makes a directory for a cache that nobody would read again."""
    from escpos import capabilities, printer

    if "ESCPOS_CAPABILITIES_PICKLE_DIR" not in os.environ:
        shutil.rmtree(capabilities.pickle_dir, ignore_errors=True)
    return printer


def body(document: Document, columns: int) -> list[str]:
    """Return the lines between title and foot, none longer than `columns`."""
    said_here, rule = words(document.language), "-" * columns

    def money(minor: int) -> str:
        sign, whole = "-" if minor < 0 else "", abs(minor)
        return f"{sign}{whole // 100}{said_here.comma}{whole % 100:02d}"

    lines = [rule]
    for line in merged(document.lines):
        lines += _row(line.name, "", columns)
        lines += _row(f"  {line.quantity} x {money(line.unit_price)}", money(line.amount), columns)
    if document.deposit:
        lines += _row(said_here.deposit, money(document.deposit), columns)
    if document.kind == "return":
        lines += _row(f"{said_here.refund} {document.currency}", money(document.refund), columns)
    else:
        lines += [rule, *_row(f"{said_here.total} {document.currency}", money(document.total), columns)]
    for rate, gross in document.by_rate.items():
        lines += _row(f"{said_here.vat} {rate / 100:g} %", money(vat_included(gross, rate)), columns)
    for paid in document.payments:
        lines += _row(said(paid.kind, PAYMENTS, document.language), money(paid.tendered or paid.amount), columns)
    if document.change:
        lines += _row(said_here.change, money(document.change), columns)
    if document.buyer_tax_number:
        lines += _row("NIP", document.buyer_tax_number, columns)
    if document.operator:
        lines += _row(said_here.served, document.operator, columns)
    return [*lines, rule]


def _row(left: str, right: str, columns: int) -> list[str]:
    room = columns - len(right) - (1 if right else 0)
    left = " ".join(left.split("\n"))
    broken = [left[start : start + columns] for start in range(0, max(len(left) - room, 0), columns)]
    last = left[len(broken) * columns :]
    if len(last) > room:
        broken, last = [*broken, last[:columns]], last[columns:]
    return [*broken, f"{last.ljust(room)} {right}".rstrip() if right else last]


def _needs_drawer(document: Document) -> bool:
    return document.kind in ("receipt", "return") and any(paid.kind == "cash" for paid in document.payments)
