"""The catalogue and the counter, as far as a token's sales point and products reach."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema, Status
from pydantic import Field

from karnet.catalogue.selectors import Version, on_sale, why_not_on_sale
from karnet.entitlements.operations import MediumKind
from karnet.faces.api.asking import Build, IdempotencyKey, ask
from karnet.faces.api.calling import caller, paged, route, tagged
from karnet.faces.api.problems import refusal
from karnet.faces.api.shapes import Amount, Code, Flag, Id, In, Instant, Number, Page
from karnet.faces.api.tokens import Principal
from karnet.faces.base import clock
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.loyalty.requests import RightOnLine, SellWithRights
from karnet.loyalty.services import sell_with_rights
from karnet.orders.operations import Payment
from karnet.orders.requests import Card, GiveBack, Sale, SaleLine, Sell, TopUp
from karnet.orders.selectors import OrderSummary, order_id, orders, terms
from karnet.orders.services import give_back, sell, top_up
from karnet.parties.selectors import EnrolledFacility, facilities

router = Router(tags=["sales"])

MAX_CARDS = 200


class ProductOut(Schema):
    """A product on sale. `prices_minor`: gross by category; `vat_bp`: VAT in basis points (23 % is 2300)."""

    id: UUID
    code: str
    kind: str
    names: dict[str, str]
    currency: str
    prices_minor: dict[str, int]
    vat_bp: int
    points: int
    deposit_minor: int
    on_sale_from: datetime
    on_sale_until: datetime | None


class CardIn(In):
    """The medium a ticket goes on. `issue`: it is given out in this sale; else it is in its holder's hands."""

    number: Number
    chip: Number | None = None
    kind: MediumKind = "card"
    issue: Flag = False


class LineIn(In):
    """A product in a category: on each of `cards` (tickets), or `quantity` times (goods). `right`: a discount or a free
    entry that the line's one card has earned (`rights` of `GET /media/{number}`); it is used up with the sale."""

    product: Code
    category: Code = "adult"
    cards: list[CardIn] = Field(default=[], max_length=MAX_CARDS)
    quantity: Annotated[int, Field(strict=True, ge=1, le=1000)] = 1
    start: Instant | None = None
    right: Id | None = None


class PaymentIn(In):
    """Money received. Payments add up to the lines and the card deposits. `on_account`: a partner keeps its guests'
    money and owes it."""

    kind: Literal["cash", "card", "bank_transfer", "voucher", "invoice", "on_account"]
    amount_minor: Annotated[Amount, Field(gt=0)]
    tendered_minor: Amount | None = None


class SaleIn(In):
    """A sale. `buyer`: a company known here; `invoice`: issue one at once."""

    lines: Annotated[list[LineIn], Field(min_length=1, max_length=100)]
    payments: Annotated[list[PaymentIn], Field(max_length=20)]
    buyer: Id | None = None
    invoice: Flag = False


class TopUpIn(In):
    """One more ticket onto a medium in use, by its number."""

    number: Number
    product: Code
    category: Code = "adult"
    payments: Annotated[list[PaymentIn], Field(max_length=20)]


class SoldOut(Schema):
    """A sale made. `total_minor` gross of the lines, `vat_minor` inside it, `deposit_minor` on top."""

    order: UUID
    number: str
    total_minor: int
    vat_minor: int
    deposit_minor: int
    change_minor: int
    lines: list[UUID]
    entitlements: list[UUID]
    media: list[UUID]
    invoice: str | None = None


class ReturnIn(In):
    """Lines of a sale to give back (none named: all that are left), and cards handed in, by number."""

    order: Id | None = None
    lines: list[Id] = Field(default=[], max_length=1000)
    cards: list[Number] = Field(default=[], max_length=MAX_CARDS)
    refund_kind: Literal["cash", "card", "bank_transfer", "voucher"] = "cash"


class ReturnedOut(Schema):
    """`refund_minor`: given back in all; `to_cards_minor`: the part of it that went back to cards and passes that had paid,
    the rest is to be paid out; `deposit_minor`: the part for cards handed in; `vat_minor`: inside what is left."""

    id: UUID
    refund_minor: int
    to_cards_minor: int = 0
    deposit_minor: int
    vat_minor: int
    lines: list[UUID]


class OrderOut(Schema):
    """A sale at a glance."""

    id: UUID
    number: str
    at: datetime
    currency: str
    total_minor: int
    vat_minor: int
    deposit_minor: int
    refunded_minor: int
    paid_minor: dict[str, int]
    lines: int
    invoice: str | None = None


@route(router.get, "/products", "catalogue:read", response=Page[ProductOut], tags=["catalogue"], etag=True)
def list_products(
    request: HttpRequest,
    at: Instant | None = None,
    cursor: str = "",
    limit: Annotated[int, Field(ge=1, le=200)] = 100,
) -> HttpResponse:
    """List what the token's facility has on sale now (or at an instant), as far as its sales point may sell it."""
    principal = caller(request)
    held = terms([principal.sales_point]).get(principal.sales_point) if principal.sales_point else None
    found = on_sale(_home(principal).id, held.products if held else None, at or clock.now())
    shown = [_product(found[code]) for code in sorted(found)]
    return tagged(request, paged(shown, lambda product: product.code, cursor, limit))


@route(router.post, "/sales", "sales:write", response={201: SoldOut})
def make_sale(request: HttpRequest, body: SaleIn, key: IdempotencyKey) -> Status[SoldOut]:
    """Sell at the token's sales point, at list prices less the rights named, within the terms of the sales point."""
    principal = caller(request)

    def build(k: str, at: datetime) -> Sell | Refused:
        found = _products(principal, [line.product for line in body.lines], at)
        if isinstance(found, Refused):
            return found
        return Sell(
            key=k,
            at=at,
            actor=_operator(principal),
            sales_point=_sales_point(principal),
            lines=tuple(_line(line, found[line.product]) for line in body.lines),
            payments=_payments(body.payments),
            buyer=body.buyer,
            invoice=body.invoice,
        )

    rights = tuple(RightOnLine(right=line.right, line=n) for n, line in enumerate(body.lines) if line.right)
    if not rights:
        return _sold(request, ask(sell, principal, key, build))

    def build_with_rights(k: str, at: datetime) -> SellWithRights | Refused:
        plain = build(k, at)
        if isinstance(plain, Refused):
            return plain
        return SellWithRights(key=k, at=at, actor=plain.actor, rights=rights, sale=plain)

    return _sold(request, ask(sell_with_rights, principal, key, build_with_rights))


@route(router.post, "/top-ups", "sales:write", response={201: SoldOut})
def make_top_up(request: HttpRequest, body: TopUpIn, key: IdempotencyKey) -> Status[SoldOut]:
    """Sell one more ticket onto a medium in use, by the number printed on it (online reload)."""
    principal = caller(request)

    def build(k: str, at: datetime) -> TopUp | Refused:
        found = _products(principal, [body.product], at)
        if isinstance(found, Refused):
            return found
        return TopUp(
            key=k,
            at=at,
            actor=_operator(principal),
            sales_point=_sales_point(principal),
            number=body.number,
            product=found[body.product],
            category=body.category,
            payments=_payments(body.payments),
        )

    return _sold(request, ask(top_up, principal, key, build))


@route(router.post, "/returns", "sales:write", response={201: ReturnedOut})
def make_return(request: HttpRequest, body: ReturnIn, key: IdempotencyKey) -> Status[ReturnedOut]:
    """Take back unused lines of a sale of this sales point, and cards with their deposit. Limits are not refilled."""
    principal = caller(request)
    if body.order is not None:
        _own_order(request, principal, body.order)
    build: Build[GiveBack] = lambda k, at: GiveBack(  # noqa: E731
        key=k,
        at=at,
        actor=_operator(principal),
        sales_point=_sales_point(principal),
        order=body.order,
        lines=tuple(body.lines),
        cards=tuple(body.cards),
        refund_kind=body.refund_kind,
    )
    answer = ask(give_back, principal, key, build)
    if isinstance(answer, Refused):
        raise refusal(request, answer)
    return Status(
        201,
        ReturnedOut(
            id=answer.id,
            refund_minor=answer.refund,
            to_cards_minor=answer.to_cards,
            deposit_minor=answer.deposit,
            vat_minor=answer.vat,
            lines=list(answer.lines),
        ),
    )


@route(router.get, "/sales", "sales:read", response=OrderOut)
def find_sale(request: HttpRequest, number: Number) -> OrderOut:
    """Find a sale of the token's sales point by its number, such as "K1-000042"."""
    principal = caller(request)
    found = order_id(_home(principal).id, number)
    if found is None:
        raise refusal(request, refused(Reason.UNKNOWN_ORDER, order=number))
    return _order(_own_order(request, principal, found))


@route(router.get, "/sales/{uuid:order}", "sales:read", response=OrderOut)
def show_sale(request: HttpRequest, order: UUID) -> OrderOut:
    """Show a sale of the token's sales point."""
    return _order(_own_order(request, caller(request), order))


def _sold(request: HttpRequest, answer: Sale | Refused) -> Status[SoldOut]:
    if isinstance(answer, Refused):
        raise refusal(request, answer)
    return Status(
        201,
        SoldOut(
            order=answer.order,
            number=answer.number,
            total_minor=answer.total,
            vat_minor=answer.vat,
            deposit_minor=answer.deposit,
            change_minor=answer.change,
            lines=list(answer.lines),
            entitlements=list(answer.entitlements),
            media=list(answer.media),
            invoice=answer.invoice,
        ),
    )


def _home(principal: Principal) -> EnrolledFacility:
    assert principal.facility is not None, "checked when the token was made"
    return facilities([principal.facility])[principal.facility]


def _operator(principal: Principal) -> UUID:
    assert principal.operator is not None, "checked when the token was made"
    return principal.operator


def _sales_point(principal: Principal) -> UUID:
    assert principal.sales_point is not None, "checked when the token was made"
    return principal.sales_point


def _own_order(request: HttpRequest, principal: Principal, order: UUID) -> OrderSummary:
    found = orders([order]).get(order)
    if found is None or found.sales_point != principal.sales_point:
        raise refusal(request, refused(Reason.UNKNOWN_ORDER, order=str(order)))
    return found


def _products(principal: Principal, codes: list[str], at: datetime) -> dict[str, UUID] | Refused:
    """Return the versions on sale of product codes. Which of them the sales point may sell is for the sale to say."""
    facility = _home(principal).id
    found = on_sale(facility, codes, at)
    for code in codes:
        if code not in found:
            return why_not_on_sale(facility, code, at) or refused(Reason.NOT_ON_SALE, product=code)
    return {code: version.product.id for code, version in found.items()}


def _line(line: LineIn, product: UUID) -> SaleLine:
    cards = tuple(
        Card(number=card.number, chip=card.chip or "", kind=card.kind, issue=card.issue) for card in line.cards
    )
    return SaleLine(product=product, category=line.category, cards=cards, quantity=line.quantity, start=line.start)


def _payments(payments: list[PaymentIn]) -> tuple[Payment, ...]:
    return tuple(Payment(kind=p.kind, amount=p.amount_minor, tendered=p.tendered_minor) for p in payments)


def _product(version: Version) -> ProductOut:
    product = version.product
    return ProductOut(
        id=product.id,
        code=product.code,
        kind=product.kind,
        names=product.names,
        currency=version.currency,
        prices_minor=product.prices,
        vat_bp=product.vat_bp,
        points=product.points,
        deposit_minor=product.deposit_minor,
        on_sale_from=version.on_sale_from,
        on_sale_until=version.on_sale_until,
    )


def _order(summary: OrderSummary) -> OrderOut:
    return OrderOut(
        id=summary.id,
        number=summary.number,
        at=summary.at,
        currency=summary.currency,
        total_minor=summary.total,
        vat_minor=summary.vat,
        deposit_minor=summary.deposit,
        refunded_minor=summary.refunded,
        paid_minor={str(kind): amount for kind, amount in summary.paid.items()},
        lines=summary.lines,
        invoice=summary.invoice,
    )
