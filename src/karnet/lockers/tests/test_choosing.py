"""Which locker a band is given: free, the same whenever asked, away from strangers, beside one's own people."""

from __future__ import annotations

from itertools import product
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from karnet.kernel.ids import named_id
from karnet.lockers.rules.choosing import Choice, Place, choose, distance

OURS, OTHERS = named_id("party", "ours"), named_id("party", "others")


def hall(aisles: int = 2, positions: int = 10, rows: int = 2) -> list[Place]:
    every = product(range(1, aisles + 1), range(1, positions + 1), range(1, rows + 1))
    return [Place(named_id("locker", a, p, r), a, p, r) for a, p, r in every]


def chosen(places: list[Place], choice: Choice | None) -> Place:
    assert choice is not None
    return next(place for place in places if place.id == choice.locker)


@st.composite
def sections(draw: st.DrawFn) -> tuple[list[Place], dict[UUID, UUID | None], set[UUID]]:
    places = hall(draw(st.integers(1, 3)), draw(st.integers(1, 8)), draw(st.integers(1, 3)))
    parties = st.sampled_from([None, OURS, OTHERS])
    taken = {place.id: draw(parties) for place in places if draw(st.booleans())}
    return places, taken, {place.id for place in places if draw(st.integers(0, 4)) == 0}


@given(sections(), st.sampled_from([None, OURS]), st.integers(1, 5))
@settings(max_examples=150)
def test_it_is_free_and_not_blocked_or_there_is_none(
    section: tuple[list[Place], dict[UUID, UUID | None], set[UUID]], party: UUID | None, size: int
) -> None:
    places, taken, blocked = section
    choice = choose(places, taken, blocked, party, size)
    free = {place.id for place in places} - set(taken) - blocked
    assert (choice is None) == (not free)
    if choice is not None:
        assert choice.locker in free
        assert choice.free == len(free)


@given(sections(), st.sampled_from([None, OURS]), st.integers(1, 5), st.randoms())
@settings(max_examples=100)
def test_the_same_section_gives_the_same_locker_in_whatever_order_it_is_told(
    section: tuple[list[Place], dict[UUID, UUID | None], set[UUID]], party: UUID | None, size: int, chance: object
) -> None:
    places, taken, blocked = section
    again = sorted(places, key=lambda place: chance.random())  # type: ignore[attr-defined]
    assert choose(again, dict(reversed(taken.items())), blocked, party, size) == choose(
        places, taken, blocked, party, size
    )


@given(sections())
@settings(max_examples=150)
def test_nobody_stands_beside_a_stranger_while_there_is_a_column_where_nobody_does(
    section: tuple[list[Place], dict[UUID, UUID | None], set[UUID]],
) -> None:
    places, taken, blocked = section
    choice = choose(places, taken, blocked)

    def near(place: Place) -> int:
        return sum(
            other.aisle == place.aisle and abs(other.position - place.position) <= 1
            for other in places
            if other.id in taken
        )

    if choice is not None:
        assert choice.near == near(chosen(places, choice))
        assert choice.near == min(near(p) for p in places if p.id not in taken and p.id not in blocked)


def test_guests_who_come_one_by_one_fill_the_aisles_evenly_and_every_locker_in_the_end() -> None:
    places = hall(3, 9, 2)
    taken: dict[UUID, UUID | None] = {}
    loads = []
    for guest in range(len(places)):
        place = chosen(places, choose(places, taken, ()))
        taken[place.id] = named_id("party", guest)
        by_aisle = [sum(p.aisle == aisle for p in places if p.id in taken) for aisle in (1, 2, 3)]
        loads.append(max(by_aisle) - min(by_aisle))
    assert len(taken) == len(places)
    assert max(loads) <= 2
    assert choose(places, taken, ()) is None


def test_the_first_nine_of_a_quiet_morning_all_have_empty_columns_beside_them() -> None:
    places = hall(3, 9, 2)
    taken: dict[UUID, UUID | None] = {}
    for guest in range(9):
        choice = choose(places, taken, ())
        assert choice is not None
        assert choice.near == 0
        taken[choice.locker] = named_id("party", guest)


@given(st.integers(2, 8), st.lists(st.integers(0, 39), max_size=12, unique=True))
@settings(max_examples=100)
def test_a_group_sits_together_wherever_a_stretch_is_free_for_it(size: int, strangers: list[int]) -> None:
    """Ten columns of two in each of two aisles: the group takes as few columns as the emptiest stretch allows."""
    places = hall()
    taken: dict[UUID, UUID | None] = {places[n].id: OTHERS for n in strangers}
    free = {p for p in places if p.id not in taken}
    ours: list[Place] = []
    for _ in range(size):
        place = chosen(places, choose(places, taken, (), OURS, size))
        ours.append(place)
        taken[place.id] = OURS
    width = (size + 1) // 2
    whole = any(
        all(Place(named_id("locker", a, p, r), a, p, r) in free for p in range(start, start + width) for r in (1, 2))
        for a in (1, 2)
        for start in range(1, 12 - width)
    )
    if whole:
        assert len({place.aisle for place in ours}) == 1
        assert max(p.position for p in ours) - min(p.position for p in ours) <= 2 * width
        assert all(any(distance(p, o) <= 20 for o in ours if o is not p) for p in ours)


def test_who_comes_later_gets_the_locker_next_to_the_family() -> None:
    places = hall()
    taken: dict[UUID, UUID | None] = {places[8].id: OURS, places[20].id: OTHERS}
    choice = choose(places, taken, (), OURS, 2)
    assert choice == Choice(places[9].id, 0, 38, True)
