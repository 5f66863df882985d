"""Reading loyalty: rules, how far cards are with them, rights."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from karnet.loyalty.operations import Event, LoyaltyRule
from karnet.loyalty.rules import Progress, Right, RuleInForce

_EVENTS = {
    "passages": "SELECT p.medium, p.at, 1 AS amount, p.facility FROM access_passage p"
    " WHERE p.medium = ANY(ARRAY(SELECT part FROM line)) AND p.direction = 'in' AND p.weight > 0",
    "loaded": "SELECT l.medium, l.at, l.money AS amount, l.facility FROM accounts_load l"
    " WHERE l.medium = ANY(ARRAY(SELECT part FROM line)) AND l.currency = %(currency)s",
    "charged": "SELECT d.medium, d.at, d.money AS amount, d.facility FROM accounts_drawn d"
    " WHERE d.medium = ANY(ARRAY(SELECT part FROM line)) AND d.currency = %(currency)s",
}


_LINE = (
    # A card with those that it replaced, each from when its holder had it. Rows repeat in a circle, so it ends.
    "WITH RECURSIVE line(medium, part, issue, since) AS ("
    " SELECT id, id, issue, issued_at FROM entitlements_medium WHERE id = ANY(%(media)s)"
    " UNION SELECT l.medium, o.id, o.issue, o.issued_at FROM line l JOIN loyalty_succession s"
    " ON s.medium = l.part AND s.issue = l.issue JOIN entitlements_medium o ON o.id = s.old)"
)


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

    Counts what happened since the medium was last issued, and on those it replaced: another holder's use earns nothing.
    """
    found: dict[UUID, dict[UUID, Progress]] = {medium: {} for medium in media}
    for one in rules:
        rule = one.rule
        window = timedelta(days=rule.window_days) if rule.window_days else None
        since = max(one.valid_from, at - window) if window else one.valid_from
        rows = _rows(
            f"{_LINE}, given AS (SELECT l.medium, count(*) AS times, max(e.at) AS last FROM line l"
            " JOIN loyalty_earned e ON e.medium = l.part AND e.issue = l.issue"
            " WHERE e.rule_id = %(rule)s GROUP BY l.medium)"
            " SELECT l.medium, coalesce(sum(v.amount), 0)::bigint, coalesce(max(g.times), 0)::bigint"
            " FROM line l LEFT JOIN given g ON g.medium = l.medium"
            f" LEFT JOIN ({_EVENTS[rule.event]}) v ON v.medium = l.part AND v.at >= %(since)s AND v.at <= %(at)s"
            " AND v.at >= l.since AND (%(anew)s IS FALSE OR g.last IS NULL OR v.at > g.last)"
            " AND (%(everywhere)s OR v.facility = ANY(%(facilities)s)) GROUP BY l.medium",
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


def present_cards(media: Collection[UUID]) -> dict[UUID, UUID]:
    """Return the card in its holder's hands by each of these: itself, or what it was replaced with."""
    rows = _rows(
        "WITH RECURSIVE now(medium, card) AS (SELECT m, m FROM unnest(%(media)s::uuid[]) m"
        " UNION SELECT n.medium, s.medium FROM now n JOIN loyalty_succession s ON s.old = n.card)"
        " SELECT n.medium, n.card FROM now n JOIN entitlements_medium m ON m.id = n.card WHERE m.state <> 'replaced'",
        {"media": list(media)},
    )
    return dict(rows)


_USED = "EXISTS (SELECT FROM loyalty_right_use u WHERE u.right_id = r.id)"
_RIGHT = "r.facility_id, r.discount_bp, r.products, r.valid_until, " + _USED


def rights(ids: Collection[UUID]) -> dict[UUID, Right]:
    """Return rights by id, each on the card that its holder has now."""
    found = _rights(
        "WITH RECURSIVE now(id, medium, issue, step) AS ("
        " SELECT id, medium, issue, 0 FROM loyalty_right WHERE id = ANY(%(ids)s)"
        " UNION SELECT n.id, s.medium, s.issue, n.step + 1 FROM now n"
        " JOIN entitlements_medium o ON o.id = n.medium AND o.issue = n.issue AND o.state = 'replaced'"
        " JOIN loyalty_succession s ON s.old = o.id WHERE n.step < 100)"
        f" SELECT DISTINCT ON (r.id) r.id, n.medium, n.issue, {_RIGHT} FROM now n JOIN loyalty_right r ON r.id = n.id"
        " ORDER BY r.id, n.step DESC",
        {"ids": list(ids)},
    )
    return {right.id: right for right in found}


def open_rights(medium: UUID, at: datetime) -> list[Right]:
    """Return the rights of a medium's present holder that can still be used, the one that ends first first; those that
    were given on a card it replaced are among them."""
    return _rights(
        f"{_LINE} SELECT r.id, m.id, m.issue, {_RIGHT} FROM line l JOIN entitlements_medium m ON m.id = l.medium"
        " JOIN loyalty_right r ON r.medium = l.part AND r.issue = l.issue"
        f" WHERE m.state <> 'replaced' AND r.valid_until > %(at)s AND NOT {_USED} ORDER BY r.valid_until, r.id",
        {"media": [medium], "at": at},
    )


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """An open right and why it was given: the rule's event, threshold (passages, or minor units of `currency`)."""

    right: Right
    rule: str
    event: Event
    threshold: int
    currency: str


def open_offers(media: Collection[UUID], at: datetime) -> dict[UUID, list[Offer]]:
    """Return what can be offered to the present holders of media, by medium: their open rights with the reason of each,
    the one that ends first first. Media without any are left out. One statement, however many media."""
    found: dict[UUID, list[Offer]] = {}
    if not media:
        return found
    for row in _rows(
        f"{_LINE} SELECT r.id, m.id, m.issue, {_RIGHT}, d.definition, d.currency"
        " FROM line l JOIN entitlements_medium m ON m.id = l.medium"
        " JOIN loyalty_right r ON r.medium = l.part AND r.issue = l.issue"
        " JOIN loyalty_earned e ON e.id = r.id JOIN loyalty_rule d ON d.id = e.rule_id"
        f" WHERE m.state <> 'replaced' AND r.valid_until > %(at)s AND NOT {_USED} ORDER BY r.valid_until, r.id",
        {"media": list(media), "at": at},
    ):
        rule = msgspec.json.decode(row[8], type=LoyaltyRule)
        offer = Offer(right=_right(row), rule=rule.code, event=rule.event, threshold=rule.threshold, currency=row[9])
        found.setdefault(offer.right.medium, []).append(offer)
    return found


def _right(row: tuple[Any, ...]) -> Right:
    return Right(
        id=row[0], medium=row[1], issue=row[2], facility=row[3], discount_bp=row[4],
        products=msgspec.json.decode(row[5], type=tuple[str, ...]), valid_until=row[6], used=row[7],
    )  # fmt: skip


def _rights(sql: str, parameters: dict[str, Any]) -> list[Right]:
    return [_right(row) for row in _rows(sql, parameters)]


def _rows(sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
