"""Reading capacity: what is free, what is taken, and by whom. Nothing here counts what was sold."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from karnet.capacity.claiming import claim_of
from karnet.capacity.rules import ClaimState, Room


class UnitSeen(NamedTuple):
    """A unit on a plan."""

    id: UUID
    number: str
    allotment: UUID


_CLAIM = "SELECT id, resource, allotment, unit, first, until, quantity, counted, holder, held_until FROM capacity_claim"


def rooms(allotments: Collection[UUID], at: datetime) -> dict[UUID, tuple[Room, ...]]:
    """Return the rooms of allotments at an instant, section by section: holds that are over by then hold nothing, whether or
    not anybody took them away yet."""
    wanted = list(allotments)
    over: dict[tuple[UUID, int], int] = {}
    for row in _rows(_OVER, [at, wanted, wanted]):
        hold = claim_of(row)
        for place in hold.counted:
            for section in range(hold.first, hold.until):
                over[place, section] = over.get((place, section), 0) + hold.quantity
    found: dict[UUID, list[Room]] = {}
    for allotment, section, capacity, taken, held in _rows(
        "SELECT allotment, section, capacity, taken, held FROM capacity_room WHERE allotment = ANY(%b::uuid[])"
        " ORDER BY allotment, section",
        [wanted],
    ):
        room = Room(capacity=capacity, taken=taken, held=held - over.get((allotment, section), 0))
        found.setdefault(allotment, []).append(room)
    return {allotment: tuple(every) for allotment, every in found.items()}


_OVER = (
    f"{_CLAIM} WHERE held_until <= %s AND counted <> '' AND resource IN (SELECT id FROM capacity_resource WHERE id = ANY(%b::uuid[])"
    " UNION SELECT resource_id FROM capacity_allotment WHERE id = ANY(%b::uuid[]))"
)


def units(resource: UUID) -> list[UnitSeen]:
    """Return the units of a resource, by number."""
    return [
        UnitSeen._make(row)
        for row in _rows(
            "SELECT u.id, u.number, a.allotment FROM capacity_unit u JOIN capacity_unit_allotted a ON a.unit = u.id"
            " WHERE u.resource_id = %s ORDER BY u.number",
            [resource],
        )
    ]


def live_claims(resource: UUID, at: datetime) -> list[ClaimState]:
    """Return what is claimed of a resource at an instant: bookings, and holds that are not over."""
    return [
        claim_of(row)
        for row in _rows(f"{_CLAIM} WHERE resource = %s AND (held_until IS NULL OR held_until > %s)", [resource, at])
    ]


def claims_of(holders: Collection[UUID]) -> dict[UUID, list[ClaimState]]:
    """Return the bookings of holders."""
    found: dict[UUID, list[ClaimState]] = {}
    for row in _rows(f"{_CLAIM} WHERE holder = ANY(%b::uuid[]) AND held_until IS NULL ORDER BY id", [list(holders)]):
        found.setdefault(row[8], []).append(claim_of(row))
    return found


def _rows(sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
