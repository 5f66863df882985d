"""Agreements and closings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from karnet.access.operations import GateTerms, TermsSet
from karnet.journal.operations import Operation, Part, operation

DivisionRule = Literal["weighted_passages", "equal_visited"]
UnusedRule = Literal["seller", "equal_members", "weights_of_members"]


class AgreedPrice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The price at which a product is settled, whatever it was sold for (SPEC N8). Gross minor units."""

    product_code: str
    category: str
    price: int
    vat_bp: int


class Agreement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A season's text. `division` is the rule for time tickets; points tickets go by points taken (SPEC N9, N13).

    `unused`: who gets the value of points, or of tickets, that nobody used (SPEC N16; default the seller).
    """

    season: str
    currency: str
    first_day: date
    last_day: date
    time_zone: str
    members: tuple[UUID, ...]
    prices: tuple[AgreedPrice, ...]
    gates: tuple[GateTerms, ...]
    division: DivisionRule = "weighted_passages"
    unused: UnusedRule = "seller"
    deposit_minor: int = 0


@operation("settlement.agreement_published")
class AgreementPublished(Operation, frozen=True, kw_only=True):
    """An agreement in force. Here the one server publishes it for all its facilities; signing by many comes with the
    common card. `id` is derived from the text's hash, so the same text is the same agreement."""

    id: UUID
    text: Agreement
    terms: TermsSet

    def parts(self) -> Iterable[Part]:
        return (self.terms,)


class ClosedAmount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one facility owes (negative) or is owed, by kind, in this period; minor units."""

    facility: UUID
    kind: str
    amount: int


@operation("settlement.closed")
class Closed(Operation, frozen=True, kw_only=True):
    """A period closed over a cut (one tree size per origin). Amounts are differences to the closing before."""

    id: UUID
    agreement: UUID
    sequence: int
    period_end: datetime
    cut: dict[str, int]
    report_sha256: str
    amounts: tuple[ClosedAmount, ...]
