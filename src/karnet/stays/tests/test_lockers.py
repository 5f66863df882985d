"""Lockers of people inside: given to who has come in, together, kept to the exit, free when the band is back."""

from __future__ import annotations

import psycopg
import pytest

from karnet.entitlements.rules import medium_id
from karnet.kernel.outcomes import Refused
from karnet.lockers.requests import Furnish, Grid, LockerGivenUp, LockerShown, LockersReady, Section, Touch
from karnet.lockers.selectors import history, lockers_of, sections
from karnet.lockers.services import furnish
from karnet.stays.changing import touch_lockers
from karnet.stays.requests import Let, LoseBand, TakeBand
from karnet.stays.services import lose_bands, take_bands
from karnet.stays.tests.conftest import (
    ANNA,
    GATES,
    NOON,
    POOL,
    TILL,
    World,
    assert_books_balance,
    assert_rebuilt_alike,
    refusal,
    when,
)

pytestmark = pytest.mark.database

READER = GATES["stop"].gate


@pytest.fixture
def hall(world: World) -> World:
    """A section of forty lockers, whose reader is one of the place's."""
    furnishes(world, grid=Grid(aisles=2, positions=10, rows=2), readers=(READER,))
    return world


def furnishes(world: World, **changes: object) -> None:
    section = Section(code="A", **changes)  # type: ignore[arg-type]
    answer = furnish([Furnish(key=world.key(), at=NOON, actor=ANNA, facility=POOL, sections=(section,))])[0]
    assert isinstance(answer, LockersReady), answer


def touches(world: World, band: str, at: int = 0, **changes: object) -> LockerShown | LockerGivenUp | Refused:
    asked = Touch(key=world.key(), at=when(at), actor=READER, reader=READER, chip=band, **changes)  # type: ignore[arg-type]
    return touch_lockers([asked])[0]


def given(world: World, band: str, at: int = 0) -> LockerShown:
    answer = touches(world, band, at)
    assert isinstance(answer, LockerShown), answer
    return answer


def taken() -> int:
    return sum(section.taken for section in sections(POOL))


def test_only_who_has_come_in_gets_a_locker_and_a_family_gets_four_together(hall: World) -> None:
    assert refusal(touches(hall, "1")) == "unknown_medium"
    hall.came("stranger", pay=1800)
    given(hall, "stranger")
    hall.came("1", "2", "3", "4", pay=4 * 1800)
    family = [given(hall, band) for band in "1234"]
    assert {locker.aisle for locker in family} == {2}
    assert {locker.position for locker in family} <= {1, 2, 3}
    assert [locker.together for locker in family] == [False, True, True, True]


def test_a_locker_is_free_when_its_band_is_back(hall: World, superuser: psycopg.Connection) -> None:
    (stay,) = hall.came("1", pay=1800).stays
    given(hall, "1")
    assert lockers_of([medium_id("1")])[medium_id("1")].section == "A"
    hall.settled(stay, at=30)
    assert (taken(), lockers_of([medium_id("1")])) == (0, {})
    hall.came("1", pay=1800, at=when(40))
    assert given(hall, "1", 41).new
    hall.passes("in", "1", 42)
    hall.passes("out", "1", 60)
    assert taken() == 0
    assert_books_balance()
    assert_rebuilt_alike(superuser, 3)


def test_where_the_exit_waits_nobody_leaves_before_the_locker_is_given_up(hall: World) -> None:
    furnishes(hall, exit_waits=True)
    hall.came("1", pay=1800)
    hall.passes("in", "1", 0)
    number = given(hall, "1", 1).number
    refused = hall.reads("out", "1", 30)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.facts) == ("locker_taken", {"locker": number, "section": "A"})
    assert isinstance(touches(hall, "1", 31, give_up=True), LockerGivenUp)
    assert isinstance(hall.passes("out", "1", 32), Let)


def test_a_band_handed_in_after_its_stay_frees_the_locker(hall: World) -> None:
    hall.came("1", pay=1800)
    hall.passes("in", "1", 0)
    given(hall, "1", 1)
    hall.passes("door", "1", 30)
    assert taken() == 1
    assert refusal(touches(hall, "1", 31)) == "no_stay"
    take_bands([TakeBand(key="back", at=when(32), actor=ANNA, sales_point=TILL, band="1")])
    assert taken() == 0


def test_the_locker_of_a_card_that_nobody_takes_back_is_free_when_the_stay_is_over(hall: World) -> None:
    hall.came("1", pay=1800)
    hall.passes("in", "1", 0)
    hall.passes("door", "1", 30)
    (again,) = hall.came("1", pay=1800, at=when(40)).stays  # kept, so it is their own
    locker = given(hall, "1", 41).locker
    hall.settled(again, at=42)
    assert taken() == 0
    assert [used.what for used in history(locker)] == ["stay_over"]


def test_the_locker_of_a_lost_band_goes_on_with_the_new_one(hall: World, superuser: psycopg.Connection) -> None:
    (stay,) = hall.came("1", pay=1800).stays
    locker = given(hall, "1").locker
    lost = LoseBand(key="lost", at=when(5), actor=ANNA, sales_point=TILL, stay=stay, new_number="2")
    assert not isinstance(lose_bands([lost])[0], Refused)
    assert refusal(touches(hall, "1", 6)) == "medium_blocked"
    again = given(hall, "2", 6)
    assert (again.locker, again.new, taken()) == (locker, False, 1)
    assert_rebuilt_alike(superuser, 1000)
