"""Everything scarce, claimed at once: never twice, never too much, and nobody waits for ever."""

from __future__ import annotations

import pytest

from karnet.capacity.operations import unit_id
from karnet.capacity.requests import CapacitySet, Held, Taken, Want
from karnet.capacity.selectors import live_claims, rooms
from karnet.capacity.services import claim, hold
from karnet.capacity.tests.conftest import HALL, NOW, THEATRE, World, places, race, seat
from karnet.capacity.tests.test_claims import assert_rebuilds
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused

pytestmark = pytest.mark.database


def reasons(answers: list[object]) -> set[str]:
    return {answer.reason for answer in answers if isinstance(answer, Refused)}


def test_of_ten_who_want_the_last_seat_one_has_it(world: World) -> None:
    asked = [world.claiming(THEATRE, seat(20)) for _ in range(8)]
    holding = [world.holding(THEATRE, seat(20)) for _ in range(2)]
    answers = race([*(lambda r=r: claim([r])[0] for r in asked), *(lambda r=r: hold([r])[0] for r in holding)])
    assert sum(isinstance(answer, Taken | Held) for answer in answers) == 1
    assert reasons(answers) == {"place_taken"}
    assert len(live_claims(THEATRE, NOW)) == 1
    assert_rebuilds()


def test_of_eight_who_want_four_of_the_last_ten_places_two_have_them(world: World) -> None:
    world.took(HALL, places(20))
    asked = [world.claiming(HALL, places(4)) for _ in range(8)]
    answers = race([lambda r=r: claim([r])[0] for r in asked])
    assert sum(isinstance(answer, Taken) for answer in answers) == 2
    assert reasons(answers) == {"no_room_left"}
    assert rooms([HALL], NOW)[HALL][0].free == 2
    assert_rebuilds()


def test_spans_that_overlap_never_share_a_seat_and_the_rest_of_the_line_is_sold(world: World) -> None:
    line = named_id("test", "line")
    assert isinstance(world.define(line, sections=6, units=("1", "2")), CapacitySet)
    spans = [(0, 2), (1, 3), (2, 4), (3, 5), (4, 6), (0, 6), (5, 6), (0, 1)]
    asked = [
        world.claiming(line, Want(allotment=line, units=(unit_id(line, n), ), first=first, until=until))
        for first, until in spans
        for n in ("1", "2")
    ]  # fmt: skip
    answers = race([lambda r=r: claim([r])[0] for r in asked])
    assert reasons(answers) <= {"place_taken"}
    sold = live_claims(line, NOW)
    for one in sold:
        assert not [c for c in sold if c.id != one.id and c.unit == one.unit and c.overlaps(one.first, one.until)]
    assert len(sold) == sum(isinstance(answer, Taken) for answer in answers) >= 4
    assert_rebuilds()


def test_batches_that_cross_each_other_do_not_lock_each_other_up(world: World) -> None:
    there = [world.claiming(THEATRE, seat(n)) for n in range(1, 11)]
    back = [world.claiming(THEATRE, seat(n)) for n in range(10, 0, -1)]
    both = race([lambda r=r: claim(r) for r in (there, back, list(reversed(there)), list(reversed(back)))])
    assert len(live_claims(THEATRE, NOW)) == 10
    assert (
        sum(isinstance(a, Taken) for answers in both for a in answers) == 20
    )  # two batches of the same ten requests each


def test_a_hold_that_is_over_is_taken_by_one_of_those_who_wait_for_it(world: World) -> None:
    world.holds(THEATRE, seat(1, 2), for_s=60)
    asked = [world.claiming(THEATRE, seat(1 + n % 2), at=60) for n in range(8)]
    answers = race([lambda r=r: claim([r])[0] for r in asked])
    assert sum(isinstance(answer, Taken) for answer in answers) == 2
    assert reasons(answers) == {"place_taken"}
    assert_rebuilds()
