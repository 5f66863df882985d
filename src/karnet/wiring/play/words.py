"""The vocabulary of scenario fields: names of places, people and cards, and the parts steps are made of."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from karnet.wiring.play.amounts import END, Amount, Percent, Weight

_CODE = "[A-Za-z0-9][A-Za-z0-9_.-]{0,31}"
CODE_PATTERN = f"^{_CODE}{END}"
PLACE_PATTERN = f"^{_CODE}/{_CODE}{END}"
CARD_PATTERN = f"^[!-~]{{1,64}}{END}"
CURRENCY_PATTERN = f"^[A-Z]{{3}}{END}"
COUNTRY_PATTERN = f"^[A-Z]{{2}}{END}"
CLOCK_PATTERN = f"^([0-3][0-9]|4[0-8]):[0-5][0-9]{END}"

Code = Annotated[str, Meta(pattern=CODE_PATTERN, description="A code: letters, digits, '-', '_' and '.'.")]
FacilityCode = Annotated[str, Meta(pattern=CODE_PATTERN, description="The code of a facility.", examples=["A"])]
Place = Annotated[
    str,
    Meta(
        pattern=PLACE_PATTERN,
        description="Something or somebody of a facility: facility code, slash, code.",
        examples=["A/till-1", "A/anna", "A/k1"],
    ),
]
Card = Annotated[
    str,
    Meta(
        pattern=CARD_PATTERN,
        description="The number of a card, band or code, as printed on it.",
        examples=["1001"],
    ),
]
Label = Annotated[
    str, Meta(min_length=1, max_length=64, description="A name for this step, by which later steps may refer to it.")
]
Currency = Annotated[str, Meta(pattern=CURRENCY_PATTERN, description="ISO 4217.", examples=["PLN"])]
Instant = Annotated[
    datetime,
    Meta(tz=True, description="An instant with its offset from UTC.", examples=["2026-01-17T08:00:00+01:00"]),
]
Clock = Annotated[str, Meta(pattern=CLOCK_PATTERN, description="Local wall time; after 24:00, the next day's.")]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SalesPointKind = Literal["till", "reception", "ticket_machine", "web", "partner"]
PaymentKind = Literal["cash", "card", "bank_transfer", "voucher", "internal_account", "invoice", "on_account"]
PaidWith = Literal[PaymentKind, "stored_money"]
BlockReason = Literal["lost", "stolen", "misused", "unpaid", "other"]
Count = Annotated[int, Meta(ge=0, le=10**9)]


class Word(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A part of a step. A field nobody knows is a mistake, told with its name."""


class Hours(Word, frozen=True, kw_only=True):
    """A weekly window of entry [from, until), by the facility's wall clock."""

    start: Clock = msgspec.field(name="from")
    until: Clock
    weekdays: tuple[Weekday, ...] = WEEKDAYS


class Validity(Word, frozen=True, kw_only=True):
    """How long a ticket opens gates.

    hours: `hours` from its start. days: `days` consecutive calendar days. days_within: `days` days of use out of
    `within_days`. season: from `first_day` to `last_day`. It starts at the sale, or at the first passage.
    """

    kind: Literal["hours", "days", "days_within", "season"]
    starts: Literal["sale", "first_passage"] = "sale"
    hours: Count = 0
    days: Count = 0
    within_days: Count = 0
    first_day: date | None = None
    last_day: date | None = None
    windows: tuple[Hours, ...] = ()


class IncludedStay(Word, frozen=True, kw_only=True):
    """Metered stays at a place that a bundle includes: by a tariff there, with what a package costs."""

    facility: FacilityCode
    tariff: Code
    package: Code
    times: Count = 1


class Product(Word, frozen=True, kw_only=True):
    """A product of a price list: gross prices by category, VAT included; `deposit` is taken on every new card."""

    code: Code
    kind: Literal["points", "time", "goods", "deposit_card"]
    prices: dict[str, Amount]
    vat: Percent = "8"
    names: dict[str, str] = {}
    points: Count = 0
    validity: Validity | None = None
    deposit: Amount = 0
    facilities: tuple[FacilityCode, ...] = ()
    stays: tuple[IncludedStay, ...] = ()


Division = Literal["weighted_passages", "equal_visited", "first_entries", "points_frequency"]


class AgreedPart(Word, frozen=True, kw_only=True):
    """A fixed part of a bundle's price, and whose it is."""

    facility: FacilityCode
    amount: Amount
    vat: Percent = "8"


class AgreedPrice(Word, frozen=True, kw_only=True):
    """The price at which a product is settled, whatever it was sold for. What `parts` leave is divided by use;
    `division`: by a rule of the product's own."""

    product: Code
    price: Amount
    category: str = "adult"
    vat: Percent = "8"
    parts: tuple[AgreedPart, ...] = ()
    division: Division | None = None


class GateTerms(Word, frozen=True, kw_only=True):
    """What a passage through a gate takes from a points ticket, and what it weighs for a time ticket."""

    points: Count = 0
    weight: Weight = "0"


class SaleLine(Word, frozen=True, kw_only=True):
    """A product sold: a ticket on each of `cards`, or goods `quantity` times.

    `issue`: the cards are given out with their tickets; false: their holders have them. `price`: instead of that of the
    price list, for one ("0" = given away). `start`: when a ticket that does not start at its first passage starts.
    """

    product: Code
    category: str = "adult"
    cards: tuple[Card, ...] = ()
    issue: bool = True
    quantity: Annotated[int, Meta(ge=1, le=10_000)] = 1
    price: Amount | None = None
    start: Instant | None = None


class Payment(Word, frozen=True, kw_only=True):
    """Money for a sale. `amount` left out: what remains to be paid. `tendered`: cash given, the change goes back.
    `card`: by number, whose money it is that pays (`stored_money`)."""

    kind: PaidWith
    amount: Amount | None = None
    tendered: Amount | None = None
    card: Card | None = None


class Buyer(Word, frozen=True, kw_only=True):
    """The company an invoice is made out to, or issued by. Kept beside the journal, never in it."""

    name: str
    tax_number: str
    address: str
    country: Annotated[str, Meta(pattern=COUNTRY_PATTERN, description="ISO 3166-1.")] = "PL"
