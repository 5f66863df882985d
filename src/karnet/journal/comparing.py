"""Two tables of one shape compared row by row: the live one, and the one that the journal was replayed into."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from hashlib import sha256
from typing import Any

import msgspec
from django.db import models
from psycopg import sql

SHOWN = 5
"""Differences told in full, for each table; all are counted."""

_FETCH = 2_000


_Keyed = Generator[tuple[tuple[bytes, ...], str], None, None]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One column of one row. `expected` is what the journal says, `found` what the table has; texts, as SQL prints them.

    Where a whole row is missing or too many, `column` is None and the other side is None.
    """

    table: str
    key: str
    column: str | None
    expected: str | None
    found: str | None


class TableCompared(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows the live table has, and how many keys differ."""

    table: str
    rows: int
    different: int


def compare(live: Any, rebuilt: Any, model: type[models.Model]) -> tuple[TableCompared, list[Difference]]:
    """Compare `public.<table>` over one psycopg connection with `pg_temp.<table>` over another (or the same).

    Both in key order as text, exact to the byte; the slow search for what differs is made only where something does.
    """
    table = model._meta.db_table
    rows, digest = _digest(live, "public", model)
    if (rows, digest) == _digest(rebuilt, "pg_temp", model):
        return TableCompared(table=table, rows=rows, different=0), []
    different = 0
    shown: list[Difference] = []
    for key, found, expected in _merged(live, rebuilt, model):
        different += 1
        if len(shown) < SHOWN:
            shown += _columns(table, key, expected, found)[: SHOWN - len(shown)]
    return TableCompared(table=table, rows=rows, different=different), shown


def key_columns(model: type[models.Model]) -> list[str]:
    """Return the columns of a model's primary key."""
    return [str(field.column) for field in model._meta.pk_fields]


def _held(model: type[models.Model]) -> str:
    return str(getattr(model, "UNPROJECTED_SUM", ""))


def _columns_compared(model: type[models.Model]) -> list[str]:
    return [str(f.column) for f in model._meta.concrete_fields if f.column and f.column != _held(model)]


def _projected(model: type[models.Model]) -> sql.Composable:
    """Return the condition that leaves out short holds, of which the journal knows nothing (ADR 0012)."""
    column = getattr(model, "UNPROJECTED_COLUMN", "")
    return sql.SQL(" WHERE {} IS NULL").format(sql.Identifier(column)) if column else sql.SQL("")


def _digest(connection: Any, schema: str, model: type[models.Model]) -> tuple[int, bytes]:
    query = sql.SQL("COPY (SELECT {} FROM {}{} ORDER BY {}) TO STDOUT").format(
        sql.SQL(", ").join(map(sql.Identifier, _columns_compared(model))),
        sql.Identifier(schema, model._meta.db_table),
        _projected(model),
        sql.SQL(", ").join(map(sql.Identifier, key_columns(model))),
    )
    digest, rows = sha256(), 0
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
        with cursor.copy(query) as copy:
            for row in copy:
                digest.update(row)
                rows += 1
    return rows, digest.digest()


def _merged(live: Any, rebuilt: Any, model: type[models.Model]) -> Iterator[tuple[Any, str | None, str | None]]:
    """Yield (key, live row, rebuilt row) as JSON texts wherever the two are not the same."""
    with closing(_keyed(live, "public", model)) as left, closing(_keyed(rebuilt, "pg_temp", model)) as right:
        one, other = next(left, None), next(right, None)
        while one is not None or other is not None:
            if other is None or (one is not None and one[0] < other[0]):
                assert one is not None
                yield one[0], one[1], None
                one = next(left, None)
            elif one is None or other[0] < one[0]:
                yield other[0], None, other[1]
                other = next(right, None)
            else:
                if one[1] != other[1]:
                    yield one[0], one[1], other[1]
                one, other = next(left, None), next(right, None)


def _keyed(connection: Any, schema: str, model: type[models.Model]) -> _Keyed:
    """Yield key and row in an order that Python shares with PostgreSQL: that of the keys' bytes."""
    columns = key_columns(model)
    key = sql.SQL(", ").join(sql.SQL('{}::text COLLATE "C"').format(sql.Identifier(column)) for column in columns)
    query = sql.SQL("SELECT {}, (to_jsonb(t) - {})::text FROM {} AS t{} ORDER BY {}").format(
        key, sql.Literal(_held(model)), sql.Identifier(schema, model._meta.db_table), _projected(model), key
    )
    with connection.cursor(f"karnet_compare_{schema}", withhold=True) as cursor:
        cursor.execute(query)
        while rows := cursor.fetchmany(_FETCH):
            for row in rows:
                yield tuple(str(part).encode() for part in row[:-1]), row[-1]


def _columns(table: str, key: Sequence[bytes], expected: str | None, found: str | None) -> list[Difference]:
    named = ", ".join(part.decode() for part in key)
    if expected is None or found is None:
        return [Difference(table=table, key=named, column=None, expected=expected, found=found)]
    says: dict[str, Any] = msgspec.json.decode(expected)
    has: dict[str, Any] = msgspec.json.decode(found)
    return [
        Difference(table=table, key=named, column=column, expected=_text(value), found=_text(has[column]))
        for column, value in says.items()
        if value != has[column]
    ]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
