"""Every step of a scenario as a struct. The JSON Schema in docs/ and the validation of files are made from these."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from karnet.wiring.play.amounts import Amount, Percent
from karnet.wiring.play.step import Step as Step
from karnet.wiring.play.steps_lockers import LockerStep
from karnet.wiring.play.steps_passes import PassStep
from karnet.wiring.play.steps_stays import StayStep
from karnet.wiring.play.words import (
    AgreedPrice,
    BlockReason,
    Buyer,
    Card,
    Code,
    Count,
    Currency,
    Division,
    FacilityCode,
    GateTerms,
    Instant,
    Label,
    Payment,
    PaymentKind,
    Place,
    Product,
    SaleLine,
    SalesPointKind,
)


class EnrolFacility(Step, frozen=True, kw_only=True, tag="enrol_facility"):
    """A facility joins the server and its books are opened. `company`: who stands behind it, printed on invoices."""

    facility: FacilityCode
    currency: Currency = "PLN"
    time_zone: str = "Europe/Warsaw"
    name: str = ""
    company: Buyer | None = None


class EnrolSalesPoint(Step, frozen=True, kw_only=True, tag="enrol_sales_point"):
    """A till, reception, ticket machine, web shop or partner till."""

    sales_point: Place
    kind: SalesPointKind = "till"
    name: str = ""


class EnrolOperator(Step, frozen=True, kw_only=True, tag="enrol_operator"):
    """Somebody who sells."""

    operator: Place
    name: str = ""


class EnrolGate(Step, frozen=True, kw_only=True, tag="enrol_gate"):
    """A gate. `passback_s`: seconds before one card may pass it again. `reports_turn`: it tells whether the turn was
    taken; if not, a grant counts as taken. `grant_s`: how long a grant waits for the turn. `name`: for people."""

    gate: Place
    direction: Literal["in", "out"] = "in"
    passback_s: Count = 0
    reports_turn: bool = True
    grant_s: Annotated[int, Meta(ge=1, le=3600)] = 15
    name: str = ""


class Retire(Step, frozen=True, kw_only=True, tag="retire"):
    """A facility, sales point, operator or gate acts no more, nor does what belongs to it."""

    facility: FacilityCode | None = None
    sales_point: Place | None = None
    operator: Place | None = None
    gate: Place | None = None

    def __post_init__(self) -> None:
        if sum(party is not None for party in (self.facility, self.sales_point, self.operator, self.gate)) != 1:
            raise ValueError("name one of facility, sales_point, operator and gate")


class Publish(Step, frozen=True, kw_only=True, tag="publish"):
    """A facility publishes a price list, on sale from `from` (default: `at`)."""

    facility: FacilityCode
    products: tuple[Product, ...]
    on_sale_from: Instant | None = msgspec.field(default=None, name="from")
    on_sale_until: Instant | None = msgspec.field(default=None, name="until")


class Agree(Step, frozen=True, kw_only=True, tag="agree"):
    """The members' agreement for a season: settlement prices, and points and weight of every gate.

    `division`: how a time ticket is divided. `unused`: who gets what nobody used. `floor`: percent for all members alike.
    `overdrawn`, `second_payout`, `unreturned`, `bonus`: who bears what (docs/settlement.md).
    """

    season: Code
    first_day: date
    last_day: date
    members: tuple[FacilityCode, ...]
    prices: tuple[AgreedPrice, ...]
    gates: dict[Place, GateTerms]
    currency: Currency = "PLN"
    time_zone: str = "Europe/Warsaw"
    division: Division = "weighted_passages"
    unused: Literal["seller", "equal_members", "weights_of_members"] = "seller"
    deposit: Amount = 0
    floor: Percent = "0"
    overdrawn: Literal["shared", "seller"] = "shared"
    second_payout: Literal["payer", "taker"] = "payer"
    unreturned: Literal["held", "taker", "equal_members"] = "held"
    bonus: Literal["giver", "spender", "members"] = "giver"
    partners: tuple[FacilityCode, ...] = ()


class OpenShift(Step, frozen=True, kw_only=True, tag="open_shift"):
    """An operator takes a till's drawer with `float` in it."""

    sales_point: Place
    operator: Place
    float_amount: Amount = msgspec.field(default=0, name="float")


class CloseShift(Step, frozen=True, kw_only=True, tag="close_shift"):
    """The drawer is counted: in all (`counted`), or by coin and note (`counts`: how many of each)."""

    sales_point: Place
    operator: Place
    counted: Amount | None = None
    counts: dict[Amount, Count] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.counted is None) == (not self.counts):
            raise ValueError("say what was counted: either counted or counts")


class Sell(Step, frozen=True, kw_only=True, tag="sell"):
    """A sale of one or more lines. `operator` left out: the service operator of a ticket machine or web shop. `pay` left
    out: cash, all of it. `buyer`: a company; `invoice`: issue one at once."""

    sales_point: Place
    operator: Place | None = None
    lines: Annotated[tuple[SaleLine, ...], Meta(min_length=1)]
    pay: tuple[Payment, ...] | PaymentKind = "cash"
    buyer: Buyer | None = None
    invoice: bool = False

    def __post_init__(self) -> None:
        _one_rest(self.pay)


class TopUp(Step, frozen=True, kw_only=True, tag="top_up"):
    """One product sold onto one card."""

    sales_point: Place
    operator: Place | None = None
    card: Card
    product: Code
    category: str = "adult"
    price: Amount | None = None
    pay: tuple[Payment, ...] | PaymentKind = "cash"

    def __post_init__(self) -> None:
        _one_rest(self.pay)


class Load(Step, frozen=True, kw_only=True, tag="load"):
    """Money is put on a card, with a bonus perhaps."""

    sales_point: Place
    operator: Place | None = None
    card: Card
    amount: Amount
    bonus: Amount = 0
    pay: PaymentKind = "cash"


class Charge(Step, frozen=True, kw_only=True, tag="charge"):
    """A facility charges a card for what it gave: an `amount` with `vat` inside, or `points`."""

    sales_point: Place
    operator: Place | None = None
    card: Card
    amount: Amount = 0
    vat: Percent = "8"
    points: Count = 0


class Scan(Step, frozen=True, kw_only=True, tag="scan"):
    """A card is read at a gate. The outcome is the verdict; the turn is a step of its own."""

    gate: Place
    card: Card


class Take(Step, frozen=True, kw_only=True, tag="take"):
    """The gate reports what became of its last scan (of `card`, if given): the turn was taken, or not."""

    gate: Place
    card: Card | None = None
    taken: bool = True


class Block(Step, frozen=True, kw_only=True, tag="block"):
    """A card goes on the hotlist."""

    card: Card
    sales_point: Place
    operator: Place
    reason: BlockReason = "lost"


class Unblock(Step, frozen=True, kw_only=True, tag="unblock"):
    """The last block that lies on a card is lifted."""

    card: Card
    sales_point: Place
    operator: Place


class Replace(Step, frozen=True, kw_only=True, tag="replace"):
    """A lost or broken card is replaced, with everything on it.

    Its deposit becomes that of the new card. With `deposit`, a new deposit is taken instead, and the old one is left to
    whoever hands the old card in.
    """

    card: Card
    by: Card
    sales_point: Place
    operator: Place
    reason: BlockReason = "lost"
    deposit: Amount | None = None
    pay: PaymentKind = "cash"


class Return(Step, frozen=True, kw_only=True, tag="return"):
    """Lines of an earlier sale are given back (`order` names its step, `lines` counts from 1), or cards are handed in
    for their deposit, or both."""

    sales_point: Place
    operator: Place
    cards: tuple[Card, ...] = ()
    order: Label | None = None
    lines: tuple[Annotated[int, Meta(ge=1)], ...] = ()
    pay: PaymentKind = "cash"


class Invoice(Step, frozen=True, kw_only=True, tag="invoice"):
    """An invoice for an earlier sale (`order` names its step). `buyer` left out: the sale's."""

    order: Label
    operator: Place
    buyer: Buyer | None = None


class Settle(Step, frozen=True, kw_only=True, tag="settle"):
    """The settlement of a season (default: the one in force) over everything that happened up to `at`; with `since`,
    of the time from then on. Changes nothing."""

    season: Code | None = None
    since: Instant | None = None


class ClosePeriod(Step, frozen=True, kw_only=True, tag="close_period"):
    """A period ends at `at`: the amounts since the closing before it are recorded."""

    season: Code | None = None


class Seal(Step, frozen=True, kw_only=True, tag="seal"):
    """What is recorded is sealed: hashed into the Merkle tree and signed."""


class Verify(Step, frozen=True, kw_only=True, tag="verify"):
    """The whole journal is verified (after sealing)."""


class RebuildCheck(Step, frozen=True, kw_only=True, tag="rebuild_check"):
    """The journal is replayed into empty tables and every row compared."""


class Inspect(Step, frozen=True, kw_only=True, tag="inspect"):
    """What is on a card now. Changes nothing."""

    card: Card


class Balance(Step, frozen=True, kw_only=True, tag="balance"):
    """The balance of a facility's house account, in its currency. Changes nothing."""

    facility: FacilityCode
    account: Literal[
        "revenue", "vat", "deposits", "card_payments", "bank_transfers", "vouchers", "receivables",
        "cash_differences", "clearing",
    ]  # fmt: skip


AnyStep = (
    EnrolFacility | EnrolSalesPoint | EnrolOperator | EnrolGate | Retire | Publish | Agree | OpenShift | CloseShift
    | Sell | TopUp | Load | Charge | Scan | Take | Block | Unblock | Replace | Return | Invoice | Settle | ClosePeriod
    | Seal | Verify | RebuildCheck | Inspect | Balance | StayStep | LockerStep | PassStep
)  # fmt: skip


def _one_rest(pay: tuple[Payment, ...] | str) -> None:
    if not isinstance(pay, str) and sum(payment.amount is None for payment in pay) > 1:
        raise ValueError("only one payment can be what remains; give the others an amount")


def names() -> dict[str, type[Step]]:
    """Return every step struct by the word that `do` says."""
    return {struct.__struct_config__.tag: struct for struct in get_args(AnyStep)}
