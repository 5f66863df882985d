"""Finding media by what is printed on them or read from them."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from django.db import connection


class Found(NamedTuple):
    """A medium at a glance. `state`: in_use, returned or replaced; `blocks`: how many blocks lie on it."""

    id: UUID
    number: str
    chip: str
    kind: str
    state: str
    blocks: int


def media_starting(text: str, limit: int = 50) -> list[Found]:
    """Return media whose printed number begins with a text, or whose chip it is, by number. Answered by indexes."""
    begins = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, number, chip, kind, state, blocks FROM (SELECT * FROM entitlements_medium WHERE number LIKE %s"
            " UNION SELECT * FROM entitlements_medium WHERE chip = %s) m ORDER BY number LIMIT %s",
            [begins, text, limit],
        )
        return [Found._make(row) for row in cursor.fetchall()]
