"""What can be asked about stays, and the answers. Amounts are minor units of the facility's currency."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from karnet.entitlements.operations import BlockCode, MediumKind
from karnet.orders.operations import Payment, PaymentKind
from karnet.orders.requests import Extra, SaleLine
from karnet.stays.operations import OUTSIDE, BorderRole, CorrectionReason, ForceReason, Forgiven


class Border(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where a gate or reader (enrolled in access) leads: from zone `out_of` to zone `into`; "" is outside."""

    gate: UUID
    role: BorderRole = "way"
    out_of: str = OUTSIDE
    into: str = OUTSIDE
    keeps_band: bool = False

    @property
    def leads_out(self) -> bool:
        """Whether people leave the place there."""
        return self.role == "way" and self.into == OUTSIDE


class HouseRules(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a facility does with stays.

    `metered_from`  the zone that people are in from the issue of the band on; "" = they are metered from the entry gate
    `exit_grace_s`  how long who has paid may take to leave, and how old the bill may be that is paid
    `vat_bp`, `on_top_vat_bp`  VAT of stays, and of what is always charged on top (docs/tariffs.md), basis points
    `receipt`       when the prepayment gets its document (SPEC S17): at the `exit`, or at the `entry`
    `prepayments`   the amounts that may be prepaid, beside a package's price; () = any
    `lost_band_minor`  charged for a band that is lost
    `unpaid_limit_minor`  how much a tab may owe before bands of it are charged no more; None = no bound
    `warn_s`        how long before the end of paid time displays warn
    """

    metered_from: str = OUTSIDE
    exit_grace_s: int = 600
    vat_bp: int = 0
    on_top_vat_bp: int = 0
    receipt: Literal["exit", "entry"] = "exit"
    prepayments: tuple[int, ...] = ()
    lost_band_minor: int = 0
    unpaid_limit_minor: int | None = None
    warn_s: int = 600


class Furnish(msgspec.Struct, frozen=True, kw_only=True):
    """Set zones (code → capacity in heads, None = no bound; "*" is the whole facility), readers and rules; what is not
    named stays as it is."""

    key: str
    at: datetime
    actor: UUID
    facility: UUID
    zones: dict[str, int | None] = {}
    borders: tuple[Border, ...] = ()
    rules: HouseRules | None = None


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag="furnished"):
    """The zones named, by code."""

    zones: dict[str, UUID]


class Benefit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A benefit card (SPEC S17): of which programme, and the number on it."""

    programme: str
    card: str


class Band(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One person's band: its printed number, category of the price list, package. `prepaid_minor`: the advance; the
    package's price where not named. A card in its holder's hands serves as well as a band that is given out.

    `included`: the bundle (an entitlement, on this card or another) that pays the prepayment (SPEC N11): tariff, category
    and package are the bundle's. `benefit`: the card whose issuer pays the programme's package; what exceeds it the
    guest pays.
    """

    number: str
    chip: str = ""
    kind: MediumKind = "wristband"
    category: str = "adult"
    package: str = ""
    prepaid_minor: int | None = None
    included: UUID | None = None
    benefit: Benefit | None = None


class Enter(msgspec.Struct, frozen=True, kw_only=True):
    """People come: bands are given out and their stays begin, on a new tab or on an open one.

    `pass_number`: they come on a pass, by its card's number or chip (SPEC S7, S8): no payment, but part of the pass is held
    for each band (`prepaid_minor`, or what its kind says), and the pass's price list counts where it has one.
    `tariff`: its code. `payments`: what the bands prepay, less what an open tab has to spare. `limit_minor`, `buyer`,
    `customer`: of a new tab (orders.requests.OpenTab).
    """

    key: str
    at: datetime
    actor: UUID
    sales_point: UUID
    tariff: str
    bands: tuple[Band, ...]
    payments: tuple[Payment, ...] = ()
    tab: UUID | None = None
    limit_minor: int = 0
    buyer: UUID | None = None
    customer: UUID | None = None
    pass_number: str = ""


class Entered(msgspec.Struct, frozen=True, kw_only=True, tag="entered", omit_defaults=True):
    """The stays, in the order of the bands. `document`: of the prepayment, where it gets its own. `held`: on the pass."""

    tab: UUID
    number: str
    stays: tuple[UUID, ...]
    prepaid: int
    change: int = 0
    order: UUID | None = None
    document: str | None = None
    held: int = 0


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """A band was read at a gate or reader; `actor` is who asks, most often the gate itself."""

    key: str
    at: datetime
    actor: UUID
    gate: UUID
    chip: str


class Let(msgspec.Struct, frozen=True, kw_only=True, tag="let", omit_defaults=True):
    """Go on: from `before` to `zone` ("" = outside). `ended`: the stay is over; `document`: its tab's, where that closed;
    `drawn`: what its pass paid, minor units.

    `stopped`: the clocks stand until the stay is settled. `open`: an evacuation; nobody is stopped.
    """

    stay: UUID
    before: str
    zone: str
    ended: bool = False
    stopped: bool = False
    open: bool = False
    missed: bool = False
    document: str | None = None
    drawn: int = 0


class Settle(msgspec.Struct, frozen=True, kw_only=True):
    """Charge stays of one tab and take what is owed. `as_of`: the instant of the bill that was shown (now where not named).

    "pay": they may leave within the grace. "close": their bands came back, the stays are over; when they were the tab's
    last, what was paid too much is paid back as `refund_kind` and the tab is closed. Passes on which they came pay what
    they can by themselves, so `payments` are what is left; `pass_number`: another pass that pays first.
    """

    key: str
    at: datetime
    actor: UUID
    sales_point: UUID
    stays: tuple[UUID, ...]
    payments: tuple[Payment, ...] = ()
    mode: Literal["pay", "close"] = "close"
    as_of: datetime | None = None
    refund_kind: PaymentKind = "cash"
    account: UUID | None = None
    pass_number: str = ""


class StaysSettled(msgspec.Struct, frozen=True, kw_only=True, tag="stays_settled", omit_defaults=True):
    """`paid`: taken now; `drawn`: what passes paid; `balance`: of the tab; `totals`: what each stay costs, in the order
    asked."""

    tab: UUID
    number: str
    totals: tuple[int, ...]
    paid: int
    balance: int
    drawn: int = 0
    change: int = 0
    refund: int = 0
    closed: bool = False
    order: UUID | None = None
    document: str | None = None


class ChargeBand(msgspec.Struct, frozen=True, kw_only=True):
    """Charge goods and services through a band, by its printed number or chip: a restaurant point, a massage (SPEC S6)."""

    key: str
    at: datetime
    actor: UUID
    sales_point: UUID
    band: str
    lines: tuple[SaleLine, ...] = ()
    extras: tuple[Extra, ...] = ()


class TakeOff(msgspec.Struct, frozen=True, kw_only=True):
    """Take dishes and goods off a band's tab again, which this sales point charged there: a dish that came back.

    An item is known by its code, price and VAT rate; at most as many come off as were charged.
    """

    key: str
    at: datetime
    actor: UUID
    sales_point: UUID
    band: str
    extras: tuple[Extra, ...]


class TakeBand(msgspec.Struct, frozen=True, kw_only=True):
    """Take back a band whose stay is over, by its printed number."""

    key: str
    at: datetime
    actor: UUID
    sales_point: UUID
    band: str


class BandTaken(msgspec.Struct, frozen=True, kw_only=True, tag="band_taken"):
    """The band is back and may be given out again."""

    medium: UUID


class Correct(msgspec.Struct, frozen=True, kw_only=True):
    """Put a missed or wrong reading right: drop a move, or put one in (from `since` on in `zone`), or both."""

    key: str
    at: datetime
    actor: UUID
    stay: UUID
    reason: CorrectionReason
    drop: UUID | None = None
    zone: str | None = None
    since: datetime | None = None


class Mended(msgspec.Struct, frozen=True, kw_only=True, tag="mended"):
    """`zone`: where the person is now."""

    stay: UUID
    zone: str


class ForceClose(msgspec.Struct, frozen=True, kw_only=True):
    """End a stay by hand, charged up to `until` (now where not named). "forgiven": what is owed for it is taken off."""

    key: str
    at: datetime
    actor: UUID
    stay: UUID
    reason: ForceReason
    debt: Forgiven = "charged"
    until: datetime | None = None


class Closed(msgspec.Struct, frozen=True, kw_only=True, tag="stay_closed"):
    """`owed`: what is left to pay on the tab."""

    stay: UUID
    tab: UUID
    total: int
    owed: int


class LoseBand(msgspec.Struct, frozen=True, kw_only=True):
    """A stay's band is lost: it is blocked, its fee charged, and the stay goes on on band `new_number`, where one is given."""

    key: str
    at: datetime
    actor: UUID
    sales_point: UUID
    stay: UUID
    code: BlockCode = "lost"
    new_number: str = ""
    new_chip: str = ""
    kind: MediumKind = "wristband"


class BandReplaced(msgspec.Struct, frozen=True, kw_only=True, tag="band_replaced"):
    """`medium`: the band that the stay is on now; None where no new one was given."""

    stay: UUID
    fee: int
    medium: UUID | None = None


class Evacuate(msgspec.Struct, frozen=True, kw_only=True):
    """Evacuate a facility: gates stand open and clocks stand still from now on."""

    key: str
    at: datetime
    actor: UUID
    facility: UUID


class Resume(msgspec.Struct, frozen=True, kw_only=True):
    """End a facility's evacuation: clocks run again for who is inside."""

    key: str
    at: datetime
    actor: UUID
    facility: UUID


class Evacuation(msgspec.Struct, frozen=True, kw_only=True, tag="evacuation"):
    """`running`: clocks stand still; `inside`: how many heads there are."""

    id: UUID
    running: bool
    inside: int
