"""The desk's first screen: who comes, what they may choose, heads per zone beside it."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from karnet.entitlements.selectors import media
from karnet.faces.base.clock import now
from karnet.faces.base.stay_words import category_name, duration, package_name, zone_name
from karnet.faces.till import amounts
from karnet.faces.till.desk import Desk
from karnet.faces.till.pool import arrivals, benefits, paying
from karnet.faces.till.pool.arrivals import Arrivals
from karnet.faces.till.screen import quick
from karnet.kernel.outcomes import Refused
from karnet.lockers.selectors import hooks
from karnet.orders.receipts import receipt
from karnet.orders.tabs import TabSummary, tabs
from karnet.parties.selectors import companies
from karnet.passes.kinds import Programme
from karnet.passes.selectors import kinds_offered, pass_by_number
from karnet.stays.explaining import Offered, evacuated_since, foreseen, house_rules_of, offered
from karnet.stays.requests import HouseRules
from karnet.stays.selectors import heads, stays_of_tabs

MANY = 8


class ZoneHeads(NamedTuple):
    """A zone's heads. `share`: of its capacity in percent, None where it has none."""

    name: str
    heads: int
    capacity: int | None
    share: int | None

    @property
    def full(self) -> bool:
        return self.capacity is not None and self.heads >= self.capacity


class Choice(NamedTuple):
    """A package or (`package` "") an amount to prepay, to tap. `price` in minor units; `typed`: as a field takes it."""

    package: str
    name: str
    price: int
    typed: str
    chosen: bool


class Taken(NamedTuple):
    """A programme of benefit cards, to tap. `key`: its figure after those of the packages and prepayments."""

    code: str
    name: str
    package: str
    chosen: bool
    key: int


def zone_heads(facility: UUID) -> list[ZoneHeads]:
    """Return the heads of a facility's zones, the whole facility first."""
    return [
        ZoneHeads(
            name=zone_name(one.code),
            heads=one.heads,
            capacity=one.capacity,
            share=min(100, 100 * one.heads // one.capacity) if one.capacity else None,
        )
        for one in heads(facility)
    ]


class Screen(NamedTuple):
    """What is asked anew for every answer: tariffs in force, the house's rules, the tab that is joined."""

    tariffs: list[Offered]
    rules: HouseRules
    chosen: Offered | None
    joined: TabSummary | None
    spare: int
    due: int
    programmes: dict[str, Programme]


def screen(desk: Desk, coming: Arrivals) -> Screen:
    """Return the screen for these arrivals, whose choice is made to hold for the tariffs of the moment."""
    at = now()
    tariffs, rules = offered(desk.facility.id, at), house_rules_of(desk.facility.id)
    taken = benefits.taken_at(desk.facility.id)
    chosen = arrivals.settle_choice(coming, tariffs, rules, {code: one.package for code, one in taken.items()})
    joined = tabs([coming.tab]).get(coming.tab) if coming.tab else None
    if joined is None or joined.closed_at is not None or joined.facility != desk.facility.id:
        coming.tab, joined = None, None
    seen = foreseen(joined.id, (), at) if joined else None
    spare = seen.spare if seen else 0
    return Screen(tariffs, rules, chosen, joined, spare, arrivals.due(coming, chosen, spare), taken)


def show(
    request: HttpRequest,
    desk: Desk,
    coming: Arrivals,
    *,
    refusal: Refused | None = None,
    note: str = "",
    done: str = "",
    status: int = 200,
) -> HttpResponse:
    """Answer with the screen: its part of the page to a script, the page to everybody else."""
    partial = request.headers.get("HX-Request") == "true"
    if request.method == "POST" and not partial and refusal is None and not note and not done:
        return redirect("till:pool")
    told = {"refusal": refusal, "note": note, "done": done}
    shown = screen(desk, coming)
    arrivals.save(request, coming)
    template = "till/pool/desk.html" if partial else "till/pool/home.html"
    return render(request, template, _context(desk, coming, shown) | told, status=422 if refusal else status)


def _context(desk: Desk, coming: Arrivals, shown: Screen) -> dict[str, Any]:
    currency = desk.facility.currency
    entered = tabs([coming.entered]).get(coming.entered) if coming.entered else None
    return {
        "desk": desk,
        "coming": coming,
        "screen": shown,
        "tariffs": [(one.code, package_name(one.code)) for one in shown.tariffs],
        "categories": [(code, category_name(code)) for code in (shown.chosen.categories if shown.chosen else ())],
        "choices": _choices(desk, coming, shown),
        "programmes": _programmes(coming, shown),
        "wants": coming.benefit_wanted,
        "bands": [_band(one, coming, shown) for one in coming.bands],
        "many": len(coming.bands) > MANY,
        "total": sum(one.price(shown.chosen) for one in coming.bands),
        "payments": paying.said(coming.payments),
        "quick": quick(shown.due, currency),
        "on_credit": bool(coming.bands) and not coming.payments and 0 < shown.due <= _limit(coming, shown),
        "decimals": amounts.decimals(currency),
        "prepaid_typed": amounts.typed(coming.prepaid, currency) if coming.prepaid else "",
        "limit_typed": amounts.typed(coming.limit, currency) if coming.limit else "",
        "buyer": companies([coming.buyer]).get(coming.buyer) if coming.buyer else None,
        "entered": entered,
        "hooks": _hooks(entered) if entered else [],
        "on_pass": pass_by_number(coming.on_pass, desk.facility.id, now()) if coming.on_pass else None,
        "passes": bool(kinds_offered(desk.facility.id)),
        "leave": duration(coming.leave_s) if coming.leave_s else "",
        "sold": receipt(coming.sold) if coming.sold else None,
        "zones": zone_heads(desk.facility.id),
        "evacuated": evacuated_since(desk.facility.id),
    }


def _hooks(entered: TabSummary) -> list[tuple[str, str]]:
    """Return on which hook each band of a tab hangs, where bands bear the number of a locker (SPEC S12)."""
    numbers = [one.number for one in media([s.medium for s in stays_of_tabs([entered.id]).values()]).values()]
    known = hooks(numbers)
    return [(number, known[number].hook or known[number].number) for number in sorted(known)]


def _limit(coming: Arrivals, shown: Screen) -> int:
    return shown.joined.limit_minor if shown.joined else coming.limit


def _choices(desk: Desk, coming: Arrivals, shown: Screen) -> list[Choice]:
    if shown.chosen is None:
        return []
    prices, currency = shown.chosen.prices, desk.facility.currency
    found = [
        Choice(
            package=code,
            name=package_name(code),
            price=prices.get((coming.category, code), 0),
            typed="",
            chosen=coming.package == code and coming.prepaid is None and not coming.programme,
        )
        for code in shown.chosen.packages
    ]
    for amount in shown.rules.prepayments:
        typed = amounts.typed(amount, currency)
        found.append(
            Choice(
                package="", name="", price=amount, typed=typed, chosen=coming.prepaid == amount and not coming.programme
            )
        )
    return found


def _programmes(coming: Arrivals, shown: Screen) -> list[Taken]:
    """Return the benefit cards that are taken by the tariff that is chosen; a pass and an issuer never pay the same."""
    if shown.chosen is None or coming.on_pass:
        return []
    before = len(shown.chosen.packages) + len(shown.rules.prepayments)
    payable = [(code, one) for code, one in sorted(shown.programmes.items()) if one.package in shown.chosen.packages]
    return [
        Taken(code, benefits.programme_name(one), package_name(one.package), code == coming.programme, before + n)
        for n, (code, one) in enumerate(payable, start=1)
    ]


def _band(one: arrivals.Comer, coming: Arrivals, shown: Screen) -> dict[str, Any]:
    issuer = shown.programmes.get(one.programme)
    if coming.programme:
        same = (one.programme, one.category) == (coming.programme, coming.category)
    else:
        now_chosen = (coming.category, coming.package or "", coming.prepaid, "")
        same = now_chosen == (one.category, one.package, one.prepaid, one.programme)
    return {
        "number": one.number,
        "own": one.own,
        "category": category_name(one.category),
        "package": package_name(one.package) if one.package else "",
        "price": one.price(shown.chosen),
        "bundle": one.bundle,
        "lacks_band": one.lacks_band,
        "programme": benefits.programme_name(issuer) if issuer else one.programme,
        "benefit": one.benefit,
        "other": _choice(coming, shown) if one.bundle or not same else "",
    }


def _choice(coming: Arrivals, shown: Screen) -> str:
    """Say what is chosen now: "Child, 2 h"; "Child, Fit card"."""
    named = category_name(coming.category)
    if coming.programme:
        return f"{named}, {benefits.programme_name(shown.programmes[coming.programme])}"
    return f"{named}, {package_name(coming.package)}" if coming.package else named
