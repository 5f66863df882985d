"""Cuts: which sealed operations count. A cut names one tree size per origin, so anybody who holds the same logs selects
the same operations, whatever has been recorded since (SPEC N4, N5)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from django.db import connection

from karnet.journal.recording import HOME


class UnknownCut(ValueError):
    """The cut names a log, or a tree size of it, that this installation does not hold."""


class Cut(msgspec.Struct, frozen=True):
    """Tree sizes by the names of the logs: of each, the entries with an index below the size."""

    sizes: dict[str, int]


class _Numbers(msgspec.Struct, frozen=True):
    """The operation numbers of one origin inside a cut: up to `floor` all but `without`, and those in `also`."""

    origin: int
    floor: int
    without: list[int]
    also: list[int]


class Extent(msgspec.Struct, frozen=True):
    """A cut made ready for queries, and optionally an instant before which a fact must have happened.

    Made once by `extent`; rows recorded or sealed afterwards never match, so several statements see the same facts.
    """

    cut: Cut
    until: datetime | None
    numbers: tuple[_Numbers, ...]

    def where(self, table: str, stamp: str = "") -> tuple[str, list[Any]]:
        """Return an SQL condition and its parameters for a table of facts, by its columns `origin`, `number`, `at`
        (or those of a stamp: `where("e", "voided_")` looks at e.voided_origin, …). A null stamp does not match."""
        name = f"{table}.{stamp}"
        parts, parameters = [], list[Any]()
        for n in self.numbers:
            parts.append(
                f"({name}origin = %s AND ({name}number <= %s OR {name}number = ANY(%s::bigint[]))"
                f" AND {name}number <> ALL(%s::bigint[]))"
            )
            parameters += [n.origin, n.floor, n.also, n.without]
        condition = f"({' OR '.join(parts) or 'false'})"
        if self.until is not None:
            condition += f" AND {name}at < %s"
            parameters.append(self.until)
        return condition, parameters


def latest_cut() -> Cut:
    """Return the cut over everything that counts here now: what is sealed here, and of other logs what is applied."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT o.name, coalesce(a.size, t.size) FROM journal_origin o JOIN journal_tree t ON t.origin_id = o.id"
            " LEFT JOIN journal_applied a ON a.origin_id = o.id ORDER BY o.name"
        )
        return Cut(dict(cursor.fetchall()))


def home_cut(size: int) -> Cut:
    """Return the cut at a size of this server's own log, the other logs as far as they are held here now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM journal_origin WHERE id = %s", [HOME])
        row = cursor.fetchone()
    return Cut({**latest_cut().sizes, **({row[0]: size} if row else {})})


def instant_of(cut: Cut) -> datetime | None:
    """Return when the last entry of a cut happened (of several logs, the latest); None for an empty cut.

    It follows from signed entries alone, so every holder of the logs gets the same.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(p.at) FROM unnest(%s::text[], %s::bigint[]) AS c(name, size)"
            " JOIN journal_origin o ON o.name = c.name"
            " JOIN journal_entry e ON e.origin_id = o.id AND e.index = c.size - 1"
            " JOIN journal_operation p ON p.number = e.operation_id",
            [list(cut.sizes), list(cut.sizes.values())],
        )
        row = cursor.fetchone()
    return row[0] if row else None


def extent(cut: Cut, until: datetime | None = None) -> Extent:
    """Return the extent of a cut. Raises UnknownCut when this installation does not hold it."""
    with connection.cursor() as cursor:
        # Of another log, what is applied is settled: numbers were drawn in the order of its entries.
        cursor.execute(
            "SELECT o.name, o.id, coalesce(a.size, t.size), CASE WHEN a.size IS NULL THEN t.settled ELSE %s END"
            " FROM journal_origin o JOIN journal_tree t ON t.origin_id = o.id"
            " LEFT JOIN journal_applied a ON a.origin_id = o.id",
            [2**63 - 1],
        )
        logs = {name: (origin, size, settled) for name, origin, size, settled in cursor.fetchall()}
        numbers = []
        for name, size in sorted(cut.sizes.items()):
            if name not in logs:
                raise UnknownCut(f"no log named {name!r} is held here")
            origin, held, settled = logs[name]
            if not 0 <= size <= held:
                raise UnknownCut(f"log {name!r} counts here up to size {held}, the cut asks for {size}")
            if size:
                numbers.append(_numbers(cursor, origin, size, settled))
    return Extent(cut, until, tuple(numbers))


def _numbers(cursor: Any, origin: int, size: int, settled: int) -> _Numbers:
    # Entries are sealed nearly, not exactly, in the order of their numbers. Up to `settled` every number is sealed or
    # will never come, so there the few numbers outside the cut can be named; above it, the few inside.
    cursor.execute(
        "SELECT operation_id FROM journal_entry WHERE origin_id = %s AND index < %s ORDER BY operation_id DESC LIMIT 1",
        [origin, size],
    )
    floor = min(cursor.fetchone()[0], settled)
    cursor.execute(
        "SELECT operation_id FROM journal_entry WHERE origin_id = %s AND index >= %s AND operation_id <= %s",
        [origin, size, floor],
    )
    without = [number for (number,) in cursor.fetchall()]
    cursor.execute(
        "SELECT operation_id FROM journal_entry WHERE origin_id = %s AND index < %s AND operation_id > %s",
        [origin, size, floor],
    )
    return _Numbers(origin, floor, without, [number for (number,) in cursor.fetchall()])
