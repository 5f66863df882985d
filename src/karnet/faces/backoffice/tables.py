"""Every projected table, as it is, to look at: newest keys first, page by page. Nothing here can change anything."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.db import DataError, connection, models
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from karnet.faces.backoffice.frame import EVERYTHING, page
from karnet.faces.base.access import allow
from karnet.journal.rebuilding import projected_models

ROWS = 50
_LONGEST = 120


def shown_tables() -> dict[str, type[models.Model]]:
    """Return the projected tables by name: what the journal makes, and nothing secret is in the journal."""
    return {model._meta.db_table: model for model in projected_models()}


@allow(*EVERYTHING)
@require_safe
def tables(request: HttpRequest) -> HttpResponse:
    """List the tables by slice, with what each is for."""
    by_slice: dict[str, list[tuple[str, str]]] = {}
    for name, model in shown_tables().items():
        by_slice.setdefault(model._meta.app_label, []).append((name, (model.__doc__ or "").split("\n")[0]))
    return page(request, "tables.html", "office:tables", {"by_slice": by_slice})


@allow(*EVERYTHING)
@require_safe
def table(request: HttpRequest, name: str) -> HttpResponse:
    """Show a page of a table's rows, by its key from the last one down: one statement that the key's index answers."""
    model = shown_tables().get(name)
    if model is None:
        raise Http404
    key = [str(field.column) for field in model._meta.pk_fields]
    types = [field.db_type(connection) for field in model._meta.pk_fields]
    columns = [str(field.column) for field in model._meta.local_concrete_fields if field.column]
    after = _key(request.GET.get("after", ""), len(key))
    where, parameters = "", list[Any]()
    if after is not None:
        marks = ", ".join(f"%s::{_plain(kind)}" for kind in types)
        where, parameters = f" WHERE ({_list(key)}) < ({marks})", after
    order = ", ".join(f'"{column}" DESC' for column in key)
    with connection.cursor() as cursor:
        try:
            cursor.execute(
                f'SELECT {_list([*key, *columns])} FROM "{name}"{where} ORDER BY {order} LIMIT %s',
                [*parameters, ROWS + 1],
            )
        except DataError:  # The address named a key that is none.
            raise Http404 from None
        rows = cursor.fetchall()
    last = rows[ROWS - 1][: len(key)] if len(rows) > ROWS else None
    context = {
        "name": name,
        "about": (model.__doc__ or "").split("\n")[0],
        "columns": columns,
        "rows": [[_shown(value) for value in row[len(key) :]] for row in rows[:ROWS]],
        "after": json.dumps([str(part) for part in last]) if last else "",
    }
    return page(request, "table.html", "office:tables", context)


def _list(columns: list[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _plain(kind: str | None) -> str:
    """Return a type to cast to: a length would cut the key."""
    return (kind or "text").split("(")[0]


def _key(text: str, parts: int) -> list[str] | None:
    try:
        found = json.loads(text) if text else None
    except ValueError:
        return None
    fits = isinstance(found, list) and len(found) == parts and all(isinstance(part, str) for part in found)
    return found if fits else None


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes | memoryview):
        data = bytes(value)
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = data.hex()
        return _short(text)
    if isinstance(value, UUID):
        return str(value)
    return _short(str(value))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
