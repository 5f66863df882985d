"""Bands at readers, staff at the plan, and what is on record of both."""

from __future__ import annotations

import pytest

from karnet.capacity.operations import unit_id
from karnet.capacity.tests.conftest import race
from karnet.journal import rebuilding
from karnet.kernel.outcomes import Refused
from karnet.lockers import selectors
from karnet.lockers.operations import Spot
from karnet.lockers.requests import (
    BlockLocker,
    FreeLocker,
    Furnish,
    Grid,
    LockerGivenUp,
    LockerNow,
    LockerShown,
    LockersReady,
    OpenLocker,
    Section,
    UnblockLocker,
)
from karnet.lockers.services import block_lockers, free_lockers, furnish, open_lockers, touch, unblock_lockers
from karnet.lockers.tests.conftest import NOW, POOL, READERS, World, refusal

pytestmark = pytest.mark.database


def assert_rebuilds() -> None:
    found = rebuilding.check()
    assert found.sound, (found.stopped, found.differences)


def test_the_first_touch_assigns_and_every_other_opens_the_same(world: World) -> None:
    world.issue("1", "2")
    asked = world.touching("A", "1")
    (first,) = touch([asked])
    assert isinstance(first, LockerShown)
    assert (first.new, first.section, first.number, first.near, first.free) == (True, "A", "1", 0, 16)
    assert touch([asked]) == [first]
    again = world.given("A", "1")
    assert (again.locker, again.new) == (first.locker, False)
    assert world.given("A", "2").aisle == 2
    assert refusal(world.touches("B", "1")) == "locker_elsewhere"
    assert_rebuilds()


def test_who_is_no_guest_gets_no_locker(world: World) -> None:
    assert refusal(world.touches("A", "nobody")) == "unknown_medium"
    world.issue("1")
    assert refusal(touch([world.touching("A", "1")], lambda media: {})[0]) == "no_stay"
    assert refusal(world.touches("A", "1", give_up=True)) == "no_locker"


def test_a_full_section_names_another_one(world: World) -> None:
    world.issue("1", "2", "3")
    world.given("B", "1")
    world.given("B", "2")
    assert world.touches("B", "3") == Refused("lockers_full", {"section": "B", "other": "A"})  # type: ignore[arg-type]
    assert isinstance(world.touches("B", "1", give_up=True), LockerGivenUp)
    assert world.given("B", "3").new
    assert_rebuilds()


def test_a_marked_band_opens_its_own_locker_and_no_other(world: World) -> None:
    world.issue("BAND-S2", "1")
    shown = world.given("S", "BAND-S2")
    assert (shown.number, shown.static) == ("S2", True)
    assert world.touches("A", "BAND-S2") == Refused("locker_elsewhere", {"locker": "S2", "section": "S"})  # type: ignore[arg-type]
    assert refusal(world.touches("S", "1")) == "unknown_locker"
    assert [seen.state for seen in selectors.plan(world.sections["S"])] == ["free", "taken"]
    hooks = selectors.hooks(["BAND-S1", "1"])
    assert hooks == {"BAND-S1": selectors.Hook("S", "S1", "H1", False)}


def test_staff_block_open_free_and_see_who_had_it(world: World) -> None:
    world.issue("1", "2")
    mine = world.given("B", "1").locker
    other = unit_id(world.sections["B"], "102" if selectors.find(POOL, "101")[0][0] == mine else "101")
    blocked = block_lockers([BlockLocker(**world.asked(), locker=other, reason="broken")])[0]
    assert isinstance(blocked, LockerNow)
    assert blocked.blocked
    assert refusal(world.touches("B", "2")) == "lockers_full"
    opened = open_lockers([OpenLocker(**world.asked(5), locker=mine, reason="forgotten")])[0]
    assert isinstance(opened, LockerNow)
    assert opened.medium is not None
    freed = free_lockers([FreeLocker(**world.asked(9), locker=mine)])[0]
    assert freed == LockerNow(locker=mine, section="B", number=opened.number)
    assert refusal(free_lockers([FreeLocker(**world.asked(), locker=mine)])[0]) == "locker_free"
    assert world.given("B", "2").locker == mine
    assert isinstance(unblock_lockers([UnblockLocker(**world.asked(), locker=other)])[0], LockerNow)
    assert refusal(unblock_lockers([UnblockLocker(**world.asked(), locker=other)])[0]) == "not_blocked_locker"
    seen = selectors.history(mine)
    assert {(used.band, used.what, used.opened) for used in seen} == {
        ("2", "", False),
        ("1", "staff", False),
        ("1", "forgotten", True),
    }
    assert_rebuilds()


def test_a_band_that_came_back_unseen_and_went_to_somebody_else_opens_nothing_of_who_had_it(world: World) -> None:
    world.issue("1", "2")
    old = world.given("A", "1")
    world.reissue("1")
    assert refusal(world.touches("A", "1", give_up=True)) == "no_locker"
    world.given("B", "2")
    blocking = unit_id(world.sections["B"], "102")
    block_lockers([BlockLocker(**world.asked(), locker=blocking, reason="other")])
    assert refusal(world.touches("B", "1")) == "lockers_full"
    assert selectors.history(old.locker)[0].until is None, "a refusal changes nothing"
    again = world.given("A", "1", at=60)
    assert again.new
    assert [used.what for used in selectors.history(old.locker)][-1] == "returned"
    assert_rebuilds()


def test_a_section_grows_and_two_lockers_never_stand_in_one_place(world: World) -> None:
    more = Section(code="B", grid=Grid(aisles=2, positions=2, rows=1, first=101))
    grown = furnish([Furnish(**world.asked(), facility=POOL, sections=(more,))])[0]
    assert isinstance(grown, LockersReady)
    assert grown.added == 2
    clash = Section(code="B", lockers=(Spot(number="x", position=1),))
    stolen = Section(code="B", lockers=(Spot(number="y", position=9, band="BAND-S1"),))
    foreign = Section(code="B", readers=(POOL,))
    for wrong in (clash, stolen, foreign):
        assert refusal(furnish([Furnish(**world.asked(), facility=POOL, sections=(wrong,))])[0]) == "bad_value"
    assert [section.lockers for section in selectors.sections(POOL)] == [16, 4, 2]
    assert_rebuilds()


def test_of_eight_who_run_for_the_last_locker_one_has_it(world: World) -> None:
    bands = [str(n) for n in range(9)]
    world.issue(*bands)
    world.given("B", "8")
    asked = [world.touching("B", band) for band in bands[:8]]
    answers = race([lambda r=r: touch([r])[0] for r in asked])
    assert sum(isinstance(answer, LockerShown) for answer in answers) == 1
    assert {answer.reason for answer in answers if isinstance(answer, Refused)} == {"lockers_full"}
    assert_rebuilds()


def test_one_band_at_eight_readers_at_once_gets_one_locker(world: World) -> None:
    world.issue("1")
    asked = [world.touching("AB"[n % 2], "1") for n in range(8)]
    answers = race([lambda r=r: touch([r])[0] for r in asked])
    assert len({answer.locker for answer in answers if isinstance(answer, LockerShown)}) == 1
    assert {answer.reason for answer in answers if isinstance(answer, Refused)} <= {"locker_elsewhere"}


def test_six_hundred_guests_in_ten_minutes_get_six_hundred_lockers(world: World) -> None:
    """Four readers of two sections, a touch a second, each sent twice, in batches as they come."""
    big = tuple(
        Section(code=code, grid=Grid(aisles=10, positions=15, rows=2), readers=(READERS[reader],))
        for code, reader in (("L", "A"), ("R", "B"))
    )
    assert isinstance(furnish([Furnish(**world.asked(), facility=POOL, sections=big)])[0], LockersReady)
    guests = [f"G{n:03d}" for n in range(600)]
    world.issue(*guests)
    asked = [world.touching("AB"[n % 2], guest, at=n) for n, guest in enumerate(guests)]
    chunks = [asked[start : start + 25] for start in range(0, 600, 25)]
    given: dict[str, str] = {}
    for start in range(0, len(chunks), 4):
        four = chunks[start : start + 4]
        answers = race([lambda c=c: touch(c) for c in (*four, *four[::-1])])
        assert answers[:4] == answers[4:][::-1]
        for some in answers[:4]:
            for answer in some:
                assert isinstance(answer, LockerShown), answer
                given[str(answer.locker)] = answer.section
    assert len(given) == 600
    assert {section.section.code: section.taken for section in selectors.sections(POOL) if section.taken} == {
        "L": 300,
        "R": 300,
    }
    assert world.touches("A", "G000").new is False
    assert len(selectors.lockers_of([])) == 0
    assert NOW.year == 2026
    assert_rebuilds()
