"""Who may claim what: units, quantities, spans, allotments within allotments, holds."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from django.db import connection

from karnet.capacity.operations import allotment_id
from karnet.capacity.requests import CapacitySet, Freed, Held, Share, Taken
from karnet.capacity.selectors import claims_of, live_claims, rooms
from karnet.capacity.services import claim, hold, let_go
from karnet.capacity.tests.conftest import COACH, HALL, NOW, SEATS, THEATRE, World, places, refusal, seat
from karnet.journal import rebuilding
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused

pytestmark = pytest.mark.database

WEB, STOP, TILL = (allotment_id(COACH, code) for code in ("web", "stop", "till"))


def free(allotment: object) -> list[int]:
    return [room.free for room in rooms([allotment], NOW)[allotment]]  # type: ignore[list-item, index]


def assert_rebuilds() -> None:
    found = rebuilding.check()
    assert found.sound, (found.stopped, found.differences)


def test_a_seat_is_claimed_once_and_again_when_it_is_given_back(world: World) -> None:
    (first,) = world.took(THEATRE, seat(7))
    assert world.claims(THEATRE, seat(6, 7)) == Refused("place_taken", {"place": "7"})  # type: ignore[arg-type]
    assert world.releases(THEATRE, first) == Freed(claims=1)
    assert refusal(world.releases(THEATRE, first)) == "unknown_claim"
    world.took(THEATRE, seat(6, 7))
    assert_rebuilds()


def test_all_of_a_request_or_nothing_and_the_next_in_the_batch_sees_it(world: World) -> None:
    family = world.claiming(THEATRE, seat(1, 2), seat(3))
    late = world.claiming(THEATRE, seat(4), seat(3))
    other = world.claiming(THEATRE, seat(4))
    answers = claim([family, late, other])
    assert [type(answer) for answer in answers] == [Taken, Refused, Taken]
    assert claim([family, late, other]) == answers
    assert len(live_claims(THEATRE, NOW)) == 4


def test_never_more_than_there_is_room_for_and_the_refusal_says_how_much_is_left(world: World) -> None:
    world.took(HALL, places(28))
    assert world.claims(HALL, places(3)) == Refused("no_room_left", {"left": 2})  # type: ignore[arg-type]
    world.took(HALL, places(2))
    assert free(HALL) == [0]


def test_one_seat_is_sold_several_times_on_different_sections(world: World) -> None:
    """SPEC C-4, with numbered seats: A→B, B→D on one; a third A→B does not sell, nor A→D."""
    line = named_id("test", "line")
    assert isinstance(world.define(line, sections=3, units=("1", "2")), CapacitySet)
    from karnet.capacity.operations import unit_id
    from karnet.capacity.requests import Want

    def ride(number: str, first: int, until: int) -> Want:
        return Want(allotment=line, units=(unit_id(line, number),), first=first, until=until)

    world.took(line, ride("1", 0, 1))
    world.took(line, ride("2", 0, 1))
    world.took(line, ride("1", 1, 3))
    world.took(line, ride("2", 1, 2))
    world.took(line, ride("2", 2, 3))
    assert refusal(world.claims(line, ride("1", 0, 1))) == refusal(world.claims(line, ride("2", 0, 3))) == "place_taken"
    assert refusal(world.claims(line, ride("1", 2, 4))) == "bad_value"


def test_limits_nest_and_a_share_blocks_its_places_on_every_section(world: World) -> None:
    assert (free(COACH), free(TILL)) == ([40] * 3, [10] * 3)
    world.took(COACH, places(5, STOP, first=0, until=2))
    assert (free(STOP), free(WEB), free(COACH)) == ([0, 0, 5], [15, 15, 20], [35, 35, 40])
    assert refusal(world.claims(COACH, places(1, STOP, first=1, until=3))) == "no_room_left"
    world.took(COACH, places(15, WEB, first=0, until=1))
    assert refusal(world.claims(COACH, places(1, WEB))) == "no_room_left"
    world.took(COACH, places(20, COACH))
    world.took(COACH, places(10, TILL, until=3))
    assert (free(COACH), free(TILL)) == ([0, 35, 40], [0, 0, 0])
    assert_rebuilds()


def test_a_share_that_shrinks_gives_its_places_back_and_never_what_is_sold(world: World) -> None:
    world.took(COACH, places(4, TILL, until=3))
    smaller = Share(code="till", kind="share", capacity=(4,))
    assert isinstance(world.define(COACH, sections=3, shares=(smaller,)), CapacitySet)
    assert (free(COACH), free(TILL)) == ([46] * 3, [0] * 3)
    too_small = Share(code="till", kind="share", capacity=(3,))
    assert refusal(world.define(COACH, sections=3, shares=(too_small,))) == "no_room_left"
    too_large = Share(code="till", kind="share", capacity=(51,))
    assert refusal(world.define(COACH, sections=3, shares=(too_large,))) == "no_room_left"
    assert_rebuilds()


def test_a_share_of_seats_is_claimed_through_it_alone(world: World) -> None:
    world.took(THEATRE, seat(2))
    sponsor = Share(code="sponsor", kind="share", units=("1", "3"))
    made = world.define(THEATRE, shares=(sponsor,))
    assert isinstance(made, CapacitySet), made
    assert refusal(world.define(THEATRE, shares=(Share(code="late", kind="share", units=("2",)),))) == "bad_value"
    assert refusal(world.claims(THEATRE, seat(1))) == "unknown_place"
    assert refusal(world.claims(THEATRE, seat(4, allotment=made.allotments["sponsor"]))) == "unknown_place"
    world.took(THEATRE, seat(1, allotment=made.allotments["sponsor"]))
    assert_rebuilds()


def test_held_places_are_nobody_elses_until_the_hold_is_over_and_then_anybodys(world: World) -> None:
    assert isinstance(world.holds(THEATRE, seat(5)), Held)
    assert isinstance(world.holds(HALL, places(30)), Held)
    assert refusal(world.claims(THEATRE, seat(5), at=599)) == "place_taken"
    assert refusal(world.claims(HALL, places(1), at=599)) == "no_room_left"
    later = NOW + timedelta(seconds=600)
    assert (free(HALL), rooms([HALL], later)[HALL][0].free) == ([0], 30)
    world.took(THEATRE, seat(5), at=600)
    world.took(HALL, places(1), at=600)
    assert free(HALL) == [29]
    assert_rebuilds()


def test_a_hold_becomes_a_booking_under_its_id_once(world: World) -> None:
    asked = world.holding(THEATRE, seat(5, 6))
    held, places_held = hold([asked])[0], world.holds(HALL, places(12))
    assert hold([asked]) == [held]
    assert isinstance(held, Held)
    booking = world.claiming(THEATRE, seat(7), holds=held.holds)
    booked = claim([booking])[0]
    assert isinstance(booked, Taken)
    assert booked.claims[:2] == held.holds
    assert claim([booking]) == [booked]
    assert refusal(world.claims(THEATRE, holds=held.holds)) == "hold_ended"
    assert world.took(HALL, holds=places_held.holds) == places_held.holds
    assert rooms([HALL], NOW)[HALL][0].taken == 12
    assert rooms([HALL], NOW)[HALL][0].held == 0
    assert_rebuilds()


def test_who_turns_back_lets_go_of_what_was_held_and_of_no_booking(world: World) -> None:
    held = world.holds(HALL, places(30))
    booked = world.took(THEATRE, seat(1))
    assert let_go([*held.holds, *booked]) == 1
    assert free(HALL) == [30]
    assert len(live_claims(THEATRE, NOW)) == 1


def test_a_refused_booking_leaves_its_hold_as_it_was(world: World) -> None:
    held = world.holds(THEATRE, seat(5))
    world.took(THEATRE, seat(6))
    assert refusal(world.claims(THEATRE, seat(6), holds=held.holds)) == "place_taken"
    assert len(live_claims(THEATRE, NOW)) == 2
    world.took(THEATRE, holds=held.holds)


def test_live_holds_are_no_difference_to_a_rebuild_and_a_repair_leaves_them(
    world: World, superuser: psycopg.Connection
) -> None:
    world.took(HALL, places(3))
    world.took(THEATRE, seat(1, 2))
    world.holds(HALL, places(7))
    world.holds(THEATRE, seat(3))
    assert_rebuilds()
    superuser.execute("SET session_replication_role = replica")
    superuser.execute("UPDATE capacity_room SET taken = 5")
    superuser.execute("DELETE FROM capacity_claim WHERE held_until IS NULL")
    found = rebuilding.check()
    assert {table.table for table in found.tables if table.different} == {"capacity_room", "capacity_claim"}


def test_bookings_are_written_by_projections_only_and_holds_by_whoever_sells(world: World) -> None:
    world.took(THEATRE, seat(1))
    world.holds(THEATRE, seat(2))
    for attack in (
        "DELETE FROM capacity_claim WHERE held_until IS NULL",
        "UPDATE capacity_claim SET held_until = NULL",
        "INSERT INTO capacity_claim SELECT gen_random_uuid(), resource, allotment, NULL, 0, 1, 1, counted, holder, NULL FROM capacity_claim",
        "UPDATE capacity_room SET taken = 0",
        "DELETE FROM capacity_room",
    ):
        with pytest.raises(Exception, match="written by projections only"), connection.cursor() as cursor:
            cursor.execute(attack)


def test_selling_takes_as_many_statements_however_much_is_sold(world: World) -> None:
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as few:
        world.took(THEATRE, seat(1))
    world.took(THEATRE, seat(*range(2, 15)))
    with CaptureQueriesContext(connection) as many:
        world.took(THEATRE, seat(15, 16, 17, 18))
    assert len(many) == len(few)
    assert len(SEATS) == 20


def test_whose_a_claim_is_can_be_asked(world: World) -> None:
    holder = named_id("test", "holder")
    (made,) = world.took(THEATRE, seat(1, holder=holder))
    assert [c.id for c in claims_of([holder])[holder]] == [made]
    assert live_claims(HALL, NOW + timedelta(days=1)) == []
