"""What settlement reads of entitlements and card deposits: facts inside a cut, never what was recorded after it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db import connection, transaction

from karnet.catalogue.operations import Validity
from karnet.entitlements.operations import EntitlementKind
from karnet.entitlements.rules import bounds
from karnet.journal.cuts import Extent
from karnet.kernel.ids import first_id

_CHUNK = 20_000


class SoldEntitlement(NamedTuple):
    """A ticket sold inside a cut. `facility` sold it, `at` that instant, for `price` (gross minor units). `voided` and
    `valid_until` are as the cut knows them; `valid_until` is None while open, or for ever. `stayed`: of a voided one, the
    facilities (ids, comma between) where stays that it includes had begun; else None."""

    id: UUID
    facility: UUID
    product_code: str
    category: str
    kind: EntitlementKind
    currency: str
    price: int
    points: int
    valid_until: datetime | None
    voided: bool
    at: datetime
    stayed: str | None = None


def sold_entitlements(extent: Extent, ids: Collection[UUID] | None = None) -> Iterator[SoldEntitlement]:
    """Yield the tickets sold inside a cut (of these ids), in the order of their ids. Fetched in chunks, which bound
    memory.
    """
    sql, parameters = sold_relation(extent)
    if ids is not None:
        sql, parameters = f"{sql} AND e.id = ANY(%s)", [*parameters, list(ids)]
    for row in _stream(f"{sql} ORDER BY e.id", parameters):
        if row[11] is None:
            yield SoldEntitlement._make((*row[:11], row[13]))
        else:
            yield SoldEntitlement._make((*row[:8], season_end(row[11], row[12]), *row[9:11], row[13]))


def sold_relation(
    extent: Extent, since: datetime | None = None, until: datetime | None = None
) -> tuple[str, list[Any]]:
    """Return SQL (a SELECT ending in its WHERE) and its parameters for the tickets sold inside an extent, in [since, until).

    Columns as SoldEntitlement, but for `stayed`; then `validity` and `time_zone`, which are null where `valid_until` is
    known: else the ticket ends with its season at the latest (`season_end`); then `stayed`. Nothing recorded later changes what a cut gives: of
    several first passages the earliest in the cut counts.
    """
    sold, sold_parameters = extent.where("e")
    made, made_parameters = made_in("e.id", since, until)
    started, started_parameters = made_in("a.entitlement", since, until)
    voided, voided_parameters = extent.where("e", "voided_")
    active, active_parameters = extent.where("a")
    stayed, stayed_parameters = extent.where("u")
    end = "coalesce(f.valid_until, e.valid_until)"
    return (
        "SELECT e.id, e.facility_id AS facility, e.product_code, e.category, e.kind, e.currency, e.price, e.points,"
        f" {end} AS valid_until, coalesce({voided}, false) AS voided, e.at,"
        f" CASE WHEN {end} IS NULL THEN e.validity END AS validity,"
        f" CASE WHEN {end} IS NULL THEN e.time_zone END AS time_zone,"
        f" CASE WHEN {voided} THEN (SELECT string_agg(DISTINCT u.facility_id::text, ',' ORDER BY u.facility_id::text)"
        f" FROM entitlements_included_use u WHERE u.entitlement = e.id AND {stayed}) END AS stayed"
        " FROM entitlements_entitlement e LEFT JOIN (SELECT DISTINCT ON (a.entitlement) a.entitlement, a.valid_until"
        f" FROM entitlements_activation a WHERE {active} AND {started}"
        # Ties by what everybody sees alike: an origin's number is this server's own.
        " ORDER BY a.entitlement, a.at, a.valid_from, a.valid_until) f"
        f" ON f.entitlement = e.id WHERE {sold} AND {made}"
    ), [
        *voided_parameters,
        *voided_parameters,
        *stayed_parameters,
        *active_parameters,
        *started_parameters,
        *sold_parameters,
        *made_parameters,
    ]


def made_in(column: str, since: datetime | None, until: datetime | None) -> tuple[str, list[Any]]:
    """Return an SQL condition, and its parameters, on a column of tickets' ids: those sold in [since, until).

    The database sees to it that a ticket's id begins with the instant of its sale, so the index on ids answers it and
    what was sold in other seasons is never read.
    """
    condition, parameters = "true", list[Any]()
    if since is not None:
        condition, parameters = f"{condition} AND {column} >= %s", [*parameters, first_id(since)]
    if until is not None:
        condition, parameters = f"{condition} AND {column} < %s", [*parameters, first_id(until)]
    return condition, parameters


@lru_cache(maxsize=4096)
def season_end(validity: str, zone: str) -> datetime | None:
    """Return when a ticket of this validity (JSON) ends at the latest, None where nothing is said of it."""
    return bounds(msgspec.json.decode(validity, type=Validity), zone)[1]


class DepositSum(NamedTuple):
    """Card deposits of `each` minor units taken at `facility` and paid back at `returned_at` (None: by nobody yet).
    `deposits` of them; `amount` is what was taken, `returned` what was paid back."""

    facility: UUID
    returned_at: UUID | None
    each: int
    deposits: int
    amount: int
    returned: int


def deposit_sums(extent: Extent, currency: str, since: datetime | None, until: datetime) -> list[DepositSum]:
    """Return the sums of card deposits of a currency paid back in [since, until), or taken then and still out."""
    taken, taken_parameters = extent.where("d")
    back, back_parameters = extent.where("b")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT d.facility_id, b.facility_id, d.amount, count(*), sum(d.amount)::bigint,"
            " coalesce(sum(least(d.amount, b.amount)) FILTER (WHERE b.deposit_id IS NOT NULL), 0)::bigint"
            " FROM entitlements_deposit d LEFT JOIN (SELECT DISTINCT ON (b.deposit_id) b.deposit_id, b.facility_id, b.amount,"
            f" b.at FROM entitlements_deposit_back b WHERE {back} ORDER BY b.deposit_id, b.at, b.facility_id) b"
            " ON b.deposit_id = d.id"
            f" WHERE {taken} AND d.currency = %s AND coalesce(b.at, d.at) < %s"
            " AND (%s::timestamptz IS NULL OR coalesce(b.at, d.at) >= %s)"
            " GROUP BY d.facility_id, b.facility_id, d.amount",
            [*back_parameters, *taken_parameters, currency, until, since, since],
        )
        return [DepositSum._make(row) for row in cursor.fetchall()]


class DepositState(NamedTuple):
    """A card deposit of `amount` taken at `facility`, and what `returned_at` paid back of it (None: nobody yet)."""

    id: UUID
    at: datetime
    medium: UUID
    facility: UUID
    amount: int
    returned_at: UUID | None
    returned: int


def deposits_in(extent: Extent, currency: str, since: datetime | None, until: datetime) -> Iterator[DepositState]:
    """Yield the card deposits paid back in [since, until), or taken then and still out, in the order of ids: the rows
    behind `deposit_sums`."""
    taken, taken_parameters = extent.where("d")
    back, back_parameters = extent.where("b")
    sql = (
        "SELECT d.id, coalesce(b.at, d.at), d.medium_id, d.facility_id, d.amount, b.facility_id,"
        " coalesce(least(d.amount, b.amount), 0) FROM entitlements_deposit d"
        " LEFT JOIN (SELECT DISTINCT ON (b.deposit_id) b.deposit_id, b.facility_id, b.amount, b.at"
        f" FROM entitlements_deposit_back b WHERE {back} ORDER BY b.deposit_id, b.at, b.facility_id) b ON b.deposit_id = d.id"
        f" WHERE {taken} AND d.currency = %s AND coalesce(b.at, d.at) < %s"
        " AND (%s::timestamptz IS NULL OR coalesce(b.at, d.at) >= %s) ORDER BY d.id"
    )
    with transaction.atomic():
        yield from map(
            DepositState._make, _stream(sql, [*back_parameters, *taken_parameters, currency, until, since, since])
        )


class DepositMoved(NamedTuple):
    """A card deposit taken at one facility and paid back at another: when it was paid, which medium, how much."""

    at: datetime
    medium: UUID
    amount: int


def last_deposits(extent: Extent, taken_at: UUID, paid_at: UUID, limit: int) -> list[DepositMoved]:
    """Return the last deposits taken at one facility and paid back at another, inside an extent, the newest first."""
    taken, taken_parameters = extent.where("d")
    back, back_parameters = extent.where("b")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT b.at, b.medium, b.amount FROM entitlements_deposit_back b JOIN entitlements_deposit d"
            f" ON d.id = b.deposit_id WHERE d.facility_id = %s AND b.facility_id = %s AND {taken} AND {back}"
            " ORDER BY b.at DESC, d.id LIMIT %s",
            [taken_at, paid_at, *taken_parameters, *back_parameters, limit],
        )
        return [DepositMoved._make(row) for row in cursor.fetchall()]


class SecondPayout(NamedTuple):
    """Deposits taken at `facility` that `paid_at` paid out though somebody had already: minor units."""

    facility: UUID
    paid_at: UUID
    amount: int


def second_payouts(extent: Extent, currency: str, since: datetime | None, until: datetime) -> list[SecondPayout]:
    """Return what was paid out in [since, until) on deposits that had been paid back already (SPEC N14): of several
    payouts the earliest counts, at one instant that of the facility whose id sorts first."""
    back, parameters = extent.where("b")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT d.facility_id, x.facility_id, sum(x.amount)::bigint FROM (SELECT b.deposit_id, b.facility_id, b.amount,"
            " b.at, row_number() OVER (PARTITION BY b.deposit_id ORDER BY b.at, b.facility_id) AS n"
            f" FROM entitlements_deposit_back b WHERE {back}) x JOIN entitlements_deposit d ON d.id = x.deposit_id"
            " WHERE x.n > 1 AND d.currency = %s AND x.at < %s AND (%s::timestamptz IS NULL OR x.at >= %s)"
            " GROUP BY d.facility_id, x.facility_id",
            [*parameters, currency, until, since, since],
        )
        return [SecondPayout._make(row) for row in cursor.fetchall()]


def _stream(sql: str, parameters: list[Any]) -> Iterator[tuple[Any, ...]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, parameters)
        while rows := cursor.fetchmany(_CHUNK):
            yield from rows
