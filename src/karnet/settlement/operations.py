"""Agreements and closings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

import msgspec

from karnet.access.operations import GateTerms, TermsSet
from karnet.accounts.operations import AccountOpened, Transfer
from karnet.journal.operations import Operation, Part, operation
from karnet.settlement.rules.division import DivisionRule, UnusedRule


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
    """An agreement in force over [valid_from, valid_until). Here the one server publishes it for all its facilities;
    signing by many comes with the common card. `sha256` (hex) is that of the canonical text, and `id` is derived from
    it, so the same text is the same agreement."""

    id: UUID
    sha256: str
    text: Agreement
    valid_from: datetime
    valid_until: datetime

    def parts(self) -> Iterable[Part]:
        return (
            TermsSet(
                agreement=self.id,
                valid_from=self.valid_from,
                valid_until=self.valid_until,
                terms=self.text.gates,
            ),
        )


class ClosedAmount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An amount of one facility in this period: minor units, or a count where `kind` is one (rules.totals.Kind).

    `creditor` is set where the amount is what `facility` owes another one.
    """

    facility: UUID
    kind: str
    amount: int
    creditor: UUID | None = None


@operation("settlement.closed")
class Closed(Operation, frozen=True, kw_only=True):
    """A period closed over a cut (one tree size per log). Amounts are differences to the closing before, so late facts
    appear as corrections and periods add up to the season. `report_sha256`: digest of the cumulative report over the
    cut, `as_of` period_end and `until`. `transfers` move the period's payments between clearing accounts."""

    id: UUID
    agreement: UUID
    sequence: int
    period_end: datetime
    cut: dict[str, int]
    report_sha256: str
    amounts: tuple[ClosedAmount, ...]
    until: datetime | None = None
    accounts: tuple[AccountOpened, ...] = ()
    transfers: tuple[Transfer, ...] = ()

    def parts(self) -> Iterable[Part]:
        return (*self.accounts, *self.transfers)
