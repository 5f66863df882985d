"""The journal alone says everything: replayed into empty tables, in batches of any size, it fills them alike."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from karnet.entitlements.requests import Block
from karnet.entitlements.rules import medium_id
from karnet.entitlements.services import block
from karnet.journal.flight import in_one_flight
from karnet.journal.projection import project
from karnet.journal.selectors import entries_after
from karnet.orders.requests import CloseShift, ReplaceCard
from karnet.orders.services import close_shifts, replace_cards
from karnet.orders.tests.conftest import (
    ANNA,
    BEN,
    CARLA,
    MORNING,
    SCHOOL,
    SOUTH_TILL,
    TILL,
    World,
    assert_books_balance,
    cash,
    paid,
    projected_tables,
    state,
)

pytestmark = pytest.mark.database


def a_day(world: World) -> None:
    """A bit of everything: sales, a group, a top-up, a lost card, returns, a card issued again, shifts, invoices."""
    world.sold(world.line("DAY", "1"), world.line("WAX", quantity=2), pay=[cash(10000), paid("card", 8998)])
    group = world.line("DAY", *(f"G{n}" for n in range(45)), category="reduced")
    school = world.sold(group, pay=[paid("invoice", 45 * 16000)], buyer=SCHOOL, invoice=True)
    world.sold(world.line("P30", "2"), pay=3600)
    world.sold(world.line("P30", "2", issue=False), pay=2600)
    later: Any = {"at": MORNING + timedelta(hours=4), "actor": ANNA}
    block([Block(key=world.key(), medium=medium_id("2"), code="lost", **later)])
    lost: Any = {"old": medium_id("2"), "new_number": "3", "sales_point": TILL, "deposit_minor": 1000}
    replace_cards([ReplaceCard(key=world.key(), **lost, **later)])
    world.taken_back(school.order, lines=school.lines[:3], refund_kind="bank_transfer")
    world.taken_back(cards=("1",), actor=CARLA, sales_point=SOUTH_TILL)
    world.sold(world.line("SEASON", "1"), pay=90000, at=MORNING + timedelta(hours=6))
    close_shifts([CloseShift(key=world.key(), shift=world.shifts[TILL], counted=12345, **later)])
    world.open_shift(operator=BEN)
    world.sold(world.line("FIRST", "4"), pay=9000, actor=BEN)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_journal_replayed_fills_the_tables_alike(world: World, superuser: psycopg.Connection, size: int) -> None:
    a_day(world)
    assert_books_balance()
    before = state()
    superuser.execute("SET session_replication_role = replica")
    for table in projected_tables():
        superuser.execute(f'DELETE FROM "{table}"')
    assert state() != before
    entries = iter(list(entries_after(0)))
    while batch := list(islice(entries, size)):
        with transaction.atomic(), in_one_flight(connection) as send:
            send("SELECT set_config('karnet.recording', 'on', true)", [])
            project(send, batch)
    assert state() == before
