"""Random afternoons: whatever people do in whatever order, money adds up, heads are people, and the journal says it all."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import psycopg
import pytest
from django.db import connection

from karnet.kernel.outcomes import Refused
from karnet.orders.operations import Payment
from karnet.orders.requests import CloseTab, Extra
from karnet.orders.tabs import tabs, unsettled_tabs
from karnet.stays.bills import bills, owed_together
from karnet.stays.requests import Band, ChargeBand, Correct, Entered, ForceClose, LoseBand
from karnet.stays.selectors import heads, stay_states, stays_inside, who_is_inside
from karnet.stays.services import charge_bands, close_tabs, correct, force_close, lose_bands
from karnet.stays.tests.conftest import (
    ANNA,
    BAR,
    BEN,
    NOON,
    POOL,
    TILL,
    World,
    assert_books_balance,
    assert_rebuilt_alike,
    capacity,
)

pytestmark = pytest.mark.database

STEPS = 100


class Afternoon:
    """Chance plays guests, staff and till. `bands`: stay by the band it is on."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.chance = world, Random(seed)
        self.at = NOON
        self.bands: dict[str, Any] = {}
        self.issued = 0
        self.paid = self.back = 0

    def step(self) -> None:
        self.at += timedelta(seconds=self.chance.randrange(1, 200))
        going_on = [band for band, stay in self.bands.items() if stay_states([stay])[stay].goes_on]
        acts = (
            [self.come] if not going_on else [self.come, *[self.cross] * 6, self.eat, self.pay, self.pay, self.trouble]
        )
        self.chance.choice(acts)(going_on)
        self.look()

    def come(self, going_on: list[str]) -> None:
        numbers = [f"B{self.issued + n}" for n in range(self.chance.randrange(1, 4))]
        self.issued += len(numbers)
        made = [
            Band(
                number=n, package=self.chance.choice(("1h", "1h", "")), category=self.chance.choice(("adult", "child"))
            )
            for n in numbers
        ]
        prepaid = sum({"adult": 1800, "child": 1200}[band.category] if band.package else 0 for band in made)
        answer = self.world.enters(*made, pay=prepaid, at=self.at)
        if isinstance(answer, Entered):
            self.paid += prepaid
            self.bands |= dict(zip(numbers, answer.stays, strict=True))

    def cross(self, going_on: list[str]) -> None:
        gate = self.chance.choice(("in", "in", "to-sauna", "to-pool", "lone", "stop", "out", "door"))
        self.world.reads(gate, self.chance.choice(going_on), self.at)

    def eat(self, going_on: list[str]) -> None:
        dish = Extra(code="dish", unit_price=self.chance.randrange(1, 5000), vat_bp=self.chance.choice((0, 800, 2300)))
        band = self.chance.choice(going_on)
        charge_bands(
            [ChargeBand(key=self.world.key(), at=self.at, actor=BEN, sales_point=BAR, band=band, extras=(dish,))]
        )

    def pay(self, going_on: list[str]) -> None:
        stay = self.bands[self.chance.choice(going_on)]
        of_tab = [s for s in self.bands.values() if stay_states([s])[s].tab == stay_states([stay])[stay].tab]
        stays = [s for s in of_tab if stay_states([s])[s].goes_on]
        chosen = self.chance.sample(stays, self.chance.randrange(1, len(stays) + 1))
        owed = owed_together(chosen, self.at)
        mode: Any = self.chance.choice(("pay", "close"))
        kind: Any = self.chance.choice(("cash", "card"))
        done = self.world.settled(*chosen, at=self.at, pay=[Payment(kind=kind, amount=owed)] if owed else 0, mode=mode)
        self.paid += owed
        self.back += done.refund

    def trouble(self, going_on: list[str]) -> None:
        stay = self.bands[self.chance.choice(going_on)]
        state, asked = stay_states([stay])[stay], {"key": self.world.key(), "at": self.at, "actor": ANNA, "stay": stay}
        what = self.chance.randrange(3)
        if what == 0 and state.moves:
            since = state.begun_at + (self.at - state.begun_at) * self.chance.random()
            drop = self.chance.choice([None, self.chance.choice(state.moves).id])
            zone = self.chance.choice(("pool", "sauna"))
            correct([Correct(**asked, reason="missed_read", zone=zone, since=since, drop=drop)])
        elif what == 1:
            self.issued += 1
            new = f"B{self.issued - 1}"
            if not isinstance(lose_bands([LoseBand(**asked, sales_point=TILL, new_number=new)])[0], Refused):
                self.bands = {band: one for band, one in self.bands.items() if one != stay} | {new: stay}
        else:
            force_close([ForceClose(**asked, reason="other", debt=self.chance.choice(("charged", "forgiven")))])

    def look(self) -> None:
        inside = who_is_inside(POOL)
        counted = {zone.code: zone.heads for zone in heads(POOL) if zone.heads}
        assert counted.pop("*", 0) == len(inside)
        assert counted == {zone: sum(p.zone == zone for p in inside) for zone in {p.zone for p in inside}}

    def end(self) -> None:
        """Everybody pays, every tab is closed."""
        self.at += timedelta(minutes=30)
        for stay in list(stays_inside(POOL)):
            assert bills([stay], self.at)[stay].owed_minor >= 0
            owed = owed_together([stay], self.at)
            done = self.world.settled(stay, at=self.at, pay=owed)
            self.paid, self.back = self.paid + owed, self.back + done.refund
        for tab in unsettled_tabs(POOL):
            balance = tabs([tab])[tab].balance
            pay = (Payment(kind="cash", amount=-balance),) if balance < 0 else ()
            (done,) = close_tabs(
                [CloseTab(key=self.world.key(), at=self.at, actor=ANNA, sales_point=TILL, tab=tab, payments=pay)]
            )
            assert not isinstance(done, Refused), done
            self.paid, self.back = self.paid + max(0, -balance), self.back + done.refund


def one(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("seed", range(2))
def test_after_any_afternoon_documents_are_what_was_paid(
    world: World, superuser: psycopg.Connection, seed: int
) -> None:
    capacity(world, sauna=2)
    afternoon = Afternoon(world, seed)
    for _ in range(STEPS):
        afternoon.step()
    afternoon.end()
    afternoon.look()
    assert unsettled_tabs(POOL) == []
    assert one("SELECT coalesce(sum(total), 0) FROM orders_order") == afternoon.paid - afternoon.back
    assert one("SELECT coalesce(sum(amount), 0) FROM orders_payment") == afternoon.paid - afternoon.back
    assert one("SELECT coalesce(sum(amount), 0) FROM orders_tab_line") == afternoon.paid - afternoon.back
    assert one("SELECT count(*) FROM accounts_account WHERE purpose = 'tab' AND balance <> 0") == 0
    assert_books_balance()
    assert_rebuilt_alike(superuser, 13)
