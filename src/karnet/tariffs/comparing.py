"""A period's stays under two tariffs, side by side (SPEC S16): what comes in, by day, hour, category and zones, and who pays
more and who less. Sums of columns, chunk after chunk; nothing is kept of a stay but a few examples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
import numpy as np

from karnet.kernel.time import zone
from karnet.tariffs.columns import NONE, Integers, Stays
from karnet.tariffs.repricing import Repriced
from karnet.tariffs.stays import Stay, moment

QUARTER_S = 900
"""Clocks change at whole quarters of an hour everywhere."""
EXAMPLES = 5


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """What a group of stays comes to, minor units, under the tariffs they had (`before`) and the other one (`after`).

    `more`, `less`: how many would pay more or less; `rise`, `fall`: by how much in all (both not negative).
    """

    name: str
    stays: int
    before: int
    after: int
    more: int
    less: int
    rise: int
    fall: int

    @property
    def change(self) -> int:
        """What more comes in (below zero: less)."""
        return self.after - self.before


class Known(NamedTuple):
    """A stay with its id."""

    id: UUID
    stay: Stay


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """A stay of those that change most, and what it brings in, minor units."""

    known: Known
    before: int
    after: int

    @property
    def change(self) -> int:
        """What more it brings in (below zero: less)."""
        return self.after - self.before


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """The whole, and the same by groups: `days` (2026-01-17), `hours` of entry (00 … 23), `categories`, and `zones`, those
    that a stay saw, in the order of their names ("pool + sauna"). Each partition adds up to the whole.

    `dearer`, `cheaper`: the stays that change most, the largest change first.
    """

    whole: Sums
    days: tuple[Sums, ...]
    hours: tuple[Sums, ...]
    categories: tuple[Sums, ...]
    zones: tuple[Sums, ...]
    dearer: tuple[Example, ...]
    cheaper: tuple[Example, ...]


def revenue(repriced: Repriced) -> Integers:
    """Return what each stay brings in: what it costs, and prepayment that was neither needed nor given back."""
    return repriced.total_minor + repriced.kept_minor


class Comparison:
    """Sums that grow chunk by chunk. Memory: a row for each group, whatever the number of stays."""

    def __init__(self, time_zone: str) -> None:
        self._zone = zone(time_zone)
        self._groups: dict[str, dict[str, Integers]] = {name: {} for name in ("days", "hours", "categories", "zones")}
        self._whole = np.zeros(7, dtype=np.int64)
        self._dearer: list[Example] = []
        self._cheaper: list[Example] = []

    def add(self, stays: Stays, before: Integers, after: Integers, known: Sequence[Known]) -> None:
        """Add stays, as columns and one by one, with what each brought in and would bring in."""
        if not len(before):
            return
        change = after - before
        table = np.stack(
            [
                np.ones_like(before), before, after, change > 0, change < 0,
                np.maximum(change, 0), np.maximum(-change, 0),
            ],
            axis=1,
        ).astype(np.int64)  # fmt: skip
        self._whole += table.sum(axis=0)
        local = stays.entry_s + self._offsets(stays.entry_s)
        day, hour = local // 86_400, local % 86_400 // 3600
        self._sum("days", day, table, lambda code: moment(code * 86_400).date().isoformat())
        self._sum("hours", hour, table, lambda code: f"{code:02d}")
        self._sum("categories", stays.category, table, lambda code: stays.categories[code])
        self._sum("zones", _zones_seen(stays), table, lambda code: _named(code, stays.zones))
        order = np.argsort(change, kind="stable")
        most = [
            Example(known=known[place], before=int(before[place]), after=int(after[place]))
            for place in dict.fromkeys([*order[:EXAMPLES].tolist(), *order[-EXAMPLES:].tolist()])
        ]
        self._dearer = sorted([*self._dearer, *most], key=lambda one: (-one.change, one.known.id))[:EXAMPLES]
        self._cheaper = sorted([*self._cheaper, *most], key=lambda one: (one.change, one.known.id))[:EXAMPLES]

    def result(self) -> Compared:
        """Return the sums so far, each partition in the order of its names."""
        groups = {name: tuple(_sums(one, found[one]) for one in sorted(found)) for name, found in self._groups.items()}
        return Compared(
            whole=_sums("", self._whole),
            dearer=tuple(one for one in self._dearer if one.change > 0),
            cheaper=tuple(one for one in self._cheaper if one.change < 0),
            **groups,
        )

    def _sum(self, name: str, codes: Integers, table: Integers, called: Callable[[int], str]) -> None:
        groups = self._groups[name]
        found, inverse = np.unique(codes, return_inverse=True)
        sums = np.zeros((len(found), table.shape[1]), dtype=np.int64)
        np.add.at(sums, inverse, table)
        for code, row in zip(found.tolist(), sums, strict=True):
            key = called(code)
            groups[key] = groups[key] + row if key in groups else row

    def _offsets(self, entry_s: Integers) -> Integers:
        """Return by how much local clocks were ahead of UTC at each instant."""
        quarters, inverse = np.unique(entry_s // QUARTER_S, return_inverse=True)
        ahead = [moment(quarter * QUARTER_S).astimezone(self._zone).utcoffset() for quarter in quarters.tolist()]
        return np.array([int(one.total_seconds()) if one else 0 for one in ahead], dtype=np.int64)[inverse]


def _sums(name: str, row: Integers) -> Sums:
    stays, before, after, more, less, rise, fall = (int(one) for one in row)
    return Sums(name=name, stays=stays, before=before, after=after, more=more, less=less, rise=rise, fall=fall)


def _zones_seen(stays: Stays) -> Integers:
    """Return for each stay the set of zones it was in, as the sum of their bits. At most 62 zones are told apart."""
    owner = np.repeat(np.arange(len(stays.category)), np.diff(stays.first_visit))
    bits = np.zeros(len(stays.category), dtype=np.int64)
    np.bitwise_or.at(bits, owner, np.int64(1) << np.minimum(stays.zone, 61))
    return bits


def _named(bits: int, zones: tuple[str, ...]) -> str:
    return " + ".join(sorted(zone for n, zone in enumerate(zones) if bits >> min(n, 61) & 1 and zone))


class Missing(NamedTuple):
    """A category or package that stays have and a tariff does not: they cannot be rated by it."""

    what: str
    name: str


def ratable(stays: Stays, categories: frozenset[str], packages: frozenset[str]) -> tuple[Integers, dict[Missing, int]]:
    """Return the places of stays whose category and package a tariff has, and how many lack what."""
    no_category = ~np.isin(stays.category, [n for n, name in enumerate(stays.categories) if name in categories])
    known = [n for n, name in enumerate(stays.packages) if name in packages]
    no_package = ~np.isin(stays.package, [NONE, *known])
    missing: dict[Missing, int] = {}
    for n, name in enumerate(stays.categories):
        if count := int(np.count_nonzero(no_category & (stays.category == n))):
            missing[Missing("category", name)] = count
    for n, name in enumerate(stays.packages):
        if count := int(np.count_nonzero(no_package & ~no_category & (stays.package == n))):
            missing[Missing("package", name)] = count
    return np.flatnonzero(~(no_category | no_package)), missing
