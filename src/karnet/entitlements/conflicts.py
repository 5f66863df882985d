"""Conflicts on cards: what servers that did not know of each other did together, though it may happen once (SPEC N14).

Nothing is stored about a conflict but the facts: the claims of a guard, a balance below zero. So every server that holds
the same logs lists the same conflicts, whichever of the facts came first. Cost goes with the conflicts, not with history.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from django.db import connection

from karnet.accounts.overdrawn import overdrawn
from karnet.entitlements.projection import Guard

ConflictKind = Literal[
    "overdrawn",
    "deposit_returned",
    "block_lifted",
    "medium_issued",
    "chip_issued",
    "left_on_replaced",
    "replaced_twice",
]


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """A conflict on a card.

    overdrawn: `amount` of `unit` was spent beyond what there was. deposit_returned: paid out more than once, `amount` too
    much. block_lifted: by more than one. medium_issued, chip_issued: one card, or one chip, given out more than once.
    replaced_twice: by servers of which one did not ask; its tickets are on the card that was given out last.
    left_on_replaced: a ticket came onto a card that its home server had replaced, and is still on it.
    `number`: printed on the card. `facilities`, `operations`: who and what caused it. `at`: when the last of it happened.
    """

    kind: ConflictKind
    medium: UUID
    number: str
    at: datetime
    facilities: tuple[UUID, ...]
    operations: tuple[UUID, ...]
    amount: int = 0
    unit: str = ""


def conflicts(limit: int = 200) -> list[Conflict]:
    """Return the conflicts on cards, the latest first, at most `limit` of each kind."""
    found = _overdrawn(limit)
    for kind, read in _READ.items():
        if kind != "chip_issued" or _rows(_TWICE, [Guard.CHIP, 1]):  # these are looked for among all media
            found += read(kind, limit)
    return sorted(found, key=lambda conflict: (conflict.at, conflict.medium), reverse=True)


def _overdrawn(limit: int) -> list[Conflict]:
    accounts = {account.owner: account for account in overdrawn(limit)}
    rows = _rows(
        # Points are a ticket's, money is the card's own.
        "SELECT owner.id, m.id, m.number FROM unnest(%s::uuid[]) AS owner(id)"
        " LEFT JOIN entitlements_entitlement e ON e.id = owner.id"
        " JOIN entitlements_medium m ON m.id = coalesce(e.medium_id, owner.id)",
        [list(accounts)],
    )
    return [
        Conflict(
            kind="overdrawn", medium=medium, number=number, at=account.at, facilities=account.facilities,
            operations=account.operations, amount=account.lacking, unit=account.unit,
        )
        for owner, medium, number in rows
        for account in (accounts[owner],)
    ]  # fmt: skip


_TWICE = "SELECT g.key FROM journal_guard g WHERE g.guard = %s AND g.claims > 1 LIMIT %s"
_FACTS = "max({at}), array_agg(DISTINCT {facility}), array_agg(o.id ORDER BY o.id)"


def _read(sql: str, *parameters: Any) -> Callable[[ConflictKind, int], list[Conflict]]:
    def read(kind: ConflictKind, limit: int) -> list[Conflict]:
        return [
            Conflict(
                kind=kind, medium=row[0], number=row[1], at=row[2], facilities=_some(row[3]), operations=_some(row[4]),
                amount=row[5], unit=row[6],
            )
            for row in _rows(sql, [*parameters, limit])
        ]  # fmt: skip

    return read


_READ: dict[ConflictKind, Callable[[ConflictKind, int], list[Conflict]]] = {
    "deposit_returned": _read(
        f"SELECT d.medium_id, m.number, {_FACTS.format(at='b.at', facility='b.facility_id')},"
        " (sum(b.amount) - d.amount)::bigint, d.currency"
        f" FROM ({_TWICE}) g JOIN entitlements_deposit d ON d.id = g.key"
        " JOIN entitlements_medium m ON m.id = d.medium_id JOIN entitlements_deposit_back b ON b.deposit_id = d.id"
        " JOIN journal_operation o ON o.number = b.number GROUP BY d.id, m.number",
        Guard.DEPOSIT,
    ),
    "block_lifted": _read(
        f"SELECT b.medium_id, m.number, {_FACTS.format(at='l.at', facility='NULL::uuid')}, 0, ''"
        f" FROM ({_TWICE}) g JOIN entitlements_block b ON b.id = g.key"
        " JOIN entitlements_medium m ON m.id = b.medium_id JOIN entitlements_lift l ON l.block_id = b.id"
        " JOIN journal_operation o ON o.number = l.number GROUP BY b.id, m.number",
        Guard.LIFT,
    ),
    "medium_issued": _read(
        f"SELECT m.id, m.number, {_FACTS.format(at='coalesce(e.at, m.issued_at)', facility='e.facility_id')}, 0, ''"
        f" FROM ({_TWICE}) g JOIN entitlements_medium m ON m.id = g.key"
        " LEFT JOIN entitlements_entitlement e ON e.medium_id = m.id AND e.issue = 0"
        " LEFT JOIN journal_operation o ON o.number = e.number GROUP BY m.id",
        Guard.MEDIUM,
    ),
    "left_on_replaced": _read(
        f"SELECT m.id, m.number, {_FACTS.format(at='e.at', facility='e.facility_id')}, 0, ''"
        " FROM entitlements_medium m JOIN entitlements_entitlement e ON e.medium_id = m.id AND e.issue = m.issue"
        " JOIN journal_operation o ON o.number = e.number WHERE m.state = 'replaced' AND e.voided_at IS NULL"
        " GROUP BY m.id LIMIT %s",
    ),
    "replaced_twice": _read(
        # A replacement blocks the old card, so its blocks tell how often it was replaced.
        "SELECT m.id, m.number, max(b.at), (SELECT array_agg(DISTINCT f.id) FROM entitlements_replaced_alone a"
        " CROSS JOIN LATERAL (VALUES (a.facility_id), (a.home_id)) f(id) WHERE a.medium_id = m.id),"
        " array_agg(o.id ORDER BY o.id), 0, ''"
        " FROM (SELECT DISTINCT medium_id FROM entitlements_replaced_alone) g"
        " JOIN entitlements_medium m ON m.id = g.medium_id JOIN entitlements_block b ON b.medium_id = m.id"
        " JOIN journal_operation o ON o.number = b.number AND o.kind = 'entitlements.replaced'"
        " GROUP BY m.id HAVING count(*) > 1 LIMIT %s",
    ),
    "chip_issued": _read(
        # The medium that has the chip now stands for all that were given it.
        f"SELECT max(m.id::text)::uuid, max(m.number), {_FACTS.format(at='m.issued_at', facility='m.facility_id')}, 0, ''"
        " FROM (SELECT chip FROM entitlements_medium GROUP BY chip HAVING count(*) > 1 LIMIT %s) g"
        " JOIN entitlements_medium m ON m.chip = g.chip JOIN journal_operation o ON o.number = m.issued_number"
        " GROUP BY m.chip",
    ),
}


def _rows(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _some(ids: list[UUID | None] | None) -> tuple[UUID, ...]:
    return tuple(id_ for id_ in ids or () if id_ is not None)
