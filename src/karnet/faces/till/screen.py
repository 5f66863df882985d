"""The sale screen: what it shows of a cart, and how it is answered."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from karnet.catalogue.operations import Product
from karnet.catalogue.selectors import Version, on_sale, product_versions
from karnet.faces.base.clock import now
from karnet.faces.base.looking import looking
from karnet.faces.till import amounts, carts
from karnet.faces.till.desk import Desk
from karnet.faces.till.offers import offered
from karnet.faces.till.words import CATEGORIES, PAYMENTS, called, discount, lasts, product_name
from karnet.kernel.outcomes import Refused
from karnet.kernel.time import local_day
from karnet.orders.receipts import receipt
from karnet.parties.people import KnownCustomer, customers
from karnet.parties.selectors import companies

SHORTCUTS = 9
_KINDS = ("time", "points", "goods", "deposit_card")


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """A product to tap. `price` is that of the chosen category; `category` is set where it is another than chosen."""

    product: UUID
    name: str
    lasts: str
    price: int
    deposit: int
    kind: str
    category: str = ""
    count: int = 0


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Minor units: `lines` and `deposit` make `total`; `due` is what is still to be paid of it."""

    lines: int
    deposit: int
    paid: int

    @property
    def total(self) -> int:
        return self.lines + self.deposit

    @property
    def due(self) -> int:
        return self.total - self.paid


def price_list(desk: Desk) -> dict[str, Version]:
    """Return what is on sale at the desk now, by code."""
    return on_sale(desk.facility.id, None, now())


def totals(cart: carts.Cart) -> Totals:
    """Return what a sale comes to."""
    lines = carts.priced(cart, product_versions({line.product for line in cart.lines}) if cart.lines else {})
    return Totals(lines=sum(one.amount for one in lines), deposit=carts.deposit(cart, lines), paid=cart.paid)


def show(
    request: HttpRequest,
    desk: Desk,
    cart: carts.Cart,
    refusal: Refused | None = None,
    note: str = "",
    status: int = 200,
) -> HttpResponse:
    """Answer with the sale: its part of the page to a script, the page to everybody else."""
    partial = request.headers.get("HX-Request") == "true"
    if request.method == "POST" and not partial and refusal is None and not note:
        return redirect("till:home")
    template = "till/sale.html" if partial else "till/home.html"
    told = {"refusal": refusal, "note": note, "customer": _customer(request, cart)}
    return render(request, template, context(desk, cart) | told, status=422 if refusal else status)


def _customer(request: HttpRequest, cart: carts.Cart) -> KnownCustomer | None:
    """Return who buys. Somebody erased since they were chosen is nobody's customer any more: the sale goes on without."""
    if cart.customer is None:
        return None
    known = customers([cart.customer], looking(request)).get(cart.customer)
    if known is not None and known.erased_at is None:
        return known
    cart.customer = None
    carts.save(request, cart)
    return None


def context(desk: Desk, cart: carts.Cart) -> dict[str, Any]:
    """Return what the sale screen shows."""
    versions = price_list(desk)
    by_id = {version.product.id: version for version in versions.values()}
    by_id |= product_versions({line.product for line in cart.lines} - by_id.keys()) if cart.lines else {}
    lines = carts.priced(cart, by_id)
    sums = Totals(lines=sum(one.amount for one in lines), deposit=carts.deposit(cart, lines), paid=cart.paid)
    waiting = cart.waiting
    categories = list(dict.fromkeys(code for version in versions.values() for code in version.product.prices))
    categories.sort(key=lambda code: (list(CATEGORIES).index(code) if code in CATEGORIES else 99, code))
    currency, today = desk.facility.currency, local_day(now(), desk.facility.time_zone)
    return {
        "desk": desk,
        "cart": cart,
        "tiles": _tiles(cart, versions),
        "categories": [(code, called(CATEGORIES, code)) for code in categories],
        "lines": [_line(cart, index, one, waiting, today) for index, one in enumerate(lines)],
        "totals": sums,
        "waiting": _name(by_id.get(waiting.product)) if waiting and waiting.lacks > 0 else "",
        "taking": _name(by_id.get(waiting.product)) if waiting and waiting.lacks <= 0 else "",
        "scanned": len(waiting.cards) if waiting else 0,
        "wanted": waiting.wanted if waiting else 0,
        "payments": [(index, called(PAYMENTS, paid.kind), paid) for index, paid in enumerate(cart.payments)],
        "quick": quick(sums.due, currency),
        "paying_card": next((card.number for card in cart.cards.values() if not card.issue), ""),
        "decimals": amounts.decimals(currency),
        "buyer": companies([cart.buyer]).get(cart.buyer) if cart.buyer else None,
        "offers": offered(desk, cart, versions, now()),
        "sold": receipt(cart.sold) if cart.sold else None,
    }


def quick(due: int, currency: str) -> list[tuple[int, str]]:
    """Return the amounts of the quick cash buttons, each with how it is typed."""
    return [(value, amounts.typed(value, currency)) for value in amounts.quick_cash(due, currency)] if due > 0 else []


def _tiles(cart: carts.Cart, versions: dict[str, Version]) -> list[Tile]:
    counts: dict[UUID, int] = {}
    for line in cart.lines:
        counts[line.product] = counts.get(line.product, 0) + line.wanted
    tiles = []
    for version in versions.values():
        product = version.product
        category = cart.category if cart.category in product.prices else next(iter(product.prices), "")
        tiles.append(
            Tile(
                product=product.id,
                name=product_name(product),
                lasts=more if (more := lasts(product)) != product_name(product) else "",
                price=product.prices.get(category, 0),
                deposit=product.deposit_minor,
                kind=product.kind,
                category=called(CATEGORIES, category) if category != cart.category and len(product.prices) > 1 else "",
                count=counts.get(product.id, 0),
            )
        )
    # Tickets first, the short ones before the long ones, as price does it; then goods.
    return sorted(tiles, key=lambda tile: (_KINDS.index(tile.kind), tile.price, tile.name))


def _starts_on_a_day(product: Product) -> bool:
    """Whether somebody chooses the first day: the days of the ticket are counted from its sale, not its first passage."""
    term = product.validity if product.kind == "time" else None
    return term is not None and term.kind in ("days", "days_within") and term.starts != "first_passage"


def _line(
    cart: carts.Cart, index: int, one: carts.Priced, waiting: carts.CartLine | None, today: date
) -> dict[str, Any]:
    cheaper = {right.card: discount(right.discount_bp) for right in cart.rights if right.concerns(one.line)}
    cards = [(cart.cards[number], cheaper.get(number)) for number in one.line.cards if number in cart.cards]
    return {
        "index": index,
        "name": _name(one.version),
        "category": called(CATEGORIES, one.line.category)
        if one.version and len(one.version.product.prices) > 1
        else "",
        "unit": one.unit,
        "amount": one.amount,
        "full": one.amount + one.off if one.off else None,
        "wanted": one.line.wanted,
        "lacks": one.line.lacks,
        "cards": cards,
        "many": len(cards) > 4,
        "waits": one.line is waiting,
        "starts": one.version is not None and _starts_on_a_day(one.version.product),
        "start": (one.line.start or today).isoformat(),
        "today": today.isoformat(),
    }


def _name(version: Version | None) -> str:
    return product_name(version.product) if version else "?"
