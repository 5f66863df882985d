"""Which locker of a section a band is given: the least crowded part, away from strangers, near one's own people.

The order of preference, first that differs decides (SPEC S12; the order is ours, docs/lockers.md):
who belongs to somebody with a locker here stands as near to them as can be. Everybody else: where people who come
together all find room side by side; then as few strangers as can be in the same column and the two beside it; then the
least crowding within five columns, nearer ones counting double; then the emptier aisle; then the lower number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

NEAR = 1
"""Columns on either side in which people are in each other's way."""

REACH = 5
"""Columns on either side that count as crowding."""

ANOTHER_AISLE = 1_000
"""How far the next aisle is, in columns: further than anything in one's own."""


class Place(NamedTuple):
    """Where a locker stands."""

    id: UUID
    aisle: int
    position: int
    row: int


class Choice(NamedTuple):
    """The locker, and why: strangers in its column or beside it, lockers that were free, whether it is beside its people."""

    locker: UUID
    near: int
    free: int
    together: bool


def choose(
    places: Iterable[Place],
    taken: Mapping[UUID, UUID | None],
    blocked: Collection[UUID],
    party: UUID | None = None,
    size: int = 1,
) -> Choice | None:
    """Return the locker to give, None where none is free. `taken`: the party of who has it; `size`: how many of this party
    will want one in all. Same values, same choice.
    """
    every = list(places)
    free = [place for place in every if place.id not in taken and place.id not in blocked]
    if not free:
        return None
    ours = [place for place in every if party is not None and taken.get(place.id) == party]
    room = _Room(every, {id_ for id_, whose in taken.items() if party is None or whose != party})
    waiting = size - len(ours)
    spread = _spread(free, waiting) if waiting > 1 and not ours else {}

    def rank(place: Place) -> tuple[int, ...]:
        near, crowd, aisle = room.around(place)
        return (
            min((distance(place, other) for other in ours), default=0),
            spread.get((place.aisle, place.position), 0),
            near,
            crowd,
            aisle,
            place.aisle,
            place.position,
            place.row,
        )

    best = min(free, key=lambda place: (rank(place), place.id))
    return Choice(best.id, room.around(best)[0], len(free), any(distance(best, other) <= NEAR * 10 for other in ours))


def distance(one: Place, other: Place) -> int:
    """Return how far two lockers are from each other: columns count ten, rows one, another aisle more than any column."""
    if one.aisle != other.aisle:
        return (ANOTHER_AISLE + abs(one.aisle - other.aisle)) * 10
    return abs(one.position - other.position) * 10 + abs(one.row - other.row)


class _Room:
    """Strangers by column, counted once for a decision."""

    def __init__(self, places: Iterable[Place], strangers: Collection[UUID]) -> None:
        self._columns = Counter((p.aisle, p.position) for p in places if p.id in strangers)
        self._aisles = Counter[int]()
        for (aisle, _), count in self._columns.items():
            self._aisles[aisle] += count
        self._known: dict[tuple[int, int], tuple[int, int, int]] = {}

    def around(self, place: Place) -> tuple[int, int, int]:
        """Return strangers near, the crowding around, and how many there are in the aisle."""
        column = (place.aisle, place.position)
        found = self._known.get(column)
        if found is None:
            counts = {d: self._columns[place.aisle, place.position + d] for d in range(-REACH, REACH + 1)}
            near = sum(counts[d] for d in range(-NEAR, NEAR + 1))
            crowd = sum(count << (REACH - abs(d)) for d, count in counts.items())
            found = self._known[column] = (near, crowd, self._aisles[place.aisle])
        return found


def _spread(free: Iterable[Place], together: int) -> dict[tuple[int, int], int]:
    """Return, by column, how many columns away the last of so many people would stand if the first stood there."""
    columns = Counter((place.aisle, place.position) for place in free)
    last = {aisle: max(p for a, p in columns if a == aisle) for aisle, _ in columns}
    found = {}
    for aisle, position in columns:
        count, away = columns[aisle, position], 0
        while count < together and away <= last[aisle]:
            away += 1
            count += columns[aisle, position - away] + columns[aisle, position + away]
        found[aisle, position] = away if count >= together else ANOTHER_AISLE
    return found
