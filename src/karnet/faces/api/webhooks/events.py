"""Operations as events for subscribers. No names of people are in any: the journal holds none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import msgspec

from karnet.access.operations import Passage, Passed, Taken
from karnet.entitlements.operations import Blocked, Unblocked
from karnet.journal.operations import Entry, Operation
from karnet.orders.operations import Returned, Sold, TabBilled
from karnet.settlement.operations import Closed

SCOPES = {
    "passage.taken": "gates:read",
    "sale.made": "sales:read",
    "sale.returned": "sales:read",
    "medium.blocked": "media:read",
    "medium.unblocked": "media:read",
    "period.closed": "settlement:read",
    "tab.billed": "bands:read",
}
"""Every event, and the scope a token needs to subscribe to it."""


class Event(NamedTuple):
    """`facility`: whom it concerns; None = every facility. `data` as in docs/api.md; amounts in minor units."""

    kind: str
    facility: UUID | None
    sales_point: UUID | None
    data: dict[str, Any]


OperationT = TypeVar("OperationT", bound=Operation)
_makers: dict[type[Operation], Callable[[Any], Event]] = {}


def event_of(entry: Entry) -> Event | None:
    """Return what subscribers are told of an operation; None for one that they are not."""
    make = _makers.get(type(entry.body))
    return make(entry.body) if make else None


def body_of(event: Event, entry: Entry, index: int) -> bytes:
    """Return an event's JSON: `type`, `timestamp`, `data`; and where the journal keeps it (`operation`, `index`)."""
    return msgspec.json.encode(
        {
            "type": event.kind,
            "timestamp": _text(entry.at),
            "operation": entry.id,
            "index": index,
            "data": event.data,
        }
    )


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _tells(kind: type[OperationT]) -> Callable[[Callable[[OperationT], Event]], Callable[[OperationT], Event]]:
    def register(make: Callable[[OperationT], Event]) -> Callable[[OperationT], Event]:
        _makers[kind] = make
        return make

    return register


def _passage(passage: Passage) -> Event:
    data = {
        "passage": passage.id,
        "gate": passage.gate,
        "facility": passage.facility,
        "medium": passage.medium,
        "entitlement": passage.entitlement,
        "direction": passage.direction,
        "points": passage.points,
    }
    return Event("passage.taken", passage.facility, None, data)


@_tells(Taken)
def _taken(body: Taken) -> Event:
    return _passage(body.passage)


@_tells(Passed)
def _passed(body: Passed) -> Event:
    return _passage(body.passage)


@_tells(Sold)
def _sold(body: Sold) -> Event:
    data = {
        "order": body.order,
        "number": body.number,
        "facility": body.facility,
        "sales_point": body.sales_point,
        "currency": body.currency,
        "total_minor": body.total,
        "deposit_minor": sum(deposit.amount for deposit in body.deposits),
        "entitlements": [{"id": e.id, "medium": e.medium, "product_code": e.product_code} for e in body.entitlements],
    }
    return Event("sale.made", body.facility, body.sales_point, data)


@_tells(Returned)
def _returned(body: Returned) -> Event:
    data = {
        "return": body.id,
        "order": body.order,
        "facility": body.facility,
        "sales_point": body.sales_point,
        "currency": body.currency,
        "refund_minor": body.refund,
        **({"to_cards_minor": body.to_cards} if body.to_cards else {}),
    }
    return Event("sale.returned", body.facility, body.sales_point, data)


@_tells(TabBilled)
def _tab_billed(body: TabBilled) -> Event:
    # Whoever charged dishes to it is concerned, wherever the tab was opened.
    data = {
        "tab": body.tab,
        "order": body.order,
        "number": body.number,
        "facility": body.facility,
        "sales_point": body.sales_point,
        "currency": body.currency,
        "total_minor": body.total,
    }
    return Event("tab.billed", body.facility, None, data)


@_tells(Blocked)
def _blocked(body: Blocked) -> Event:
    data = {"block": body.block.block, "medium": body.block.medium, "code": body.block.code}
    return Event("medium.blocked", None, None, data)


@_tells(Unblocked)
def _unblocked(body: Unblocked) -> Event:
    return Event("medium.unblocked", None, None, {"block": body.lift.block, "medium": body.lift.medium})


@_tells(Closed)
def _closed(body: Closed) -> Event:
    data = {
        "closing": body.id,
        "agreement": body.agreement,
        "sequence": body.sequence,
        "period_end": _text(body.period_end),
        "cut": body.cut,
        "report_sha256": body.report_sha256,
    }
    return Event("period.closed", None, None, data)
