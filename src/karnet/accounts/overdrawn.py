"""Accounts that several servers emptied together: each spent what it knew was there (SPEC N14)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from django.db import connection


class Overdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """A bounded account, what it lacks, and whose transfers drew on it: `facilities` got it by `operations`, the last of
    them at `at`. Amounts in the account's unit (minor)."""

    id: UUID
    owner: UUID
    purpose: str
    unit: str
    lacking: int
    at: datetime
    facilities: tuple[UUID, ...]
    operations: tuple[UUID, ...]


def overdrawn(limit: int = 200) -> list[Overdrawn]:
    """Return accounts that lack something. Answered by an index of these alone, however long the history."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.id, a.owner, a.purpose, a.unit, a.overdrawn, drawn.at, drawn.facilities, drawn.operations"
            " FROM (SELECT * FROM accounts_account WHERE overdrawn > 0 LIMIT %s) a CROSS JOIN LATERAL ("
            "SELECT max(t.at) AS at, array_agg(DISTINCT h.owner) AS facilities, array_agg(DISTINCT o.id) AS operations"
            " FROM accounts_transfer t JOIN accounts_account h ON h.id = t.target"
            " JOIN journal_operation o ON o.number = t.number WHERE t.source = a.id) drawn WHERE drawn.at IS NOT NULL",
            [limit],
        )
        return [
            Overdrawn(
                id=row[0], owner=row[1], purpose=row[2], unit=row[3], lacking=row[4], at=row[5],
                facilities=tuple(row[6]), operations=tuple(row[7]),
            )
            for row in cursor.fetchall()
        ]  # fmt: skip
