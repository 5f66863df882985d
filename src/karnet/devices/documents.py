"""What is printed, as values frozen when the job is made: whatever is sold or renamed later, a job prints what it was."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Kind = Literal["receipt", "return", "copy", "test", "report"]
"""`receipt` of a sale; `return`: money paid back (never fiscal); `copy` of a receipt (never fiscal); `test`; `report`:
the daily report of a fiscal printer."""


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`amount` gross = `quantity` × `unit_price`, minor units; VAT rate in basis points."""

    name: str
    quantity: int
    unit_price: int
    amount: int
    vat_bp: int


class Paid(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A payment: `amount` was kept; `tendered` handed over, None where it was exact. `kind` as in orders."""

    kind: str
    amount: int
    tendered: int | None = None


class Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A paper. Amounts in minor units of `currency`; `at` by the facility's clock.

    The payments of a receipt are its lines and card deposits, to the minor unit. `refund` is what a return paid out.
    `heading`: who sells, line by line; `buyer_tax_number`: printed where a company bought.
    """

    kind: Kind
    number: str
    at: datetime
    currency: str
    heading: tuple[str, ...] = ()
    operator: str = ""
    language: str = "pl"
    lines: tuple[Line, ...] = ()
    payments: tuple[Paid, ...] = ()
    deposit: int = 0
    refund: int = 0
    buyer_tax_number: str = ""

    @property
    def gross(self) -> int:
        """The sum of the lines."""
        return sum(line.amount for line in self.lines)

    @property
    def total(self) -> int:
        """Lines and card deposits."""
        return self.gross + self.deposit

    @property
    def change(self) -> int:
        """What was handed back of the cash tendered."""
        return sum((paid.tendered or paid.amount) - paid.amount for paid in self.payments)

    @property
    def by_rate(self) -> dict[int, int]:
        """Gross by VAT rate in basis points, in the order of the rates."""
        sums: dict[int, int] = {}
        for line in sorted(self.lines, key=lambda line: line.vat_bp):
            sums[line.vat_bp] = sums.get(line.vat_bp, 0) + line.amount
        return sums


def merged(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Return lines of one name, price and rate as one, in the order of their first; those of no amount are left out: a
    fiscal printer takes no free goods."""
    sums: dict[tuple[str, int, int], int] = {}
    for line in lines:
        if line.amount:
            key = (line.name, line.unit_price, line.vat_bp)
            sums[key] = sums.get(key, 0) + line.quantity
    return tuple(
        Line(name=name, quantity=quantity, unit_price=price, amount=quantity * price, vat_bp=rate)
        for (name, price, rate), quantity in sums.items()
    )


encode = msgspec.json.encode
"""Return a document as JSON."""


def decode(data: bytes) -> Document:
    """Return the document of some JSON. Raises msgspec.ValidationError."""
    return msgspec.json.decode(data, type=Document)
