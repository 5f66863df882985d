"""The world of orders' tests, with passes on sale at NORTH."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection, transaction

from karnet.accounts.top_ups import Tier
from karnet.journal.flight import in_one_flight
from karnet.journal.projection import project
from karnet.journal.selectors import entries_after
from karnet.kernel.outcomes import Refused
from karnet.orders.operations import Payment
from karnet.orders.tests.conftest import (
    ANNA,
    MORNING,
    NORTH,
    TILL,
    World,
    assert_books_balance,
    cash,
    projected_tables,
    race,
    refusal,
    state,
    world,
)
from karnet.passes.kinds import Content, Contract, Pack, PassKind, Purse
from karnet.passes.requests import ChargePass, OfferPasses, PassesOffered, PassNow, SellPass, TopUpPass
from karnet.passes.services import charge, offer, sell, top_up

__all__ = ["assert_books_balance", "race", "refusal", "state", "world"]

TIERS = (
    Tier(from_minor=10000, bonus_bp=500),
    Tier(from_minor=15000, bonus_bp=1000),
    Tier(from_minor=30000, bonus_bp=1500),
)
VALUE = PassKind(
    code="VALUE", amounts=(10000, 15000, 30000), free_amounts=True, least_minor=1000, tiers=TIERS,
    card_price_minor=1000,
)  # fmt: skip
DAYS = PassKind(
    code="DAYS", amounts=(10000, 30000),
    tiers=(Tier(from_minor=10000, bonus_bp=1000, valid_days=90), Tier(from_minor=30000, bonus_bp=1500, valid_days=180)),
)  # fmt: skip
CLASSES = PassKind(
    code="CLASSES",
    purses=(Purse(code="classes", unit="credits", vat_bp=800), Purse(code="money")),
    packs=(
        Pack(
            code="TEN",
            into={"classes": Content(amount=10, price_minor=30000), "money": Content(amount=5000, price_minor=5000)},
        ),
    ),
)
TAXED = PassKind(
    code="TAXED", amounts=(10000,),
    purses=(Purse(code="money", vat_bp=2300), Purse(code="bonus", bonus=True)),
    tiers=(Tier(from_minor=0, bonus_bp=1000),),
)  # fmt: skip
BAR = PassKind(
    code="BAR", free_amounts=True,
    purses=(Purse(code="soup", pays=("SOUP",)), Purse(code="money")),
    packs=(Pack(code="BOTH", into={"soup": Content(amount=1000, price_minor=1000), "money": Content(amount=500, price_minor=500)}),),
)  # fmt: skip
OPEN = PassKind(
    code="OPEN", free_amounts=True, people=1,
    contract=Contract(months=12, price_minor=120000, vat_bp=800, instalments=12, grace_days=7),
)  # fmt: skip
LATER = MORNING + timedelta(hours=1)


class Till:
    """Short words for tests of passes."""

    def __init__(self, world: World) -> None:
        self.world = world

    def asked(self, **changes: Any) -> dict[str, Any]:
        return {"key": self.world.key(), "at": LATER, "actor": ANNA, "sales_point": TILL, **changes}

    def selling(self, kind: str, number: str, amount: int = 0, *, pay: int = 0, **changes: Any) -> SellPass:
        paid = (cash(pay),) if pay else ()
        return SellPass(kind=kind, number=number, amount=amount, payments=paid, **self.asked(**changes))

    def sold(self, kind: str, number: str, amount: int = 0, *, pay: int = 0, **changes: Any) -> PassNow:
        return held(sell([self.selling(kind, number, amount, pay=pay, **changes)])[0])

    def topping(self, number: str, amount: int = 0, *, pay: int | None = None, **changes: Any) -> TopUpPass:
        paid = (cash(amount if pay is None else pay),) if pay != 0 else ()
        return TopUpPass(number=number, amount=amount, payments=paid, **self.asked(**changes))

    def topped(self, number: str, amount: int = 0, **changes: Any) -> PassNow:
        return held(top_up([self.topping(number, amount, **changes)])[0])

    def charging(
        self, number: str, quantity: int = 1, pay: Sequence[Payment] = (), code: str = "WAX", **changes: Any
    ) -> ChargePass:
        line = self.world.line(code, quantity=quantity)
        return ChargePass(number=number, lines=(line,), payments=tuple(pay), **self.asked(**changes))

    def charged(self, number: str, quantity: int = 1, pay: Sequence[Payment] = (), **changes: Any) -> PassNow:
        return held(charge([self.charging(number, quantity, pay, **changes)])[0])


def held(answer: PassNow | Refused) -> PassNow:
    assert isinstance(answer, PassNow), answer
    return answer


@pytest.fixture
def till(world: World) -> Till:
    asked = OfferPasses(
        key="kinds", at=MORNING, actor=ANNA, facility=NORTH, kinds=(VALUE, DAYS, CLASSES, TAXED, BAR, OPEN)
    )
    assert isinstance(offer([asked])[0], PassesOffered)
    return Till(world)


def drawer(shift: UUID) -> int:
    """Cash in a shift's drawer beside its float."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT -balance FROM accounts_account WHERE owner = %s AND purpose = 'drawer'", [shift])
        return int(cursor.fetchone()[0])


def one(sql: str, *parameters: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone()[0]


def days(count: int, at: datetime = LATER) -> datetime:
    return at + timedelta(days=count)


def assert_rebuilt_alike(superuser: psycopg.Connection, size: int = 5) -> None:
    """The journal replayed into empty tables fills them as they are."""
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
