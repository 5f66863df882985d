"""What settlement reads of access: passages inside a cut, summed by the database, never what was recorded after it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from karnet.accounts.facts import points_charged
from karnet.entitlements.facts import made_in
from karnet.journal.cuts import Extent

_BY_GATE = "unnest(%s::uuid[], %s::bigint[])"


class Measures(NamedTuple):
    """What else of passages some rules of division need, and what hypothetical ones would have them weigh.

    `first_entries_in`: a time zone, to count days whose first counted entry was there. `lift_points`: points by gate,
    to sum over passages whether drawn or not. `weights`: millionths by gate instead of those that passages carry.
    """

    first_entries_in: str | None = None
    lift_points: Mapping[UUID, int] | None = None
    weights: Mapping[UUID, int] | None = None


NO_MEASURES = Measures()


def visits_relation(
    extent: Extent, since: datetime | None = None, until: datetime | None = None, measures: Measures = NO_MEASURES
) -> tuple[str, list[Any]]:
    """Return SQL (a SELECT) and its parameters for what tickets did inside an extent: one row a ticket.

    With `since` or `until`: only tickets sold in [since, until), whenever they were used; no others are read.
    Columns: `entitlement`; `passages`, entries through gates with a weight (SPEC N16); `visits`, text that is equal
    for tickets used alike: "FACILITY PASSAGES POINTS WEIGHT", with measures for them also FIRSTS and LIFT_POINTS,
    joined by commas in the order of facility ids, weight in millionths. Points charged to the card at a partner count
    like points drawn at a gate (SPEC N10). To be joined and counted by the database: a million passages never leave it.
    """
    used, parameters = _used(extent, since, until, measures)
    # What no rule asks for is left out: then more tickets are alike.
    more = ", v.firsts, v.lift" if measures.first_entries_in or measures.lift_points is not None else ""
    return (
        "SELECT v.entitlement, sum(v.passages)::bigint AS passages,"
        f" string_agg(concat_ws(' ', v.facility, v.passages, v.points, v.weight{more}), ',' ORDER BY v.facility) AS visits"
        " FROM (SELECT p.entitlement, p.facility, count(*) FILTER (WHERE p.weight > 0) AS passages,"
        " sum(p.points) AS points, sum(p.weight)::bigint AS weight, sum(p.first)::bigint AS firsts,"
        f" sum(p.lift)::bigint AS lift FROM ({used}) p GROUP BY p.entitlement, p.facility) v GROUP BY v.entitlement"
    ), parameters


def _used(extent: Extent, since: datetime | None, until: datetime | None, measures: Measures) -> tuple[str, list[Any]]:
    """Return SQL for single passages, and points charged, with the columns that are summed."""
    where, parameters = extent.where("p")
    sold, sold_parameters = made_in("p.entitlement", since, until)
    weight, lift, joins = "p.weight", "0", ""
    first, first_parameters, join_parameters = "0", list[Any](), list[Any]()
    if measures.weights is not None:
        weight = "coalesce(w.value, 0)"
        joins += f" LEFT JOIN {_BY_GATE} w(gate, value) ON w.gate = p.gate"
        join_parameters += [list(measures.weights), list(measures.weights.values())]
    if measures.lift_points is not None:
        lift = f"CASE WHEN {weight} > 0 THEN coalesce(l.value, 0) ELSE 0 END"
        joins += f" LEFT JOIN {_BY_GATE} l(gate, value) ON l.gate = p.gate"
        join_parameters += [list(measures.lift_points), list(measures.lift_points.values())]
    if measures.first_entries_in is not None:
        # Entries that do not count are never the first of their day.
        first = (
            f"CASE WHEN {weight} > 0 THEN (row_number() OVER (PARTITION BY p.entitlement, (p.at AT TIME ZONE %s)::date,"
            f" {weight} > 0 ORDER BY p.at, p.id) = 1)::int ELSE 0 END"
        )
        first_parameters.append(measures.first_entries_in)
    charged, charged_parameters = points_charged(extent)
    charged_on, charged_on_parameters = made_in("c.entitlement", since, until)
    return (
        f"SELECT p.entitlement, p.facility, p.points, {weight} AS weight, {first} AS first, {lift} AS lift"
        f" FROM access_passage p{joins} WHERE p.direction = 'in' AND {where} AND {sold}"
        " UNION ALL SELECT c.entitlement, c.facility, c.points, 0::bigint, 0, 0"
        f" FROM ({charged}) c WHERE {charged_on}"
    ), [
        *first_parameters, *join_parameters, *parameters, *sold_parameters, *charged_parameters, *charged_on_parameters,
    ]  # fmt: skip


def used_elsewhere(
    extent: Extent, sold_by: UUID, used_at: UUID, after: UUID | None, limit: int, *, used_or_not: bool = False
) -> list[UUID]:
    """Return tickets sold by one facility and let through a gate of another, inside an extent, in the order of ids.

    `after`: the last one of the page before. What a debt between two facilities is traced to. `used_or_not`: all that
    the first one sold, where an agreement owes something for tickets that nobody used there.
    """
    sold, sold_parameters = extent.where("e")
    passed, passed_parameters = extent.where("p")
    further = " AND e.id > %s" if after else ""
    if used_or_not:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT e.id FROM entitlements_entitlement e WHERE e.facility_id = %s AND {sold}{further}"
                " ORDER BY e.id LIMIT %s",
                [sold_by, *sold_parameters, *([after] if after else []), limit],
            )
            return [row[0] for row in cursor.fetchall()]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT e.id FROM entitlements_entitlement e WHERE e.facility_id = %s AND {sold}{further} AND EXISTS (SELECT"
            f" FROM access_passage p WHERE p.entitlement = e.id AND p.facility = %s AND p.direction = 'in' AND {passed})"
            " ORDER BY e.id LIMIT %s",
            [sold_by, *sold_parameters, *([after] if after else []), used_at, *passed_parameters, limit],
        )
        return [row[0] for row in cursor.fetchall()]


def tickets_in(
    extent: Extent,
    since: datetime | None,
    until: datetime | None,
    after: UUID | None,
    limit: int,
    *,
    sold_by: UUID | None = None,
    used_at: UUID | None = None,
    products: Collection[str] | None = None,
) -> list[UUID]:
    """Return a page of the tickets sold in [since, until) inside an extent, in the order of ids, `after` one of them: those
    that a facility sold, that were used at one (a passage, points charged), or of some products (codes), where named."""
    sold, parameters = extent.where("e")
    made, made_parameters = made_in("e.id", since, until)
    conditions, parameters = [sold, made], [*parameters, *made_parameters]
    if after is not None:
        conditions, parameters = [*conditions, "e.id > %s"], [*parameters, after]
    if sold_by is not None:
        conditions, parameters = [*conditions, "e.facility_id = %s"], [*parameters, sold_by]
    if products is not None:
        conditions, parameters = [*conditions, "e.product_code = ANY(%s)"], [*parameters, list(products)]
    if used_at is not None:
        passed, passed_parameters = extent.where("p")
        charged, charged_parameters = points_charged(extent)
        conditions.append(
            f"(EXISTS (SELECT FROM access_passage p WHERE p.entitlement = e.id AND p.facility = %s AND {passed})"
            f" OR EXISTS (SELECT FROM ({charged}) c WHERE c.entitlement = e.id AND c.facility = %s))"
        )
        parameters += [used_at, *passed_parameters, *charged_parameters, used_at]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT e.id FROM entitlements_entitlement e WHERE {' AND '.join(conditions)} ORDER BY e.id LIMIT %s",
            [*parameters, limit],
        )
        return [row[0] for row in cursor.fetchall()]
