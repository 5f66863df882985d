"""A theatre of twenty seats, a hall for thirty, and a coach of fifty places along three sections."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any, TypeVar
from uuid import UUID

import pytest
from django.db import connection

from karnet.capacity.operations import unit_id
from karnet.capacity.requests import CapacitySet, Define, HoldPlaces, ReleasePlaces, Share, Taken, TakePlaces, Want
from karnet.capacity.services import claim, define, hold, release
from karnet.journal.founding import found_server
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused
from karnet.parties.operations import facility_id
from karnet.parties.services import EnrolFacility, enrol_facilities

T = TypeVar("T")
NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)
PLACE = facility_id("ARENA")
THEATRE, HALL, COACH = (named_id("test", what) for what in ("theatre", "hall", "coach"))
SEATS = tuple(str(n) for n in range(1, 21))


class World:
    """Short words for tests."""

    def __init__(self, server: UUID) -> None:
        self.server = server
        self._keys = itertools.count()

    def asked(self, at: int = 0) -> dict[str, Any]:
        """`at`: seconds after NOW."""
        return {"key": f"key {next(self._keys)}", "at": NOW + timedelta(seconds=at), "actor": self.server}

    def define(self, resource: UUID, **changes: Any) -> CapacitySet | Refused:
        given: dict[str, Any] = {"facility": PLACE, "resource": resource, "kind": "test", **changes}
        return define([Define(**self.asked(), **given)])[0]

    def claiming(self, resource: UUID, *wants: Want, at: int = 0, holds: tuple[UUID, ...] = ()) -> TakePlaces:
        return TakePlaces(**self.asked(at), resource=resource, wants=wants, holds=holds)

    def claims(self, resource: UUID, *wants: Want, **changes: Any) -> Taken | Refused:
        return claim([self.claiming(resource, *wants, **changes)])[0]

    def took(self, resource: UUID, *wants: Want, **changes: Any) -> tuple[UUID, ...]:
        answer = self.claims(resource, *wants, **changes)
        assert isinstance(answer, Taken), answer
        return answer.claims

    def releases(self, resource: UUID, *claims: UUID) -> object:
        return release([ReleasePlaces(**self.asked(), resource=resource, claims=claims)])[0]

    def holding(self, resource: UUID, *wants: Want, at: int = 0, for_s: int = 600) -> HoldPlaces:
        until = NOW + timedelta(seconds=at + for_s)
        return HoldPlaces(**self.asked(at), resource=resource, wants=wants, until=until)

    def holds(self, resource: UUID, *wants: Want, **changes: Any) -> Any:
        return hold([self.holding(resource, *wants, **changes)])[0]


def race(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Run calls at once, each on a thread and a connection of its own; return what they returned."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        try:
            barrier.wait()
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def seat(*numbers: int, allotment: UUID = THEATRE, **changes: Any) -> Want:
    return Want(allotment=allotment, units=tuple(unit_id(THEATRE, str(number)) for number in numbers), **changes)


def places(quantity: int, allotment: UUID = HALL, **changes: Any) -> Want:
    return Want(allotment=allotment, quantity=quantity, **changes)


def refusal(answer: object) -> str:
    assert isinstance(answer, Refused), answer
    return answer.reason


@pytest.fixture
def world(database: None) -> World:
    world = World(found_server("karnet.test/log", NOW))
    enrol_facilities([EnrolFacility(code="ARENA", currency="PLN", time_zone="Europe/Warsaw", **world.asked())])
    assert isinstance(world.define(THEATRE, units=SEATS), CapacitySet)
    assert isinstance(world.define(HALL, capacity=(30,)), CapacitySet)
    web = Share(code="web", capacity=(20,))
    stop = Share(code="stop", parent="web", capacity=(5,))
    till = Share(code="till", kind="share", capacity=(10,))
    assert isinstance(world.define(COACH, sections=3, capacity=(50,), shares=(web, stop, till)), CapacitySet)
    return world
