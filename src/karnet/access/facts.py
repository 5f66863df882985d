"""What settlement reads of access: passages inside a cut, summed by the database, never what was recorded after it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from karnet.entitlements.facts import made_in
from karnet.journal.cuts import Extent


def visits_relation(
    extent: Extent, since: datetime | None = None, until: datetime | None = None
) -> tuple[str, list[Any]]:
    """Return SQL (a SELECT) and its parameters for what tickets did inside an extent: one row a ticket.

    With `since` or `until`: only tickets sold in [since, until), whenever they were used; no others are read.
    Columns: `entitlement`; `passages`, entries through gates with a weight (SPEC N16); `visits`, text that is equal
    for tickets used alike: "FACILITY PASSAGES POINTS WEIGHT" joined by commas in the order of facility ids, weight in
    millionths. To be joined and counted by the database: a million passages never leave it.
    """
    where, parameters = extent.where("p")
    sold, sold_parameters = made_in("p.entitlement", since, until)
    return (
        "SELECT v.entitlement, sum(v.passages)::bigint AS passages,"
        " string_agg(concat_ws(' ', v.facility, v.passages, v.points, v.weight), ',' ORDER BY v.facility) AS visits"
        " FROM (SELECT p.entitlement, p.facility, count(*) FILTER (WHERE p.weight > 0) AS passages,"
        " sum(p.points) AS points, sum(p.weight)::bigint AS weight FROM access_passage p"
        f" WHERE p.direction = 'in' AND {where} AND {sold} GROUP BY p.entitlement, p.facility) v GROUP BY v.entitlement"
    ), [*parameters, *sold_parameters]


def used_elsewhere(extent: Extent, sold_by: UUID, used_at: UUID, after: UUID | None, limit: int) -> list[UUID]:
    """Return tickets sold by one facility and let through a gate of another, inside an extent, in the order of ids.

    `after`: the last one of the page before. What a debt between two facilities is traced to.
    """
    sold, sold_parameters = extent.where("e")
    passed, passed_parameters = extent.where("p")
    further = " AND e.id > %s" if after else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT e.id FROM entitlements_entitlement e WHERE e.facility_id = %s AND {sold}{further} AND EXISTS (SELECT"
            f" FROM access_passage p WHERE p.entitlement = e.id AND p.facility = %s AND p.direction = 'in' AND {passed})"
            " ORDER BY e.id LIMIT %s",
            [sold_by, *sold_parameters, *([after] if after else []), used_at, *passed_parameters, limit],
        )
        return [row[0] for row in cursor.fetchall()]
