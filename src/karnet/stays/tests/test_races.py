"""Everything scarce, taken at once: the last place of a zone, a band, an exit; and a rush of 600 through one entrance."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from django.db import connection

from karnet.kernel.outcomes import Refused
from karnet.orders.operations import Payment
from karnet.stays.requests import Band, Entered, Let, Ready, Settle, StaysSettled
from karnet.stays.selectors import heads
from karnet.stays.services import enter, read, settle
from karnet.stays.tests.conftest import (
    ANNA,
    NOON,
    POOL,
    TILL,
    World,
    assert_books_balance,
    assert_rebuilt_alike,
    capacity,
    race,
    when,
)

pytestmark = pytest.mark.database


def one(table: str, what: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {what} FROM {table}")
        return int(cursor.fetchone()[0])


def test_of_eight_who_run_for_the_last_two_places_two_get_in(world: World) -> None:
    assert isinstance(capacity(world, sauna=2), Ready)
    bands = [str(n) for n in range(8)]
    for band in bands:
        world.came(band, pay=1800)
        world.passes("in", band, 0)
    readings = [world.reading("to-sauna", band, 5) for band in bands]
    answers = race([lambda r=r: read([r])[0] for r in readings])
    assert sum(isinstance(answer, Let) for answer in answers) == 2
    assert {answer.reason for answer in answers if isinstance(answer, Refused)} == {"zone_full"}
    assert {zone.code: zone.heads for zone in heads(POOL)}["sauna"] == 2


def test_a_reading_waits_for_its_zones_before_it_is_numbered(world: World, superuser: psycopg.Connection) -> None:
    """Of two who come and go at once the one with the higher number came second: a rebuild replays numbers in order, under
    the same guard, and must find room where life did."""
    world.came("1", pay=1800)
    number = "SELECT last_value FROM journal_operation_number"
    with ThreadPoolExecutor(1) as gate, superuser.transaction():
        superuser.execute("SELECT 1 FROM stays_zone FOR UPDATE")
        before = superuser.execute(number).fetchone()
        reading = gate.submit(race, [lambda: world.reads("in", "1", 0)])
        while superuser.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone() == (0,):
            assert not reading.done(), "it did not wait at all"
        assert superuser.execute(number).fetchone() == before
    assert isinstance(reading.result()[0], Let)


def test_one_band_is_given_out_once_however_many_tills_try(world: World) -> None:
    asked = [world.entry("1", pay=1800) for _ in range(4)]
    answers = race([lambda r=r: enter([r])[0] for r in asked])
    assert sum(isinstance(answer, Entered) for answer in answers) == 1
    assert (one("stays_stay", "count(*)"), one("orders_tab_payment", "sum(amount)")) == (1, 1800)


def test_a_band_read_at_the_exit_by_four_readers_at_once_leaves_once(world: World) -> None:
    world.came("1", pay=1800)
    world.passes("in", "1", 0)
    readings = [world.reading("out", "1", 30) for _ in range(4)]
    answers = race([lambda r=r: read([r])[0] for r in readings])
    assert sum(isinstance(answer, Let) for answer in answers) == 1
    assert one("orders_order", "count(*)") == 1
    assert_books_balance()


def test_two_tills_and_an_exit_settle_one_stay_at_once_and_it_is_charged_once(world: World) -> None:
    (stay,) = world.came("1", pay=1800).stays
    world.passes("in", "1", 0)
    paying = [
        Settle(
            key=f"till {n}", at=when(70), actor=ANNA, sales_point=TILL, stays=(stay,),
            payments=(Payment(kind="card", amount=300),),
        )
        for n in range(2)
    ]  # fmt: skip
    leaving = world.reading("out", "1", 70)
    answers = race([*(lambda p=p: settle([p])[0] for p in paying), lambda: read([leaving])[0]])
    assert sum(isinstance(answer, StaysSettled) for answer in answers) == 1
    assert {answer.reason for answer in answers if isinstance(answer, Refused)} <= {
        "stay_ended",
        "money_owed",
        "no_stay",
    }
    assert one("orders_tab_payment", "sum(amount)") == one("orders_order", "sum(total)") == 2100
    assert_books_balance()


def test_six_hundred_guests_come_through_one_entrance_in_ten_minutes_and_pay_once(
    world: World, superuser: psycopg.Connection
) -> None:
    """Four tills' worth of entries and readings in batches as they come, each sent twice, as bad networks do."""
    guests = [f"G{n:03d}" for n in range(600)]
    at = {band: NOON + timedelta(seconds=n) for n, band in enumerate(guests)}
    entries = [world.entry(Band(number=band, package="1h"), pay=1800, at=at[band]) for band in guests]
    readings = [world.reading("in", band, at[band] + timedelta(seconds=20)) for band in guests]
    leaving = [world.reading("out", band, when(55)) for band in guests]

    for requests, service, kind in ((entries, enter, Entered), (readings, read, Let), (leaving, read, Let)):
        chunks = [requests[start : start + 30] for start in range(0, 600, 30)]
        for start in range(0, len(chunks), 4):
            four = chunks[start : start + 4]
            calls = [lambda c=c, s=service: s(c) for c in (*four, *four[::-1])]  # type: ignore[misc]
            answers = race(calls)
            assert all(isinstance(answer, kind) for some in answers for answer in some), answers
            assert answers[:4] == answers[4:][::-1]
        if service is read and requests is readings:
            assert {zone.code: zone.heads for zone in heads(POOL) if zone.heads} == {"*": 600, "pool": 600}
    assert (one("orders_tab_payment", "sum(amount)"), one("orders_order", "sum(total)")) == (600 * 1800,) * 2
    assert (one("orders_order", "count(*)"), one("orders_order", "max(sequence)")) == (600, 600)
    assert one("stays_stay", "count(*) FILTER (WHERE ended_at IS NOT NULL)") == 600
    assert all(zone.heads == 0 for zone in heads(POOL))
    assert_books_balance()
    assert_rebuilt_alike(superuser, 1000)
