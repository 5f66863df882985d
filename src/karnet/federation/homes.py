"""Which server is the home of what: by the log that enrolled it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC
from typing import Any
from uuid import UUID

from django.db import connection

from karnet.kernel.outcomes import Refused
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


def last_heard(answer: Refused, facility: str) -> Refused:
    """Return a refusal that also says since when a facility's server was not heard: when its newest note was signed, or
    since when our own link to the hub is down."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce((SELECT min(p.down_since) FROM federation_peer p JOIN federation_hub h ON h.log = p.log),"
            " (SELECT c.at FROM journal_actor a JOIN journal_checkpoint c ON c.origin_id = a.origin WHERE a.id = %s"
            " ORDER BY c.size DESC LIMIT 1))",
            [facility_id(facility)],
        )
        row = cursor.fetchone()
    since = row[0] if row else None
    if since is None:
        return answer
    return Refused(answer.reason, {**answer.facts, "since": since.astimezone(UTC).isoformat().replace("+00:00", "Z")})


def _log_name(where: str, values: list[Any]) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT o.name FROM journal_origin o WHERE {where}", values)
        row = cursor.fetchone()
    return str(row[0]) if row else None
