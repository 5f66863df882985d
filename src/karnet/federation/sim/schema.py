"""What a projected table refuses, read from its model: keys, references, checks. The simulator's stand-in for PostgreSQL.

Only what the models say is known here, and the references of the ledger, which its migration makes in SQL. Conditions
in raw SQL count as true.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

import msgspec
from django.apps import apps
from django.db.models import CheckConstraint, F, ForeignKey, Model, Q, UniqueConstraint
from django.db.models.expressions import CombinedExpression, Value
from django.db.models.fields import NOT_PROVIDED

Row = dict[str, Any]
Truth = bool | None
Check = Callable[[Row], Truth]


class Reference(msgspec.Struct, frozen=True):
    """A column that names a row of another table by its key."""

    column: str
    target: type[Model]


class Schema(msgspec.Struct, frozen=True):
    """A table: its columns with what they hold when nobody says, its keys (the primary one first), references, checks."""

    model: type[Model]
    defaults: Mapping[str, Any]
    required: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    references: tuple[Reference, ...]
    checks: tuple[tuple[str, Check], ...]
    readers: tuple[Callable[[Row], tuple[Any, ...]], ...]
    """What reads each of the keys from a row."""

    @property
    def primary(self) -> tuple[str, ...]:
        """The columns of the primary key."""
        return self.keys[0]


_LEDGER = {"source": "accounts.Account", "target": "accounts.Account"}
_IN_SQL = {
    "accounts.Transfer": _LEDGER,
    "accounts.Reservation": _LEDGER,
    "accounts.ReservationEnd": {"reservation": "accounts.Reservation"},
}


@lru_cache(maxsize=256)
def schema_of(model: type[Model]) -> Schema:
    """Return what a model says of its table."""
    meta = model._meta
    primary = tuple(field.name for field in meta.pk_fields)
    keys = [primary]
    references = []
    defaults: Row = {}
    required = []
    for field in meta.concrete_fields:
        given = field.default if field.default is not NOT_PROVIDED else _constant(field.db_default)
        defaults[field.name] = given
        if given is None and not field.null:
            required.append(field.name)
        if field.unique and not field.primary_key:
            keys.append((field.name,))
        if isinstance(field, ForeignKey) and field.db_constraint:  # type: ignore[attr-defined]
            references.append(Reference(field.name, field.related_model))
    for column, target in _IN_SQL.get(meta.label, {}).items():
        references.append(Reference(column, apps.get_model(target)))
    checks = []
    for constraint in meta.constraints:
        if isinstance(constraint, UniqueConstraint) and constraint.fields and constraint.condition is None:
            keys.append(tuple(constraint.fields))
        if isinstance(constraint, CheckConstraint) and isinstance(constraint.condition, Q):
            checks.append((constraint.name, _truth(constraint.condition)))
    readers = tuple(reader(columns) for columns in keys)
    return Schema(model, defaults, tuple(required), tuple(keys), tuple(references), tuple(checks), readers)


def reader(columns: Sequence[str]) -> Callable[[Row], tuple[Any, ...]]:
    """Return what reads these columns from a row, as a tuple."""
    if len(columns) != 1:
        return itemgetter(*columns) if columns else lambda row: ()
    (column,) = columns
    return lambda row: (row[column],)


def _constant(default: object) -> object:
    return None if default is NOT_PROVIDED else default.value if isinstance(default, Value) else default


def _truth(condition: Q) -> Check:
    """A condition as a function of a row, in SQL's logic: None for what is not known, and a check passes unless False."""
    parts = [
        _truth(child) if isinstance(child, Q) else _comparison(*child) if isinstance(child, tuple) else _unknown
        for child in condition.children
    ]
    decisive = condition.connector == Q.OR

    def judge(row: Row) -> Truth:
        found: Truth = not decisive
        for part in parts:
            one = part(row)
            if one is decisive:
                found = decisive
                break
            if one is None:
                found = None
        return found if found is None or not condition.negated else not found

    return judge


def _unknown(row: Row) -> Truth:
    return None


def _comparison(lookup: str, right: object) -> Check:
    column, _, how = lookup.partition("__")
    read = _value(right)
    if how == "isnull":
        return lambda row: (row[column] is None) is right
    if how in ("regex", "in"):
        return _matching(column, how, right)
    compare = _COMPARE[how or "exact"]

    def judge(row: Row) -> Truth:
        left, other = row[column], read(row)
        return None if left is None or other is None else compare(left, other)

    return judge


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "exact": lambda a, b: bool(a == b),
    "gt": lambda a, b: bool(a > b),
    "gte": lambda a, b: bool(a >= b),
    "lt": lambda a, b: bool(a < b),
    "lte": lambda a, b: bool(a <= b),
}


def _matching(column: str, how: str, right: Any) -> Check:
    if how == "in":
        return lambda row: None if row[column] is None else row[column] in right
    pattern = re.compile(right)
    return lambda row: None if row[column] is None else pattern.search(row[column]) is not None


def _value(expression: object) -> Callable[[Row], Any]:
    """An expression of columns and numbers as a function of a row."""
    if isinstance(expression, F):
        return lambda row: row[expression.name]  # type: ignore[attr-defined]
    if isinstance(expression, Value):
        return lambda row: expression.value
    if isinstance(expression, CombinedExpression):
        left, right = _value(expression.lhs), _value(expression.rhs)
        combine = _COMBINE[expression.connector]

        def combined(row: Row) -> Any:
            one, other = left(row), right(row)
            return None if one is None or other is None else combine(one, other)

        return combined
    assert not hasattr(expression, "resolve_expression"), f"the simulator cannot evaluate {expression!r}"
    return lambda row: expression


_COMBINE: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
}
