"""The people who come and have not paid yet. Kept in the session: nothing of it is recorded before, no error loses it."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID, uuid4

import msgspec
from django.http import HttpRequest

from karnet.entitlements.bundles import Included
from karnet.entitlements.rules import MediumState
from karnet.orders.operations import Payment
from karnet.stays.explaining import Offered
from karnet.stays.requests import Band, Benefit, HouseRules
from karnet.stays.rules.entering import MAX_BANDS

_SESSION = "till_pool"


class Comer(msgspec.Struct, kw_only=True):
    """One band: whom it is for, with which package. `prepaid`: another amount than the package's price.

    `included`: the bundle (`bundle`: what it is called) on the card that was read pays it; `lacks_band`: a band is given out for
    that person, and the next one that is read is it. `programme`: whose benefit card pays its package; `benefit`: the number
    on that card, "" until it was read.
    """

    number: str
    chip: str = ""
    own: bool = False
    kind: str = "wristband"
    category: str = "adult"
    package: str = ""
    prepaid: int | None = None
    included: UUID | None = None
    bundle: str = ""
    lacks_band: bool = False
    programme: str = ""
    benefit: str = ""

    @property
    def lacks_benefit(self) -> bool:
        """Whether its benefit card was not read yet."""
        return bool(self.programme) and not self.benefit

    def price(self, offered: Offered | None) -> int:
        """Return what is prepaid for it here, minor units: nothing, where a bundle or the issuer of a card pays."""
        if self.included is not None or self.programme:
            return 0
        if self.prepaid is not None:
            return self.prepaid
        return offered.prices.get((self.category, self.package), 0) if offered and self.package else 0


class Arrivals(msgspec.Struct, kw_only=True):
    """People who come together. `tariff`, `category`, `package`, `prepaid`: what the next band gets; `programme`: instead of
    that, the package that a benefit card of this programme pays. `tab`: the open tab that they join; `limit`: how much their
    new tab may owe; `on_pass`: the number of the e-pass that pays for them.

    Of those before, shown until the next band: `entered`, the tab of who came; `sold`, the sale of who left; `change`, handed
    out, and `refund`, paid out to them; `leave_s`: how long who paid may take to the gate. `back`: the band that was taken back last: read twice by mistake, it is not given out.
    """

    key: str = msgspec.field(default_factory=lambda: str(uuid4()))
    tariff: str = ""
    category: str = ""
    package: str | None = None
    prepaid: int | None = None
    programme: str = ""
    bands: list[Comer] = msgspec.field(default_factory=list)
    payments: list[Payment] = msgspec.field(default_factory=list)
    tab: UUID | None = None
    limit: int = 0
    buyer: UUID | None = None
    on_pass: str = ""
    entered: UUID | None = None
    sold: UUID | None = None
    change: int = 0
    refund: int = 0
    leave_s: int = 0
    back: str = ""

    @property
    def paid(self) -> int:
        """What was paid in part so far, minor units."""
        return sum(payment.amount for payment in self.payments)

    @property
    def benefit_wanted(self) -> Comer | None:
        """The first band whose benefit card is to be read."""
        return next((one for one in self.bands if one.lacks_benefit), None)

    def changed(self) -> None:
        """Note that this is another request than the one that was asked for before."""
        self.key = str(uuid4())
        self.entered, self.sold, self.change, self.refund, self.leave_s, self.back = None, None, 0, 0, 0, ""


def load(request: HttpRequest) -> Arrivals:
    """Return who comes at this session's desk, nobody where none do."""
    try:
        return msgspec.json.decode(request.session.get(_SESSION, "{}"), type=Arrivals)
    except msgspec.ValidationError:  # Kept by another version of the program.
        return Arrivals()


def save(request: HttpRequest, coming: Arrivals) -> None:
    """Keep them in the session."""
    request.session[_SESSION] = msgspec.json.encode(coming).decode()


def settle_choice(
    coming: Arrivals, tariffs: list[Offered], rules: HouseRules, taken: Mapping[str, str] | None = None
) -> Offered | None:
    """Make what is chosen hold for the tariffs of the moment; return the chosen one, None where none is in force.

    `taken`: the package that each programme of benefit cards pays, by code.
    """
    offered = next((one for one in tariffs if one.code == coming.tariff), tariffs[0] if tariffs else None)
    if offered is None:
        return None
    coming.tariff = offered.code
    if coming.category not in offered.categories:
        coming.category = offered.categories[0] if offered.categories else ""
    if coming.package is not None and coming.package and coming.package not in offered.packages:
        coming.package = None
    if coming.package is None and coming.prepaid is None:
        coming.package = offered.packages[0] if offered.packages else ""
        coming.prepaid = None if offered.packages else next(iter(rules.prepayments), 0)
    if coming.on_pass or (taken or {}).get(coming.programme) not in offered.packages:
        coming.programme = ""
    return offered


def add(
    coming: Arrivals,
    read: str,
    medium: MediumState | None,
    bundle: Included | None = None,
    called: str = "",
    issuer_pays: str = "",
) -> str:
    """Take a band that was read for one more person. Returns "added", "twice", "full".

    A band or card that is unknown or was handed back is given out; one in somebody's hands is their own, and a `bundle` on
    it pays for its holder. `issuer_pays`: the package of the programme that is chosen.
    """
    number = medium.number if medium else read
    if any(one.number == number for one in coming.bands):
        return "twice"
    own = medium is not None and medium.state == "in_use"
    waiting = next((one for one in coming.bands if one.lacks_band), None)
    if waiting is not None and not own:
        waiting.number, waiting.chip = number, medium.chip if medium else read
        waiting.kind, waiting.own, waiting.lacks_band = medium.kind if medium else "wristband", False, False
        coming.changed()
        return "added"
    if len(coming.bands) >= MAX_BANDS:
        return "full"
    coming.bands.append(
        Comer(
            number=number,
            chip=medium.chip if medium else read,
            own=own,
            kind=medium.kind if medium else "wristband",
            category=bundle.category if bundle else coming.category,
            package=bundle.package if bundle else issuer_pays or coming.package or "",
            prepaid=None if bundle or issuer_pays else coming.prepaid,
            included=bundle.entitlement if bundle else None,
            bundle=called or bundle.product_code if bundle else "",
            programme=coming.programme if issuer_pays and not bundle else "",
        )
    )
    coming.changed()
    return "added"


def alter(coming: Arrivals, number: str, action: str, issuer_pays: str = "") -> None:
    """Change one band: "remove" it, give it what is "chosen" now (a bundle pays it no more), give out a "band" for who
    came with a card and a bundle, or do "without" its benefit card, at the price of the same package. What does not fit
    changes nothing. `issuer_pays`: as in `add`."""
    one = next((one for one in coming.bands if one.number == number), None)
    if one is None:
        return
    if action == "remove":
        coming.bands.remove(one)
    elif action == "chosen":
        one.category, one.package, one.prepaid = coming.category, coming.package or "", coming.prepaid
        one.included, one.bundle, one.lacks_band = None, "", False
        one.programme, one.benefit = "", ""
        if issuer_pays:
            one.programme, one.package, one.prepaid = coming.programme, issuer_pays, None
    elif action == "without":
        one.programme, one.benefit = "", ""
    elif action == "band" and one.included is not None and one.own:
        one.lacks_band = True
    coming.changed()


def due(coming: Arrivals, offered: Offered | None, spare: int) -> int:
    """Return what they prepay, less what their tab has to spare and what was paid in part."""
    if coming.on_pass:
        return 0  # Part of the pass is held for each band.
    return max(0, sum(one.price(offered) for one in coming.bands) - spare) - coming.paid


def asked_bands(coming: Arrivals) -> tuple[Band, ...]:
    """Return the bands as entering asks for them."""
    return tuple(
        Band(
            number=one.number,
            chip=one.chip if one.chip != one.number else "",
            kind=one.kind,  # type: ignore[arg-type]
            category=one.category,
            package=one.package,
            prepaid_minor=one.prepaid,
            included=one.included,
            benefit=Benefit(programme=one.programme, card=one.benefit) if one.programme else None,
        )
        for one in coming.bands
    )
