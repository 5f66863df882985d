"""Reading loyalty: rules, how far cards are with them, rights."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from karnet.loyalty.operations import LoyaltyRule
from karnet.loyalty.rules import Progress, Right, RuleInForce

_EVENTS = {
    "passages": "SELECT p.medium, p.at, 1 AS amount, p.facility FROM access_passage p"
    " WHERE p.medium = ANY(%(media)s) AND p.direction = 'in' AND p.weight > 0",
    "loaded": "SELECT l.medium, l.at, l.money AS amount, l.facility FROM accounts_load l"
    " WHERE l.medium = ANY(%(media)s) AND l.currency = %(currency)s",
    "charged": "SELECT d.medium, d.at, d.money AS amount, d.facility FROM accounts_drawn d"
    " WHERE d.medium = ANY(%(media)s) AND d.currency = %(currency)s",
}


def rules_at(at: datetime, facilities: Collection[UUID]) -> list[RuleInForce]:
    """Return the rules of these facilities in force at an instant, by code."""
    return [
        RuleInForce(
            rule=msgspec.json.decode(row[0], type=LoyaltyRule), facility=row[1], currency=row[2], valid_from=row[3],
            valid_until=row[4],
        )
        for row in _rows(
            "SELECT definition, facility_id, currency, valid_from, valid_until FROM loyalty_rule"
            " WHERE valid_from <= %(at)s AND valid_until > %(at)s AND facility_id = ANY(%(facilities)s) ORDER BY code, id",
            {"at": at, "facilities": list(facilities)},
        )
    ]  # fmt: skip


def rule_codes(ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the codes of rules that are there already."""
    return dict(_rows("SELECT id, code FROM loyalty_rule WHERE id = ANY(%(ids)s)", {"ids": list(ids)}))


def progress(rules: Collection[RuleInForce], media: Collection[UUID], at: datetime) -> dict[UUID, dict[UUID, Progress]]:
    """Return how far each medium is with each rule at an instant: medium → rule → progress. A statement a rule.

    Counts what happened since the medium was last issued: another holder's use earns nothing.
    """
    found: dict[UUID, dict[UUID, Progress]] = {medium: {} for medium in media}
    for one in rules:
        rule = one.rule
        window = timedelta(days=rule.window_days) if rule.window_days else None
        since = max(one.valid_from, at - window) if window else one.valid_from
        rows = _rows(
            "WITH given AS (SELECT e.medium, count(*) AS times, max(e.at) AS last FROM loyalty_earned e"
            " JOIN entitlements_medium m ON m.id = e.medium AND m.issue = e.issue"
            " WHERE e.rule_id = %(rule)s AND e.medium = ANY(%(media)s) GROUP BY e.medium)"
            " SELECT m.id, coalesce(sum(v.amount), 0)::bigint, coalesce(max(g.times), 0)::bigint"
            " FROM entitlements_medium m LEFT JOIN given g ON g.medium = m.id"
            f" LEFT JOIN ({_EVENTS[rule.event]}) v ON v.medium = m.id AND v.at >= %(since)s AND v.at <= %(at)s"
            " AND v.at >= m.issued_at AND (%(anew)s IS FALSE OR g.last IS NULL OR v.at > g.last)"
            " AND (%(everywhere)s OR v.facility = ANY(%(facilities)s))"
            " WHERE m.id = ANY(%(media)s) GROUP BY m.id",
            {
                "rule": rule.id, "media": list(media), "currency": one.currency, "since": since, "at": at,
                "anew": window is not None, "everywhere": not rule.facilities, "facilities": list(rule.facilities),
            },
        )  # fmt: skip
        for medium, counted, given in rows:
            found[medium][rule.id] = Progress(counted=counted, given=given)
    return found


def active_media(since: datetime, until: datetime, limit: int, after: UUID | None = None) -> list[UUID]:
    """Return media on which something that may earn a reward happened in [since, until), in the order of ids."""
    rows = _rows(
        "SELECT medium FROM (SELECT medium FROM access_passage WHERE at >= %(since)s AND at < %(until)s"
        " UNION SELECT medium FROM accounts_load WHERE at >= %(since)s AND at < %(until)s"
        " UNION SELECT medium FROM accounts_drawn WHERE at >= %(since)s AND at < %(until)s) m"
        " WHERE %(after)s::uuid IS NULL OR medium > %(after)s::uuid ORDER BY medium LIMIT %(limit)s",
        {"since": since, "until": until, "limit": limit, "after": after},
    )
    return [row[0] for row in rows]


_USED = "EXISTS (SELECT FROM loyalty_right_use u WHERE u.right_id = r.id)"
_RIGHT = (
    f"SELECT r.id, r.medium, r.issue, r.facility_id, r.discount_bp, r.products, r.valid_until, {_USED}"
    " FROM loyalty_right r"
)


def rights(ids: Collection[UUID]) -> dict[UUID, Right]:
    """Return rights by id."""
    return {right.id: right for right in _rights(f"{_RIGHT} WHERE r.id = ANY(%(ids)s)", {"ids": list(ids)})}


def open_rights(medium: UUID, at: datetime) -> list[Right]:
    """Return the rights of a medium's present holder that can still be used, the one that ends first first."""
    return _rights(
        f"{_RIGHT} JOIN entitlements_medium m ON m.id = r.medium AND m.issue = r.issue"
        f" WHERE r.medium = %(medium)s AND r.valid_until > %(at)s AND NOT {_USED} ORDER BY r.valid_until, r.id",
        {"medium": medium, "at": at},
    )


def _rights(sql: str, parameters: dict[str, Any]) -> list[Right]:
    return [
        Right(
            id=row[0], medium=row[1], issue=row[2], facility=row[3], discount_bp=row[4],
            products=msgspec.json.decode(row[5], type=tuple[str, ...]), valid_until=row[6], used=row[7],
        )
        for row in _rows(sql, parameters)
    ]  # fmt: skip


def _rows(sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
