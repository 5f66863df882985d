"""The partner's till: a hotel reception sells its own products within its own limit, on account, in two actions.

What it may sell, and how much of it a day, is decided by the sale itself (`orders`): these pages only show it.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import segno
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from karnet.catalogue.operations import Product
from karnet.catalogue.selectors import on_sale, product_versions
from karnet.entitlements.selectors import entitlements, media
from karnet.faces.base.access import allow
from karnet.faces.base.clock import now
from karnet.faces.base.roles import Role
from karnet.faces.till import carts, papers
from karnet.faces.till.asking import ask, key_of
from karnet.faces.till.desk import Desk
from karnet.faces.till.selling import find_card
from karnet.faces.till.words import CATEGORIES, called, lasts, product_name, validity
from karnet.kernel.outcomes import Refused
from karnet.kernel.time import local_day
from karnet.orders.operations import Payment
from karnet.orders.receipts import Receipt, last_orders, receipt
from karnet.orders.requests import Card, Sale, SaleLine, Sell
from karnet.orders.rules.counter import Terms
from karnet.orders.rules.selling import card_deposit
from karnet.orders.selectors import sold_on, terms
from karnet.orders.services import sell
from karnet.parties.selectors import facilities, names, operators, sales_points

MOST = 10
"""Tickets in one go: a family. A coach party goes to the till."""
SHOWN = 20
_CARD = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:/-]{0,63}")
_KINDS = ("time", "points", "goods")

View = Callable[..., HttpResponse]


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """What may still be sold today, and of how much; minor units."""

    limit: int
    sold: int

    @property
    def left(self) -> int:
        return max(0, self.limit - self.sold)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What was tapped: a product in a category, `n` times."""

    product: Product
    category: str
    n: int = 1

    @property
    def goods(self) -> bool:
        return self.product.kind == "goods"

    @property
    def tickets(self) -> int:
        """What it costs before card deposits, minor units."""
        return self.product.prices.get(self.category, 0) * self.n

    @property
    def on_card(self) -> int:
        """What it costs on a new card of plastic."""
        return self.tickets + card_deposit("card", self.product.deposit_minor)


def at_partner(view: View) -> View:
    """Make a view of the partner's till: it gets the sales point of whoever is signed in as its desk."""

    @allow(Role.PARTNER)
    @functools.wraps(view)
    def shown(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        desk = partner_of(request)
        if desk is None:
            return render(request, "till/partner_nowhere.html", status=422 if request.method == "POST" else 200)
        return view(request, desk, *arguments, **named)

    return shown


def partner_of(request: HttpRequest) -> Desk | None:
    """Return where a partner's log-in sells; None for one that is tied to no operator and no partner's sales point."""
    operator_id = getattr(request.user, "operator_id", None)
    point_id = getattr(request.user, "sales_point_id", None)
    operator = operators([operator_id]).get(operator_id) if operator_id else None
    point = sales_points([point_id]).get(point_id) if point_id else None
    if operator is None or point is None or point.kind != "partner":
        return None
    facility = facilities([point.facility])[point.facility]
    called_so = names({facility.id, operator.id, point.id})
    return Desk(operator=operator, facility=facility, points=(point,), running={}, names=called_so, point=point)


@require_safe
@at_partner
def home(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Products to tap; the one that was tapped is sold at the side."""
    return _show(request, desk, _choice(request.GET, _offered(desk, now())))


@require_POST
@at_partner
def make_sale(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Sell what was chosen: onto a card that was read, as codes to show at gates, or goods."""
    choice = _choice(request.POST, _offered(desk, now()))
    if choice is None:
        return _show(request, desk, None, note=_("This product is not on sale any more. Choose another."), status=422)
    number, key = request.POST.get("card", "").strip(), key_of(request)
    by_code = request.POST.get("how") == "code"
    if not (choice.goods or by_code) and not _CARD.fullmatch(number):
        return _show(request, desk, choice, note=_("Scan the card, or hand out a code."), status=422)
    if choice.goods:
        cards: tuple[Card, ...] = ()
    elif by_code:
        cards = tuple(Card(number=code, chip=code, kind="qr", issue=True) for code in codes(key, choice.n))
    else:
        choice = msgspec.structs.replace(choice, n=1)
        cards = (carts.known_card(number, find_card(number)),)
    answer = _sell(desk, choice, cards, key)
    if isinstance(answer, Refused):
        return _show(request, desk, choice, refusal=answer, status=422)
    return redirect("till:partner-sale", answer.order)


def _sell(desk: Desk, choice: Choice, cards: tuple[Card, ...], key: str) -> Sale | Refused:
    line = SaleLine(
        product=choice.product.id, category=choice.category, cards=cards, quantity=choice.n if choice.goods else 1
    )
    deposit = sum(card_deposit(card.kind, choice.product.deposit_minor) for card in cards if card.issue)
    due = choice.tickets + deposit
    payments = (Payment(kind="on_account", amount=due),) if due else ()

    def sale(at: datetime) -> Sell:
        return Sell(
            key=key, at=at, actor=desk.operator.id, sales_point=desk.place, lines=(line,), payments=payments
        )  # fmt: skip

    return ask(sell, sale)


@require_safe
@at_partner
def sale(request: HttpRequest, desk: Desk, order: UUID) -> HttpResponse:
    """What to hand out: the codes, or which card it is on; the receipt; the next guest."""
    sold = _own(desk, order)
    versions = product_versions({line.product for line in sold.lines})
    tickets = entitlements({line.entitlement for line in sold.lines if line.entitlement})
    on = media({ticket.medium for ticket in tickets.values()})
    shown = []
    for line in sold.lines:
        ticket = tickets.get(line.entitlement) if line.entitlement else None
        medium = on.get(ticket.medium) if ticket else None
        product = versions[line.product].product if line.product in versions else None
        shown.append(
            {
                "name": product_name(product) if product else line.product_code,
                "category": called(CATEGORIES, line.category) if product and len(product.prices) > 1 else "",
                "quantity": line.quantity,
                "number": medium.number if medium else "",
                "code": _picture(medium.number) if medium and medium.kind == "qr" else "",
                "valid": ticket,
                "lasts": validity(ticket.validity) if ticket and ticket.kind == "time" else "",
            }
        )
    return render(request, "till/partner_sale.html", {"desk": desk, "sold": sold, "lines": shown})


@require_safe
@at_partner
def receipt_paper(request: HttpRequest, desk: Desk, order: UUID) -> HttpResponse:
    """The receipt as PDF."""
    sold = _own(desk, order)
    headers = {"Content-Disposition": f'inline; filename="{sold.order.number}.pdf"', "Cache-Control": "no-store"}
    return HttpResponse(papers.receipt(desk, sold), content_type="application/pdf", headers=headers)


def codes(key: str, n: int) -> list[str]:
    """Return the codes of a sale's tickets: 80 bits that nobody guesses, the same ones when the form comes again.

    The request key is made by chance with the form, and only the form's page knows it.
    """
    return [
        "Q" + base64.b32encode(hashlib.sha256(f"{key}:{place}".encode()).digest()[:10]).decode() for place in range(n)
    ]


def left_today(desk: Desk, held: Terms, at: datetime) -> Left | None:
    """Return what may still be sold on the facility's day, None where nothing limits it."""
    if held.limit_minor is None:
        return None
    day = local_day(at, desk.facility.time_zone)
    return Left(limit=held.limit_minor, sold=sold_on(desk.place, day, desk.facility.time_zone))


def _terms(desk: Desk) -> Terms:
    return terms([desk.place]).get(desk.place, Terms())


def _offered(desk: Desk, at: datetime) -> list[Product]:
    held = _terms(desk)
    found = [version.product for version in on_sale(desk.facility.id, held.products, at).values()]
    # A card without a ticket is nothing that guests come for.
    return sorted(
        (product for product in found if product.kind in _KINDS),
        key=lambda p: (_KINDS.index(p.kind), min(p.prices.values(), default=0), product_name(p)),
    )


def _choice(asked: Any, offered: list[Product]) -> Choice | None:
    product = next((product for product in offered if str(product.id) == asked.get("product", "")), None)
    if product is None:
        return None
    category = asked.get("category", "")
    n = asked.get("n", "1")
    return Choice(
        product=product,
        category=category if category in product.prices else next(iter(product.prices), "adult"),
        n=min(MOST, max(1, int(n))) if re.fullmatch("[0-9]{1,2}", n) else 1,
    )


def _show(
    request: HttpRequest,
    desk: Desk,
    choice: Choice | None,
    *,
    refusal: Refused | None = None,
    note: str = "",
    status: int = 200,
) -> HttpResponse:
    at = now()
    held = _terms(desk)
    left = left_today(desk, held, at)
    wanted = choice.category if choice else "adult"
    tiles = [
        {
            "product": product, "name": product_name(product),
            "lasts": more if (more := lasts(product)) != product_name(product) else "",
            "price": product.prices.get(wanted, next(iter(product.prices.values()), 0)),
            "category": wanted if wanted in product.prices else "",
        }
        for product in _offered(desk, at)
    ]  # fmt: skip
    context = {
        "desk": desk, "tiles": tiles, "choice": choice, "left": left, "refusal": refusal, "note": note,
        "name": product_name(choice.product) if choice else "",
        "categories": [(code, called(CATEGORIES, code)) for code in choice.product.prices] if choice else [],
        "fewer": choice.n - 1 if choice else 0, "more": choice.n + 1 if choice and choice.n < MOST else 0,
        "over": bool(choice and left and choice.tickets > left.left),
        "orders": last_orders(desk.place, SHOWN), "typed": request.POST.get("card", ""),
    }  # fmt: skip
    return render(request, "till/partner.html", context, status=status)


def _own(desk: Desk, order: UUID) -> Receipt:
    found = receipt(order)
    if found is None or found.order.sales_point != desk.place:
        raise Http404
    return found


def _picture(code: str) -> str:
    return segno.make_qr(code, error="m").svg_data_uri(scale=8, border=4, dark="#000", light="#fff")
