"""Stays as columns of whole numbers: the form in which a period is re-priced. Nothing here depends on a tariff."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from karnet.tariffs.stays import Stay, second, visits

Integers = NDArray[np.int64]

NONE = -1
"""In place of a package's index: no package."""
NEVER_S = np.iinfo(np.int64).min // 4
"""In place of an instant: there was no time stop."""


class Stays(NamedTuple):
    """n stays with v visits. Codes are indices into the tuples of names; instants are whole seconds of the epoch.

    Stay i has the visits `first_visit[i]` to `first_visit[i + 1]` (n + 1 of them), in order of time, up to `ended_s[i]`,
    none of them empty. To re-price through a tariff with other names, replace the tuples: `stays._replace(categories=…)`.
    """

    categories: tuple[str, ...]
    packages: tuple[str, ...]
    zones: tuple[str, ...]
    category: Integers
    package: Integers
    prepaid_minor: Integers
    entry_s: Integers
    ended_s: Integers
    stopped_s: Integers
    first_visit: Integers
    zone: Integers
    start_s: Integers
    end_s: Integers

    def part(self, begin: int, end: int) -> Stays:
        """Return the stays `begin` to `end` (views of the same memory, where possible)."""
        low, high = int(self.first_visit[begin]), int(self.first_visit[end])
        of_stays = (column[begin:end] for column in self[3:9])
        of_visits = (column[low:high] for column in self[10:])
        return Stays._make([*self[:3], *of_stays, self.first_visit[begin : end + 1] - low, *of_visits])

    def parts(self, size: int) -> Iterator[Stays]:
        """Yield the stays in parts of at most `size`."""
        count = len(self.category)
        for begin in range(0, count, size):
            yield self.part(begin, min(begin + size, count))


def columns(stays: Iterable[Stay]) -> Stays:
    """Return stays as columns. Raises BadStay as rating them would."""
    categories, packages, zones = _Codes(), _Codes(), _Codes()
    of_stays: list[tuple[int, ...]] = []
    of_visits: list[tuple[int, int, int]] = []
    first = [0]
    for stay in stays:
        ended = second(stay.ended)
        of_visits += [(zones[zone], start, end) for zone, start, end in visits(stay.moves, ended, stay.halts)]
        first.append(len(of_visits))
        package = packages[stay.package] if stay.package else NONE
        stopped = NEVER_S if stay.stopped is None else second(stay.stopped)
        entry = second(stay.moves[0].at)
        of_stays.append((categories[stay.category], package, stay.prepaid_minor, entry, ended, stopped))
    names = (tuple(categories), tuple(packages), tuple(zones))
    first_visit = np.array(first, dtype=np.int64)
    return Stays._make([*names, *_transposed(of_stays, 6), first_visit, *_transposed(of_visits, 3)])


class _Codes(dict[str, int]):
    """Names in the order in which they turn up."""

    def __missing__(self, name: str) -> int:
        self[name] = len(self)
        return self[name]


def _transposed(rows: list[tuple[int, ...]] | list[tuple[int, int, int]], width: int) -> Iterator[Integers]:
    table = np.array(rows, dtype=np.int64).reshape(len(rows), width)
    return (np.ascontiguousarray(table[:, column]) for column in range(width))
