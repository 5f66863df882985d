"""Bills of stays at any moment, what is owed, and when paid time ends: for tills, displays and info points. Nothing is
locked or changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from karnet.entitlements.selectors import media_by_chip, media_by_number
from karnet.orders.selectors import rows
from karnet.stays import selectors
from karnet.stays.rules import billing
from karnet.stays.rules.state import Inside, StayState
from karnet.tariffs.bills import Bill


class StayBill(msgspec.Struct, frozen=True, kw_only=True):
    """What a stay costs as of `at`, line by line, and what is owed for its whole tab if this stay is settled then:
    `pass_minor` by the pass on which they came, `owed_minor` at the till."""

    stay: UUID
    tab: UUID
    tab_number: str
    currency: str
    at: datetime
    zone: str
    goes_on: bool
    bill: Bill
    owed_minor: int
    covered_until: datetime | None = None
    pass_minor: int = 0


def bills(stays: Collection[UUID], at: datetime) -> dict[UUID, StayBill]:
    """Return the bills of stays as of `at`; unknown ids are left out. A handful of statements, however many."""
    inside = selectors.look(stays)
    found = (inside.stays[id_] for id_ in stays if id_ in inside.stays)
    return {stay.id: _bill(inside, stay, at) for stay in found}


def _bill(inside: Inside, stay: StayState, at: datetime) -> StayBill:
    facility, tab = inside.facilities[stay.facility], inside.tabs.get(stay.tab)
    assert tab is not None, "a stay has a tab"
    if stay.goes_on:
        drawn, owed = billing.by_passes(inside, [stay], at)
    else:
        drawn, owed = 0, max(0, -billing.free_money(tab, inside.of_tab(stay.tab)))
    return StayBill(
        stay=stay.id,
        tab=stay.tab,
        tab_number=tab.number,
        currency=tab.currency,
        at=at,
        zone=stay.zone,
        goes_on=stay.goes_on,
        bill=billing.bill(stay, facility, inside.raters[stay.tariff], at),
        owed_minor=owed,
        pass_minor=drawn,
    )


def owed_together(stays: Collection[UUID], at: datetime) -> int:
    """Return what has to be paid if these stays of one tab are settled together as of `at`, minor units."""
    inside = selectors.look(stays)
    chosen = [inside.stays[id_] for id_ in stays if id_ in inside.stays and inside.stays[id_].goes_on]
    return billing.owed(inside, chosen, at) if chosen else 0


HORIZON = timedelta(hours=24)
"""How far ahead the end of paid time is looked for."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody stands as of `at`, for a display: minor units of `currency`.

    `spent_minor`: what the stay costs so far, on top and fees included; `prepaid_minor`: what was paid towards it;
    `owed_minor`: due for the whole tab if they left now. `covered_until`: the last second at which nothing would be due,
    None where nothing is due for a day. `warn`: that second comes within the facility's `warn_s`, or is past.
    """

    stay: UUID
    currency: str
    at: datetime
    zone: str
    spent_minor: int
    prepaid_minor: int
    owed_minor: int
    covered_until: datetime | None = None
    warn: bool = False


def standings(stays: Collection[UUID], at: datetime) -> dict[UUID, Standing]:
    """Return how people stand as of `at`, by stay; unknown ids are left out. A handful of statements, however many, and
    some twenty bills for each who is inside. Nothing is locked."""
    return standings_at(dict.fromkeys(stays, at))


def standings_at(asked: Mapping[UUID, datetime]) -> dict[UUID, Standing]:
    """Return how people stand, each as of an instant of its own (`standings`)."""
    inside = selectors.look(asked)
    found = (inside.stays[id_] for id_ in asked if id_ in inside.stays)
    return {stay.id: _standing(inside, stay, asked[stay.id]) for stay in found}


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """How much may be charged through a band now: `left_minor` of `currency`, None = no bound. `stay` carries it."""

    stay: UUID
    currency: str
    category: str
    left_minor: int | None


def room_on(facility: UUID, band: str) -> Room | None:
    """Return what may be charged through a band, by its printed number or chip; None where it carries no stay there."""
    media = {**media_by_chip([band]), **media_by_number([band])}
    medium = media.get(band)
    on = selectors.stays_on([medium.id]) if medium and not medium.blocks else {}
    if medium is None or medium.id not in on:
        return None
    inside = selectors.look([on[medium.id][0]])
    stay = inside.stays[on[medium.id][0]]
    tab, place = inside.tabs.get(stay.tab), inside.facilities.get(stay.facility)
    if tab is None or place is None or stay.facility != facility:
        return None
    bound = place.rules.unpaid_limit_minor
    free = billing.free_money(tab, inside.of_tab(tab.id))
    left = None if bound is None else max(0, free + max(bound, tab.limit_minor))
    return Room(stay=stay.id, currency=tab.currency, category=stay.category, left_minor=left)


def _standing(inside: Inside, stay: StayState, at: datetime) -> Standing:
    seen = _bill(inside, stay, at)
    latest, until = at + HORIZON, None
    if stay.goes_on:
        until = covered_until(inside, stay, at, latest)
        until = None if until >= latest else until
    warns = timedelta(seconds=inside.facilities[stay.facility].rules.warn_s)
    return Standing(
        stay=stay.id,
        currency=seen.currency,
        at=at,
        zone=stay.zone,
        spent_minor=seen.bill.total_minor,
        prepaid_minor=stay.prepaid_minor,
        owed_minor=seen.owed_minor,
        covered_until=until,
        warn=until is not None and until - at <= warns,
    )


class Warning(msgspec.Struct, frozen=True, kw_only=True):  # noqa: A001 (the word of SPEC S15)
    """Somebody's paid time ends at `covered_until`; `over`: it has ended."""

    stay: UUID
    medium: UUID
    zone: str
    covered_until: datetime
    over: bool


def warnings(facility: UUID, at: datetime, within_s: int | None = None) -> list[Warning]:
    """Return whose paid time ends within so many seconds (the facility's rule where not named) or has ended, the soonest
    first. People outside the zones are passed over. Costs a few bills for each person inside."""
    going_on = selectors.stays_inside(facility)
    inside = selectors.look(going_on)
    found = []
    for id_ in going_on:
        stay = inside.stays[id_]
        if not stay.zone or not stay.goes_on:
            continue
        seconds = inside.facilities[facility].rules.warn_s if within_s is None else within_s
        latest = at + timedelta(seconds=seconds)
        until = covered_until(inside, stay, at, latest)
        if until < latest:
            found.append(Warning(stay=id_, medium=stay.medium, zone=stay.zone, covered_until=until, over=until < at))
    return sorted(found, key=lambda warning: (warning.covered_until, warning.stay))


def covered_until(inside: Inside, stay: StayState, at: datetime, latest: datetime) -> datetime:
    """Return the last whole second up to `latest` at which nothing is owed if the stay is left then; the entry where
    something was owed at once. By halving: right because what is due never falls while the stay goes on."""
    low = stay.moves[0].since if stay.moves else stay.begun_at
    low = low.replace(microsecond=0)
    if not billing.owed(inside, [stay], latest):
        return latest
    if billing.owed(inside, [stay], low):
        return low
    if not billing.owed(inside, [stay], at):
        low = at.replace(microsecond=0)
    high = latest.replace(microsecond=0)
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if billing.owed(inside, [stay], middle):
            high = middle
        else:
            low = middle
    return low


class BandView(msgspec.Struct, frozen=True, kw_only=True):
    """What the one desk reader shows of a band. `to_do`: "issue" (new, or came back), "settle" (a stay goes on: `bill`),
    "take_back" (its stay is over), "refuse" (blocked or replaced). A card in its holder's hands that carries no stay:
    "issue", a stay may begin on it."""

    to_do: Literal["issue", "settle", "take_back", "refuse"]
    medium: UUID | None = None
    number: str = ""
    bill: StayBill | None = None


def look_at_bands(read: Sequence[str], at: datetime) -> list[BandView]:
    """Tell what to do with bands read at the desk, by chip or printed number: the band's state decides issue or return."""
    by_chip, by_number = media_by_chip(read), media_by_number(read)
    found = [by_chip.get(text) or by_number.get(text) for text in read]
    on = selectors.stays_on([medium.id for medium in found if medium])
    last = _had_stays([medium.id for medium in found if medium])
    known = bills({stay for stay, _ in on.values()}, at)
    views = []
    for text, medium in zip(read, found, strict=True):
        if medium is None:
            views.append(BandView(to_do="issue", number=text))
        elif medium.blocks or medium.state == "replaced":
            views.append(BandView(to_do="refuse", medium=medium.id, number=medium.number))
        elif medium.id in on:
            bill = known[on[medium.id][0]]
            views.append(BandView(to_do="settle", medium=medium.id, number=medium.number, bill=bill))
        else:
            over = medium.state == "in_use" and (medium.id, medium.issue) in last
            views.append(BandView(to_do="take_back" if over else "issue", medium=medium.id, number=medium.number))
    return views


def _had_stays(media: Iterable[UUID]) -> set[tuple[UUID, int]]:
    """Return (medium, issue) of bands given out for a stay: when it is over they come back."""
    return {
        (medium, issue)
        for medium, issue in rows(
            "SELECT medium, issue FROM stays_stay WHERE medium = ANY(%b::uuid[]) AND NOT own_card", [list(media)]
        )
    }
