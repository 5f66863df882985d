"""What a facility charged to cards: its own statement, against which it checks what it is paid (SPEC N10)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db import connection


class Mark(NamedTuple):
    """The place of a charge in a statement: no two have the same."""

    at: datetime
    id: UUID
    medium: UUID


class CardCharge(msgspec.Struct, frozen=True, kw_only=True):
    """A charge of a medium, by itself or as the payment of a sale (`id` is the charge's, or the order's).

    Minor units of `currency`: `money` and `bonus` money taken, `elsewhere` the part of both that other facilities held.
    Or `points` of a ticket, and no currency.
    """

    id: UUID
    at: datetime
    medium: UUID
    number: str
    currency: str | None
    money: int = 0
    bonus: int = 0
    elsewhere: int = 0
    points: int = 0

    @property
    def mark(self) -> Mark:
        return Mark(self.at, self.id, self.medium)


_WHERE = (
    " WHERE facility = %(facility)s AND at >= %(since)s AND at < %(until)s"
    " AND (%(mark_at)s::timestamptz IS NULL OR (at, charge, medium) < (%(mark_at)s, %(mark_id)s, %(mark_medium)s))"
)
_PAGE = " ORDER BY at DESC, charge DESC, medium DESC LIMIT %(limit)s"


def charges_at(
    facility: UUID, since: datetime | None, until: datetime | None, before: Mark | None, limit: int
) -> list[CardCharge]:
    """Return what a facility charged in [since, until), the newest first; `before`: those after this one of the page before."""
    parameters: dict[str, Any] = {
        "facility": facility,
        "since": since or "-infinity",
        "until": until or "infinity",
        "mark_at": before.at if before else None,
        "mark_id": before.id if before else None,
        "mark_medium": before.medium if before else None,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.charge, c.at, c.medium, m.number, c.currency, c.money, c.bonus, c.elsewhere, c.points FROM ("
            "(SELECT charge, at, medium, currency, sum(money)::bigint AS money, sum(bonus)::bigint AS bonus,"
            " sum(CASE WHEN held_by <> facility THEN money + bonus ELSE 0 END)::bigint AS elsewhere, 0 AS points"
            f" FROM accounts_drawn{_WHERE} GROUP BY at, charge, medium, currency{_PAGE})"
            " UNION ALL (SELECT charge, at, medium, NULL, 0, 0, 0, points"
            f" FROM accounts_points_charge{_WHERE}{_PAGE})) c"
            f" JOIN entitlements_medium m ON m.id = c.medium{_PAGE}",
            parameters,
        )
        return [
            CardCharge(
                id=row[0], at=row[1], medium=row[2], number=row[3], currency=row[4], money=row[5], bonus=row[6],
                elsewhere=row[7], points=row[8],
            )
            for row in cursor.fetchall()
        ]  # fmt: skip
