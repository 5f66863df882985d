"""Media: what is on one, its last passages, blocks."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status
from pydantic import Field

from karnet.access.selectors import last_passages
from karnet.entitlements.operations import BlockCode
from karnet.entitlements.requests import Block, BlockLifted, BlockPlaced, Unblock
from karnet.entitlements.rules import MediumState
from karnet.entitlements.selectors import holdings, media_by_chip, media_by_number, open_blocks, open_deposits
from karnet.entitlements.services import block, unblock
from karnet.faces.api.asking import IdempotencyKey, ask
from karnet.faces.api.calling import bad_cursor, caller, make_cursor, read_cursor, route, tagged
from karnet.faces.api.problems import refusal
from karnet.faces.api.shapes import In, MediumNumber, Number, Page
from karnet.faces.base.clock import now
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.loyalty.selectors import open_offers

router = Router(tags=["media"])


class HoldingOut(Schema):
    """A ticket on a medium. `points_left`: of a points ticket, what is reserved for a turn taken off."""

    id: UUID
    product_code: str
    kind: Literal["points", "time"]
    category: str
    facility: UUID
    valid_from: datetime | None
    valid_until: datetime | None
    points: int
    points_left: int
    days_used: list[date]
    void: bool


class BlockOut(Schema):
    """A block that lies on a medium; name its id to lift it."""

    id: UUID
    code: BlockCode
    at: datetime


class RightOut(Schema):
    """A right to one ticket of `products` (codes) of `facility` at `discount_bp` basis points less (10000 is free), and
    why it was given: so many `passages`, or minor units of `currency` `loaded` or `charged`. Named in a sale's line."""

    id: UUID
    facility: UUID
    discount_bp: int
    products: list[str]
    valid_until: datetime
    event: Literal["passages", "loaded", "charged"]
    threshold: int
    currency: str


class MediumOut(Schema):
    """A medium with everything on it. `deposit_minor`: paid back to whoever hands it in, by currency. `rights`: what its
    holder has earned and not used."""

    id: UUID
    number: str
    kind: str
    state: str
    blocks: list[BlockOut]
    entitlements: list[HoldingOut]
    deposit_minor: dict[str, int]
    rights: list[RightOut]


class PassageOut(Schema):
    """A passage: the turn was taken."""

    id: UUID
    at: datetime
    gate: UUID
    facility: UUID
    entitlement: UUID
    direction: Literal["in", "out"]
    points: int


class BlockIn(In):
    """Why a medium is blocked."""

    code: BlockCode


class BlockedOut(Schema):
    """The block that was placed."""

    id: UUID
    medium: UUID


class LiftedOut(Schema):
    """`blocks_left`: how many still lie on the medium."""

    medium: UUID
    blocks_left: int


@route(router.get, "/media", "media:read", response=MediumOut, etag=True)
def find_medium(request: HttpRequest, chip: Annotated[Number, Query()]) -> HttpResponse:
    """Find a medium by what a reader reads of it."""
    found = media_by_chip([chip]).get(chip)
    if found is None:
        raise refusal(request, refused(Reason.UNKNOWN_MEDIUM, chip=chip))
    return tagged(request, _shown(found))


@route(router.get, "/media/{number}", "media:read", response=MediumOut, etag=True)
def show_medium(request: HttpRequest, number: MediumNumber) -> HttpResponse:
    """Show a medium by the number printed on it, with everything on it."""
    return tagged(request, _shown(_medium(request, number)))


@route(router.get, "/media/{number}/passages", "media:read", response=Page[PassageOut])
def list_passages(
    request: HttpRequest, number: MediumNumber, cursor: str = "", limit: Annotated[int, Field(ge=1, le=200)] = 50
) -> Page[PassageOut]:
    """List the passages on a medium, the newest first."""
    medium = _medium(request, number)
    found = last_passages(medium.id, limit + 1, _before(cursor))
    shown = found[:limit]
    more = f"{shown[-1].at.isoformat()}|{shown[-1].id}" if len(found) > limit else None
    return Page(
        items=[PassageOut.model_validate(passage, from_attributes=True) for passage in shown],
        next=make_cursor(more) if more else None,
    )


@route(router.post, "/media/{number}/blocks", "media:block", response={201: BlockedOut})
def place_block(request: HttpRequest, number: MediumNumber, body: BlockIn, key: IdempotencyKey) -> Status[BlockedOut]:
    """Block a medium: from now on no gate here admits on it."""
    principal = caller(request)
    medium = _medium(request, number)
    assert principal.operator is not None, "checked when the token was made"
    operator = principal.operator
    answer = ask(
        block,
        principal,
        key,
        lambda k, at: Block(
            key=k, at=at, actor=operator, medium=medium.id, code=body.code, sales_point=principal.sales_point
        ),
    )
    if isinstance(answer, Refused):
        raise refusal(request, answer)
    assert isinstance(answer, BlockPlaced)
    return Status(201, BlockedOut(id=answer.block, medium=answer.medium))


@route(router.delete, "/media/{number}/blocks/{uuid:block_id}", "media:block", response=LiftedOut)
def lift_block(request: HttpRequest, number: MediumNumber, block_id: UUID, key: IdempotencyKey) -> LiftedOut:
    """Lift one block; others on the medium stand."""
    principal = caller(request)
    medium = _medium(request, number)
    assert principal.operator is not None, "checked when the token was made"
    operator = principal.operator
    answer = ask(
        unblock,
        principal,
        key,
        lambda k, at: Unblock(
            key=k, at=at, actor=operator, medium=medium.id, block=block_id, sales_point=principal.sales_point
        ),
    )
    if isinstance(answer, Refused):
        raise refusal(request, answer)
    assert isinstance(answer, BlockLifted)
    return LiftedOut(medium=answer.medium, blocks_left=answer.blocks_left)


def _medium(request: HttpRequest, number: str) -> MediumState:
    found = media_by_number([number]).get(number)
    if found is None:
        raise refusal(request, refused(Reason.UNKNOWN_MEDIUM, number=number))
    return found


def _shown(medium: MediumState) -> MediumOut:
    deposits: dict[str, int] = {}
    for deposit in open_deposits([medium.id])[medium.id]:
        deposits[deposit.currency] = deposits.get(deposit.currency, 0) + deposit.amount
    return MediumOut(
        id=medium.id,
        number=medium.number,
        kind=medium.kind,
        state=medium.state,
        blocks=[BlockOut(id=b.block, code=b.code, at=b.at) for b in open_blocks([medium.id])[medium.id]],
        entitlements=[
            HoldingOut(
                id=held.id,
                product_code=held.product_code,
                kind=held.kind,
                category=held.category,
                facility=held.facility,
                valid_from=held.valid_from,
                valid_until=held.valid_until,
                points=held.points,
                points_left=held.available,
                days_used=list(held.days_used),
                void=held.voided,
            )
            for held in holdings([medium.id])[medium.id]
        ],
        deposit_minor=deposits,
        rights=[
            RightOut(
                id=offer.right.id,
                facility=offer.right.facility,
                discount_bp=offer.right.discount_bp,
                products=list(offer.right.products),
                valid_until=offer.right.valid_until,
                event=offer.event,
                threshold=offer.threshold,
                currency=offer.currency,
            )
            for offer in open_offers([medium.id], now()).get(medium.id, ())
        ],
    )


def _before(cursor: str) -> tuple[datetime, UUID] | None:
    mark = read_cursor(cursor)
    if mark is None:
        return None
    at, _, id_ = mark.partition("|")
    try:
        before = datetime.fromisoformat(at), UUID(id_)
    except ValueError:
        raise bad_cursor() from None
    if before[0].tzinfo is None:
        raise bad_cursor()
    return before
