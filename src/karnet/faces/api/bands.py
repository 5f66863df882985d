"""Tabs of bands for a third party's restaurant: dishes charged, taken off again, and the statement of both (SPEC S6)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema, Status
from pydantic import Field, StringConstraints

from karnet.faces.api.asking import Build, IdempotencyKey, ask
from karnet.faces.api.calling import bad_cursor, caller, make_cursor, read_cursor, route, tagged
from karnet.faces.api.problems import refusal
from karnet.faces.api.shapes import Amount, In, Instant, MediumNumber, Page
from karnet.faces.api.tokens import Principal
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.orders.dishes import DishMark, dishes_at
from karnet.orders.requests import Extra
from karnet.stays.bills import room_on
from karnet.stays.requests import ChargeBand, TakeOff
from karnet.stays.services import TabNow, charge_bands, take_off

router = Router(tags=["bands"])

MAX_ITEMS = 100


class BandOut(Schema):
    """A band that carries a stay. `left_minor`: how much may be charged through it now; null = no bound."""

    number: str
    category: str
    currency: str
    left_minor: int | None


class ItemIn(In):
    """A dish: gross price for one, with VAT of `vat_bp` basis points inside."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$")]
    unit_price_minor: Annotated[Amount, Field(gt=0, le=10**9)]
    vat_bp: Annotated[int, Field(strict=True, ge=0, le=10_000)]
    quantity: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 1


class ItemsIn(In):
    """Dishes, charged or taken off all together or not at all."""

    items: Annotated[list[ItemIn], Field(min_length=1, max_length=MAX_ITEMS)]


class OnTabOut(Schema):
    """Done: `amount_minor` is on the tab now; below zero where it was taken off. `tab`: its number, for the kitchen."""

    tab: str
    currency: str
    amount_minor: int


class DishOut(Schema):
    """A dish on a tab; `quantity` and `amount_minor` are below zero where it was taken off again."""

    id: UUID
    at: datetime
    tab: str
    currency: str
    code: str
    quantity: int
    unit_price_minor: int
    vat_bp: int
    amount_minor: int
    vat_minor: int


@route(router.get, "/bands/{number}", "bands:read", response=BandOut, etag=True)
def show_band(request: HttpRequest, number: MediumNumber) -> HttpResponse:
    """Show whether a band can be charged, by the number printed on it or by its chip."""
    principal = caller(request)
    assert principal.facility is not None, "checked when the token was made"
    room = room_on(principal.facility, number)
    if room is None:
        raise refusal(request, refused(Reason.NO_STAY, number=number))
    return tagged(
        request, BandOut(number=number, category=room.category, currency=room.currency, left_minor=room.left_minor)
    )


@route(router.post, "/bands/{number}/charges", "bands:charge", response={201: OnTabOut})
def charge_band(request: HttpRequest, number: MediumNumber, body: ItemsIn, key: IdempotencyKey) -> Status[OnTabOut]:
    """Charge dishes to the tab of a band, at the token's sales point. The guest pays on leaving."""
    principal = caller(request)
    operator, sales_point = _acting(principal)
    build: Build[ChargeBand] = lambda k, at: ChargeBand(  # noqa: E731
        key=k, at=at, actor=operator, sales_point=sales_point, band=number, extras=_extras(body)
    )
    return _done(request, ask(charge_bands, principal, key, build), _sum(body))


@route(router.post, "/bands/{number}/reversals", "bands:charge", response={201: OnTabOut})
def reverse_band(request: HttpRequest, number: MediumNumber, body: ItemsIn, key: IdempotencyKey) -> Status[OnTabOut]:
    """Take dishes off the tab of a band again, by code, price and VAT: at most what the token's sales point charged there."""
    principal = caller(request)
    operator, sales_point = _acting(principal)
    build: Build[TakeOff] = lambda k, at: TakeOff(  # noqa: E731
        key=k, at=at, actor=operator, sales_point=sales_point, band=number, extras=_extras(body)
    )
    return _done(request, ask(take_off, principal, key, build), -_sum(body))


@route(router.get, "/dishes", "bands:read", response=Page[DishOut])
def list_dishes(
    request: HttpRequest,
    since: Instant | None = None,
    until: Instant | None = None,
    cursor: str = "",
    limit: Annotated[int, Field(ge=1, le=200)] = 100,
) -> Page[DishOut]:
    """List what the token's sales point charged to tabs in [since, until), the newest first: its own statement."""
    principal = caller(request)
    assert principal.sales_point is not None, "checked when the token was made"
    found = dishes_at(principal.sales_point, since, until, _before(cursor), limit + 1)
    shown = found[:limit]
    more = "|".join((shown[-1].at.isoformat(), str(shown[-1].id))) if len(found) > limit else None
    return Page(
        items=[
            DishOut(
                id=one.id,
                at=one.at,
                tab=one.tab,
                currency=one.currency,
                code=one.code,
                quantity=one.quantity,
                unit_price_minor=one.unit_price,
                vat_bp=one.vat_bp,
                amount_minor=one.amount,
                vat_minor=one.vat,
            )
            for one in shown
        ],
        next=make_cursor(more) if more else None,
    )


def _acting(principal: Principal) -> tuple[UUID, UUID]:
    assert principal.operator is not None, "checked when the token was made"
    assert principal.sales_point is not None, "checked when the token was made"
    return principal.operator, principal.sales_point


def _extras(body: ItemsIn) -> tuple[Extra, ...]:
    return tuple(
        Extra(code=item.code, unit_price=item.unit_price_minor, vat_bp=item.vat_bp, quantity=item.quantity)
        for item in body.items
    )


def _sum(body: ItemsIn) -> int:
    return sum(item.unit_price_minor * item.quantity for item in body.items)


def _done(request: HttpRequest, answer: TabNow | Refused, amount: int) -> Status[OnTabOut]:
    if isinstance(answer, Refused):
        raise refusal(request, answer)
    return Status(201, OnTabOut(tab=answer.number, currency=answer.currency, amount_minor=amount))


def _before(cursor: str) -> DishMark | None:
    mark = read_cursor(cursor)
    if mark is None:
        return None
    try:
        at, id_ = mark.split("|")
        before = DishMark(datetime.fromisoformat(at), UUID(id_))
    except ValueError:
        raise bad_cursor() from None
    if before.at.tzinfo is None:
        raise bad_cursor()
    return before
