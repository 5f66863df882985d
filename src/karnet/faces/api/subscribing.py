"""Webhooks over the API: a token subscribes to what it may read, for its own facility."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from pydantic import Field, StringConstraints

from karnet.faces.api.calling import bad_cursor, caller, make_cursor, read_cursor, route
from karnet.faces.api.models import Delivery
from karnet.faces.api.problems import Problem, refusal
from karnet.faces.api.shapes import In, Page
from karnet.faces.api.webhooks import sending
from karnet.faces.api.webhooks.events import SCOPES
from karnet.faces.api.webhooks.subscriptions import Subscription, end, subscribe, subscriptions
from karnet.faces.base import clock
from karnet.kernel.outcomes import Refused

router = Router(tags=["webhooks"])

EventName = Literal[
    "passage.taken", "sale.made", "sale.returned", "medium.blocked", "medium.unblocked", "period.closed"
]
MAX_INDEX = 2**53 - 1


class SubscribeIn(In):
    """Where to, and of what."""

    url: Annotated[str, StringConstraints(min_length=9, max_length=1000, pattern=r"^https?://[!-~]+$")]
    events: Annotated[list[EventName], Field(min_length=1, max_length=20)]


class SubscriptionOut(Schema):
    """A subscription."""

    id: UUID
    url: str
    events: list[str]
    created_at: datetime


class SubscribedOut(SubscriptionOut):
    """A new subscription. `secret` signs its messages and is shown this once."""

    secret: str


class DeliveryOut(Schema):
    """A message on its way. `state`: waiting, delivered, or dead: given up, can be sent again."""

    id: UUID
    index: int
    event: str
    state: Literal["waiting", "delivered", "dead"]
    attempts: int
    next_at: datetime | None
    delivered_at: datetime | None
    status: int | None
    error: str


class AgainOut(Schema):
    """How many messages will be sent again."""

    messages: int


@route(router.post, "/webhooks", "webhooks:write", response={201: SubscribedOut})
def create_webhook(request: HttpRequest, body: SubscribeIn) -> Status[SubscribedOut]:
    """Subscribe to events of the token's facility from now on. Each needs the scope that would let the token read it."""
    principal = caller(request)
    for event in body.events:
        if SCOPES[event] not in principal.scopes:
            words = _("To be told of %(event)s a token needs the scope %(scope)s.")
            detail = words % {"event": event, "scope": SCOPES[event]}
            raise Problem(403, "missing_scope", detail, facts={"scope": SCOPES[event]})
    made = subscribe(body.url, body.events, clock.now(), token=principal.id, facility=principal.facility)
    if isinstance(made, Refused):
        raise refusal(request, made)
    return Status(201, SubscribedOut(**_shown(made.subscription).model_dump(), secret=made.secret))


@route(router.get, "/webhooks", "webhooks:write", response=Page[SubscriptionOut])
def list_webhooks(request: HttpRequest) -> Page[SubscriptionOut]:
    """List the token's subscriptions."""
    return Page(items=[_shown(one) for one in subscriptions(caller(request).id)])


@route(router.delete, "/webhooks/{uuid:webhook}", "webhooks:write", response={204: None})
def delete_webhook(request: HttpRequest, webhook: UUID) -> Status[None]:
    """End a subscription: what waits for it is not sent any more."""
    if not end(webhook, clock.now(), caller(request).id):
        raise _unknown()
    return Status(204, None)


@route(router.get, "/webhooks/{uuid:webhook}/deliveries", "webhooks:write", response=Page[DeliveryOut])
def list_deliveries(
    request: HttpRequest,
    webhook: UUID,
    state: Literal["waiting", "delivered", "dead"] | None = None,
    cursor: str = "",
    limit: Annotated[int, Field(ge=1, le=200)] = 50,
) -> Page[DeliveryOut]:
    """List the messages of a subscription, the newest first."""
    _own(request, webhook)
    rows = Delivery.objects.filter(webhook_id=webhook).order_by("-index", "id")
    mark = read_cursor(cursor)
    if mark is not None:
        if not (mark.isascii() and mark.isdecimal()) or int(mark[:17]) > MAX_INDEX:
            raise bad_cursor()
        rows = rows.filter(index__lt=int(mark))
    if state is not None:
        rows = rows.filter(state=state)
    # One entry of the log is at most one message of a subscription, so the index alone is the mark.
    found = list(rows[: limit + 1])
    more = make_cursor(str(found[limit - 1].index)) if len(found) > limit else None
    return Page(items=[_delivery(row) for row in found[:limit]], next=more)


@route(router.post, "/webhooks/{uuid:webhook}/deliveries/retry", "webhooks:write", response=AgainOut)
def retry_deliveries(request: HttpRequest, webhook: UUID) -> AgainOut:
    """Send the dead messages of a subscription again, under their old ids."""
    _own(request, webhook)
    return AgainOut(messages=sending.again(webhook))


def _own(request: HttpRequest, webhook: UUID) -> None:
    if webhook not in {one.id for one in subscriptions(caller(request).id)}:
        raise _unknown()


def _unknown() -> Problem:
    return Problem(404, "unknown_webhook", _("The token has no such subscription."))


def _shown(one: Subscription) -> SubscriptionOut:
    return SubscriptionOut(id=one.id, url=one.url, events=list(one.events), created_at=one.created_at)


def _delivery(row: Delivery) -> DeliveryOut:
    shown = DeliveryOut.model_validate(row, from_attributes=True)
    return shown if shown.state == "waiting" else shown.model_copy(update={"next_at": None})
