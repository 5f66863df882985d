"""Views of the sale: tap, scan, pay."""

from __future__ import annotations

import re
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from karnet.entitlements.rules import MediumState, usable_medium
from karnet.entitlements.selectors import media_by_chip, media_by_number
from karnet.faces.base.clock import now
from karnet.faces.till import amounts, carts
from karnet.faces.till.asking import ask
from karnet.faces.till.desk import Desk, in_shift
from karnet.faces.till.screen import price_list as prices
from karnet.faces.till.screen import show, totals
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import local_day
from karnet.loyalty.requests import SellWithRights
from karnet.loyalty.services import sell_with_rights
from karnet.orders.operations import Payment
from karnet.orders.requests import Sale, Sell
from karnet.orders.services import sell

_CARD = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:/-]{0,63}")
_PAID_AT_THE_TILL = ("cash", "card", "voucher", "bank_transfer", "invoice")


@require_safe
@in_shift
def home(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The sale screen."""
    return show(request, desk, carts.load(request))


@require_POST
@in_shift
def tile(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Put a product into the sale."""
    cart = carts.load(request)
    wanted = request.POST.get("product", "")
    version = next((v for v in prices(desk).values() if str(v.product.id) == wanted), None)
    if version is None:
        return show(request, desk, cart, note=_("This product is not on sale any more. Choose another."), status=422)
    if not carts.add(cart, version):
        return show(request, desk, cart, note=_full(), status=422)
    return _keep(request, desk, cart)


@require_POST
@in_shift
def category(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Choose the category that tiles are sold in from now on."""
    cart = carts.load(request)
    chosen = request.POST.get("category", "")
    if any(chosen in version.product.prices for version in prices(desk).values()):
        cart.category = chosen
    return _keep(request, desk, cart)


@require_POST
@in_shift
def scan(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Take a card that was read or typed."""
    cart = carts.load(request)
    number = request.POST.get("card", "").strip()
    if not _CARD.fullmatch(number):
        return show(
            request,
            desk,
            cart,
            note=_("This is no card number. Scan the card, or type what is printed on it."),
            status=422,
        )
    medium = find_card(number)
    barred = usable_medium(medium) if medium is not None and medium.state != "returned" else None
    if barred is not None:
        return show(request, desk, cart, refusal=barred)
    taken = carts.scan(cart, number, medium)
    if taken == "twice":
        return show(
            request, desk, cart, note=_("Card %(number)s is in this sale already.") % {"number": number}, status=422
        )
    if taken == "full":
        return show(request, desk, cart, note=_full(), status=422)
    return _keep(request, desk, cart)


def find_card(number: str) -> MediumState | None:
    """Return the card with this printed number, else the one that readers read as this."""
    return media_by_number([number]).get(number) or media_by_chip([number]).get(number)


@require_POST
@in_shift
def line(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Change a line of the sale."""
    cart = carts.load(request)
    written = request.POST.get("line", "")
    index = int(written) if re.fullmatch("[0-9]{1,4}", written) else -1
    if request.POST.get("do", "start") == "start":
        carts.begin(cart, index, request.POST.get("start", ""), local_day(now(), desk.facility.time_zone))
    else:
        carts.alter(cart, index, request.POST.get("do", ""), request.POST.get("card", ""))
    return _keep(request, desk, cart)


@require_POST
@in_shift
def group(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Turn group mode on or off: card after card goes onto the last ticket chosen."""
    cart = carts.load(request)
    cart.group = request.POST.get("on") == "1"
    return _keep(request, desk, cart)


@require_POST
@in_shift
def drop(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Give the sale up; or take a part payment back ("payment")."""
    cart = carts.load(request)
    if "payment" in request.POST:
        cart.payments = []
        cart.changed()
    elif "aside" in request.POST:
        cart.onto = None
    else:
        cart = carts.Cart(category=cart.category)
    return _keep(request, desk, cart)


@require_POST
@in_shift
def pay(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Take a payment; when it settles the sale, sell. No amount = all that is due."""
    cart = carts.load(request)
    if (answer := changed_meanwhile(request, desk, cart)) is not None:
        return answer
    currency, due = desk.facility.currency, totals(cart).due
    entered = request.POST.get("amount", "").strip()
    amount = amounts.minor_units(entered, currency) if entered else due
    problem = _problem(request.POST.get("kind", ""), amount, due, cart)
    if problem:
        return show(request, desk, cart, note=problem, status=422)
    assert amount is not None, "an amount that is none is a problem"
    kept, change = min(amount, due), amount - min(amount, due)
    payments = list(cart.payments)
    if kept:
        payments.append(
            Payment(kind=request.POST["kind"], amount=kept, tendered=amount if change else None)  # type: ignore[arg-type]
        )
    return take(request, desk, cart, tuple(payments), settled=kept >= due)


def changed_meanwhile(request: HttpRequest, desk: Desk, cart: carts.Cart) -> HttpResponse | None:
    """Return the sale as it is, where the payment that comes is not for it or cannot be taken yet; else None."""
    if request.POST.get("key") != cart.key:
        # A second click, or another tab went on: the first one's sale is shown, or what the sale is now.
        note = "" if cart.sold else _("The sale has changed meanwhile. Look at it, then take the payment.")
        return show(request, desk, cart, note=note)
    if not cart.ready:
        return show(request, desk, cart, note=_("A ticket still needs its card. Scan it first."), status=422)
    if totals(cart).due < 0:
        note = _("More was paid than is due now. Take the part payments back first.")
        return show(request, desk, cart, note=note, status=422)
    return None


def take(
    request: HttpRequest, desk: Desk, cart: carts.Cart, payments: tuple[Payment, ...], *, settled: bool
) -> HttpResponse:
    """Take the payments, all there are: sell when they settle the sale, else keep them as parts of it."""
    if settled:
        return _sell(request, desk, cart, payments)
    cart.payments = list(payments)
    cart.changed()
    return _keep(request, desk, cart)


def _problem(kind: str, amount: int | None, due: int, cart: carts.Cart) -> str:
    if kind not in _PAID_AT_THE_TILL:
        return _("Choose how it is paid.")
    if amount is None or (amount == 0 and due > 0):
        return _("Write an amount such as 200 or 12.50.")
    if kind != "cash" and amount > due:
        return _("That is more than is due. Only cash gets change.")
    if kind == "invoice" and cart.buyer is None:
        return _("Choose whom the invoice is for first: whoever pays later needs one.")
    return ""


def _sell(request: HttpRequest, desk: Desk, cart: carts.Cart, payments: tuple[Payment, ...]) -> HttpResponse:
    lines = carts.asked_lines(cart, desk.facility.time_zone)

    def sale(at: datetime) -> Sell:
        return Sell(
            key=f"till:{cart.key}", at=at, actor=desk.operator.id, sales_point=desk.place, lines=lines,
            payments=payments, buyer=cart.buyer, invoice=cart.buyer is not None, customer=cart.customer,
        )  # fmt: skip

    def sale_with_rights(at: datetime) -> SellWithRights:
        plain = sale(at)
        rights = carts.asked_rights(cart, lines)
        return SellWithRights(key=plain.key, at=at, actor=plain.actor, rights=rights, sale=plain)

    answer: Sale | Refused = ask(sell_with_rights, sale_with_rights) if cart.rights else ask(sell, sale)
    if isinstance(answer, Refused):
        if answer.reason in (Reason.RIGHT_USED, Reason.NO_RIGHT, Reason.EXPIRED):
            cart.rights = []  # The usual price, as the words say; what is still open is offered anew.
        # The answer is remembered under this key: what is tried next is another request. The cart stays.
        cart.changed()
        carts.save(request, cart)
        return show(request, desk, cart, refusal=answer)
    done = carts.Cart(category="adult", sold=answer.order)
    return _keep(request, desk, done)


def _keep(request: HttpRequest, desk: Desk, cart: carts.Cart) -> HttpResponse:
    carts.save(request, cart)
    return show(request, desk, cart)


def _full() -> str:
    return _("A sale takes at most 1000 tickets. Finish this one first.")
