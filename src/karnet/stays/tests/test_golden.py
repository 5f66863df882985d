"""The golden bills of the tariffs (scenarios/tariffs/golden.json), each as a visit: band, gates, till."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from karnet.access.operations import gate_id
from karnet.orders.receipts import receipt
from karnet.orders.tabs import tabs
from karnet.stays.requests import Band, Evacuate, Evacuation, Read, Resume
from karnet.stays.services import evacuate, read, resume
from karnet.stays.tests.conftest import (
    GATES,
    GOLDEN,
    POOL,
    World,
    assert_books_balance,
    assert_rebuilt_alike,
    refusal,
)

pytestmark = pytest.mark.database

VISITS = [
    (case["tariff"]["code"], case["tariff"].get("return_unused", False), bill)
    for case in GOLDEN
    for bill in case["bills"]
]


def minor(text: str) -> int:
    return int(Decimal(text) * 100)


def visit(world: World, number: str, tariff: str, gives_back: bool, bill: dict[str, Any]) -> None:
    stay = bill["stay"]
    moves = [(datetime.fromisoformat(move["at"]), move["zone"]) for move in stay["moves"]]
    prepaid = stay.get("prepaid_minor", 0)
    band = Band(number=number, package=stay.get("package", ""), category=stay["category"], prepaid_minor=prepaid)
    came = world.came(band, pay=prepaid, at=moves[0][0], tariff=tariff)
    for at, zone in moves:
        into = next(border.gate for border in GATES.values() if border.into == zone and border.role == "way")
        (answer,) = read([Read(key=world.key(), at=at, actor=into, gate=into, chip=number)])
        assert answer.zone == zone
    if stay.get("stopped"):
        assert world.passes("stop", number, datetime.fromisoformat(stay["stopped"])).stopped
    for halt in stay.get("halts", ()):
        asked = Evacuate(
            key=world.key(), at=datetime.fromisoformat(halt["since"]), actor=gate_id(POOL, "in"), facility=POOL
        )
        assert isinstance(evacuate([asked])[0], Evacuation)
    ended, due = datetime.fromisoformat(stay["ended"]), minor(bill["due"])
    assert world.total(came.stays[0], ended) == minor(bill["total"])
    assert world.owed(came.stays[0], ended) == due
    if due:
        assert refusal(world.reads("door", number, ended)) == "money_owed" or stay.get("halts")
    done = world.settled(came.stays[0], at=ended, pay=due)
    assert (done.totals, done.paid, done.balance, done.closed) == ((minor(bill["total"]),), due, 0, True)
    kept = max(0, prepaid + due - minor(bill["total"]))
    assert done.refund == (kept if gives_back else 0)
    printed = receipt(done.order) if done.order else None
    assert (printed.total if printed else 0) == prepaid + due - done.refund
    assert sum(payment.amount for payment in printed.payments) == printed.total if printed else True
    assert tabs([done.tab])[done.tab].balance == 0
    if stay.get("halts"):
        over = Resume(key=world.key(), at=ended, actor=gate_id(POOL, "in"), facility=POOL)
        assert isinstance(resume([over])[0], Evacuation)


def test_every_golden_bill_is_what_the_till_takes_and_the_document_says(
    world: World, superuser: psycopg.Connection
) -> None:
    for n, (tariff, gives_back, bill) in enumerate(sorted(VISITS, key=lambda one: one[2]["stay"]["moves"][0]["at"])):
        visit(world, f"B{n}", tariff, gives_back, bill)
    assert_books_balance()
    assert_rebuilt_alike(superuser)
    assert json.dumps(GOLDEN).count('"title": "S-') == 11
