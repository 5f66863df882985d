"""A rush: 600 guests through one entrance in ten simulated minutes, as controllers ask over HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import override_settings

from karnet.access.operations import gate_id
from karnet.access.requests import EnrolGate
from karnet.access.services import enrol_gates
from karnet.faces.api import authentication
from karnet.faces.api.tests.conftest import Api, Clock
from karnet.faces.api.tests.test_borders import caller, reads
from karnet.lockers.requests import Furnish as FurnishLockers
from karnet.lockers.requests import Grid, LockerShown, LockersReady, Section, Touch
from karnet.lockers.services import furnish as furnish_lockers
from karnet.orders.operations import Payment
from karnet.orders.selectors import rows
from karnet.stays.changing import touch_lockers
from karnet.stays.requests import Band, Enter, Entered
from karnet.stays.selectors import heads, who_is_inside
from karnet.stays.services import enter
from karnet.stays.tests.conftest import ANNA, EARLY, NOON, POOL, TILL, World, assert_books_balance
from karnet.stays.tests.conftest import world as world

pytestmark = pytest.mark.database

GUESTS, CONTROLLERS, TOGETHER = 600, 6, 20


@pytest.fixture(autouse=True)
def _clock(world: World) -> Iterator[None]:
    Clock.at = NOON
    authentication.RATE.clear()
    with override_settings(KARNET_CLOCK="karnet.faces.api.tests.conftest.clock"):
        yield
    connection.close()


def test_six_hundred_guests_come_in_ten_minutes_and_none_is_lost_charged_twice_or_shares_a_locker(world: World) -> None:
    """Every band is given out once, read once whatever is sent again, and charged what one stay costs."""
    bands = [f"b{n:03d}" for n in range(GUESTS)]
    for first in range(0, GUESTS, 100):
        answers = enter([entry(n) for n in range(first, first + 100)])
        assert all(isinstance(answer, Entered) for answer in answers), answers
    Clock.at = NOON + timedelta(minutes=10)
    token = caller(kind="device", sales_point=None, operator=None, scopes=("gates:scan",), per_minute=1_000_000).text
    # One guest a second. Each controller holds every sixth; each batch is sent twice, by two threads at the same time.
    sent = [
        [reads("in", bands[n], f"k{n}") | {"at": (NOON + timedelta(seconds=n)).isoformat()} for n in some]
        for controller in range(CONTROLLERS)
        for some in chunks(range(controller, GUESTS, CONTROLLERS))
    ]

    def send(batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
        try:
            answer = Api(token).post("/reads", {"reads": batch})
            assert answer.status_code == 200, answer.content
            results: list[dict[str, Any]] = answer.json()["results"]
            return results
        finally:
            connection.close()

    with ThreadPoolExecutor(CONTROLLERS) as threads:
        answers_sent = list(threads.map(send, [batch for batch in sent for _again in range(2)]))
    told: dict[str, list[Any]] = {}
    for batch, results in zip([batch for batch in sent for _again in range(2)], answers_sent, strict=True):
        for reading, result in zip(batch, results, strict=True):
            told.setdefault(reading["chip"], []).append((result["outcome"], result.get("stay"), result.get("zone")))
    assert len(told) == GUESTS
    # Both answers of a reading are the same, and no two guests got one stay.
    assert {len(set(answers)) for answers in told.values()} == {1}
    assert {answers[0][0] for answers in told.values()} == {"let"}
    assert len({answers[0][1] for answers in told.values()}) == GUESTS
    assert {zone.code: zone.heads for zone in heads(POOL)}["pool"] == len(who_is_inside(POOL)) == GUESTS
    moves = rows("SELECT stay, count(*) FROM stays_move GROUP BY stay", [])
    assert Counter(count for _, count in moves) == {1: GUESTS}
    paid = rows("SELECT count(*), sum(amount)::bigint FROM orders_tab_payment", [])
    assert paid == [(GUESTS, GUESTS * 1800)]
    assert_books_balance()
    lockers = [answer for answers in lockers_of(bands) for answer in answers]
    assert all(isinstance(one, LockerShown) for one in lockers), lockers[:3]
    assert len({one.locker for one in lockers if isinstance(one, LockerShown)}) == GUESTS


def lockers_of(bands: list[str]) -> list[list[Any]]:
    """Let every guest touch one of two readers of a section of 640 lockers, all controllers at once."""
    readers = [gate_id(POOL, code) for code in ("lockers-1", "lockers-2")]
    asked: dict[str, Any] = {"at": EARLY, "actor": ANNA, "facility": POOL}
    enrol_gates([EnrolGate(key=code, code=code, **asked) for code in ("lockers-1", "lockers-2")])
    section = Section(code="hall", grid=Grid(aisles=8, positions=40), readers=tuple(readers), mode="dynamic")
    (ready,) = furnish_lockers([FurnishLockers(key="lockers", sections=(section,), **asked)])
    assert isinstance(ready, LockersReady), ready
    assert ready.added >= GUESTS

    def touch(some: range) -> list[Any]:
        try:
            return touch_lockers(
                [
                    Touch(key=f"touch {n}", at=Clock.at, actor=readers[n % 2], reader=readers[n % 2], chip=bands[n])
                    for n in some
                ]
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(CONTROLLERS) as threads:
        every = [some for first in range(CONTROLLERS) for some in chunks(range(first, GUESTS, CONTROLLERS))]
        return list(threads.map(touch, every))


def entry(n: int) -> Enter:
    """One guest with a band of their own, prepaid by card."""
    return Enter(
        key=f"enter {n}", at=NOON + timedelta(seconds=n) - timedelta(minutes=15), actor=ANNA, sales_point=TILL, tariff="pool",
        bands=(Band(number=f"b{n:03d}", package="1h"),), payments=(Payment(kind="card", amount=1800),),
    )  # fmt: skip


def chunks(numbers: range) -> list[range]:
    """Split numbers as a controller sends them."""
    return [numbers[first : first + TOGETHER] for first in range(0, len(numbers), TOGETHER)]
