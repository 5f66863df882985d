"""Views of the pool's desk: read band after band, take the prepayment, let people in."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from karnet.catalogue.selectors import product_versions
from karnet.entitlements.bundles import Included
from karnet.entitlements.included import included_on
from karnet.entitlements.rules import MediumState, usable_medium
from karnet.faces.base.clock import now
from karnet.faces.till import amounts
from karnet.faces.till.asking import ask
from karnet.faces.till.desk import Desk, in_shift
from karnet.faces.till.pool import arrivals, benefits, bills, paying
from karnet.faces.till.pool.arrivals import Arrivals
from karnet.faces.till.pool.screen import screen, show
from karnet.faces.till.selling import find_card
from karnet.faces.till.words import product_name
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.passes.selectors import pass_by_number
from karnet.stays.bills import look_at_bands
from karnet.stays.requests import Enter, TakeBand
from karnet.stays.services import enter, take_bands

_BAND = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:/-]{0,63}")
_CHOICES = ("tariff", "category", "package", "prepaid", "programme", "limit")


@require_safe
@in_shift
def home(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The desk. `?join=<tab>`: who comes joins an open tab."""
    bills.forget_pass(request)
    coming = arrivals.load(request)
    joined = uuid_of(request.GET.get("join", ""))
    if joined is not None and joined != coming.tab and not coming.payments:
        coming.tab = joined
        coming.changed()
    return show(request, desk, coming)


@require_POST
@in_shift
def choose(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Choose what the next band gets: tariff, category, package, another amount, a benefit card; how the tab is paid."""
    coming = arrivals.load(request)
    done = next((one for one in _CHOICES if one in request.POST), "")
    value = request.POST.get(done, "").strip()[:64]
    if done in ("tariff", "category"):
        setattr(coming, done, value)
    elif done == "programme":
        coming.programme = value  # One that is not taken is forgotten when the screen is made.
    elif done == "package":
        coming.package, coming.prepaid, coming.programme = value, None, ""
    elif done in ("prepaid", "limit"):
        amount = amounts.minor_units(value, desk.facility.currency) if value else 0
        if amount is None:
            return show(request, desk, coming, note=_("Write an amount such as 200 or 12.50."), status=422)
        if done == "limit":
            coming.limit = amount
            coming.changed()
        else:
            coming.package, coming.prepaid, coming.programme = "", amount, ""
    return show(request, desk, coming)


@require_POST
@in_shift
def scan(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Take a band that was read. Its state decides: issue it, show its bill, or take it back (SPEC S13).

    `?stay=…`: the stays of the bill on the screen; a band of the same tab leaves together with them. While a benefit card is
    asked for, a number that is no band's is taken for its number.
    """
    return scanned(request, desk)


def scanned(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Answer `scan`."""
    coming, number = arrivals.load(request), request.POST.get("card", "").strip()
    wanted = coming.benefit_wanted if "tab" not in request.GET else None
    if wanted is not None and (request.POST.get("benefit") == wanted.number or find_card(number) is None):
        refusal = benefits.take(coming, wanted, number, desk)
        return show(request, desk, coming, refusal=refusal)
    if not _BAND.fullmatch(number):
        note = _("This is no band's number. Read the band, or type what is printed on it.")
        return show(request, desk, coming, note=note, status=422)
    (view,) = look_at_bands([number], now())
    if view.to_do == "settle" and view.bill is not None:
        shown = [str(stay) for text in request.GET.getlist("stay") if (stay := uuid_of(text))]
        together = shown if request.GET.get("tab") == str(view.bill.tab) else []
        return to_bill(request, view.bill.tab, [*together, str(view.bill.stay)])
    medium = find_card(number)
    if view.to_do == "refuse":
        barred = usable_medium(medium) if medium else None
        return show(request, desk, coming, refusal=barred or refused(Reason.UNKNOWN_MEDIUM, number=number))
    if view.to_do == "take_back":
        return _taken_back(request, desk, coming, view.number)
    known = pass_by_number(number, desk.facility.id, now()) if medium is not None else None
    if known is not None and coming.on_pass != known.number:
        # A pass is read to pay for who comes; read once more, its card is a band itself.
        if known.refused is not None:
            return show(request, desk, coming, refusal=known.refused)
        if any(one.programme for one in coming.bands):
            note = _("A benefit card pays for somebody here already. Let them in first, then read the pass.")
            return show(request, desk, coming, note=note, status=422)
        coming.on_pass = known.number
        coming.changed()
        return show(request, desk, coming)
    if medium is not None and coming.back == medium.number:
        coming.back = ""
        done = _("Band %(number)s is back. Read it once more to give it out.") % {"number": medium.number}
        return show(request, desk, coming, done=done)
    bundle = _bundle(desk, coming, medium)
    pays = benefits.package(desk, coming)
    taken = arrivals.add(coming, number, medium, bundle, _called(bundle) if bundle else "", pays)
    if taken == "twice":
        note = _("Band %(number)s is in this group already.") % {"number": number}
        return show(request, desk, coming, note=note, status=422)
    if taken == "full":
        return show(request, desk, coming, note=_("A group has at most 200 bands. Let these in first."), status=422)
    return show(request, desk, coming)


def _bundle(desk: Desk, coming: Arrivals, medium: MediumState | None) -> Included | None:
    """Return the bundle on a card in its holder's hands that pays a stay here by the tariff that is chosen; where nobody
    else comes, its own is chosen."""
    if medium is None or medium.state != "in_use":
        return None
    asked = Counter(one.included for one in coming.bands)
    for one in included_on([medium.id], desk.facility.id, now()).get(medium.id, ()):
        if one.used + asked[one.entitlement] < one.times and (one.tariff == coming.tariff or not coming.bands):
            coming.tariff = one.tariff
            return one
    return None


def _called(bundle: Included) -> str:
    version = product_versions([bundle.product]).get(bundle.product)
    return product_name(version.product) if version else bundle.product_code


def _taken_back(request: HttpRequest, desk: Desk, coming: Arrivals, number: str) -> HttpResponse:
    """Take back a band whose stay is over: once, however often it is read."""
    (answer,) = take_bands(
        [
            TakeBand(
                key=f"till:{uuid4()}", at=now(), actor=desk.operator.id,
                sales_point=desk.place, band=number,
            )
        ]
    )  # fmt: skip
    if isinstance(answer, Refused):
        return show(request, desk, coming, refusal=answer)
    coming.back = number
    done = _("Band %(number)s is back. Nothing is owed for it.") % {"number": number}
    return show(request, desk, coming, done=done)


@require_POST
@in_shift
def band(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Change a band of who comes, or take it off."""
    coming = arrivals.load(request)
    pays = benefits.package(desk, coming)
    arrivals.alter(coming, request.POST.get("number", ""), request.POST.get("do", ""), pays)
    return show(request, desk, coming)


@require_POST
@in_shift
def drop(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Begin anew; or take part payments back, or leave the tab that was to be joined."""
    coming = arrivals.load(request)
    if "payment" in request.POST:
        coming.payments = []
        coming.changed()
    elif "pass" in request.POST:
        coming.on_pass = ""
        coming.changed()
    elif "join" in request.POST:
        coming.tab = None
        coming.changed()
    elif not coming.payments:
        coming = Arrivals(tariff=coming.tariff, category=coming.category, package=coming.package)
    return show(request, desk, coming)


@require_POST
@in_shift
def let_in(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Take a payment; when all is paid, or the tab may owe it, give the bands out."""
    coming = arrivals.load(request)
    shown = screen(desk, coming)
    if request.POST.get("key") != coming.key:
        # A second click, or another tab of the browser went on: what it is now is shown.
        note = "" if coming.entered else _("The group has changed meanwhile. Look at it, then take the payment.")
        return show(request, desk, coming, note=note)
    if not coming.bands:
        return show(request, desk, coming, note=_("Read a band first."), status=422)
    if (lacks := coming.benefit_wanted) is not None:
        note = _("Read the benefit card for band %(number)s first.") % {"number": lacks.number}
        return show(request, desk, coming, note=note, status=422)
    kind, entered = request.POST.get("kind", ""), request.POST.get("amount", "").strip()
    if kind == "credit":
        return _enter(request, desk, coming)
    invoiced = coming.buyer is not None
    taken = paying.take(coming.payments, shown.due, kind, entered, desk.facility.currency, invoiced=invoiced)
    if taken.problem:
        return show(request, desk, coming, note=taken.problem, status=422)
    coming.payments = list(taken.payments)
    if not taken.settled:
        coming.changed()
        return show(request, desk, coming)
    return _enter(request, desk, coming)


def _enter(request: HttpRequest, desk: Desk, coming: Arrivals) -> HttpResponse:
    bands, payments = arrivals.asked_bands(coming), tuple(coming.payments)

    def entry(at: datetime) -> Enter:
        return Enter(
            key=f"till:{coming.key}", at=at, actor=desk.operator.id, sales_point=desk.place, tariff=coming.tariff,
            bands=bands, payments=payments, tab=coming.tab, limit_minor=0 if coming.tab else coming.limit,
            buyer=None if coming.tab else coming.buyer, pass_number=coming.on_pass,
        )  # fmt: skip

    answer = ask(enter, entry)
    if isinstance(answer, Refused):
        # The answer is remembered under this key: what is tried next is another request. The payment just typed goes.
        coming.payments = coming.payments[:-1] if payments else []
        coming.changed()
        return show(request, desk, coming, refusal=answer)
    after = Arrivals(tariff=coming.tariff, category=coming.category, package=coming.package)
    after.entered, after.change = answer.tab, answer.change
    told = ngettext("%(n)s band is given out.", "%(n)s bands are given out.", len(bands)) % {"n": len(bands)}
    return show(request, desk, after, done=told)


def to_bill(request: HttpRequest, tab: UUID, stays: list[str]) -> HttpResponse:
    """Lead to the bill of a tab, with these stays leaving."""
    chosen = urlencode([("stay", stay) for stay in dict.fromkeys(stays)])
    address = f"{reverse('till:pool-tab', args=[tab])}{'?' if chosen else ''}{chosen}"
    return HttpResponseClientRedirect(address) if request.headers.get("HX-Request") == "true" else redirect(address)


def uuid_of(text: str) -> UUID | None:
    """Return the id that a text is, None for any other."""
    try:
        return UUID(text)
    except ValueError:
        return None
