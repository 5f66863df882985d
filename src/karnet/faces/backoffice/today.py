"""Today: what happens at gates and tills right now, in fragments that the page asks for again every few seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from karnet.access.figures import QuarterHour, heads_inside, passages_by_quarter
from karnet.catalogue.selectors import on_sale
from karnet.faces.backoffice.frame import LOOKS, Place, facilities, gate_titles, page
from karnet.faces.backoffice.naming import product_title
from karnet.faces.base.access import allow
from karnet.faces.base.clock import now
from karnet.faces.base.stay_words import zone_name
from karnet.faces.base.words import language, money
from karnet.journal.browsing import last_checkpoint, refusals_by_reason
from karnet.journal.selectors import progress
from karnet.kernel.outcomes import Refused
from karnet.kernel.reason_words import words
from karnet.kernel.reasons import Reason
from karnet.kernel.time import day_end, day_start, local_day, zone
from karnet.orders.figures import refunds, sales_by_product
from karnet.parties.finding import labels
from karnet.stays.selectors import heads_by_facility

QUARTER = timedelta(minutes=15)
_MOST_PRODUCTS = 12


@dataclass(frozen=True)
class Today:
    """The local day of a facility, or of the first one where all are shown together."""

    at: datetime
    since: datetime
    until: datetime
    time_zone: str
    facility: Place | None
    places: list[Place]

    @property
    def day(self) -> date:
        return local_day(self.at, self.time_zone)

    @property
    def only(self) -> UUID | None:
        return self.facility.id if self.facility else None


def today_of(request: HttpRequest) -> Today:
    """Return the day to show: of the facility that the address names, else of all. Raises Http404 for an unknown one."""
    places = facilities()
    code = request.GET.get("facility", "")
    facility = next((place for place in places if place.code == code), None)
    if code and facility is None:
        raise Http404
    time_zone = facility.time_zone if facility else places[0].time_zone if places else "UTC"
    at = now()
    day = local_day(at, time_zone)
    return Today(at, day_start(day, time_zone), day_end(day, time_zone), time_zone, facility, places)


@allow(*LOOKS)
@require_safe
def today(request: HttpRequest) -> HttpResponse:
    """The page: every part as it is now; the parts ask for themselves from then on."""
    shown = today_of(request)
    context: dict[str, Any] = {"today": shown, "query": request.GET.urlencode()}
    for part in PARTS.values():
        context.update(part(shown))
    return page(request, "today.html", "office:today", context)


@allow(*LOOKS)
@require_safe
def today_part(request: HttpRequest, part: str) -> HttpResponse:
    """One part alone, for the page that shows it already."""
    make = PARTS.get(part)
    if make is None:
        raise Http404
    shown = today_of(request)
    return render(request, f"backoffice/today_{part}.html", {"today": shown, **make(shown)})


def passages(today: Today) -> dict[str, Any]:
    """Return passages by gate and quarter-hour, and heads inside where somebody counts exits."""
    counted = passages_by_quarter(today.since, today.until, today.only)
    entries = [row for row in counted if row.direction == "in"]
    entered = sum(row.passages for row in entries)
    quarters = _quarters(entries, today)
    by_gate: dict[UUID, Counter[datetime]] = {}
    for row in entries:
        by_gate.setdefault(row.gate, Counter())[row.start] += row.passages
    titles = gate_titles()
    shown = sorted(by_gate.items(), key=lambda item: titles.get(item[0], ""))
    hour_ago = today.at - timedelta(hours=1)
    return {
        "entered": entered,
        "inside": heads_inside(today.since, today.until, today.only),
        "last_hour": sum(row.passages for row in entries if row.start > hour_ago),
        "by_quarter": [(label, sum(counter[start] for counter in by_gate.values())) for start, label in quarters],
        "gates": [
            (titles.get(gate, str(gate)), counter.total(), [(label, counter[start]) for start, label in quarters])
            for gate, counter in shown
        ],
        "gate_totals": sorted(
            ((titles.get(gate, str(gate)), counter.total()) for gate, counter in shown), key=lambda row: -row[1]
        ),
    }


def pool(today: Today) -> dict[str, Any]:
    """Return the heads of each zone of metered places, with how many there may be. Kept sums: costs the same on any day."""
    shown = [today.facility] if today.facility else today.places
    inside, places = heads_by_facility([place.id for place in shown]), []
    for place in shown:
        found = inside.get(place.id)
        if not found:
            continue
        zones = [
            (zone_name(one.code), one.heads, one.capacity, round(100 * one.heads / one.capacity) if one.capacity else 0)
            for one in found
            if one.code != "*"
        ]
        whole = next((one for one in found if one.code == "*"), None)
        places.append({"title": place.title, "inside": whole.heads if whole else 0,
                       "room": whole.capacity if whole else None, "zones": zones})  # fmt: skip
    return {"pools": places}


def _quarters(entries: list[QuarterHour], today: Today) -> list[tuple[datetime, str]]:
    """Return every quarter-hour from the first passage until now, with its wall-clock time."""
    if not entries:
        return []
    local = zone(today.time_zone)
    start, last = entries[0].start, max(entries[-1].start, min(today.at, today.until) - QUARTER)
    found = []
    while start <= last:
        found.append((start, f"{start.astimezone(local):%H:%M}"))
        start += QUARTER
    return found


def sales(today: Today) -> dict[str, Any]:
    """Return today's sales by product and by sales point, one block for each currency."""
    sold = sales_by_product(today.since, today.until, today.only)
    back = refunds(today.since, today.until, today.only)
    points = labels(list({row.sales_point for row in sold}))
    titles = _titles(today, {row.product_code for row in sold})
    blocks = []
    for currency in sorted({row.currency for row in sold} | {row.currency for row in back}):
        products: Counter[str] = Counter()
        pieces: Counter[str] = Counter()
        tills: Counter[str] = Counter()
        for row in (row for row in sold if row.currency == currency):
            products[row.product_code] += row.amount
            pieces[row.product_code] += row.quantity
            tills[points[row.sales_point].code] += row.amount
        blocks.append(
            {
                "currency": currency,
                "sold": products.total(),
                "pieces": pieces.total(),
                "refunded": sum(row.amount for row in back if row.currency == currency),
                "refunds": sum(row.times for row in back if row.currency == currency),
                "products": [
                    (f"{titles.get(code, code)} × {pieces[code]}", amount, money(amount, currency))
                    for code, amount in products.most_common(_MOST_PRODUCTS)
                ],
                "points": [(code, amount, money(amount, currency)) for code, amount in tills.most_common()],
            }
        )
    return {"sales": blocks}


def _titles(today: Today, codes: set[str]) -> dict[str, str]:
    """Return what the products sold are called now, by code; those that are off every price list keep their codes."""
    shown = [today.facility] if today.facility else today.places
    parts = {
        "stay": _("Stays"),
        "on_top": _("Stays, always on top"),
        "late_fee": _("Fee for settling late"),
        "unused": _("Prepayment not used"),
        "lost_band": _("Lost bands"),
    }
    return {code: title for code, title in parts.items() if code in codes} | {
        code: title
        for place in (shown if codes else ())
        for code, version in on_sale(place.id, codes, today.at).items()
        if (title := product_title(version.product.names))
    }


def refusals(today: Today) -> dict[str, Any]:
    """Return what gates and tills refused today, by reason, for the whole installation."""
    counted = refusals_by_reason(today.since, today.until)
    return {
        "refused": sum(count for _, count in counted),
        "reasons": [(reason, words(Refused(Reason(reason)), language()), count) for reason, count in counted],
    }


def journal(today: Today) -> dict[str, Any]:
    """Return how far the record is sealed, and how old its oldest unsealed operation is."""
    state = progress()
    oldest = state.oldest_unsealed_at
    return {
        "progress": state,
        "unsealed_s": max(0, int((today.at - oldest).total_seconds())) if oldest else 0,
        "checkpoint": last_checkpoint(),
    }


PARTS: dict[str, Callable[[Today], dict[str, Any]]] = {
    "passages": passages,
    "pool": pool,
    "sales": sales,
    "refusals": refusals,
    "journal": journal,
}
"""The parts of the page by name; each has a template today_<name>.html."""
