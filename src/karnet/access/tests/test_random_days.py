"""Random days at random gates: whatever happens, points are conserved and the journal makes the tables again."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from karnet.access.requests import Lapse, Scan, Turn, Verdict
from karnet.access.selectors import passages_of
from karnet.access.services import admit, lapse_grants, turn
from karnet.access.tests.conftest import NORTH, SOUTH, World
from karnet.access.tests.small import at
from karnet.accounts.operations import house_account
from karnet.accounts.rules import Balance
from karnet.accounts.selectors import balances, books_balance, discrepancies
from karnet.catalogue.operations import Validity
from karnet.entitlements.rules import medium_id, points_account
from karnet.entitlements.selectors import holdings
from karnet.journal.rebuilding import check

ISSUED = {"0": [5, 9], "1": [40], "2": [7], "3": [12], "4": []}


def _build(world: World) -> list[UUID]:
    for number, points in ISSUED.items():
        within = Validity(kind="days_within", days=1, within_days=3)
        world.card(number, points=points, days=1 if number in "34" else 0, validity=within)
    return [
        world.gate("lift", passback_s=60),
        world.gate("turnstile", points=2, reports_turn=True),
        world.gate("slow", points=1, reports_turn=True, grant_s=120, passback_s=0),
        world.gate("far", facility=SOUTH, points=2, reports_turn=True, passback_s=30),
        world.gate("exit", direction="out", passback_s=0),
    ]


def _play(world: World, chance: random.Random) -> None:
    gates = _build(world)
    now, grants = at(8), list[tuple[datetime, Verdict]]()
    for _ in range(40):
        now += timedelta(seconds=chance.choice([1, 5, 20, 90]))
        roll = chance.random()
        if roll < 0.6:
            asked: list[Scan] = [
                world.scan(chance.choice(gates), chance.choice(list(ISSUED)), now + timedelta(seconds=n))
                for n in range(chance.randint(1, 6))
            ]
            answers = admit(asked)
            assert admit(asked) == answers, "asked again, answered the same"
            grants += [(now, a) for a in answers if isinstance(a, Verdict) and a.expires_at is not None]
        elif roll < 0.9 and grants:
            # Also grants that lapsed, ended, or were answered twice: some reports must be refused.
            chosen = chance.sample(grants, min(len(grants), 3))
            turn(
                [
                    Turn(key=world.key(), at=now, actor=world.server, grant=v.id, taken=chance.random() < 0.7)
                    for _, v in chosen
                ]
            )
        else:
            lapse_grants([Lapse(key=world.key(), at=now, actor=world.server, limit=3)])


@pytest.mark.parametrize("seed", range(6))
def test_a_random_day_conserves_points_and_is_what_its_journal_says(world: World, seed: int) -> None:
    _play(world, random.Random(seed))
    held = holdings([medium_id(number) for number in ISSUED])
    tickets = [holding for mine in held.values() for holding in mine]
    accounts = balances([points_account(ticket.id) for ticket in tickets if ticket.points])
    passed = passages_of([ticket.id for ticket in tickets])
    drawn = sum(p.points for p in passed)

    assert passed, "a day on which nobody passes proves nothing"
    assert all(_sound(account) for account in accounts.values())
    assert sum(account.balance for account in accounts.values()) == sum(map(sum, ISSUED.values())) - drawn
    houses = [house_account(facility, "points_taken", "points") for facility in (NORTH, SOUTH)]
    taken = {facility: balances([house])[house].balance for facility, house in zip((NORTH, SOUTH), houses, strict=True)}
    assert taken == {place: sum(p.points for p in passed if p.facility == place) for place in (NORTH, SOUTH)}
    assert all(len(ticket.days_used) <= ticket.validity.days for ticket in tickets if ticket.kind == "time")
    assert books_balance()["points"] == 0
    assert discrepancies() == []
    assert check().sound


def _sound(account: Balance) -> bool:
    return 0 <= account.reserved <= account.balance
