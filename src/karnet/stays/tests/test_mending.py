"""What goes wrong inside: missed and wrong reads, lost bands, people who vanish, full zones, an evacuation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from karnet.access.operations import gate_id
from karnet.entitlements.rules import medium_id
from karnet.entitlements.selectors import media
from karnet.orders.receipts import receipt
from karnet.orders.tabs import tabs
from karnet.stays.requests import (
    BandReplaced,
    Border,
    Closed,
    Correct,
    Evacuate,
    Evacuation,
    ForceClose,
    Furnish,
    LoseBand,
    Mended,
    Ready,
    Resume,
)
from karnet.stays.selectors import heads, stay_states, who_is_inside
from karnet.stays.services import correct, evacuate, force_close, furnish, lose_bands, resume
from karnet.stays.tests.conftest import (
    ANNA,
    NOON,
    POOL,
    TILL,
    World,
    assert_books_balance,
    capacity,
    refusal,
    state,
    when,
)

pytestmark = pytest.mark.database


def corrects(world: World, stay: UUID, at: int, **changes: Any) -> Any:
    given = {"key": world.key(), "at": when(at), "actor": ANNA, "reason": "missed_read", **changes}
    return correct([Correct(stay=stay, **given)])[0]


def forced(world: World, stay: UUID, at: int, **changes: Any) -> Any:
    given = {"key": world.key(), "at": when(at), "actor": ANNA, "reason": "left_without_return", **changes}
    return force_close([ForceClose(stay=stay, **given)])[0]


def loses(world: World, stay: UUID, at: int, **changes: Any) -> Any:
    given = {"key": world.key(), "at": when(at), "actor": ANNA, "sales_point": TILL, **changes}
    return lose_bands([LoseBand(stay=stay, **given)])[0]


def zone_heads() -> dict[str, int]:
    return {zone.code: zone.heads for zone in heads(POOL) if zone.heads}


def test_a_missed_read_is_marked_and_can_be_put_right(world: World) -> None:
    (stay,) = world.came("1", pay=1800).stays
    world.passes("in", "1", 0)
    world.passes("to-sauna", "1", 10)
    # The gate back to the pool did not read the band: it is read again when entering the sauna a second time.
    assert refusal(world.reads("to-sauna", "1", 50)) == "already_inside"
    assert world.total(stay, 60) == 1800 + 50 * 50
    assert corrects(world, stay, 51, zone="pool", since=when(20)) == Mended(stay=stay, zone="pool")
    assert world.total(stay, 60) == 1800 + 10 * 50
    assert zone_heads() == {"*": 1, "pool": 1}
    assert world.passes("to-sauna", "1", 52).missed is False


def test_a_wrong_read_is_dropped_and_what_was_charged_for_it_comes_off_again(world: World) -> None:
    (stay,) = world.came("1", pay=1800).stays
    world.passes("in", "1", 0)
    world.passes("to-sauna", "1", 10)
    world.settled(stay, at=30, pay=20 * 50, mode="pay")
    wrong = stay_states([stay])[stay].moves[-1].id
    assert isinstance(corrects(world, stay, 31, reason="wrong_read", drop=wrong), Mended)
    done = world.settled(stay, at=45)
    assert (done.totals, done.refund, done.closed) == ((1800,), 1000, True)
    printed = receipt(done.order) if done.order else None
    assert printed is not None
    assert [(line.product_code, line.amount) for line in printed.lines] == [("stay", 1800)]
    assert_books_balance()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"zone": "pool"},
        {"zone": "pool", "since": NOON - timedelta(hours=1)},
        {"zone": "pool", "since": NOON + timedelta(hours=9)},
        {"drop": UUID(int=7)},
        {"zone": "pool", "since": NOON, "reason": "because"},
    ],
)
def test_a_correction_that_makes_no_sense_changes_nothing(world: World, changes: dict[str, Any]) -> None:
    (stay,) = world.came("1", pay=1800).stays
    world.passes("in", "1", 0)
    before = state()
    assert refusal(corrects(world, stay, 30, **changes)) == "bad_value"
    assert state() == before


def test_a_lost_band_is_blocked_its_fee_charged_and_the_stay_goes_on_on_another(world: World) -> None:
    came = world.came("1", pay=1800)
    world.passes("in", "1", 0)
    done = loses(world, came.stays[0], 20, new_number="2")
    assert done == BandReplaced(stay=came.stays[0], fee=5000, medium=medium_id("2"))
    assert media([medium_id("1")])[medium_id("1")].blocks == 1
    assert refusal(world.reads("to-sauna", "1", 21)) == "no_stay"
    assert world.passes("to-sauna", "2", 22).before == "pool"
    assert refusal(world.reads("out", "2", 30)) == "money_owed"
    settled = world.settled(came.stays[0], at=30, pay=5000 + 8 * 50)
    assert settled.closed
    assert_books_balance()


def test_a_lost_band_without_another_stops_whoever_found_it(world: World) -> None:
    came = world.came("1", pay=1800)
    world.passes("in", "1", 0)
    assert loses(world, came.stays[0], 20).medium is None
    assert refusal(world.reads("to-sauna", "1", 21)) == "medium_blocked"
    assert world.settled(came.stays[0], at=30, pay=5000).closed


@pytest.mark.parametrize(("debt", "owed", "charged"), [("charged", 9000, 10800), ("forgiven", 0, 1800)])
def test_a_stay_is_closed_by_force_with_a_reason(world: World, debt: Any, owed: int, charged: int) -> None:
    came = world.came("1", pay=1800)
    world.passes("in", "1", 0)
    done = forced(world, came.stays[0], 600, debt=debt, until=when(360))
    assert done == Closed(stay=came.stays[0], tab=came.tab, total=10800, owed=owed)
    tab = tabs([came.tab])[came.tab]
    assert (tab.charged, tab.closed_at is not None) == (charged, owed == 0)
    assert zone_heads() == {}
    assert refusal(forced(world, came.stays[0], 601)) == "stay_ended"
    assert_books_balance()


def test_a_full_zone_lets_nobody_in_until_somebody_leaves(world: World) -> None:
    assert isinstance(capacity(world, sauna=1), Ready)
    world.came("1", "2", pay=3600)
    for band in ("1", "2"):
        world.passes("in", band, 0)
    world.passes("to-sauna", "1", 5)
    before = state()
    assert refusal(world.reads("to-sauna", "2", 6)) == "zone_full"
    assert state() == before
    assert refusal(capacity(world, sauna=0)) == "zone_full"
    world.passes("to-pool", "1", 7)
    assert world.passes("to-sauna", "2", 8).zone == "sauna"


def test_a_lone_reader_changes_the_side_at_each_reading(world: World) -> None:
    world.came("1", pay=1800)
    world.passes("in", "1", 0)
    assert [world.passes("lone", "1", minute).zone for minute in (5, 10, 15)] == ["gym", "pool", "gym"]
    assert [person.zone for person in who_is_inside(POOL)] == ["gym"]


def test_an_evacuation_opens_the_gates_stops_the_clocks_and_lists_who_is_inside(world: World) -> None:
    came = world.came("1", "2", pay=3600)
    for band in ("1", "2"):
        world.passes("in", band, 0)
    world.passes("to-sauna", "2", 10)
    asked = Evacuate(key="fire", at=when(50), actor=ANNA, facility=POOL)
    (running,) = evacuate([asked])
    assert isinstance(running, Evacuation)
    assert (running.running, running.inside) == (True, 2)
    assert evacuate([Evacuate(key="fire 2", at=when(51), actor=ANNA, facility=POOL)]) == [running]
    assert refusal(world.enters("3", pay=1800, at=when(51))) == "evacuation"
    out = world.passes("out", "2", 52)  # who owes 20.00 for the sauna goes out all the same
    assert (out.open, out.ended) == (True, False)
    assert [person.stay for person in who_is_inside(POOL)] == [came.stays[0]]
    (over,) = resume([Resume(key="over", at=when(80), actor=ANNA, facility=POOL)])
    assert isinstance(over, Evacuation)
    assert refusal(resume([Resume(key="again", at=when(81), actor=ANNA, facility=POOL)])[0]) == "bad_value"
    assert world.total(came.stays[0], 85) == 1800  # 50 minutes and 5
    assert world.total(came.stays[0], 91) == 1800 + 30
    assert world.total(came.stays[1], 500) == 1800 + 40 * 50
    assert world.settled(*came.stays, at=85, pay=40 * 50).closed


@pytest.mark.parametrize(
    "changes",
    [
        {"zones": {"po ol": 3}},
        {"zones": {"pool": -1}},
        {"borders": (Border(gate=gate_id(POOL, "in"), into="moon"),)},
        {"borders": (Border(gate=UUID(int=1), into="pool"),)},
        {"borders": (Border(gate=gate_id(POOL, "in"), role="both_ways", into="pool"),)},
        {"borders": (Border(gate=gate_id(POOL, "in"), into="pool", keeps_band=True),)},
    ],
)
def test_a_place_that_cannot_be_is_not_furnished(world: World, changes: dict[str, Any]) -> None:
    before = state()
    asked: Any = {"key": "f", "at": NOON, "actor": ANNA, "facility": POOL}
    assert refusal(furnish([Furnish(**asked, **changes)])[0]) == "bad_value"
    assert state() == before


def test_a_change_that_claims_to_precede_the_one_it_was_decided_after_is_refused(world: World) -> None:
    (stay,) = world.came("1", pay=1800).stays
    world.passes("in", "1", 10)
    assert refusal(world.reads("to-sauna", "1", 9)) == "bad_value"
    assert refusal(world.settles(stay, at=9)) == "bad_value"
    assert refusal(corrects(world, stay, 9, zone="pool", since=when(5))) == "bad_value"
    assert refusal(forced(world, stay, 9)) == "bad_value"
    assert refusal(loses(world, stay, 9, new_number="2")) == "bad_value"
    world.passes("stop", "1", 20)
    assert refusal(world.reads("stop", "1", 19)) == "bad_value"
    world.settled(stay, at=30, mode="pay")
    assert refusal(world.settles(stay, at=29, mode="pay")) == "bad_value"
    loses(world, stay, 40, new_number="2")
    assert refusal(world.reads("to-sauna", "2", 39)) == "bad_value"
    before = state()
    assert refusal(loses(world, stay, 39, new_number="3")) == "bad_value"
    assert state() == before
