"""The projection toolkit: the only way into a projected table.

A projection is a function of a part that writes rows into *forms*. There are three forms, generated from the model as
`unnest` SQL, so a batch of any size costs one statement per form: insert if absent, add to a sum, set if later.
All three commute with arrivals from other servers, which is why the same code applies local and foreign operations.

What happened elsewhere cannot be refused any more, so forms have a second mode, for arrivals: a guard that would refuse
a local operation counts the claim instead (`Claim`), a bound that would be broken gives way by what is lacking (balances
of `accounts`). What tables hold in the end depends on the operations alone, not on their order, nor on which of
them were local: a rebuild replays all of them as arrivals and finds the same rows (docs/federation.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any, ClassVar, TypeVar

from django.db import connections, models

from karnet.journal.flight import Send
from karnet.journal.models import Guard
from karnet.journal.operations import Operation, Part, Recorded

Row = tuple[Any, ...]
Write = Callable[["Form", Row], None]
Projection = Callable[[Any, Recorded, Write], None]
PartT = TypeVar("PartT", bound=Part)

_projections: dict[type[Part], list[Projection]] = {}


class Conflict(Exception):
    """The database's last guard said no: a row that must be new was there, or a row to change was not."""

    def __init__(self, form: Form, expected: int, found: int) -> None:
        super().__init__(f"{form}: expected {expected} rows, found {found}")
        self.form = form


def projects(part: type[PartT]) -> Callable[[Projection], Projection]:
    """Register a projection: `def f(part, recorded, write)` calls `write(FORM, row)` for each row."""

    def register(function: Projection) -> Projection:
        _projections.setdefault(part, []).append(function)
        return function

    return register


class Form:
    """A statement over one table that takes any number of rows. Made at import; its SQL is built at first use."""

    ORDER: ClassVar[int]
    _made: ClassVar[int] = 0

    def __init__(self, model: type[models.Model], columns: Sequence[str]) -> None:
        Form._made += 1
        # Slices import downwards, so forms of lower slices are made first: rows exist before what points at them.
        self.rank = (self.ORDER, Form._made)
        self.model = model
        self.columns = tuple(columns)
        self._sql: dict[bool, str] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.model._meta.db_table})"

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    def prepare(self, rows: list[Row]) -> list[Row]:
        """Return the rows as the statement wants them: reduced to one per key, sorted by key (the lock order)."""
        return rows

    def prepare_arrivals(self, rows: list[Row]) -> list[Row]:
        """Return the rows as `arrival_statement` wants them."""
        return self.prepare(rows)

    def apply(self, send: Send, rows: list[Row], *, arriving: bool = False) -> None:
        """Write rows in one statement; Conflict where the count of rows written is not the count expected."""
        rows = self.prepare_arrivals(rows) if arriving else self.prepare(rows)
        if not rows:
            return
        sql = self._sql.get(arriving)
        if sql is None:
            sql = self._sql[arriving] = self.arrival_statement() if arriving else self.statement()

        def check(found: int) -> None:
            if found != len(rows) and self.must_hit_all:
                raise Conflict(self, len(rows), found)

        send(sql, [list(column) for column in zip(*rows, strict=True)], check)

    must_hit_all = True

    def statement(self) -> str:
        raise NotImplementedError

    def arrival_statement(self) -> str:
        """Return the statement for arrivals and rebuilds. Of most forms there is only one."""
        return self.statement()

    def _field(self, name: str) -> models.Field[Any, Any]:
        field = self.model._meta.get_field(name)
        assert isinstance(field, models.Field)
        return field

    def _column(self, name: str) -> str:
        return f'"{self._field(name).column}"'  # quoted: some are words of SQL

    def _type(self, name: str) -> str:
        kind = self._field(name).db_type(connections["default"])
        assert kind is not None
        # A cast to varchar(n) would cut a long text silently; as text the column itself refuses it.
        return "text" if kind.startswith("varchar") else kind

    def _unnest(self) -> str:
        """Return `unnest(%s::type[], …) AS d(column, …)` for the form's columns."""
        arrays = ", ".join(f"%b::{self._type(name)}[]" for name in self.columns)
        return f"unnest({arrays}) AS d({', '.join(map(self._column, self.columns))})"


class Insert(Form):
    """Insert if absent. Every row must be new: a unique or exclusion constraint that swallows one refuses, unless the
    form says `present_ok` (an account several operations open, a day several passages use)."""

    ORDER = 0

    def __init__(self, model: type[models.Model], columns: Sequence[str], *, present_ok: bool = False) -> None:
        super().__init__(model, columns)
        self.must_hit_all = not present_ok

    def prepare(self, rows: list[Row]) -> list[Row]:
        if not self.must_hit_all:
            rows = list(dict.fromkeys(rows))
        return sorted(rows, key=self._place_of) if self._place_of and len(rows) > 1 else rows

    @cached_property
    def _place_of(self) -> Callable[[Row], Any] | None:
        """What rows are ordered by: the primary key, if the form writes it. A row whose key another transaction has
        inserted and not yet committed waits for it: without one order for all, batches that cross would deadlock."""
        key = {field.column for field in self.model._meta.pk_fields}
        places = [place for place, name in enumerate(self.columns) if self._field(name).column in key]
        if len(places) == 1 and self._type(self.columns[places[0]]) == "uuid":
            (place,) = places
            return lambda row: row[place].int  # whole numbers are compared in a quarter of the time of UUIDs
        return itemgetter(*places) if places else None

    def statement(self) -> str:
        names = ", ".join(map(self._column, self.columns))
        return f"INSERT INTO {self.table} ({names}) SELECT {names} FROM {self._unnest()} ON CONFLICT DO NOTHING"


class Claim(Form):
    """Claim what may happen once: rows (guard, key) of `journal_guard`. A local operation must be the first to claim; an
    arriving one is counted, and more than one claim is a conflict for people and agreements to settle."""

    ORDER = 0

    def __init__(self) -> None:
        super().__init__(Guard, ("guard", "key", "claims"))

    def prepare(self, rows: list[Row]) -> list[Row]:
        return [(*row, 1) for row in sorted(rows)]

    def prepare_arrivals(self, rows: list[Row]) -> list[Row]:
        return [(*row, claims) for row, claims in sorted(Counter(rows).items())]

    def statement(self) -> str:
        return f"{self._insert()} ON CONFLICT DO NOTHING"

    def arrival_statement(self) -> str:
        return f"{self._insert()} ON CONFLICT (guard, key) DO UPDATE SET claims = t.claims + excluded.claims"

    def _insert(self) -> str:
        return f"INSERT INTO {self.table} AS t (guard, key, claims) SELECT guard, key, claims FROM {self._unnest()}"


CLAIM = Claim()


class Live(Form):
    """Rows that are there while something goes on (the claim of a seat, ADR 0012): `write(FORM, form.put(row))` puts one
    in, `write(FORM, form.take(key))` takes it out. History stays in the journal, so the table is as large as what goes on.

    Within a batch rows are netted in the order written: what is put in and taken out again is never there, and what is
    taken out leaves before anything comes in. So a batch of any size meets the constraints (an exclusion, say) that its
    operations met one by one. Whoever decides such operations holds a lock on what is claimed, so that of two on the
    same thing the later one has the higher number.
    """

    ORDER = 0
    _PUT, _TAKE = True, False

    def __init__(self, model: type[models.Model], columns: Sequence[str]) -> None:
        super().__init__(model, columns)
        assert self.columns[0] == model._meta.pk.attname, "the first column is the key"

    def put(self, row: Row) -> Row:
        """Return the row as `write` wants it: it is there from now on; its key was never there before."""
        return (self._PUT, *row)

    def take(self, key: Any) -> Row:
        """Return what takes out the row with this key, which must be there."""
        return (self._TAKE, key)

    def apply(self, send: Send, rows: list[Row], *, arriving: bool = False) -> None:
        """Take out what ends, then put in what is new, one statement each; Conflict where the counts differ."""
        new: dict[Any, Row] = {}
        ended: list[Row] = []
        for kind, *values in rows:
            if kind is self._PUT:
                new[values[0]] = tuple(values)
            elif new.pop(values[0], None) is None:
                ended.append((values[0],))
        for sql, some in ((self._delete(), sorted(ended)), (self.statement(), sorted(new.values(), key=itemgetter(0)))):
            if some:
                send(sql, [list(column) for column in zip(*some, strict=True)], self._expecting(len(some)))

    def _expecting(self, count: int) -> Callable[[int], None]:
        def check(found: int) -> None:
            if found != count:
                raise Conflict(self, count, found)

        return check

    def statement(self) -> str:
        names = ", ".join(map(self._column, self.columns))
        return f"INSERT INTO {self.table} ({names}) SELECT {names} FROM {self._unnest()} ON CONFLICT DO NOTHING"

    def _delete(self) -> str:
        key = self.columns[0]
        return f"DELETE FROM {self.table} WHERE {self._column(key)} = ANY(%b::{self._type(key)}[])"


class Add(Form):
    """Add to sums of rows found by key; a batch's additions to one key are added up first."""

    ORDER = 1

    def __init__(self, model: type[models.Model], key: Sequence[str], sums: Sequence[str]) -> None:
        super().__init__(model, (*key, *sums))
        self.key, self.sums = tuple(key), tuple(sums)

    def prepare(self, rows: list[Row]) -> list[Row]:
        width = len(self.key)
        totals: dict[Row, list[int]] = {}
        for row in rows:
            total = totals.get(row[:width])
            if total is None:
                totals[row[:width]] = list(row[width:])
            else:
                for place, amount in enumerate(row[width:]):
                    total[place] += amount
        return [(*key, *totals[key]) for key in sorted(totals)]

    def statement(self) -> str:
        where = " AND ".join(f"t.{column} = d.{column}" for column in map(self._column, self.key))
        sets = ", ".join(f"{column} = t.{column} + d.{column}" for column in map(self._column, self.sums))
        return f"UPDATE {self.table} AS t SET {sets} FROM {self._unnest()} WHERE {where}"


class AddOrCreate(Add):
    """Add to sums, creating the row at zero where the key is new (counters by day, folded balances)."""

    def statement(self) -> str:
        names = [self._column(name) for name in self.columns]
        key = ", ".join(map(self._column, self.key))
        sets = ", ".join(f"{c} = t.{c} + excluded.{c}" for c in map(self._column, self.sums))
        return (
            f"INSERT INTO {self.table} AS t ({', '.join(names)}) SELECT {', '.join(names)} FROM {self._unnest()} "
            f"ORDER BY {key} ON CONFLICT ({key}) DO UPDATE SET {sets}"
        )


class SetLater(Form):
    """Set columns where the row's stamp is earlier. The stamp of a group of columns is three columns of the model,
    `<stamp>_at`, `<stamp>_origin`, `<stamp>_number` (all three null = never set); write rows as
    (key…, values…, recorded) and the form adds it.

    A setting dated before the one it was decided after would be recorded and do nothing. So a rule that decides one
    refuses that instant (BAD_VALUE on `at`: entitlements.rules.outrun); its state must carry the stamp it would follow.
    """

    ORDER = 2
    WINS: ClassVar[str] = ">"
    must_hit_all = False  # a later setting may already be there: then ours is history, not a conflict

    def __init__(self, model: type[models.Model], key: Sequence[str], values: Sequence[str], stamp: str) -> None:
        super().__init__(model, (*key, *values, f"{stamp}_at", f"{stamp}_origin", f"{stamp}_number"))
        self.key, self.values = tuple(key), tuple(values)
        self.stamp = self.columns[-3:]

    def prepare(self, rows: list[Row]) -> list[Row]:
        latest: dict[Row, Row] = {}
        width = len(self.key)
        for row in rows:
            key = row[:width]
            if key not in latest or self._wins(order_of(row[-1]), order_of(latest[key][-1])):
                latest[key] = row
        return [(*latest[key][:-1], *stamped(latest[key][-1])) for key in sorted(latest)]

    def statement(self) -> str:
        where = " AND ".join(f"t.{column} = d.{column}" for column in map(self._column, self.key))
        sets = ", ".join(f"{column} = d.{column}" for column in map(self._column, (*self.values, *self.stamp)))
        wins = stamp_wins("d", self.WINS, "t", self.stamp)
        return (
            f"UPDATE {self.table} AS t SET {sets} FROM {self._unnest()} WHERE {where}"
            f" AND (t.{self.stamp[0]} IS NULL OR {wins})"
        )

    def _wins(self, offered: Order, present: Order) -> bool:
        return offered > present


class SetEarlier(SetLater):
    """The mirror of set if later, for facts whose first occurrence counts (a first passage, a retirement).

    A rule refuses what has happened already, so here only a later one could do nothing; an earlier one wins.
    """

    WINS = "<"

    def _wins(self, offered: Order, present: Order) -> bool:
        return offered < present


class InsertOrSetLater(Insert):
    """Insert what must be new here but may be there when it arrives: then, as in SetLater, the later one's values stay,
    whichever came first. `groups`: the columns of each stamp, by its name; what is in none belongs to the key.

    Rows are written as (columns…, recorded): all groups start with the stamp of the same operation.
    """

    WINS: ClassVar[str] = ">"

    def __init__(self, model: type[models.Model], columns: Sequence[str], groups: Mapping[str, Sequence[str]]) -> None:
        stamps = [column for stamp in groups for column in stamp_columns(stamp)]
        super().__init__(model, (*columns, *stamps))
        self.groups = dict(groups)

    def prepare(self, rows: list[Row]) -> list[Row]:
        return super().prepare([(*row[:-1], *stamped(row[-1]) * len(self.groups)) for row in rows])

    def prepare_arrivals(self, rows: list[Row]) -> list[Row]:
        latest: dict[Any, Row] = {}
        assert self._place_of is not None, "the key is among the columns"
        for row in rows:  # One statement cannot meet one key twice.
            present = latest.setdefault(self._place_of(row), row)
            if self._wins(order_of(row[-1]), order_of(present[-1])):
                latest[self._place_of(row)] = row
        return self.prepare(list(latest.values()))

    def arrival_statement(self) -> str:
        names = ", ".join(map(self._column, self.columns))
        key = ", ".join(f'"{field.column}"' for field in self.model._meta.pk_fields)
        sets = []
        for stamp, values in self.groups.items():
            wins = stamp_wins("excluded", self.WINS, "t", stamp_columns(stamp))
            for column in map(self._column, (*values, *stamp_columns(stamp))):
                sets.append(f"{column} = CASE WHEN {wins} THEN excluded.{column} ELSE t.{column} END")
        return (
            f"INSERT INTO {self.table} AS t ({names}) SELECT {names} FROM {self._unnest()}"
            f" ON CONFLICT ({key}) DO UPDATE SET {', '.join(sets)}"
        )

    def _wins(self, offered: Order, present: Order) -> bool:
        return offered > present


class InsertOrSetEarlier(InsertOrSetLater):
    """The mirror: of two that made the same thing (one text proposed by two servers) the earlier one made it."""

    WINS = "<"

    def _wins(self, offered: Order, present: Order) -> bool:
        return offered < present


Order = tuple[Any, int, int]


def order_of(recorded: Recorded) -> Order:
    """Return what the same operations have the same order by on every server: instant, server, place in its log."""
    return recorded.entry.at, recorded.server.int if recorded.server else 0, recorded.number


def stamp_columns(stamp: str) -> tuple[str, str, str]:
    """Return the three columns of a stamp; the one without a name is that of the fact itself."""
    if not stamp:
        return "at", "origin", "number"
    return f"{stamp}_at", f"{stamp}_origin", f"{stamp}_number"


def stamp_wins(one: str, wins: str, other: str, columns: Sequence[str]) -> str:
    """Return the SQL condition that the stamp of row `one` is later (">") or earlier ("<") than that of `other`.

    Numbers of origins are this installation's own, so of equal instants the servers' ids decide; they are looked up
    only then.
    """
    at, origin, number = columns
    servers = (f"(SELECT server FROM journal_origin WHERE id = {row}.{origin})" for row in (one, other))
    return (
        f"({one}.{at} {wins} {other}.{at} OR ({one}.{at} = {other}.{at} AND CASE WHEN {one}.{origin} = {other}.{origin}"
        f" THEN {one}.{number} {wins} {other}.{number} ELSE {f' {wins} '.join(servers)} END))"
    )


def stamped(recorded: Recorded) -> tuple[Any, int, int]:
    """Return the stamp values (at, origin, number) for the row's insertion."""
    return recorded.entry.at, recorded.origin, recorded.number


def project(send: Send, batch: Iterable[Recorded], *, arriving: bool = False) -> None:
    """Run the projections of every part of a batch and send all rows, one statement per form.

    When the flight lands it raises Conflict, or the database's IntegrityError where a constraint (a balance below its overdraft, say) refuses.
    `arriving`: in the mode for arrivals and rebuilds; a batch may then mix origins, and each Recorded names its server.
    """
    for form, rows in collect(batch):
        form.apply(send, rows, arriving=arriving)


def collect(batch: Iterable[Recorded]) -> list[tuple[Form, list[Row]]]:
    """Return what the projections of every part of a batch write, form by form in the order in which they are applied:
    inserts, then sums, then settings; within each, forms of lower slices first."""
    rows: dict[Form, list[Row]] = {}

    def write(form: Form, row: Row) -> None:
        present = rows.get(form)
        if present is None:
            rows[form] = [row]
        else:
            present.append(row)

    for recorded in batch:
        body: Operation = recorded.entry.body
        _run(body, recorded, write)
        for part in body.parts():
            _run(part, recorded, write)
    return [(form, rows[form]) for form in sorted(rows, key=lambda form: form.rank)]


def _run(part: Part, recorded: Recorded, write: Write) -> None:
    for projection in _projections.get(type(part), ()):
        projection(part, recorded, write)


def projected_parts() -> frozenset[type[Part]]:
    """Return every part type that some slice projects (a house test compares it with what operations carry)."""
    return frozenset(_projections)
