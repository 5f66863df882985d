"""Metered stays that bundles include: which there are, which have begun, and who may begin one (SPEC N11)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from karnet.catalogue.operations import Validity
from karnet.entitlements.bundles import Included, days_of, not_now
from karnet.entitlements.rules import bounds


def included(entitlements: Collection[UUID], facilities: Collection[UUID]) -> dict[tuple[UUID, UUID], Included]:
    """Return what bundles include at facilities, by (entitlement, facility). One statement."""
    found = _found("i.entitlement = ANY(%s)", [list(entitlements)], facilities) if entitlements else []
    return {(one.entitlement, one.facility): one for one in found}


def included_on(media: Collection[UUID], facility: UUID, at: datetime) -> dict[UUID, list[Included]]:
    """Return the stays that may begin at a facility now by the bundles on media, by medium, the one that ends first first;
    media without any are left out. For a desk that reads a card: `stays.requests.Band.included` names the bundle."""
    open_now: dict[UUID, list[Included]] = {}
    for one in _found("e.medium_id = ANY(%s)", [list(media)], [facility]) if media else []:
        if not_now(one, at) is None:
            open_now.setdefault(one.medium, []).append(one)
    return open_now


def _found(where: str, parameters: list[Any], facilities: Collection[UUID]) -> list[Included]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.entitlement, m.id, m.number, e.product_code, e.category, i.facility_id, i.tariff, i.package,"
            " i.prepaid_minor, i.times, (SELECT count(*) FROM entitlements_included_use u"
            " WHERE u.entitlement = i.entitlement AND u.facility_id = i.facility_id), e.time_zone,"
            " coalesce(e.active_from, e.valid_from), coalesce(e.active_until, e.valid_until), e.validity,"
            " e.voided_at IS NOT NULL, m.state = 'in_use' AND m.blocks = 0, e.product_id FROM entitlements_included_stay i"
            " JOIN entitlements_entitlement e ON e.id = i.entitlement"
            " JOIN entitlements_medium m ON m.id = e.medium_id AND m.issue = e.issue"
            f" WHERE {where} AND i.facility_id = ANY(%s)"
            " ORDER BY coalesce(e.active_until, e.valid_until) NULLS LAST, i.entitlement",
            [*parameters, list(facilities)],
        )
        return [_included(row) for row in cursor.fetchall()]


def _included(row: tuple[Any, ...]) -> Included:
    zone, opens, closes = row[11], row[12], row[13]
    if opens is None:
        opens, closes = bounds(msgspec.json.decode(row[14], type=Validity), zone)
    opens, closes = days_of(opens, closes, zone)
    return Included(
        entitlement=row[0], medium=row[1], card=row[2], product_code=row[3], category=row[4], facility=row[5],
        tariff=row[6], package=row[7], prepaid_minor=row[8], times=row[9], used=row[10], time_zone=zone,
        opens=opens, closes=closes, voided=row[15], usable=row[16], product=row[17],
    )  # fmt: skip
