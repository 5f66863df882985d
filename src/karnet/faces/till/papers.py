"""Receipts and invoices as PDF, in the language of the operator's screen, set by Typst."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import typst
from django.utils.translation import gettext as _

from karnet.catalogue.selectors import product_versions
from karnet.faces.base.words import language, moment, money
from karnet.faces.till.desk import Desk
from karnet.faces.till.words import CATEGORIES, PAYMENTS, called, line_name
from karnet.orders.receipts import Receipt
from karnet.parties.invoicing import sellers
from karnet.parties.rules import CompanyDetails
from karnet.parties.selectors import facilities, names, sales_points

_HERE = Path(__file__).parent / "sheets"


def receipt(desk: Desk, sold: Receipt) -> bytes:
    """Return the receipt of a sale: 80 mm wide, as long as it must be. No fiscal receipt: that is a printer's."""
    return set_sheet("receipt", _said(desk, sold))


def invoice(desk: Desk, sold: Receipt, buyer: CompanyDetails, seller: CompanyDetails | None = None) -> bytes:
    """Return the invoice of a sale on A4: seller, buyer with tax number, lines, VAT by rate. `seller`: the company behind
    another server's facility, as that server says."""
    said = _said(desk, sold)
    said["words"] |= {
        "invoice": _("Invoice"), "seller": _("Seller"), "buyer": _("Buyer"),
        "issued": _("Issued"), "sale": _("Sale"), "net": _("Net"), "gross": _("Gross"), "rate": _("Rate"),
        "unit": _("Unit price"), "quantity": _("Quantity"), "how_paid": _("Payment"),
    }  # fmt: skip
    issued = sold.invoiced_at or sold.order.at
    said |= {
        "number": sold.order.invoice or "",
        "issued": moment(issued, _zone(sold), "day"),
        "buyer": _party(buyer),
        "company": _party(seller) if seller else _company(sold, issued),
        "order": sold.order.number,
    }
    return set_sheet("invoice", said)


def _party(details: CompanyDetails | None) -> dict[str, str]:
    """Return what a paper says of a company or person; a person has no tax number, an unknown company nothing at all."""
    if details is None:
        return {"name": "", "tax_number": "", "address": ""}
    number = f"{details.country} {details.tax_number}" if details.tax_number else ""
    return {"name": details.name, "tax_number": number, "address": details.address}


def _company(sold: Receipt, at: datetime) -> dict[str, str]:
    """Return the company behind the facility that sold, as it was then: a paper printed again says what it said."""
    return _party(sellers([sold.order.facility], at).get(sold.order.facility))


def _said(desk: Desk, sold: Receipt) -> dict[str, Any]:
    order = sold.order
    versions = product_versions({line.product for line in sold.lines})
    known = names({order.facility, order.sales_point, order.operator})
    grouped: dict[tuple[Any, ...], list[int]] = {}
    for line in sold.lines:
        name = line_name(line.product_code, line.product, versions)
        several = line.product in versions and len(versions[line.product].product.prices) > 1
        label = f"{name}, {called(CATEGORIES, line.category)}" if several else name
        sums = grouped.setdefault((label, line.unit_price, line.vat_bp), [0, 0, 0])
        for n, value in enumerate((line.quantity, line.amount, line.vat)):
            sums[n] += value
    gross = sum(line.amount for line in sold.lines)

    def say(amount: int) -> str:
        return money(amount, "")

    return {
        "language": language(),
        "facility": known.get(order.facility) or facilities([order.facility])[order.facility].code,
        "company": _company(sold, order.at),
        "sales_point": known.get(order.sales_point) or sales_points([order.sales_point])[order.sales_point].code,
        "operator": known.get(order.operator, ""),
        "number": order.number,
        "at": moment(order.at, _zone(sold)),
        "currency": order.currency,
        "lines": [
            {
                "what": what, "quantity": str(quantity), "unit": say(unit), "amount": say(amount), "vat": say(vat),
                "net": say(amount - vat), "rate": rate(vat_bp),
            }
            for (what, unit, vat_bp), (quantity, amount, vat) in grouped.items()
        ],
        "deposit": say(order.deposit) if order.deposit else "",
        "total": money(gross + order.deposit, order.currency),
        "sold": money(gross, order.currency),
        "rates": [
            {"rate": rate(vat_bp), "net": say(g - v), "vat": say(v), "gross": say(g)}
            for vat_bp, (g, v) in sold.by_rate.items()
        ],
        "payments": [
            {
                "how": called(PAYMENTS, paid.kind), "amount": say(paid.tendered or paid.amount),
                "kept": say(paid.amount),
            }
            for paid in sold.payments
        ],
        "change": say(sold.change) if sold.change else "",
        "invoice": order.invoice or "",
        "words": {
            "receipt": _("Receipt"), "what": _("What"), "amount": _("Amount"), "deposit": _("Card deposits"),
            "total": _("Total"), "vat": _("VAT"), "change": _("Change"), "not_fiscal": _("Not a fiscal receipt"),
            "keep": _("Keep the card: a deposit is paid back when it is handed in."), "served": _("Served by"),
            "to_invoice": _("To invoice"), "tax_number": _("Tax number"),
        },
    }  # fmt: skip


def rate(vat_bp: int) -> str:
    """Return a VAT rate in words: "8 %", "7.7 %"."""
    return f"{vat_bp / 100:g}\u00a0%"


def _zone(sold: Receipt) -> str:
    return facilities([sold.order.facility])[sold.order.facility].time_zone


def set_sheet(paper: str, said: dict[str, Any]) -> bytes:
    """Return a paper of `sheets` as PDF."""
    # What people wrote goes in as data, never as markup.
    data = {"said": msgspec.json.encode(said).decode()}
    made: Any = typst.compile(str(_HERE / f"{paper}.typ"), root=str(_HERE), sys_inputs=data, ignore_system_fonts=True)
    assert isinstance(made, bytes), "one paper is one PDF"
    return made
