"""The book of claims against a slow one that keeps every claim and counts again each time."""

from __future__ import annotations

import itertools
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from karnet.capacity.operations import Claimed
from karnet.capacity.requests import Want
from karnet.capacity.rules import AllotmentState, Book, ResourceState, Room, UnitState
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused

LINE, PLACE = named_id("line"), named_id("place")
WEB, STOP, TILL = (named_id("allotment", code) for code in ("web", "stop", "till"))
SEATS = tuple(named_id("seat", n) for n in range(3))
SECTIONS = 4
SIZES = {LINE: 6, WEB: 4, STOP: 2, TILL: 2}
PARENTS = {WEB: LINE, STOP: WEB, TILL: None}


def coach(*, numbered: bool) -> Book:
    """A line of four sections: numbered seats, or six places of which two are a till's own, with limits in limits."""
    kinds = {LINE: "share", WEB: "limit", STOP: "limit", TILL: "share"}
    parents = {LINE: None, WEB: LINE, STOP: WEB, TILL: LINE}
    return Book(
        resources={LINE: ResourceState(id=LINE, facility=PLACE, kind="trip", sections=SECTIONS)},
        allotments={
            id_: AllotmentState(id=id_, resource=LINE, parent=parents[id_], code=str(id_), kind=kinds[id_])  # type: ignore[arg-type]
            for id_ in kinds
        },
        units={seat: UnitState(id=seat, resource=LINE, number="1", allotment=LINE) for seat in SEATS},
        rooms={}
        if numbered
        else {(id_, s): Room(capacity=size) for id_, size in SIZES.items() for s in range(SECTIONS)},
        claims=(),
    )


spans = st.tuples(st.integers(0, SECTIONS - 1), st.integers(1, SECTIONS)).map(lambda s: (s[0], max(s[0] + 1, s[1])))
steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([LINE, WEB, STOP, TILL]), st.integers(1, 3), spans),
        st.integers(0, 30),  # gives back one of the claims there are
    ),
    max_size=40,
)


def counts_in(allotment: UUID) -> set[UUID]:
    found = {allotment}
    while (parent := PARENTS.get(allotment)) is not None:
        found.add(allotment := parent)
    return found


@given(steps)
@settings(max_examples=200)
def test_quantities_are_refused_exactly_when_some_room_would_be_overfilled(taken: list[object]) -> None:
    book, names = coach(numbered=False), itertools.count()
    live: list[tuple[Claimed, UUID]] = []
    for step in taken:
        if isinstance(step, int):
            if live:
                claim, _ = live.pop(step % len(live))
                assert not isinstance(book.release(LINE, [claim.id]), Refused)
            continue
        allotment, quantity, (first, until) = step  # type: ignore[misc]
        fits = all(
            sum(c.quantity for c, a in live if place in counts_in(a) and c.first <= s < c.until) + quantity
            <= SIZES[place]
            for place in counts_in(allotment)
            for s in range(first, until)
        )
        want = Want(allotment=allotment, quantity=quantity, first=first, until=until)
        made = book.take(LINE, want, lambda: named_id("claim", next(names)))
        assert isinstance(made, Refused) == (not fits)
        if not isinstance(made, Refused):
            live.append((made[0], allotment))
    assert {claim.id for claim, _ in live} == set(book.claims)
    assert all(0 <= room.free <= room.capacity for room in book.rooms.values())


@given(st.lists(st.tuples(st.lists(st.sampled_from(SEATS), min_size=1, max_size=3, unique=True), spans), max_size=25))
@settings(max_examples=200)
def test_no_seat_is_claimed_twice_on_a_section_and_every_free_one_can_be(taken: list[object]) -> None:
    book, names = coach(numbered=True), itertools.count()
    sold: set[tuple[UUID, int]] = set()
    for units, (first, until) in taken:  # type: ignore[misc]
        wanted = {(unit, s) for unit in units for s in range(first, until)}
        made = book.take(
            LINE, Want(allotment=LINE, units=tuple(units), first=first, until=until), lambda: named_id(next(names))
        )
        assert isinstance(made, Refused) == bool(wanted & sold)
        if not isinstance(made, Refused):
            sold |= wanted


@given(steps)
@settings(max_examples=50)
def test_what_a_refused_request_had_taken_so_far_is_undone_to_the_last_place(taken: list[object]) -> None:
    book, names = coach(numbered=False), itertools.count()
    before = dict(book.rooms)
    made: list[Claimed] = []
    for step in taken:
        if not isinstance(step, int):
            allotment, quantity, (first, until) = step  # type: ignore[misc]
            want = Want(allotment=allotment, quantity=quantity, first=first, until=until)
            some = book.take(LINE, want, lambda: named_id("claim", next(names)))
            made += () if isinstance(some, Refused) else some
    book.forget(made)
    assert (book.rooms, book.claims) == (before, {})
