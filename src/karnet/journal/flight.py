"""Statements that need no answer from each other are sent together and answered together (PostgreSQL's pipeline mode).

A decision made of sixteen statements otherwise waits sixteen times for the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.pq import Format

Check = Callable[[int], None]


class Landed:
    """A statement's answer, to be read when the flight is over."""

    __slots__ = ("_cursor",)

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def rows(self) -> list[tuple[Any, ...]]:
        """Return all rows. May be called once, after the flight."""
        rows: list[tuple[Any, ...]] = self._cursor.fetchall()
        return rows


class Send(Protocol):
    """Sends a statement; `check` is called with its row count once every statement of the flight has landed."""

    def __call__(self, sql: str, parameters: Sequence[Any], check: Check | None = None) -> Landed: ...


@contextmanager
def in_one_flight(db: BaseDatabaseWrapper) -> Iterator[Send]:
    """Send the block's statements without waiting for each; they run in order, each seeing what those before it did.

    Leaving the block waits for all of them, raises the first one's error as Django's, then runs the checks in order.
    Must be inside a transaction.
    """
    assert db.in_atomic_block, "outside a transaction a pipeline would commit as a whole"
    sent: list[tuple[Any, Check | None]] = []

    def send(sql: str, parameters: Sequence[Any], check: Check | None = None) -> Landed:
        cursor = db.cursor()
        # Ids and instants come back in binary: psycopg reads them in under half the time that their text takes.
        cursor.cursor.format = Format.BINARY
        cursor.execute(sql, parameters)
        sent.append((cursor, check))
        return Landed(cursor)

    db.ensure_connection()
    with db.wrap_database_errors, db.connection.pipeline():
        yield send
    for cursor, check in sent:
        if check is not None:
            check(cursor.rowcount)
