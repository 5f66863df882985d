"""Agreements and closings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

import msgspec

from karnet.access.operations import GateTerms, TermsSet, TermsSigned
from karnet.accounts.operations import AccountOpened, CardTermsSet, CardTermsSigned, Transfer
from karnet.journal.operations import Operation, Part, operation
from karnet.settlement.rules.division import DivisionRule, OverdrawnRule, UnusedRule
from karnet.settlement.rules.totals import BonusRule, SecondPayoutRule, UnreturnedRule


class AgreedPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fixed part of a bundle's price and whose it is (SPEC N11): gross minor units, VAT in basis points."""

    facility: UUID
    amount: int
    vat_bp: int


class AgreedPrice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The price at which a product is settled, whatever it was sold for (SPEC N8). Gross minor units.

    What `parts` leave of it is divided by use. `division`: this product's own rule, where it has one.
    """

    product_code: str
    category: str
    price: int
    vat_bp: int
    parts: tuple[AgreedPart, ...] = ()
    division: DivisionRule | None = None


class Limits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a server may do for another's card while it cannot ask the card's home server (DESIGN 4, home-only).

    `refund_minor`: pay out at most this for one card; `replacements`: replace at most so many cards a day. 0 = not at all.
    """

    refund_minor: int = 0
    replacements: int = 0


class Agreement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A season's text. `division` is the rule for time tickets; points tickets go by points taken (SPEC N9, N13).

    `floor_bp`: the solidarity floor, in basis points of every time ticket's price, for all members alike. `unused`: who
    gets the value of points, or of tickets, that nobody used (SPEC N16; default the seller). `overdrawn`,
    `second_payout`: who bears points taken twice, and a card deposit paid out twice (SPEC N14). `unreturned`: whose card
    deposits are that nobody returned by the end (SPEC N15). `bonus`: who bears bonus money that was spent.
    `partners` charge cards, and have no say (SPEC N10). `replaces`: the agreement that ends when this one begins.
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
    floor_bp: int = 0
    overdrawn: OverdrawnRule = "shared"
    second_payout: SecondPayoutRule = "payer"
    unreturned: UnreturnedRule = "held"
    bonus: BonusRule = "giver"
    partners: tuple[UUID, ...] = ()
    limits: Limits = Limits()
    replaces: UUID | None = None


@operation("settlement.agreement_published")
class AgreementPublished(Operation, frozen=True, kw_only=True):
    """An agreement in force over [valid_from, valid_until): one server that runs all members' facilities publishes it
    for them. `sha256` (hex) is that of the canonical text, and `id` is derived from it, so the same text is the same
    agreement."""

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
            _card_terms(self),
        )


@operation("settlement.agreement_proposed")
class AgreementProposed(Operation, frozen=True, kw_only=True):
    """A text for the members to sign. It is in force over [valid_from, valid_until) once all of them have (SPEC N9);
    the terms of its gates wait until then. Fields as in AgreementPublished."""

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
                signatures=len(self.text.members),
            ),
            _card_terms(self, signatures=len(self.text.members)),
        )


@operation("settlement.agreement_signed")
class AgreementSigned(Operation, frozen=True, kw_only=True):
    """A member's manager, who is the entry's actor, signs exactly the text with this SHA-256 (hex): the entry is sealed
    in the log of the member's own server, and so signed with its key."""

    agreement: UUID
    member: UUID
    sha256: str

    def parts(self) -> Iterable[Part]:
        return (TermsSigned(agreement=self.agreement, member=self.member), CardTermsSigned(agreement=self.agreement))


def _card_terms(agreement: AgreementPublished | AgreementProposed, signatures: int = 0) -> CardTermsSet:
    text = agreement.text
    return CardTermsSet(
        agreement=agreement.id,
        valid_from=agreement.valid_from,
        valid_until=agreement.valid_until,
        facilities=(*text.members, *text.partners),
        refund_minor=text.limits.refund_minor,
        replacements=text.limits.replacements,
        signatures=signatures,
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
