"""Which server is the home of what: by the log that enrolled it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import connection

from karnet.parties.operations import facility_id


def home_log() -> str | None:
    """Return the name of this server's own log; None where it takes part in no common card."""
    return _log_name("o.id = 1 AND EXISTS (SELECT 1 FROM federation_hub)", [])


def home_of(facility: str) -> str | None:
    """Return the log of the server that enrolled the facility of this code; None for none that is known."""
    return _log_name("o.id = (SELECT origin FROM journal_actor WHERE id = %s)", [facility_id(facility)])


def log_of_all(actors: Collection[UUID]) -> str | None:
    """Return the one log that enrolled these actors, all of them acting still; None if there is no such log."""
    wanted = list(set(actors))
    return _log_name(
        "o.id = (SELECT min(origin) FROM journal_actor WHERE id = ANY(%s) AND retired_at IS NULL"
        " HAVING min(origin) = max(origin) AND count(*) = %s)",
        [wanted, len(wanted)],
    )


def _log_name(where: str, values: list[Any]) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT o.name FROM journal_origin o WHERE {where}", values)
        row = cursor.fetchone()
    return str(row[0]) if row else None
