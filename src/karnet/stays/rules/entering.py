"""Coming in: bands given out, stays begun, prepayment on the tab."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import msgspec

from karnet.entitlements.bundles import Included, not_now
from karnet.entitlements.operations import IncludedStayUsed, MediumIssued
from karnet.entitlements.rules import Desk as Media
from karnet.entitlements.rules import MediumState, issued_state, usable_medium
from karnet.journal.operations import Operation
from karnet.journal.requests import made_id
from karnet.kernel.money import vat_included
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant
from karnet.orders.operations import TabBilled
from karnet.orders.rules.counter import Place
from karnet.orders.rules.pricing import MAX_AMOUNT, change
from karnet.orders.rules.tab_entries import Entry
from karnet.orders.rules.tabs import Desk, check_money, open_tab, who_problems
from karnet.passes.operations import BenefitUsed, PassChange
from karnet.passes.rules.wallets import Wallet
from karnet.stays.operations import OUTSIDE, BandsIssued, Begun, BundlesUsed, Located, Moved, StayBegun
from karnet.stays.requests import Band, Enter, Entered
from karnet.stays.rules import on_benefits, on_passes
from karnet.stays.rules.billing import PREPAID, free_money, package_price
from karnet.stays.rules.state import Facility, Inside, MoveState, StayState
from karnet.tariffs.rating import Rater
from karnet.tariffs.stays import BadStay

MAX_BANDS = 200

Versions = Mapping[tuple[UUID, str], tuple[UUID, Rater]]
"""The tariff versions in force by (facility, code)."""

Bundles = dict[tuple[UUID, UUID], Included]
"""What bundles include, by (entitlement, facility), as the decisions of a batch so far leave it."""

Decided = tuple[Entered | Refused, tuple[Operation, ...]]


class _Arrivals(msgspec.Struct, kw_only=True):
    """What an entry makes, gathered band by band; folded only when all of it holds."""

    issued: list[MediumIssued] = []
    stays: list[StayState] = []
    begun: list[StayBegun] = []
    moves: list[Moved] = []
    located: list[Located] = []
    used: list[IncludedStayUsed] = []
    holding: dict[UUID, int] = {}
    benefits: list[BenefitUsed] = []

    @property
    def billed(self) -> int:
        """What issuers of benefit cards owe."""
        return sum(one.amount for one in self.benefits)

    @property
    def prepaid(self) -> int:
        """What is paid in advance now: not what a bundle paid when it was sold."""
        bundled = {used.stay for used in self.used}
        return sum(stay.prepaid_minor for stay in self.stays if stay.id not in bundled)


def decide_enter(
    request: Enter,
    desk: Desk,
    media: Media,
    inside: Inside,
    versions: Versions,
    busy: set[UUID],
    bundles: Bundles | None = None,
    passes: on_passes.Passes = on_passes.NOBODY,
    cards: on_benefits.Cards = on_benefits.NONE,
) -> Decided:
    """Let people in, all or none. `busy`: media that carry a stay that goes on; `bundles`: what those named include here;
    `passes`: those that are named; `cards`: benefit cards that are taken, and used.

    Refuses a band in use, a tariff, category or package that is not in force, a full zone, an evacuation, a bundle that
    includes no such stay any more, and payments that are not what the bands prepay.
    """
    bundles = {} if bundles is None else bundles
    place = desk.counter.place(request)
    if isinstance(place, Refused):
        return place, ()
    facility = inside.facilities[place.facility]
    wallet = on_passes.comes_on(request, place.facility, passes)
    if isinstance(wallet, Refused):
        return wallet, ()
    if wallet is not None:
        request = on_passes.on_its_list(request, wallet)
    on_packages = on_benefits.on_their_packages(request, place, cards)
    if isinstance(on_packages, Refused):
        return on_packages, ()
    request = on_packages
    shift = desk.counter.shift(request, place, {payment.kind for payment in request.payments})
    if isinstance(shift, Refused):
        return shift, ()
    if facility.evacuation is not None:
        return refused(Reason.EVACUATION), ()
    problems = who_problems(request.buyer, request.customer, desk)
    if not 0 < len(request.bands) <= MAX_BANDS:
        problems["bands"] = f"must be 1 to {MAX_BANDS}"
    if not 0 <= request.limit_minor <= MAX_AMOUNT:
        problems["limit_minor"] = f"must be 0 to {MAX_AMOUNT} minor units"
    if problems:
        return bad_values(problems), ()
    version = versions.get((place.facility, request.tariff))
    if version is None:
        return refused(Reason.UNKNOWN_TARIFF, tariff=request.tariff), ()
    entry = _entry(request, place, desk)
    if isinstance(entry, Refused):
        return entry, ()
    spare = max(0, free_money(entry.state, inside.of_tab(entry.state.id)))
    arrivals = _arrivals(request, entry, facility, media, version, busy, bundles, wallet)
    if isinstance(arrivals, Refused):
        return arrivals, ()
    arrivals.benefits = on_benefits.entries(request, arrivals.begun, place, cards)
    prepaid = arrivals.prepaid
    refusal = wallet.lacks(arrivals.holding.values(), request.at) if wallet is not None else None
    due = prepaid - arrivals.billed
    refusal = refusal or _check_paid(request, entry, due, spare, place, desk) or _take_places(facility, arrivals)
    if refusal is not None:
        return refusal, ()
    entry.pay((*request.payments, *on_benefits.payments(arrivals.billed)), place, shift)
    bill = _bill_prepayments(entry, arrivals, facility, place, request, desk) if prepaid else None
    for medium in arrivals.issued:
        media.put(issued_state(medium, request.at))
    busy.update(stay.medium for stay in arrivals.stays)
    desk.tabs.put(entry)
    inside.put(*arrivals.stays)
    held = _hold(arrivals, wallet, entry, request, passes) if wallet is not None else None
    begun = Begun(
        change=entry.change(),
        stays=tuple(arrivals.begun),
        moves=tuple(arrivals.moves),
        located=tuple(arrivals.located),
        passes=held,
        benefits=tuple(arrivals.benefits),
    )
    cards.used.update((one.facility, one.programme, one.card, one.day) for one in arrivals.benefits)
    for one in arrivals.used:
        known = bundles[one.entitlement, one.facility]
        bundles[one.entitlement, one.facility] = msgspec.structs.replace(known, used=one.nth)
    used = (BundlesUsed(facility=place.facility, used=tuple(arrivals.used)),) if arrivals.used else ()
    issued = (BandsIssued(facility=place.facility, media=tuple(arrivals.issued)),) if arrivals.issued else ()
    answer = Entered(
        tab=entry.state.id,
        number=entry.state.number,
        stays=tuple(stay.id for stay in arrivals.stays),
        prepaid=prepaid,
        change=change(request.payments),
        order=bill.order if bill else None,
        document=bill.number if bill else None,
        held=sum(one.amount for one in held.held) if held is not None else 0,
    )
    return answer, (*issued, *used, begun, *((bill,) if bill else ()))


def _hold(
    arrivals: _Arrivals, wallet: Wallet, entry: Entry, request: Enter, passes: on_passes.Passes
) -> PassChange | None:
    """Hold part of a pass for each band; one that comes on a bundle, too, holds nothing."""
    change = PassChange()
    for stay, wanted in arrivals.holding.items():
        change += wallet.hold(stay, wanted, entry.account, request.at)
    passes.people[wallet.state.id] = passes.people.get(wallet.state.id, 0) + len(arrivals.stays)
    return change if change.parts() else None


def _entry(request: Enter, place: Place, desk: Desk) -> Entry | Refused:
    if request.tab is None:
        return open_tab(
            request,
            place,
            desk.sequences,
            limit_minor=request.limit_minor,
            buyer=request.buyer,
            customer=request.customer,
        )
    state = desk.tabs.open(request.tab)
    if isinstance(state, Refused):
        return state
    return Entry(request, state) if state.facility == place.facility else refused(Reason.UNKNOWN_TAB)


def _arrivals(
    request: Enter,
    entry: Entry,
    facility: Facility,
    media: Media,
    version: tuple[UUID, Rater],
    busy: set[UUID],
    bundles: Bundles,
    wallet: Wallet | None,
) -> _Arrivals | Refused:
    made = _Arrivals()
    for n, band in enumerate(request.bands):
        medium = _medium(band, request, facility, media, made)
        if isinstance(medium, Refused):
            return medium
        if medium.id in busy or any(stay.medium == medium.id for stay in made.stays):
            return refused(Reason.MEDIUM_IN_USE, number=band.number)
        bundle = _bundle(band, n, request, facility, bundles, made) if band.included else None
        if isinstance(bundle, Refused):
            return bundle
        if bundle is not None:
            band = msgspec.structs.replace(band, category=bundle.category, package=bundle.package, prepaid_minor=None)
        asked = band.prepaid_minor
        if wallet is not None:
            band = msgspec.structs.replace(band, prepaid_minor=None)
        prepaid = _prepaid(band, n, request, facility, version[1], bundle)
        if isinstance(prepaid, Refused):
            return prepaid
        if asked is not None and wallet is not None and not 0 <= asked <= MAX_AMOUNT:
            return bad_values({f"bands[{n}].prepaid_minor": f"must be 0 to {MAX_AMOUNT} minor units"})
        if wallet is not None and bundle is None:
            made.holding[made_id(request, f"stay:{n}")] = on_passes.wanted(asked, wallet.kind.hold_minor, prepaid)
            prepaid = 0
        stay = StayBegun(
            id=made_id(request, f"stay:{n}"),
            tab=entry.state.id,
            facility=facility.id,
            medium=medium.id,
            issue=medium.issue,
            tariff=version[0],
            category=band.category,
            package=band.package,
            prepaid_minor=prepaid,
            prepaid_billed=bundle is not None or (wallet is None and facility.rules.receipt == "entry"),
            own_card=all(issued.id != medium.id for issued in made.issued),
            paying=wallet.state.id if wallet is not None else None,
        )
        if bundle is not None:
            made.used.append(
                IncludedStayUsed(
                    entitlement=bundle.entitlement, facility=facility.id, nth=bundle.used + 1, stay=stay.id
                )
            )
        made.begun.append(stay)
        made.stays.append(_state(stay, request, facility, made))
    return made


def _medium(band: Band, request: Enter, facility: Facility, media: Media, made: _Arrivals) -> MediumState | Refused:
    known = media.find(band.number)
    if known is not None and known.state == "in_use":
        return usable_medium(known) or known
    if any(issued.number == band.number for issued in made.issued):
        return refused(Reason.MEDIUM_IN_USE, number=band.number)
    issued = media.decide_issue(band.number, band.chip or band.number, band.kind, facility.id, request.at)
    if isinstance(issued, Refused):
        return issued
    if any(issued.chip == other.chip for other in made.issued):
        return refused(Reason.MEDIUM_IN_USE, number=band.number, chip=issued.chip)
    made.issued.append(issued)
    return issued_state(issued, request.at)


def _bundle(
    band: Band, n: int, request: Enter, facility: Facility, bundles: Bundles, made: _Arrivals
) -> Included | Refused:
    """Return the bundle that pays a band's prepayment, as the bands before it leave it."""
    assert band.included is not None, "only bands with a bundle are asked about"
    found = bundles.get((band.included, facility.id))
    if found is None:
        return refused(Reason.NO_STAY_INCLUDED, number=band.number)
    found = msgspec.structs.replace(found, used=found.used + sum(u.entitlement == band.included for u in made.used))
    if found.tariff != request.tariff:
        return bad_values({"tariff": f"is {found.tariff} for what the bundle of bands[{n}] includes"})
    return not_now(found, instant(request.at)) or found


def _prepaid(
    band: Band, n: int, request: Enter, facility: Facility, rater: Rater, bundle: Included | None
) -> int | Refused:
    """Return what a band prepays: as named, else the package's price now. A bundle paid that, or an amount."""
    at = instant(request.at)
    try:
        price = package_price(rater, band.category, band.package, at)
    except BadStay:
        category = f"{band.category}/{band.package}" if band.package else band.category
        return refused(Reason.UNKNOWN_TARIFF, tariff=request.tariff, category=category)
    if bundle is not None:
        return price or bundle.prepaid_minor
    if facility.rules.receipt == "entry" and rater.tariff.return_unused:
        return bad_values({"tariff": "gives back what was not needed, so its prepayments are billed at the exit"})
    if band.prepaid_minor is None:
        return price
    allowed = facility.rules.prepayments
    if allowed and band.prepaid_minor not in (*allowed, price):
        return bad_values({f"bands[{n}].prepaid_minor": f"must be one of {', '.join(map(str, allowed))}"})
    if not 0 <= band.prepaid_minor <= MAX_AMOUNT:
        return bad_values({f"bands[{n}].prepaid_minor": f"must be 0 to {MAX_AMOUNT} minor units"})
    return band.prepaid_minor


def _state(stay: StayBegun, request: Enter, facility: Facility, made: _Arrivals) -> StayState:
    at, zone = instant(request.at), facility.rules.metered_from
    moves: tuple[MoveState, ...] = ()
    if zone != OUTSIDE:
        move = Moved(id=made_id(request, f"move:{stay.id}"), stay=stay.id, zone=zone, since=at)
        made.moves.append(move)
        made.located.append(Located(stay=stay.id, facility=facility.id, before=OUTSIDE, zone=zone))
        moves = (MoveState(id=move.id, zone=zone, since=at),)
    return StayState(
        id=stay.id, tab=stay.tab, facility=stay.facility, medium=stay.medium, issue=stay.issue, tariff=stay.tariff,
        category=stay.category, package=stay.package, prepaid_minor=stay.prepaid_minor,
        prepaid_billed=stay.prepaid_billed, own_card=stay.own_card, paying=stay.paying, begun_at=at, zone=zone, changed_at=at if moves else None, moves=moves,
    )  # fmt: skip


def _check_paid(request: Enter, entry: Entry, prepaid: int, spare: int, place: Place, desk: Desk) -> Refused | None:
    """A tab that may owe something need not be paid at once; else what it has to spare and the payments make it up."""
    needed = max(0, prepaid - spare)
    on_credit = not request.payments and needed <= entry.state.limit_minor
    return None if on_credit else check_money(request.payments, needed, place, desk.book)


def _take_places(facility: Facility, arrivals: _Arrivals) -> Refused | None:
    """Take the heads of those who are metered from the issue of the band: all or none."""
    taken: list[StayState] = []
    for stay in arrivals.stays:
        if stay.zone == OUTSIDE:
            continue
        outside = msgspec.structs.replace(stay, zone=OUTSIDE)
        moved = facility.move(outside, stay.zone)
        if isinstance(moved, Refused):
            for other in taken:
                facility.move(other, OUTSIDE)
            return moved
        taken.append(stay)
    return None


def _bill_prepayments(
    entry: Entry, arrivals: _Arrivals, facility: Facility, place: Place, request: Enter, desk: Desk
) -> TabBilled | None:
    """Give the prepayments their document at once, where the facility does so (SPEC S17)."""
    if facility.rules.receipt != "entry":
        return None
    bundled = {used.stay for used in arrivals.used}
    for stay in arrivals.stays:
        if stay.id in bundled:
            continue
        vat_bp = facility.rules.vat_bp
        entry.charge(
            PREPAID,
            stay.tariff,
            amount=stay.prepaid_minor,
            vat=vat_included(stay.prepaid_minor, vat_bp),
            vat_bp=vat_bp,
            sales_point=place.sales_point,
            category=stay.category,
            stay=stay.id,
        )
    return entry.bill(desk.counter, place, request.actor) if entry.state.balance >= 0 else None
