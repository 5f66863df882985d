"""Rebuild: the journal replayed into empty tables, through the projections that fill the real ones, and compared.

The empty tables are temporary: PostgreSQL finds them before the real ones of the same name, so the very same statements
run, nothing is left behind whatever happens, and the application's own rights suffice. A check reads operations and
tables in one snapshot on a second connection that takes no transaction id: writers and sealer go on meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import msgspec
from django.apps import apps
from django.db import DataError, IntegrityError, connection, transaction

from karnet.journal import sealing
from karnet.journal.comparing import Difference, TableCompared, compare, key_columns
from karnet.journal.flight import in_one_flight
from karnet.journal.models import ProjectedModel
from karnet.journal.operations import Recorded, UnknownKind, decode_entry, scope_of
from karnet.journal.projection import Conflict, project
from karnet.journal.recording import HOME
from karnet.kernel.canonical import NotCanonical

BATCH = 2_000
"""Operations whose rows are sent together."""

FLIGHT = 8_000
"""Operations of one short transaction: the sealer waits for it, so it must stay short."""

Progress = Callable[[int, int], None]


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """The replay came to an operation that the tables refuse, or that cannot be read: so the journal was changed."""

    number: int
    id: UUID
    detail: str


class Rebuild(msgspec.Struct, frozen=True, kw_only=True):
    """What a rebuild found: `tables` in the order of their slices, the first differences of each, all counted.

    `without_content` operations have a content that is not here (docs/trust.md, recovery) and are passed over.
    """

    operations: int
    without_content: int
    tables: list[TableCompared]
    differences: list[Difference]
    stopped: Stopped | None = None

    @property
    def sound(self) -> bool:
        """Whether every row is what the journal makes of it."""
        return self.stopped is None and not any(table.different for table in self.tables)


def projected_models() -> list[type[ProjectedModel]]:
    """Return the models only projections write, lower slices first."""
    return [m for m in apps.get_models() if issubclass(m, ProjectedModel) and not m._meta.abstract]


def check(progress: Progress = lambda done, size: None) -> Rebuild:
    """Replay the journal beside the live tables and compare every row of them. Changes nothing.

    Must not be called inside a transaction.
    """
    assert not connection.in_atomic_block, "a rebuild opens its own transactions"
    with empty_tables(), _snapshot() as reading:
        return _rebuilt(reading, progress)


def repair(progress: Progress = lambda done, size: None) -> Rebuild:
    """Replay the journal and make the live tables what it says, in one transaction; return what was different.

    Needs the tables' owner. Nobody records or seals meanwhile: they wait. Nothing changes if the replay is stopped.
    """
    assert not connection.in_atomic_block, "a repair is one transaction of its own"
    with empty_tables(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("LOCK TABLE journal_operation, journal_entry IN SHARE MODE")
        with _snapshot() as reading:  # Taken after the lock, so it is the state that nobody changes now.
            found = _rebuilt(reading, progress)
        if found.stopped is None:
            cursor.execute("SELECT set_config('karnet.recording', 'on', true)")
            _replace(cursor, {table.table for table in found.tables if table.different})
    return found


@contextmanager
def empty_tables() -> Iterator[None]:
    """Hide every projected table from this session behind an empty temporary one of its name, within the block."""
    with connection.cursor() as cursor:
        cursor.execute("SET temp_buffers = '128MB'")
        try:
            for table in (model._meta.db_table for model in projected_models()):
                cursor.execute(f"CREATE TEMPORARY TABLE {table} (LIKE public.{table} INCLUDING ALL)")
            cursor.execute(_READERS_INDEXES)
            for (index,) in cursor.fetchall():
                cursor.execute(f"DROP INDEX {index}")
            yield
        finally:
            if connection.is_usable():
                cursor.execute("DISCARD TEMP")


# Indexes that only serve readers: no form finds its rows by them.
_READERS_INDEXES = """
SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
WHERE c.relnamespace = pg_my_temp_schema() AND c.relkind = 'r' AND NOT i.indisunique AND NOT i.indisexclusion
"""


@contextmanager
def _snapshot() -> Iterator[Any]:
    """A second connection that sees one state of the database and hinders nobody."""
    with connection.get_new_connection(connection.get_connection_params()) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield reader


def _rebuilt(reading: Any, progress: Progress) -> Rebuild:
    replay = _Replay(reading, progress)
    stopped = replay.run()
    tables: list[TableCompared] = []
    differences: list[Difference] = []
    for model in projected_models() if stopped is None else ():
        compared, shown = compare(reading, connection.connection, model)
        tables.append(compared)
        differences += shown
    return Rebuild(
        operations=replay.done,
        without_content=replay.without_content,
        tables=tables,
        differences=differences,
        stopped=stopped,
    )


# Of another server's log only contents that travel count (unsalted): what it keeps at home is not projected here.
_OPERATIONS = """
SELECT o.number, o.origin_id, o.data, c.data, o.content IS NOT NULL AND c.digest IS NULL, o.id,
    EXISTS (SELECT 1 FROM public.journal_entry e WHERE e.operation_id = o.number), g.server, o.kind
FROM public.journal_operation o JOIN public.journal_origin g ON g.id = o.origin_id
LEFT JOIN public.journal_content c ON c.digest = o.content AND (o.origin_id = 1 OR c.salt = '') ORDER BY o.number
"""
Row = tuple[int, int, bytes, bytes | None, bool, UUID, bool, UUID, str]


class _Replay:
    """Fills the empty tables from the operations that `reading` sees, in the order of their numbers."""

    def __init__(self, reading: Any, progress: Progress) -> None:
        self._reading = reading
        self._progress = progress
        self.done = 0
        self.without_content = 0

    def run(self) -> Stopped | None:
        """Replay all; where an operation is refused, stop there."""
        with self._reading.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM public.journal_operation")
            (size,) = cursor.fetchone()
        plan_at = FLIGHT
        with self._reading.cursor("karnet_operations", binary=True) as cursor:
            cursor.execute(_OPERATIONS)
            ahead: list[Row] = cursor.fetchmany(FLIGHT)
            while rows := ahead:
                try:
                    with transaction.atomic():
                        with in_one_flight(connection) as send:
                            for start in range(0, len(rows), BATCH):
                                project(send, _decoded(rows[start : start + BATCH]), arriving=True)
                            # The server works on what was sent while we read on.
                            ahead = cursor.fetchmany(FLIGHT)
                        _seal(rows)
                except _REFUSALS:
                    stopped = self._first_refused(rows)
                    if stopped is not None:
                        return stopped
                self.without_content += sum(row[4] and not _withheld(row) for row in rows)
                self.done += len(rows)
                self._progress(self.done, size)
                if self.done >= plan_at:
                    _plan_anew()
                    plan_at = 2 * self.done
        return None

    def _first_refused(self, rows: Sequence[Row]) -> Stopped | None:
        """Find by halves what is to blame; the sound half before it stays."""
        try:
            with transaction.atomic():
                with in_one_flight(connection) as send:
                    project(send, _decoded(rows), arriving=True)
                _seal(rows)
        except _REFUSALS as error:
            if len(rows) == 1:
                return Stopped(number=rows[0][0], id=rows[0][5], detail=str(error).strip())
            middle = len(rows) // 2
            return self._first_refused(rows[:middle]) or self._first_refused(rows[middle:])
        return None


_REFUSALS = (IntegrityError, DataError, Conflict, NotCanonical, UnknownKind)


def _decoded(rows: Sequence[Row]) -> list[Recorded]:
    return [
        Recorded(decode_entry(row[2], row[3]), row[1], row[0], row[7])
        for row in rows
        if not row[4] and not _withheld(row)
    ]


def _withheld(row: Row) -> bool:
    return row[1] != HOME and scope_of(row[8]) == "house"


def _seal(rows: Sequence[Row]) -> None:
    with connection.cursor() as cursor:
        sealing.run_hooks(cursor, [row[0] for row in rows if row[6]])


def _plan_anew() -> None:
    """Nobody analyzes temporary tables, and plans made while they were empty are no good for full ones."""
    with connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS")


def _replace(cursor: Any, tables: set[str]) -> None:
    """Take out rows the journal does not make, then put in those that lack; references are checked at the end."""
    changed = [model for model in projected_models() if model._meta.db_table in tables]
    for model in changed:
        table, same = model._meta.db_table, " AND ".join(f"r.{c} = t.{c}" for c in map(_quoted, key_columns(model)))
        if held := model.UNPROJECTED_SUM:
            cursor.execute(f"UPDATE pg_temp.{table} r SET {held} = t.{held} FROM public.{table} t WHERE {same}")
        held = f" AND t.{model.UNPROJECTED_COLUMN} IS NULL" if model.UNPROJECTED_COLUMN else ""
        cursor.execute(
            f"DELETE FROM public.{table} t WHERE NOT EXISTS"
            f" (SELECT 1 FROM pg_temp.{table} r WHERE {same} AND to_jsonb(r) = to_jsonb(t)){held}"
        )
    for model in changed:
        table, same = model._meta.db_table, " AND ".join(f"r.{c} = t.{c}" for c in map(_quoted, key_columns(model)))
        cursor.execute(
            f"INSERT INTO public.{table} SELECT * FROM pg_temp.{table} r WHERE NOT EXISTS"
            f" (SELECT 1 FROM public.{table} t WHERE {same})"
        )


def _quoted(column: str) -> str:
    return f'"{column}"'
