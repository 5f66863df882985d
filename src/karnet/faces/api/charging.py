"""Money on cards (SPEC N10): put on, charged, read; and the statement of what the token's facility charged."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema, Status
from pydantic import Field

from karnet.faces.api.asking import Build, IdempotencyKey, ask
from karnet.faces.api.calling import bad_cursor, caller, make_cursor, read_cursor, route, tagged
from karnet.faces.api.problems import refusal
from karnet.faces.api.shapes import Amount, Id, In, Instant, MediumNumber, Page
from karnet.faces.api.tokens import Principal
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.orders.charges import Mark, charges_at
from karnet.orders.charging import ChargeCard, LoadMoney, MoneyOn, charge, load, money_on
from karnet.parties.selectors import facilities

router = Router(tags=["money on cards"])


class MoneyOut(Schema):
    """What is on a card in the currency of the token's facility: money, and bonus money, which is spent last."""

    number: str
    currency: str
    money_minor: int
    bonus_minor: int


class LoadIn(In):
    """Money put on a card, as it is paid. It counts for the daily limit of the sales point."""

    amount_minor: Annotated[Amount, Field(gt=0)]
    payment: Literal["cash", "card", "bank_transfer", "voucher", "on_account"]


class ChargeIn(In):
    """Charge money (gross, with VAT of `vat_bp` basis points inside), or points of a ticket: of `entitlement`, else of
    the one that ends first. Either, not both."""

    amount_minor: Amount = 0
    vat_bp: Annotated[int, Field(strict=True, ge=0, le=10_000)] = 0
    points: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] = 0
    entitlement: Id | None = None


class OnCardOut(Schema):
    """A load or a charge, by its id, and what the card holds after it. `points_left`: of the ticket points came from."""

    id: UUID
    currency: str
    money_minor: int
    bonus_minor: int
    points_left: int | None


class ChargeOut(Schema):
    """A charge of the token's facility. `currency` is null where points were charged. `bonus_minor`: the part of
    `amount_minor` that was bonus money. `held_elsewhere_minor`: the part that other facilities took and owe."""

    id: UUID
    at: datetime
    number: str
    currency: str | None
    amount_minor: int
    bonus_minor: int
    held_elsewhere_minor: int
    points: int


@route(router.get, "/media/{number}/money", "money:read", response=MoneyOut, etag=True)
def show_money(request: HttpRequest, number: MediumNumber) -> HttpResponse:
    """Show the money on a card by the number printed on it, whoever took it."""
    currency = _currency(caller(request))
    found = money_on(number, currency)
    if found is None:
        raise refusal(request, refused(Reason.UNKNOWN_MEDIUM, number=number))
    return tagged(request, MoneyOut(number=number, currency=currency, money_minor=found[0], bonus_minor=found[1]))


@route(router.post, "/media/{number}/loads", "money:write", response={201: OnCardOut})
def load_card(request: HttpRequest, number: MediumNumber, body: LoadIn, key: IdempotencyKey) -> Status[OnCardOut]:
    """Put money on a card at the token's sales point."""
    principal = caller(request)
    operator, sales_point = _acting(principal)
    build: Build[LoadMoney] = lambda k, at: LoadMoney(  # noqa: E731
        key=k,
        at=at,
        actor=operator,
        sales_point=sales_point,
        number=number,
        amount=body.amount_minor,
        payment=body.payment,
    )
    return _done(request, ask(load, principal, key, build))


@route(router.post, "/media/{number}/charges", "money:write", response={201: OnCardOut})
def charge_card(request: HttpRequest, number: MediumNumber, body: ChargeIn, key: IdempotencyKey) -> Status[OnCardOut]:
    """Charge a card at the token's sales point, whole or not at all. What others took needs the agreement in force."""
    principal = caller(request)
    operator, sales_point = _acting(principal)
    build: Build[ChargeCard] = lambda k, at: ChargeCard(  # noqa: E731
        key=k,
        at=at,
        actor=operator,
        sales_point=sales_point,
        number=number,
        amount=body.amount_minor,
        vat_bp=body.vat_bp,
        points=body.points,
        entitlement=body.entitlement,
    )
    return _done(request, ask(charge, principal, key, build))


@route(router.get, "/charges", "money:read", response=Page[ChargeOut])
def list_charges(
    request: HttpRequest,
    since: Instant | None = None,
    until: Instant | None = None,
    cursor: str = "",
    limit: Annotated[int, Field(ge=1, le=200)] = 100,
) -> Page[ChargeOut]:
    """List what the token's facility charged to cards in [since, until), the newest first: its own statement."""
    principal = caller(request)
    assert principal.facility is not None, "checked when the token was made"
    found = charges_at(principal.facility, since, until, _before(cursor), limit + 1)
    shown = found[:limit]
    more = (
        "|".join((shown[-1].at.isoformat(), str(shown[-1].id), str(shown[-1].medium))) if len(found) > limit else None
    )
    return Page(
        items=[
            ChargeOut(
                id=one.id,
                at=one.at,
                number=one.number,
                currency=one.currency,
                amount_minor=one.money + one.bonus,
                bonus_minor=one.bonus,
                held_elsewhere_minor=one.elsewhere,
                points=one.points,
            )
            for one in shown
        ],
        next=make_cursor(more) if more else None,
    )


def _acting(principal: Principal) -> tuple[UUID, UUID]:
    assert principal.operator is not None, "checked when the token was made"
    assert principal.sales_point is not None, "checked when the token was made"
    return principal.operator, principal.sales_point


def _currency(principal: Principal) -> str:
    assert principal.facility is not None, "checked when the token was made"
    return facilities([principal.facility])[principal.facility].currency


def _done(request: HttpRequest, answer: MoneyOn | Refused) -> Status[OnCardOut]:
    if isinstance(answer, Refused):
        raise refusal(request, answer)
    return Status(
        201,
        OnCardOut(
            id=answer.id,
            currency=answer.currency,
            money_minor=answer.money,
            bonus_minor=answer.bonus,
            points_left=answer.points,
        ),
    )


def _before(cursor: str) -> Mark | None:
    mark = read_cursor(cursor)
    if mark is None:
        return None
    try:
        at, id_, medium = mark.split("|")
        before = Mark(datetime.fromisoformat(at), UUID(id_), UUID(medium))
    except ValueError:
        raise bad_cursor() from None
    if before.at.tzinfo is None:
        raise bad_cursor()
    return before
