"""The bill of a tab as the desk shows it before anybody pays: minute by minute, zone by zone, band by band (SPEC S14)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

import msgspec
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from karnet.catalogue.selectors import product_versions
from karnet.faces.base import words
from karnet.faces.base.charts import Stretch, price_strip
from karnet.faces.base.stay_words import (
    LineSaid,
    category_name,
    clock_time,
    duration,
    explained,
    package_name,
    zone_name,
)
from karnet.faces.till.desk import Desk
from karnet.faces.till.words import line_name
from karnet.kernel.time import zone
from karnet.lockers.selectors import LockerHeld, lockers_of
from karnet.orders.operations import Payment, TabLine
from karnet.orders.tabs import TabSummary, tab_states, tabs
from karnet.passes.selectors import PassView, pass_by_number
from karnet.stays.explaining import Explained, Foreseen, explain, foreseen
from karnet.stays.selectors import stays_of_tabs

_SESSION = "till_pool_bill"
_TICKS = 6
CURVES = 8
"""For so many people a price-over-time chart is drawn; a school's bill is its lines."""


class Leaving(msgspec.Struct, kw_only=True):
    """A bill that is being paid: which stays of which tab, as of when, and what was paid of it in parts. `on_pass`: the
    number of a pass that was shown and pays first."""

    tab: UUID
    stays: tuple[UUID, ...]
    as_of: datetime
    key: str = msgspec.field(default_factory=lambda: str(uuid4()))
    payments: tuple[Payment, ...] = ()
    on_pass: str = ""

    @property
    def paid(self) -> int:
        """What was paid in part so far, minor units."""
        return sum(payment.amount for payment in self.payments)


def load(request: HttpRequest) -> Leaving | None:
    """Return the bill that this session's desk is taking money for."""
    try:
        return msgspec.json.decode(request.session.get(_SESSION, "null"), type=Leaving | None)
    except msgspec.ValidationError:  # Kept by another version of the program.
        return None


def save(request: HttpRequest, leaving: Leaving | None) -> None:
    """Keep it in the session."""
    request.session[_SESSION] = msgspec.json.encode(leaving).decode()


def kept_pass(request: HttpRequest, tab: UUID) -> str:
    """Return the number of the pass that was shown for this tab's bill, "" for none."""
    leaving = load(request)
    return leaving.on_pass if leaving is not None and leaving.tab == tab else ""


def forget_pass(request: HttpRequest) -> None:
    """Forget a pass that was shown for a bill which was not paid: it pays only while its holder stands there."""
    leaving = load(request)
    if leaving is not None and leaving.on_pass and not leaving.payments:
        save(request, None)


class ZoneSum(NamedTuple):
    """Time spent in a zone, over all visits."""

    name: str
    time: str


class BandBill(NamedTuple):
    """One person's part of the bill, in words. `chosen`: leaves now; `strip`: the chart, where one is
    drawn; `locker`: the one they have, "" for none."""

    stay: Explained
    category: str
    package: str
    where: str
    locker: str
    chosen: bool
    lines: list[LineSaid]
    zones: list[ZoneSum]
    strip: SafeString | str
    moves: list[tuple[UUID, str, str]]


class TabBill(NamedTuple):
    """A whole tab. `people`: whose stays go on; `gone`: how many have left; `goods`: what else was charged; `invoiced`: a
    company is named that may pay later; `on_pass`: the pass that was shown."""

    tab: TabSummary
    people: list[BandBill]
    gone: int
    goods: list[tuple[str, TabLine]]
    seen: Foreseen
    as_of: datetime
    invoiced: bool = False
    on_pass: PassView | None = None

    @property
    def chosen(self) -> list[BandBill]:
        """Who leaves now."""
        return [one for one in self.people if one.chosen]

    @property
    def total(self) -> int:
        """What the stays of who leaves cost."""
        return sum(one.stay.bill.total_minor for one in self.chosen)

    @property
    def kept(self) -> int:
        """What of their prepayment is neither needed nor given back, if they leave for good (SPEC S18)."""
        billed = {one.stay.stay for one in self.chosen if one.stay.prepaid_billed}
        return sum(one.stay.bill.kept_minor for one in self.chosen if one.stay.stay not in billed)

    @property
    def before(self) -> int:
        """What the tab has paid of this already; below zero: what is owed on it from before. So the rows add up."""
        return self.total + self.kept + self.goods_total - self.seen.owed - self.seen.by_pass + self.seen.refund

    @property
    def owed_before(self) -> int:
        """What is owed on the tab from before."""
        return max(0, -self.before)

    @property
    def goods_total(self) -> int:
        """What goods and services on the tab come to."""
        return sum(line.amount for _name, line in self.goods)


def bill_of(desk: Desk, tab: UUID, chosen: Sequence[UUID], at: datetime, on_pass: str = "") -> TabBill | None:
    """Return the bill of a tab of this facility as of `at`. `chosen`: who leaves; those who already have are passed over;
    nobody named means everybody. `on_pass`: the number of a pass that pays first."""
    summary = tabs([tab]).get(tab)
    if summary is None or summary.facility != desk.facility.id:
        return None
    staying = stays_of_tabs([tab])
    going_on = [stay.id for stay in staying.values() if stay.goes_on]
    leaving = [stay for stay in going_on if stay in set(chosen)] or going_on
    told = explain(going_on, at, curves=len(going_on) <= CURVES)
    lockers = lockers_of([one.medium for one in told.values()]) if told else {}
    shown = pass_by_number(on_pass, desk.facility.id, at) if on_pass and leaving else None
    seen = foreseen(tab, leaving, at, shown.id if shown else None)
    assert seen is not None, "the tab is known"
    named = product_versions({line.product for line in summary.lines if line.stay is None})
    return TabBill(
        tab=summary,
        people=[
            _band(one, desk, at, chosen=one.stay in leaving, held=lockers.get(one.medium))
            for one in sorted(told.values(), key=lambda one: one.number)
        ],
        gone=len(staying) - len(going_on),
        goods=[(line_name(line.code, line.product, named), line) for line in summary.lines if line.stay is None],
        seen=seen,
        as_of=at,
        invoiced=tab_states([tab])[tab].buyer is not None,
        on_pass=shown,
    )


def _band(one: Explained, desk: Desk, at: datetime, *, chosen: bool, held: LockerHeld | None) -> BandBill:
    place = desk.facility
    lines = explained(one.bill, place)
    return BandBill(
        stay=one,
        category=category_name(one.category),
        package=package_name(one.package) if one.package else "",
        where=zone_name(one.zone),
        locker=f"{held.section} {held.number}" if held else "",
        chosen=chosen,
        lines=lines,
        zones=_zones(one),
        strip=_strip(one, place) if one.curve else "",
        moves=[(move.id, zone_name(move.zone), clock_time(move.since, place)) for move in one.moves],
    )


def _zones(one: Explained) -> list[ZoneSum]:
    spent: dict[str, int] = {}
    for visit in one.visits:
        spent[visit.zone] = spent.get(visit.zone, 0) + visit.end_s - visit.start_s
    return [ZoneSum(zone_name(code), duration(seconds)) for code, seconds in spent.items() if code]


def _strip(one: Explained, place: words.Place) -> SafeString | str:
    """Draw what the stay would have cost at any moment so far, over the zones it was in."""
    start, end = one.curve[0][0], one.curve[-1][0]
    whole = (end - start).total_seconds()
    if whole < 60:
        return ""
    first_s = start.timestamp()
    steps = [((at - start).total_seconds() / whole, amount) for at, amount in one.curve]
    prepaid = one.bill.prepaid_minor
    over = next((share for share, amount in steps if amount > prepaid), None) if prepaid else None
    stretches = [
        Stretch(
            max(0.0, (visit.start_s - first_s) / whole), min(1.0, (visit.end_s - first_s) / whole), zone_name(visit.zone)
        )
        for visit in one.visits
        if visit.zone and visit.end_s > first_s
    ]  # fmt: skip
    most = words.money(one.curve[-1][1], place)
    label = _("Price over time: %(amount)s at %(time)s") % {"amount": most, "time": clock_time(end, place)}
    return price_strip(steps, stretches, _ticks(start, end, place), most, label, due_from=over)


def _ticks(start: datetime, end: datetime, place: words.Place) -> list[tuple[float, str]]:
    """Return a handful of round times between two instants, as shares of the width."""
    whole = (end - start).total_seconds()
    every = next((m for m in (5, 10, 15, 30, 60, 120, 240, 720) if whole / (m * 60) <= _TICKS), 1440)
    local = start.astimezone(zone(place.time_zone))
    first = local.replace(minute=0, second=0, microsecond=0)
    found = []
    while first <= end:
        if first >= start:
            found.append(((first - start).total_seconds() / whole, clock_time(first, place)))
        first += timedelta(minutes=every)
    return found
