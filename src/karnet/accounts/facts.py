"""What settlement reads of accounts: money put on cards and spent inside a cut, never what was recorded after it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction

from karnet.journal.cuts import Extent

_CHUNK = 10_000


class LoadSum(NamedTuple):
    """Money put on cards at a facility, and the bonus given with it: minor units."""

    facility: UUID
    money: int
    bonus: int


class DrawnSum(NamedTuple):
    """Money spent at `facility` that `held_by` had taken: minor units."""

    held_by: UUID
    facility: UUID
    money: int
    bonus: int


def load_sums(extent: Extent, currency: str, since: datetime | None, until: datetime) -> list[LoadSum]:
    """Return what was put on cards in [since, until), by facility."""
    where, parameters = extent.where("l")
    return [
        LoadSum(*row)
        for row in _rows(
            "SELECT l.facility, sum(l.money)::bigint, sum(l.bonus)::bigint FROM accounts_load l"
            f" WHERE {where} AND l.currency = %s AND l.at < %s AND (%s::timestamptz IS NULL OR l.at >= %s)"
            " GROUP BY l.facility",
            [*parameters, currency, until, since, since],
        )
    ]


def drawn_sums(extent: Extent, currency: str, since: datetime | None, until: datetime) -> list[DrawnSum]:
    """Return what was charged to cards in [since, until), by who holds the money and where it was spent."""
    where, parameters = extent.where("d")
    return [
        DrawnSum(*row)
        for row in _rows(
            "SELECT d.held_by, d.facility, sum(d.money)::bigint, sum(d.bonus)::bigint FROM accounts_drawn d"
            f" WHERE {where} AND d.currency = %s AND d.at < %s AND (%s::timestamptz IS NULL OR d.at >= %s)"
            " GROUP BY d.held_by, d.facility",
            [*parameters, currency, until, since, since],
        )
    ]


class Drawn(NamedTuple):
    """One charge to a medium: what it took of the money that a facility holds on it (minor units)."""

    at: datetime
    medium: UUID
    money: int
    bonus: int


def last_drawn(extent: Extent, held_by: UUID, facility: UUID, limit: int) -> list[Drawn]:
    """Return the last charges at a facility of money that another holds, inside an extent, the newest first."""
    where, parameters = extent.where("d")
    return [
        Drawn(*row)
        for row in _rows(
            "SELECT d.at, d.medium, d.money, d.bonus FROM accounts_drawn d"
            f" WHERE d.held_by = %s AND d.facility = %s AND {where} ORDER BY d.at DESC, d.charge, d.n LIMIT %s",
            [held_by, facility, *parameters, limit],
        )
    ]


class Load(NamedTuple):
    """One time that money was put on a medium at a facility, and its bonus: minor units."""

    id: UUID
    at: datetime
    medium: UUID
    facility: UUID
    money: int
    bonus: int


def loads_in(extent: Extent, currency: str, since: datetime | None, until: datetime, facility: UUID) -> Iterator[Load]:
    """Yield what was put on cards at a facility in [since, until), in the order of ids: the rows behind `load_sums`."""
    where, parameters = extent.where("l")
    sql = (
        "SELECT l.id, l.at, l.medium, l.facility, l.money, l.bonus FROM accounts_load l"
        f" WHERE {where} AND l.currency = %s AND l.at < %s AND (%s::timestamptz IS NULL OR l.at >= %s) AND l.facility = %s"
        " ORDER BY l.id"
    )
    yield from map(Load._make, _stream(sql, [*parameters, currency, until, since, since, facility]))


class Charge(NamedTuple):
    """One charge at `facility`: what it took of the money on a medium that `held_by` holds (minor units)."""

    charge: UUID
    n: int
    at: datetime
    medium: UUID
    held_by: UUID
    facility: UUID
    money: int
    bonus: int


def charges_in(
    extent: Extent, currency: str, since: datetime | None, until: datetime, facility: UUID
) -> Iterator[Charge]:
    """Yield the charges in [since, until) at a facility or of money that it holds, in a fixed order: the rows behind
    `drawn_sums`."""
    where, parameters = extent.where("d")
    sql = (
        "SELECT d.charge, d.n, d.at, d.medium, d.held_by, d.facility, d.money, d.bonus FROM accounts_drawn d"
        f" WHERE {where} AND d.currency = %s AND d.at < %s AND (%s::timestamptz IS NULL OR d.at >= %s)"
        " AND (d.facility = %s OR d.held_by = %s) ORDER BY d.charge, d.n"
    )
    yield from map(Charge._make, _stream(sql, [*parameters, currency, until, since, since, facility, facility]))


def points_charged(extent: Extent) -> tuple[str, list[Any]]:
    """Return SQL (a SELECT) and its parameters for points charged without a gate: entitlement, facility, points."""
    where, parameters = extent.where("q")
    return f"SELECT q.entitlement, q.facility, q.points, q.at FROM accounts_points_charge q WHERE {where}", parameters


class ChargedPoints(NamedTuple):
    """Points of a ticket charged at a facility."""

    entitlement: UUID
    facility: UUID
    points: int
    at: datetime


def points_charged_to(entitlements: list[UUID], extent: Extent) -> list[ChargedPoints]:
    """Return the points charged to these tickets inside an extent, the oldest first."""
    sql, parameters = points_charged(extent)
    return [
        ChargedPoints(*row)
        for row in _rows(f"{sql} AND q.entitlement = ANY(%s) ORDER BY q.at, q.charge", [*parameters, entitlements])
    ]


def _stream(sql: str, parameters: list[Any]) -> Iterator[tuple[Any, ...]]:
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(sql, parameters)
        while rows := cursor.fetchmany(_CHUNK):
            yield from rows


def _rows(sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
