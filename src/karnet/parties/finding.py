"""Finding parties by what people know of them: a code, a name, a tax number. Tables of hundreds of rows, not millions."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from karnet.parties.models import Company

LIMIT = 50


class Party(NamedTuple):
    """Who acts: `code` as people write it ("kopa/anna"; a facility's own code), `name` where there is one."""

    id: UUID
    kind: str
    code: str
    name: str


_PARTIES = (
    "SELECT p.id, p.kind, p.code, coalesce(n.name, '') FROM ("
    " SELECT id, 'facility' AS kind, code FROM parties_facility"
    " UNION ALL SELECT s.id, 'sales_point', f.code || '/' || s.code FROM parties_sales_point s"
    " JOIN parties_facility f ON f.id = s.facility_id"
    " UNION ALL SELECT o.id, 'operator', f.code || '/' || o.code FROM parties_operator o"
    " JOIN parties_facility f ON f.id = o.facility_id) p LEFT JOIN parties_name n ON n.actor_id = p.id"
)


def labels(ids: list[UUID]) -> dict[UUID, Party]:
    """Return facilities, sales points and operators by id; other actors are left out."""
    return {party.id: party for party in _parties("p.id = ANY(%s)", [ids], len(ids))}


def parties_called(text: str, limit: int = LIMIT) -> list[Party]:
    """Return parties whose code or name contains a text, in any case, by code."""
    pattern = f"%{_literal(text)}%"
    return _parties("p.code ILIKE %s OR n.name ILIKE %s", [pattern, pattern], limit)


def all_parties() -> list[Party]:
    """Return every facility, sales point and operator, by kind and code."""
    return _parties("true", [], 100_000)


def companies_called(text: str, limit: int = LIMIT) -> list[tuple[UUID, str, str]]:
    """Return companies (id, name, tax number) whose name contains a text, or whose tax number it is; no persons."""
    digits = "".join(character for character in text.upper() if character.isalnum())
    found = Company.objects.filter(name__icontains=text) | Company.objects.filter(tax_number=digits)
    return list(found.exclude(tax_number="").order_by("name").values_list("id", "name", "tax_number")[:limit])


def _parties(where: str, parameters: list[Any], limit: int) -> list[Party]:
    with connection.cursor() as cursor:
        cursor.execute(f"{_PARTIES} WHERE {where} ORDER BY p.kind, p.code LIMIT %s", [*parameters, limit])
        return [Party._make(row) for row in cursor.fetchall()]


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
