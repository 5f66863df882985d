"""Reading the catalogue: what is on sale, what a version was, which drafts there are."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from karnet.catalogue.models import Draft
from karnet.catalogue.operations import Product
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A published product version and when it is on sale: [on_sale_from, on_sale_until).

    The end is the earlier of its own and the start of the version that replaces it; None = on sale until replaced. A
    version replaced before it started has an end that is not after its start: it is never on sale.
    """

    product: Product
    facility: UUID
    currency: str
    on_sale_from: datetime
    on_sale_until: datetime | None
    number: int


# Of two versions the later start replaces, of two with one start the later operation; then the end is the start.
_VERSION = (
    "SELECT v.definition, v.facility_id, v.currency, v.on_sale_from, least(v.on_sale_until, next.on_sale_from),"
    " v.number FROM catalogue_product_version v LEFT JOIN LATERAL (SELECT w.on_sale_from"
    " FROM catalogue_product_version w WHERE w.facility_id = v.facility_id AND w.code = v.code"
    " AND (w.on_sale_from, w.number) > (v.on_sale_from, v.number) ORDER BY w.on_sale_from, w.number LIMIT 1) next"
    " ON true"
)


def product_versions(ids: Collection[UUID]) -> dict[UUID, Version]:
    """Return versions by id, on sale or not; unknown ids are left out. A version never changes."""
    versions = _versions(f"{_VERSION} WHERE v.id = ANY(%s)", [list(ids)])
    return {version.product.id: version for version in versions}


def on_sale(facility: UUID, codes: Collection[str] | None, at: datetime) -> dict[str, Version]:
    """Return what a facility has on sale at an instant, by product code; `codes` None = all of it.

    Of one code, the version with the latest start not after `at` counts (of two with one start, the one published
    later); if that has ended, the code is not on sale: what it replaced does not come back.
    """
    versions = _versions(
        f"{_VERSION} WHERE v.facility_id = %s AND (%s::text[] IS NULL OR v.code = ANY(%s)) AND v.on_sale_from <= %s"
        " AND (next.on_sale_from IS NULL OR next.on_sale_from > %s)"
        " AND (v.on_sale_until IS NULL OR v.on_sale_until > %s) ORDER BY v.code",
        [facility, (wanted := None if codes is None else list(codes)), wanted, at, at, at],
    )
    return {version.product.code: version for version in versions}


def why_not_on_sale(facility: UUID, code: str, at: datetime) -> Refused | None:
    """Return why a product code cannot be sold at an instant (unknown, or not on sale then), or None if it can."""
    if on_sale(facility, [code], at):
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM catalogue_product_version WHERE facility_id = %s AND code = %s)",
            [facility, code],
        )
        known = cursor.fetchone() == (True,)
    return refused(Reason.NOT_ON_SALE if known else Reason.UNKNOWN_PRODUCT, product=code)


def replaced_after(facility: UUID, codes: Collection[str], start: datetime) -> set[str]:
    """Return those codes of which a version is published that starts after `start`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT code FROM catalogue_product_version"
            " WHERE facility_id = %s AND code = ANY(%s) AND on_sale_from > %s",
            [facility, list(codes), start],
        )
        return {code for (code,) in cursor.fetchall()}


class SavedDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A draft as it was saved last; `document` is JSON text, possibly unfinished."""

    id: UUID
    facility: UUID
    title: str
    document: str
    revision: int
    saved_at: datetime
    published_at: datetime | None


def drafts(facility: UUID) -> list[SavedDraft]:
    """Return a facility's drafts, published ones too, the one saved last first."""
    return [_draft(draft) for draft in Draft.objects.filter(facility=facility).order_by("-saved_at", "id")]


def draft(id_: UUID) -> SavedDraft | None:
    """Return a draft, or None."""
    found = Draft.objects.filter(id=id_).first()
    return _draft(found) if found else None


def _draft(row: Draft) -> SavedDraft:
    return SavedDraft(
        id=row.id,
        facility=row.facility_id,
        title=row.title,
        document=row.document,
        revision=row.revision,
        saved_at=row.saved_at,
        published_at=row.published_at,
    )


def _versions(query: str, arguments: list[Any]) -> list[Version]:
    with connection.cursor() as cursor:
        cursor.execute(query, arguments)
        return [
            Version(
                product=_product(bytes(definition)),
                facility=facility,
                currency=currency,
                on_sale_from=start,
                on_sale_until=end,
                number=number,
            )
            for definition, facility, currency, start, end, number in cursor.fetchall()
        ]


@lru_cache(maxsize=4096)
def _product(definition: bytes) -> Product:
    # A version never changes, so what was decoded once need not be again.
    return msgspec.json.decode(definition, type=Product)
