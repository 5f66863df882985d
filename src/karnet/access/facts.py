"""What settlement reads of access: passages inside a cut, summed by the database, never what was recorded after it."""

from __future__ import annotations

from typing import Any

from karnet.journal.cuts import Extent


def visits_relation(extent: Extent) -> tuple[str, list[Any]]:
    """Return SQL (a SELECT) and its parameters for what every ticket did inside an extent: one row a ticket.

    Columns: `entitlement`; `passages`, entries through gates with a weight (SPEC N16); `visits`, text that is equal
    for tickets used alike: "FACILITY PASSAGES POINTS WEIGHT" joined by commas in the order of facility ids, weight in
    millionths. To be joined and counted by the database: a million passages never leave it.
    """
    where, parameters = extent.where("p")
    return (
        "SELECT v.entitlement, sum(v.passages)::bigint AS passages,"
        " string_agg(concat_ws(' ', v.facility, v.passages, v.points, v.weight), ',' ORDER BY v.facility) AS visits"
        " FROM (SELECT p.entitlement, p.facility, count(*) FILTER (WHERE p.weight > 0) AS passages,"
        " sum(p.points) AS points, sum(p.weight)::bigint AS weight FROM access_passage p"
        f" WHERE p.direction = 'in' AND {where} GROUP BY p.entitlement, p.facility) v GROUP BY v.entitlement"
    ), parameters
