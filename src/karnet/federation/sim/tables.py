"""Projected tables in memory: the forms of `journal.projection`, meaning what their SQL means, on dictionaries.

The projections themselves, what they write and in which order, are the real ones (`projection.collect`); only the
statements are done here by hand, with the guards that the models declare (`schema`). A form that is unknown here fails
loudly: whoever adds one says here what it does. Money on hot accounts goes into their balance at once, since folding is
the sealer's affair and no decision reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import Model

from karnet.federation.sim.schema import Row, Schema, schema_of
from karnet.journal.operations import Recorded
from karnet.journal.projection import (
    Add,
    AddOrCreate,
    Claim,
    Conflict,
    Form,
    Insert,
    InsertOrSetLater,
    SetEarlier,
    SetLater,
    collect,
    stamp_columns,
)

Key = tuple[Any, ...]


class Refused(Exception):
    """A constraint of a table said no; its name is the message."""


class Table:
    """Rows by primary key, and where each further key is taken."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.rows: dict[Key, Row] = {}
        self.taken: list[dict[Key, Key]] = [{} for _ in schema.keys[1:]]
        self.key_of, *self.further = schema.readers
        """A row's primary key, and its further ones."""

    def copy(self) -> Table:
        """Return a copy that shares nothing that changes."""
        copy = Table(self.schema)
        copy.rows = {key: dict(row) for key, row in self.rows.items()}
        copy.taken = [dict(taken) for taken in self.taken]
        return copy


class Tables:
    """All projected tables of one server. `server_of` tells the server of an origin number, for stamps."""

    def __init__(self, server_of: Callable[[int], UUID]) -> None:
        self._server_of = server_of
        self._tables: dict[type[Model], Table] = {}
        self._undo: list[Callable[[], object]] = []
        self._touched: dict[int, tuple[Table, Row]] = {}

    def copy(self, server_of: Callable[[int], UUID]) -> Tables:
        """Return a copy of all rows (a backup)."""
        copy = Tables(server_of)
        copy._tables = {model: table.copy() for model, table in self._tables.items()}
        return copy

    def __getitem__(self, model: type[Model]) -> Table:
        table = self._tables.get(model)
        if table is None:
            table = self._tables[model] = Table(schema_of(model))
        return table

    def labelled(self, label: str) -> Table:
        """Return a table by its model's label ("orders.Order")."""
        return self[_model(label)]

    def __iter__(self) -> Iterator[Table]:
        return iter(self._tables.values())

    def project(self, batch: Sequence[Recorded], *, arriving: bool) -> None:
        """Do what the projections of a batch do, all of it or nothing. Raises Conflict or Refused, as tables do."""
        self._undo, self._touched = [], {}
        try:
            for form, rows in collect(batch):
                self._apply(form, rows, arriving)
            self._check()
        except BaseException:
            for undo in reversed(self._undo):
                undo()
            raise
        finally:
            self._undo, self._touched = [], {}

    def _apply(self, form: Form, rows: list[tuple[Any, ...]], arriving: bool) -> None:
        prepared = form.prepare_arrivals(rows) if arriving else form.prepare(rows)
        act = _ACTS.get(_meaning(form.__class__))  # type: ignore[arg-type]
        if act is None:
            raise NotImplementedError(f"the simulator does not know what {type(form).__name__} does")
        table = self[form.model]
        written = sum(act(self, form, table, row, arriving) for row in prepared)
        if written != len(prepared) and form.must_hit_all:
            raise Conflict(form, len(prepared), written)

    def _check(self) -> None:
        """What a commit checks: conditions of rows written, and references of rows inserted."""
        for table, row in self._touched.values():
            schema = table.schema
            for column in schema.required:
                if row[column] is None:
                    raise Refused(f"{schema.model._meta.db_table}.{column} is missing")
            for name, judge in schema.checks:
                if judge(row) is False:
                    raise Refused(name)
            for reference in schema.references:
                named = row[reference.column]
                if named is not None and (named,) not in self[reference.target].rows:
                    raise Refused(f"{schema.model._meta.db_table}.{reference.column}: there is no {named}")

    def insert(self, table: Table, values: Mapping[str, Any]) -> bool:
        """Insert a row unless one of its keys is taken; return whether it was inserted."""
        row = {**table.schema.defaults, **values}
        key = table.key_of(row)
        if key in table.rows:
            return False
        places = []
        for taken, read in zip(table.taken, table.further, strict=True):
            place = read(row)
            if None in place:
                continue
            if place in taken:
                return False
            places.append((taken, place))
        table.rows[key] = row
        self._undo.append(lambda: table.rows.pop(key))
        for taken, place in places:
            taken[place] = key
            self._undo.append(lambda taken=taken, place=place: taken.pop(place))  # type: ignore[misc]
        self._touched[id(row)] = (table, row)
        return True

    def update(self, table: Table, row: Row, values: Mapping[str, Any]) -> None:
        """Change columns of a row that are in none of its keys."""
        before = {column: row[column] for column in values}
        self._undo.append(lambda: row.update(before))
        row.update(values)
        self._touched[id(row)] = (table, row)

    def later(self, one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
        """Whether a stamp (at, origin, number) is later than another: instant, then server, then place in its log."""
        return self._rank(one) > self._rank(other)

    def _rank(self, stamp: tuple[Any, ...]) -> tuple[Any, ...]:
        at, origin, number = stamp
        return at, self._server_of(origin).int, number


Act = Callable[[Tables, Any, Table, tuple[Any, ...], bool], bool]


@lru_cache(maxsize=256)
def _meaning(form: type[Form]) -> str:
    """The class, of a form's ancestors, that says what its statement does."""
    return next(
        ancestor.__name__
        for ancestor in form.__mro__
        if {"statement", "arrival_statement", "WINS"} & vars(ancestor).keys()
    )


def _insert(tables: Tables, form: Insert, table: Table, row: tuple[Any, ...], arriving: bool) -> bool:
    return tables.insert(table, dict(zip(form.columns, row, strict=True)))


def _insert_or_set(tables: Tables, form: InsertOrSetLater, table: Table, row: tuple[Any, ...], arriving: bool) -> bool:
    values = dict(zip(form.columns, row, strict=True))
    present = table.rows.get(table.key_of(values))
    if not arriving or present is None:
        if tables.insert(table, values):
            return True
        if arriving:
            raise Refused(f"{form}: another key is taken")
        return False
    for stamp, columns in form.groups.items():
        group = stamp_columns(stamp)
        offered, held = tuple(values[c] for c in group), tuple(present[c] for c in group)
        if tables.later(offered, held) if form.WINS == ">" else tables.later(held, offered):
            tables.update(table, present, {c: values[c] for c in (*columns, *group)})
    return True


def _claim(tables: Tables, form: Claim, table: Table, row: tuple[Any, ...], arriving: bool) -> bool:
    values = dict(zip(form.columns, row, strict=True))
    present = table.rows.get(table.key_of(values))
    if present is None:
        return tables.insert(table, values)
    if arriving:
        tables.update(table, present, {"claims": present["claims"] + values["claims"]})
    return arriving


def _found(form: Add | SetLater, table: Table, values: Row) -> list[Row]:
    if form.key == table.schema.primary:
        present = table.rows.get(tuple(values[column] for column in form.key))
        return [present] if present is not None else []
    return [row for row in table.rows.values() if all(row[column] == values[column] for column in form.key)]


def _add(tables: Tables, form: Add, table: Table, row: tuple[Any, ...], arriving: bool) -> bool:
    values = dict(zip(form.columns, row, strict=True))
    found = _found(form, table, values)
    for present in found:
        tables.update(table, present, {column: present[column] + values[column] for column in form.sums})
    return bool(found)


def _add_or_create(tables: Tables, form: AddOrCreate, table: Table, row: tuple[Any, ...], arriving: bool) -> bool:
    return _add(tables, form, table, row, arriving) or _insert_sums(tables, form, table, row)


def _insert_sums(tables: Tables, form: AddOrCreate, table: Table, row: tuple[Any, ...]) -> bool:
    return tables.insert(table, dict(zip(form.columns, row, strict=True)))


def _set_later(tables: Tables, form: SetLater, table: Table, row: tuple[Any, ...], arriving: bool) -> bool:
    return _set(tables, form, table, row, tables.later)


def _set_earlier(tables: Tables, form: SetEarlier, table: Table, row: tuple[Any, ...], arriving: bool) -> bool:
    return _set(tables, form, table, row, lambda one, other: tables.later(other, one))


def _set(tables: Tables, form: SetLater, table: Table, row: tuple[Any, ...], wins: Callable[[Key, Key], bool]) -> bool:
    values = dict(zip(form.columns, row, strict=True))
    offered = tuple(values[column] for column in form.stamp)
    found = _found(form, table, values)
    for present in found:
        stamp = tuple(present[column] for column in form.stamp)
        if stamp[0] is None or wins(offered, stamp):
            tables.update(table, present, {column: values[column] for column in (*form.values, *form.stamp)})
    return bool(found)


def _guarded_sums(tables: Tables, form: Add, table: Table, row: tuple[Any, ...], arriving: bool) -> bool:
    key, balance, reserved = row
    present = table.rows.get((key,))
    if present is None or present["hot"]:
        return False
    balance, reserved = present["balance"] + balance, present["reserved"] + reserved
    overdrawn = 0
    if present["overdraft"] is not None:
        overdrawn = max(0, reserved - balance - present["overdraft"])
        if not arriving:
            overdrawn = min(present["overdrawn"], overdrawn)
    tables.update(table, present, {"balance": balance, "reserved": reserved, "overdrawn": overdrawn})
    return True


def _hot_sums(tables: Tables, form: Add, table: Table, row: tuple[Any, ...], arriving: bool) -> bool:
    _, account, amount = row
    accounts = tables.labelled("accounts.Account")
    present = accounts.rows.get((account,))
    if present is None or not present["hot"]:
        return False
    tables.update(accounts, present, {"balance": present["balance"] + amount})
    return True


def _end(tables: Tables, form: Insert, table: Table, row: tuple[Any, ...], arriving: bool) -> bool:
    reservation, source, amount, posted, origin, number = row
    promised = next(ref.target for ref in table.schema.references if ref.column == "reservation")
    present = tables[promised].rows.get((reservation,))
    if present is None or (present["source"], present["amount"], present["origin"]) != (source, amount, origin):
        return False
    values = {"reservation": reservation, "posted": posted, "origin": origin, "number": number}
    return tables.insert(table, values)


def _standing_blocks(tables: Tables, form: Form, table: Table, row: tuple[Any, ...], arriving: bool) -> bool:
    (medium,) = row
    present = table.rows.get((medium,))
    if present is None:
        return False
    lifted = {lift["block"] for lift in tables.labelled("entitlements.Lift").rows.values()}
    blocks = tables.labelled("entitlements.Block").rows.values()
    standing = sum(block["medium"] == medium and block["id"] not in lifted for block in blocks)
    tables.update(table, present, {"blocks": standing})
    return True


def _voided(tables: Tables, form: SetEarlier, table: Table, row: tuple[Any, ...], arriving: bool) -> bool:
    values = dict(zip(form.columns, row, strict=True))
    own = [present for present in _found(form, table, values) if present["origin"] == values["voided_origin"]]
    return bool(own) and _set_earlier(tables, form, table, row, arriving)


def _line_back(tables: Tables, form: Insert, table: Table, row: tuple[Any, ...], arriving: bool) -> bool:
    values = dict(zip(form.columns, row, strict=True))
    back = tables.labelled("orders.GivenBack").rows.get((values["given_back"],))
    line = tables.labelled("orders.OrderLine").rows.get((values["line"],))
    order = tables.labelled("orders.Order").rows.get((line["order"],)) if line else None
    if back is None or order is None or order["id"] != back["order"] or order["origin"] != back["origin"]:
        return False
    return tables.insert(table, values)


def _invoice(tables: Tables, form: Insert, table: Table, row: tuple[Any, ...], arriving: bool) -> bool:
    values = dict(zip(form.columns, row, strict=True))
    order = tables.labelled("orders.Order").rows.get((values["order"],))
    return order is not None and order["origin"] == values["origin"] and tables.insert(table, values)


def _closing(tables: Tables, form: Insert, table: Table, row: tuple[Any, ...], arriving: bool) -> bool:
    values = dict(zip(form.columns, row, strict=True))
    agreement = tables.labelled("settlement.Agreement").rows.get((values["agreement"],))
    return agreement is not None and agreement["origin"] == values["origin"] and tables.insert(table, values)


@lru_cache(maxsize=256)
def _model(label: str) -> type[Model]:
    return apps.get_model(label)


_ACTS: dict[str, Act] = {
    "Insert": _insert,
    "InsertOrSetLater": _insert_or_set,
    "InsertOrSetEarlier": _insert_or_set,
    "Claim": _claim,
    "Add": _add,
    "AddOrCreate": _add_or_create,
    "SetLater": _set_later,
    "SetEarlier": _set_earlier,
    # Of accounts, which keeps these classes to itself: known by name.
    "_GuardedSums": _guarded_sums,
    "_HotSums": _hot_sums,
    "_End": _end,
    "_StandingBlocks": _standing_blocks,
    "_Voided": _voided,
    "_LineBack": _line_back,
    "_Invoice": _invoice,
    "_Closing": _closing,
}
