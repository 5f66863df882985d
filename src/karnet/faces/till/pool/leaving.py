"""Views of a tab's bill: looked at, paid, closed; goods put on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from msgspec.structs import replace

from karnet.faces.base.clock import now
from karnet.faces.base.stay_words import duration, zone_name
from karnet.faces.till import amounts
from karnet.faces.till.asking import ask, key_of
from karnet.faces.till.desk import Desk, in_shift, to
from karnet.faces.till.pool import arrivals, bills, paying
from karnet.faces.till.pool.arrivals import Arrivals
from karnet.faces.till.pool.bills import BandBill, Leaving, TabBill
from karnet.faces.till.pool.coming import scanned, uuid_of
from karnet.faces.till.pool.screen import zone_heads
from karnet.faces.till.screen import price_list, quick
from karnet.faces.till.words import BLOCKS, CORRECTIONS, FORCES, called, named, product_name
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.orders.operations import PaymentKind
from karnet.orders.requests import ChargeTab, CloseTab, SaleLine, TabNow
from karnet.orders.tabs import charge_tabs
from karnet.passes.selectors import PassView, kinds_offered, pass_by_number
from karnet.stays.bills import look_at_bands
from karnet.stays.explaining import evacuated_since, house_rules_of
from karnet.stays.requests import Settle, StaysSettled
from karnet.stays.selectors import heads
from karnet.stays.services import close_tabs, settle


@require_safe
@in_shift
def tab(request: HttpRequest, desk: Desk, tab: UUID) -> HttpResponse:
    """A tab's bill. `?stay=…`: who leaves now; nobody named: everybody."""
    chosen = [stay for text in request.GET.getlist("stay") if (stay := uuid_of(text))]
    leaving = bills.load(request)
    if leaving is None or leaving.tab != tab or not leaving.payments:
        leaving = None
    if leaving is None:
        return anew(request, desk, tab, chosen)
    return show(request, desk, _bill(desk, leaving), leaving)


@require_POST
@in_shift
def scan(request: HttpRequest, desk: Desk, tab: UUID) -> HttpResponse:
    """Take what was read while the bill is on the screen: a pass pays of it, all else is as at the desk (`coming.scan`)."""
    number = request.POST.get("card", "").strip()[:64]
    known = pass_by_number(number, desk.facility.id, now()) if number else None
    if known is None or look_at_bands([number], now())[0].to_do in ("settle", "refuse", "take_back"):
        return scanned(request, desk)
    return _with_pass(request, desk, tab, request.GET.getlist("stay"), known)


@require_POST
@in_shift
def by_pass(request: HttpRequest, desk: Desk, tab: UUID) -> HttpResponse:
    """Let a pass pay of the bill whose number was typed, also one whose own card is a band of somebody inside."""
    number, stays = request.POST.get("number", "").strip()[:64], request.POST.getlist("stay")
    known = pass_by_number(number, desk.facility.id, now()) if number else None
    if known is None:
        chosen = [stay for text in stays if (stay := uuid_of(text))]
        return anew(request, desk, tab, chosen, refusal=refused(Reason.UNKNOWN_PASS, number=number))
    return _with_pass(request, desk, tab, stays, known)


def _with_pass(request: HttpRequest, desk: Desk, tab: UUID, stays: list[str], known: PassView) -> HttpResponse:
    """Show the bill with what the pass pays of it. Nothing is drawn before the bill is settled."""
    leaving = bills.load(request)
    if leaving is not None and leaving.tab == tab and leaving.payments:
        note = _("Take the part payments back first, then read the pass.")
        return show(request, desk, _bill(desk, leaving), leaving, note=note, status=422)
    chosen = [stay for text in stays if (stay := uuid_of(text))]
    if known.money_minor:
        return anew(request, desk, tab, chosen, on_pass=known.number)
    if known.refused is not None:
        return anew(request, desk, tab, chosen, refusal=known.refused)
    note = _("Nothing can be drawn from pass %(number)s. Take another payment.") % {"number": known.number}
    return anew(request, desk, tab, chosen, note=note, status=422)


@require_POST
@in_shift
def pay(request: HttpRequest, desk: Desk, tab: UUID) -> HttpResponse:
    """Take a payment; when nothing is left to pay, settle: for good, or so that they may leave by the gate."""
    leaving = bills.load(request)
    if leaving is None or leaving.tab != tab or request.POST.get("key") != leaving.key:
        # A second click, or another tab of the browser went on: what it is now is shown, with the parts that were paid.
        note = _("The bill has changed meanwhile. Look at it, then take the payment.")
        if leaving is None or leaving.tab != tab:
            return anew(request, desk, tab, (), note=note)
        return show(request, desk, _bill(desk, leaving), leaving, note=note)
    if now() > leaving.as_of + timedelta(seconds=house_rules_of(desk.facility.id).exit_grace_s):
        note = _("Time has gone on: this is the bill as of now. Take the payment.")
        if leaving.payments:
            note = _(
                "Time has gone on: this is the bill as of now. The part payments do not count: hand them back first."
            )
        return anew(request, desk, tab, leaving.stays, note=note)
    bill = _bill(desk, leaving)
    due = bill.seen.owed - leaving.paid
    kind, entered = request.POST.get("kind", ""), request.POST.get("amount", "").strip()
    if kind == "owe":
        # Who may owe leaves without paying: a school's voucher, a company's word.
        return _settle(request, desk, bill, leaving)
    invoiced = bill.invoiced
    taken = paying.take(leaving.payments, due, kind, entered, desk.facility.currency, invoiced=invoiced)
    if taken.problem:
        return show(request, desk, bill, leaving, note=taken.problem, status=422)
    leaving = replace(leaving, payments=taken.payments)
    if not taken.settled:
        leaving = replace(leaving, key=str(uuid4()))
        bills.save(request, leaving)
        return show(request, desk, bill, leaving)
    return _settle(request, desk, bill, leaving)


@require_POST
@in_shift
def undo(request: HttpRequest, desk: Desk, tab: UUID) -> HttpResponse:
    """Take part payments back; or do without the pass that was shown."""
    leaving = bills.load(request)
    without = "" if "pass" in request.POST else None
    return anew(request, desk, tab, leaving.stays if leaving and leaving.tab == tab else (), on_pass=without)


@require_POST
@in_shift
def goods(request: HttpRequest, desk: Desk, tab: UUID) -> HttpResponse:
    """Put goods or a service on the tab: a massage, skates. Nothing is paid now (SPEC S6)."""
    chosen = [stay for text in request.POST.getlist("stay") if (stay := uuid_of(text))]
    product, quantity = uuid_of(request.POST.get("product", "")), request.POST.get("quantity", "1").strip()
    version = next((v for v in price_list(desk).values() if v.product.id == product), None)
    if version is None or not quantity.isdecimal():
        return anew(request, desk, tab, chosen, note=_("Choose what is put on the tab, and how many."), status=422)
    category = "adult" if "adult" in version.product.prices else next(iter(version.product.prices), "adult")
    line = SaleLine(product=version.product.id, category=category, quantity=int(quantity))
    answer: TabNow | Refused = ask(
        charge_tabs,
        lambda at: ChargeTab(
            key=key_of(request), at=at, actor=desk.operator.id, sales_point=desk.place, tab=tab, lines=(line,)
        ),
    )
    if isinstance(answer, Refused):
        return anew(request, desk, tab, chosen, refusal=answer)
    done = _("%(what)s is on the tab.") % {"what": product_name(version.product)}
    return anew(request, desk, tab, chosen, done=done)


def _settle(request: HttpRequest, desk: Desk, bill: TabBill, leaving: Leaving) -> HttpResponse:
    """Settle what is shown, once: the stays that leave, or a tab that nobody is on any more."""
    mode: Any = "pay" if request.POST.get("mode") == "pay" else "close"
    refund: PaymentKind = "card" if request.POST.get("refund") == "card" else "cash"
    given: dict[str, Any] = {
        "key": f"till:{leaving.key}", "actor": desk.operator.id, "sales_point": desk.place,
        "payments": leaving.payments, "refund_kind": refund,
    }  # fmt: skip

    def stays(at: datetime) -> Settle:
        return Settle(
            at=at, stays=leaving.stays, mode=mode, as_of=min(leaving.as_of, at), pass_number=leaving.on_pass, **given
        )

    def document(at: datetime) -> CloseTab:
        return CloseTab(at=at, tab=leaving.tab, **given)

    answer: StaysSettled | TabNow | Refused = ask(settle, stays) if bill.people else ask(close_tabs, document)
    if isinstance(answer, Refused):
        # The answer is remembered under this key: what is tried next is another request. The last payment is typed again.
        again = replace(leaving, key=str(uuid4()), payments=leaving.payments[:-1])
        bills.save(request, again)
        return show(request, desk, bill, again, refusal=answer)
    bills.save(request, None)
    before = arrivals.load(request)
    after = Arrivals(tariff=before.tariff, category=before.category, package=before.package)
    after.bands, after.tab = before.bands, before.tab if before.tab != leaving.tab else None
    after.sold, after.change, after.refund = answer.order, answer.change, answer.refund
    if mode == "pay" and not answer.closed:
        after.leave_s = house_rules_of(desk.facility.id).exit_grace_s
    arrivals.save(request, after)
    return to(request, "till:pool")


def _bill(desk: Desk, leaving: Leaving) -> TabBill:
    bill = bills.bill_of(desk, leaving.tab, leaving.stays, leaving.as_of, leaving.on_pass)
    if bill is None:
        raise Http404
    return bill


def anew(
    request: HttpRequest, desk: Desk, tab: UUID, chosen: Any, *, on_pass: str | None = None, **told: Any
) -> HttpResponse:
    """Show the bill as of now, nothing of it paid. `on_pass`: a pass that pays first; None: the one shown before."""
    shown = bills.kept_pass(request, tab) if on_pass is None else on_pass
    leaving = Leaving(tab=tab, stays=tuple(chosen), as_of=now(), on_pass=shown)
    bill = _bill(desk, leaving)
    leaving = replace(leaving, stays=tuple(one.stay.stay for one in bill.chosen), on_pass=shown if bill.on_pass else "")
    bills.save(request, leaving)
    return show(request, desk, bill, leaving, **told)


def show(
    request: HttpRequest,
    desk: Desk,
    bill: TabBill,
    leaving: Leaving,
    *,
    refusal: Refused | None = None,
    note: str = "",
    done: str = "",
    status: int = 200,
) -> HttpResponse:
    """Answer with the bill: its part of the page to a script, the page to everybody else."""
    template = "till/pool/bill.html" if request.headers.get("HX-Request") == "true" else "till/pool/tab.html"
    due = bill.seen.owed - leaving.paid
    currency = desk.facility.currency
    context = {
        "desk": desk, "bill": bill, "leaving": leaving, "refusal": refusal, "note": note, "done": done,
        "due": due, "decimals": amounts.decimals(currency), "quick": quick(due, currency),
        "payments": paying.said(leaving.payments), "may_owe": bool(due) and due <= bill.tab.limit_minor,
        "goods": _sellable(desk), "zones": zone_heads(desk.facility.id),
        "evacuated": evacuated_since(desk.facility.id), "rules": house_rules_of(desk.facility.id),
        "grace": duration(house_rules_of(desk.facility.id).exit_grace_s),
        "codes": [(code, called(BLOCKS, code)) for code in ("lost", "stolen", "other")],
        "here_zones": _zones(desk), "who": _who(bill), "corrections": named(CORRECTIONS), "forces": named(FORCES),
        "scan_query": f"{reverse('till:pool-bill-scan', args=[bill.tab.id])}?{urlencode([('tab', bill.tab.id), *_stays(bill.chosen)])}",
        "passes": bool(bill.people) and bool(kinds_offered(desk.facility.id)),
    }  # fmt: skip
    return render(request, template, context, status=422 if refusal else status)


def _who(bill: TabBill) -> list[dict[str, Any]]:
    """Return the people of a tab, each with the address of the bill on which they leave, or stay, instead."""
    address = reverse("till:pool-tab", args=[bill.tab.id])
    found = []
    for one in bill.people:
        others = [other for other in bill.people if other.chosen != (other is one)]
        query = urlencode(_stays(others))
        found.append(
            {
                "number": one.stay.number, "category": one.category, "chosen": one.chosen,
                "address": f"{address}?{query}" if query else address,
            }
        )  # fmt: skip
    return found


def _stays(people: Sequence[BandBill]) -> list[tuple[str, object]]:
    return [("stay", one.stay.stay) for one in people]


def _sellable(desk: Desk) -> list[tuple[UUID, str, int]]:
    """Return what may be put on a tab: goods and services on the price list, by name."""
    found = [
        (one.product.id, product_name(one.product), next(iter(one.product.prices.values()), 0))
        for one in price_list(desk).values()
        if one.product.kind == "goods"
    ]
    return sorted(found, key=lambda row: row[1])


def _zones(desk: Desk) -> list[tuple[str, str]]:
    return [(one.code, zone_name(one.code)) for one in heads(desk.facility.id) if one.code != "*"]
