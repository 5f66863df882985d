"""Publication of a facility's price list and tariffs. A publication is one operation; a large one goes by hash (journal)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from karnet.journal.operations import Operation, operation
from karnet.kernel.time import Window
from karnet.tariffs.model import Tariff

ProductKind = Literal["points", "time", "goods", "deposit_card"]
ValidityKind = Literal["hours", "days", "days_within", "season"]
Starts = Literal["sale", "first_passage"]


class Validity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How long a ticket opens gates (SPEC N12). Days are calendar days of the facility that sold it.

    hours: `hours` from the start. days: `days` consecutive calendar days from the day of the start.
    days_within: `days` days of use out of `within_days` consecutive days from the day of the start ("5 of 7").
    season: from the start of `first_day` to the end of `last_day`.
    `starts`: at the sale (or the line's chosen start), or at the first passage; points tickets may have a season too.
    `windows`: weekly windows of entry; empty = any time.
    """

    kind: ValidityKind
    starts: Starts = "sale"
    hours: int = 0
    days: int = 0
    within_days: int = 0
    first_day: date | None = None
    last_day: date | None = None
    windows: tuple[Window, ...] = ()


class IncludedStay(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A metered stay at another place that a bundle includes (SPEC N11): `times` stays by a tariff (its code) of `facility`.

    What its prepayment would cost there is paid with the bundle: that of `package`, or `prepaid_minor` without one.
    """

    facility: UUID
    tariff: str
    package: str = ""
    prepaid_minor: int = 0
    times: int = 1


class Product(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One immutable version of a product, as a facility sells it.

    `id` identifies the version; `code` the product on the whole common card (agreements price by code and category).
    `prices`: gross minor units by category ("adult", "reduced", …). `vat_bp`: VAT in basis points.
    `points`: points on a points ticket. `deposit_minor`: card deposit taken when it goes on a new card.
    `facilities`: where it opens gates; empty = wherever an agreement gives the gate terms.
    `names`: name by language code. `stays`: metered stays that a bundle includes.
    """

    id: UUID
    code: str
    kind: ProductKind
    names: dict[str, str]
    prices: dict[str, int]
    vat_bp: int
    points: int = 0
    validity: Validity | None = None
    deposit_minor: int = 0
    facilities: tuple[UUID, ...] = ()
    stays: tuple[IncludedStay, ...] = ()


@operation("catalogue.published")
class Published(Operation, frozen=True, kw_only=True):
    """A facility's price list, on sale from an instant on; it replaces earlier versions of the same product codes."""

    facility: UUID
    currency: str
    on_sale_from: datetime
    products: tuple[Product, ...]
    on_sale_until: datetime | None = None


@operation("catalogue.tariff_published")
class TariffPublished(Operation, frozen=True, kw_only=True):
    """One immutable version of a facility's tariff, for stays that begin from `in_force_from` on, until a later version of the
    same code. A stay keeps the version that was in force when it began (docs/stays.md)."""

    id: UUID
    facility: UUID
    in_force_from: datetime
    tariff: Tariff
