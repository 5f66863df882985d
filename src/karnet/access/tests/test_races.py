"""Many gates at once: what is scarce is given out exactly as often as there is of it, and never waits for ever."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar
from uuid import UUID

import pytest
from django.db import connection

from karnet.access.requests import Lapse, Scan, Turn, Turned, Verdict
from karnet.access.selectors import passages_of
from karnet.access.services import admit, lapse_grants, turn
from karnet.access.tests.conftest import NORTH, World
from karnet.access.tests.small import at
from karnet.accounts.operations import house_account
from karnet.accounts.selectors import balances, books_balance
from karnet.entitlements.selectors import holdings
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason

T = TypeVar("T")


def at_once(calls: list[Callable[[], T]]) -> list[T]:
    """Run the calls in as many threads, all started together; each thread has its own database connection."""
    start = Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        try:
            start.wait()
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


def scanned(scan: Scan) -> Callable[[], Verdict | Refused]:
    return lambda: admit([scan])[0]


def left(card: UUID) -> int:
    return sum(holding.available for holding in holdings([card])[card])


def taken() -> int:
    account = house_account(NORTH, "points_taken", "points")
    return balances([account])[account].balance


@pytest.mark.parametrize("reports_turn", [False, True])
def test_the_last_points_of_a_card_admit_exactly_as_many_as_they_pay_for(world: World, reports_turn: bool) -> None:
    gates = [world.gate(f"g{n}", points=3, reports_turn=reports_turn) for n in range(20)]
    card = world.card("1", points=[23])
    answers = at_once([scanned(world.scan(gate, "1")) for gate in gates])
    admitted = [answer for answer in answers if isinstance(answer, Verdict)]
    assert len(admitted) == 7
    assert {a.reason for a in answers if isinstance(a, Refused)} == {Reason.NOT_ENOUGH_POINTS}
    assert left(card) == 2
    if reports_turn:
        assert taken() == 0
        at_once([lambda v=v: world.turn(gates[0], v.id) for v in admitted])  # type: ignore[misc]
    assert taken() == 21
    assert left(card) == 2
    assert books_balance()["points"] == 0


def test_grants_and_passages_at_once_never_draw_more_than_there_is(world: World) -> None:
    lifts = [world.gate(f"l{n}", points=2) for n in range(8)]
    turnstiles = [world.gate(f"t{n}", points=3, reports_turn=True) for n in range(8)]
    card = world.card("1", points=[17])
    answers = at_once([scanned(world.scan(gate, "1")) for gate in [*lifts, *turnstiles]])
    granted = [a for a in answers if isinstance(a, Verdict) and a.expires_at is not None]
    drawn = sum(a.points for a in answers if isinstance(a, Verdict))
    assert left(card) == 17 - drawn
    # A refused scan needed 2 or 3 points, so fewer than that were left.
    assert 17 - drawn < 3
    at_once(
        [lambda v=v, n=n: world.turn(turnstiles[0], v.id, taken=n % 2 == 0) for n, v in enumerate(granted)]  # type: ignore[misc]
        + [lambda: None]
    )
    given_back = 3 * (len(granted) // 2)
    assert left(card) == 17 - drawn + given_back
    assert taken() == drawn - given_back


def test_one_scan_sent_by_many_threads_is_one_passage(world: World) -> None:
    lift = world.gate("lift")
    card = world.card("1", points=[30])
    scan = world.scan(lift, "1", key="same")
    answers = at_once([scanned(scan) for _ in range(12)])
    assert len({answer.id for answer in answers if isinstance(answer, Verdict)}) == 1
    assert not [answer for answer in answers if isinstance(answer, Refused)]
    assert left(card) == 27


def test_one_gate_admits_a_medium_once_within_its_passback_time(world: World) -> None:
    lift = world.gate("lift")
    world.card("1", points=[30])
    answers = at_once([scanned(world.scan(lift, "1")) for _ in range(12)])
    assert sum(isinstance(answer, Verdict) for answer in answers) == 1
    assert {a.reason for a in answers if isinstance(a, Refused)} == {Reason.PASSBACK}


def test_one_grant_is_taken_or_lapses_but_never_both(world: World) -> None:
    gate = world.gate("turnstile", reports_turn=True)
    card = world.card("1", points=[30])
    for second in range(6):
        verdict = world.admit(gate, "1", at(10 + second))
        assert isinstance(verdict, Verdict)
        turns = [Turn(key=world.key(), at=at(10 + second, 1), actor=gate, grant=verdict.id, taken=True) for _ in "abcd"]
        lapses = [Lapse(key=world.key(), at=at(10 + second, 1), actor=gate) for _ in "ab"]
        calls = [lambda t=t: turn([t])[0] for t in turns] + [lambda x=x: lapse_grants([x])[0] for x in lapses]  # type: ignore[misc]
        answers = at_once(calls)
        # Late or in time, the visitor went through once.
        assert sum(isinstance(answer, Turned) for answer in answers) == 1
        assert left(card) == 30 - 3 * (second + 1)
        assert len(passages_of([verdict.entitlement])) == second + 1
    assert taken() == 18
    assert books_balance()["points"] == 0


def test_batches_that_share_cards_in_opposite_order_do_not_lose_each_other(world: World) -> None:
    lifts = [world.gate(f"l{n}", points=1) for n in range(6)]
    numbers = [str(n) for n in range(30)]
    cards = [world.card(number, points=[4]) for number in numbers]

    def batch(lift: UUID, order: list[str]) -> Callable[[], list[Verdict | Refused]]:
        scans = [world.scan(lift, number) for number in order]
        return lambda: admit(scans)

    orders = [numbers, numbers[::-1]] * 3
    answers = at_once([batch(lift, order) for lift, order in zip(lifts, orders, strict=True)])
    assert sum(isinstance(answer, Verdict) for given in answers for answer in given) == 4 * 30
    assert all(left(card) == 0 for card in cards)
