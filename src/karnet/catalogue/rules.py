"""What may be published, and what a draft would change. Pure: values in, values out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

import msgspec

from karnet.catalogue.operations import (
    IncludedStay,
    Product,
    ProductKind,
    Published,
    Starts,
    TariffPublished,
    Validity,
    ValidityKind,
)
from karnet.journal.operations import Operation
from karnet.journal.requests import made_id
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import Window, instant
from karnet.tariffs.checking import problems as tariff_problems
from karnet.tariffs.model import Tariff

MAX_PRODUCTS = 1_000
MAX_PRICE = 10**12
MAX_VAT_BP = 10_000
MAX_POINTS = 1_000_000
MAX_DAYS = 3_660
DAY_MINUTES = 24 * 60

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_CATEGORY = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")

Problem = tuple[str, str]
"""Where (path of a field), and what is wrong there."""


class ProductDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A product as it is to be published: a `Product` without the id that publishing gives it (see there)."""

    code: str
    kind: ProductKind
    prices: dict[str, int]
    vat_bp: int
    names: dict[str, str] = {}
    points: int = 0
    validity: Validity | None = None
    deposit_minor: int = 0
    facilities: tuple[UUID, ...] = ()
    stays: tuple[IncludedStay, ...] = ()


class PriceList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The document of a finished draft."""

    on_sale_from: datetime
    products: tuple[ProductDraft, ...]
    on_sale_until: datetime | None = None


class Publish(msgspec.Struct, frozen=True, kw_only=True):
    """Put products of a facility on sale from an instant on, until another publication of their codes (or an end)."""

    key: str
    at: datetime
    actor: UUID
    facility: UUID
    on_sale_from: datetime
    products: tuple[ProductDraft, ...]
    on_sale_until: datetime | None = None


class Publication(msgspec.Struct, frozen=True, kw_only=True, tag="published"):
    """The versions made, by product code."""

    versions: dict[str, UUID]


def decide_publication(
    request: Publish, currency: str | None, known_facilities: Collection[UUID]
) -> tuple[Publication | Refused, tuple[Operation, ...]]:
    """Publish a price list whole or not at all. `currency` is the facility's (None: there is no such facility).

    Refuses every bad value at once, each by its path (`products[2].prices.adult`).
    """
    if currency is None:
        return refused(Reason.UNKNOWN_FACILITY, facility=str(request.facility)), ()
    problems = dict(
        problems_of(
            PriceList(
                on_sale_from=request.on_sale_from, on_sale_until=request.on_sale_until, products=request.products
            ),
            request.at,
            known_facilities,
        )
    )
    if problems:
        return bad_values(problems), ()
    products = tuple(
        Product(id=made_id(request, f"product/{draft.code}"), **msgspec.structs.asdict(draft))
        for draft in request.products
    )
    operation = Published(
        facility=request.facility,
        currency=currency,
        on_sale_from=instant(request.on_sale_from),
        on_sale_until=instant(request.on_sale_until) if request.on_sale_until else None,
        products=products,
    )
    return Publication(versions={product.code: product.id for product in products}), (operation,)


class PublishTariff(msgspec.Struct, frozen=True, kw_only=True):
    """Put a tariff of a facility in force for stays that begin from an instant on, until the next version of its code."""

    key: str
    at: datetime
    actor: UUID
    facility: UUID
    in_force_from: datetime
    tariff: Tariff


class TariffInForce(msgspec.Struct, frozen=True, kw_only=True, tag="tariff_published"):
    """The version made."""

    version: UUID
    code: str


def decide_tariff(
    request: PublishTariff, currency: str | None, time_zone: str
) -> tuple[TariffInForce | Refused, tuple[Operation, ...]]:
    """Publish one version of a tariff. Refuses, with every problem at once, what the rating engine does not promise for
    (tariffs.checking), a currency or time zone that is not the facility's, and a start in the past: what a stay that has
    begun costs does not change. `currency`: the facility's, None where it is unknown or retired."""
    if currency is None:
        return refused(Reason.UNKNOWN_FACILITY, facility=str(request.facility)), ()
    problems = tariff_problems(request.tariff)
    if request.tariff.currency != currency:
        problems["currency"] = f"is not the facility's, {currency}"
    if request.tariff.time_zone != time_zone:
        problems["time_zone"] = f"is not the facility's, {time_zone}"
    if request.in_force_from.tzinfo is None:
        problems["in_force_from"] = "must name its time zone"
    elif instant(request.in_force_from) < instant(request.at):
        problems["in_force_from"] = "must not be before now"
    if problems:
        return bad_values(problems), ()
    version = made_id(request, "tariff")
    published = TariffPublished(
        id=version,
        facility=request.facility,
        in_force_from=instant(request.in_force_from),
        tariff=request.tariff,
    )
    return TariffInForce(version=version, code=request.tariff.code), (published,)


def problems_of(prices: PriceList, at: datetime, known_facilities: Collection[UUID]) -> Iterator[Problem]:
    """Yield what keeps a price list from being published at `at`: path and words, all of them."""
    yield from _on_sale_problems(prices, at)
    if not 0 < len(prices.products) <= MAX_PRODUCTS:
        yield "products", f"must be 1 to {MAX_PRODUCTS}"
    times = Counter(product.code for product in prices.products)
    for n, product in enumerate(prices.products):
        path = f"products[{n}]"
        if times[product.code] > 1:
            yield f"{path}.code", f"{product.code!r} is given {times[product.code]} times"
        for field, words in _product_problems(product, known_facilities):
            yield f"{path}.{field}", words


def _on_sale_problems(prices: PriceList, at: datetime) -> Iterator[Problem]:
    start, end = prices.on_sale_from, prices.on_sale_until
    if start.tzinfo is None or (end is not None and end.tzinfo is None):
        yield "on_sale_from" if start.tzinfo is None else "on_sale_until", "needs a time zone"
        return
    if start < at:
        # What was on sale at an instant never changes after it: receipts of that instant stay explainable.
        yield "on_sale_from", "is past; a price list starts now or later"
    if end is not None and end <= start:
        yield "on_sale_until", "must be later than on_sale_from"


def _product_problems(product: ProductDraft, known_facilities: Collection[UUID]) -> Iterator[Problem]:
    if not _CODE.fullmatch(product.code):
        yield "code", "must be 1 to 64 letters A-Z a-z, digits, dots, dashes, underscores; a letter or digit first"
    for language, name in product.names.items():
        if not _LANGUAGE.fullmatch(language):
            yield "names", f"{language!r} is no language code such as en or pl"
        if not 0 < len(name.strip()) <= 200:
            yield f"names.{language}", "must have 1 to 200 characters"
    if product.kind not in get_args(ProductKind):
        yield "kind", f"must be one of {', '.join(get_args(ProductKind))}"
        return
    yield from _money_problems(product)
    if product.kind == "points":
        if not 0 < product.points <= MAX_POINTS:
            yield "points", f"must be 1 to {MAX_POINTS} on a points ticket"
    elif product.points:
        yield "points", "belong on a points ticket only"
    if product.validity is not None:
        if product.kind not in ("points", "time"):
            yield "validity", "belongs on a ticket only"
        for field, words in _validity_problems(product.validity, timed=product.kind == "time"):
            yield f"validity.{field}", words
    elif product.kind == "time":
        yield "validity", "is missing: a time ticket says how long it opens gates"
    for n, facility in enumerate(product.facilities):
        if facility not in known_facilities:
            yield f"facilities[{n}]", f"there is no facility {facility}"
    if len(set(product.facilities)) < len(product.facilities):
        yield "facilities", "names one twice"
    yield from _stay_problems(product, known_facilities)


def _stay_problems(product: ProductDraft, known_facilities: Collection[UUID]) -> Iterator[Problem]:
    if product.stays and product.kind not in ("points", "time"):
        yield "stays", "belong to a ticket only"
    if len({stay.facility for stay in product.stays}) < len(product.stays):
        yield "stays", "names a facility twice"
    for n, stay in enumerate(product.stays):
        if stay.facility not in known_facilities:
            yield f"stays[{n}].facility", f"there is no facility {stay.facility}"
        if not _CODE.fullmatch(stay.tariff):
            yield f"stays[{n}].tariff", "is the code of a tariff there"
        if bool(stay.package) == bool(stay.prepaid_minor) or not 0 <= stay.prepaid_minor <= MAX_PRICE:
            yield f"stays[{n}].package", "name a package of the tariff, or an amount that is prepaid, not both"
        if not 0 < stay.times <= MAX_DAYS:
            yield f"stays[{n}].times", f"must be 1 to {MAX_DAYS}"


def _money_problems(product: ProductDraft) -> Iterator[Problem]:
    if not product.prices and product.kind != "deposit_card":
        yield "prices", "name at least one category and its price"
    for category, price in product.prices.items():
        if not _CATEGORY.fullmatch(category):
            yield "prices", f"{category!r} is no category such as adult or reduced"
        elif not 0 <= price <= MAX_PRICE:
            yield f"prices.{category}", f"must be 0 to {MAX_PRICE} minor units"
    if not 0 <= product.vat_bp <= MAX_VAT_BP:
        yield "vat_bp", f"must be 0 to {MAX_VAT_BP} basis points (8 % is 800)"
    if not 0 <= product.deposit_minor <= MAX_PRICE:
        yield "deposit_minor", f"must be 0 to {MAX_PRICE} minor units"
    elif product.kind == "goods" and product.deposit_minor:
        yield "deposit_minor", "belongs on what goes on a card only"
    elif product.kind == "deposit_card" and not product.deposit_minor:
        yield "deposit_minor", "is missing: it is all that a deposit card costs"


_LENGTHS: dict[ValidityKind, tuple[str, ...]] = {
    "hours": ("hours",),
    "days": ("days",),
    "days_within": ("days", "within_days"),
    "season": (),
}


def _validity_problems(validity: Validity, *, timed: bool) -> Iterator[Problem]:
    if validity.kind not in _LENGTHS:
        yield "kind", f"must be one of {', '.join(get_args(ValidityKind))}"
        return
    if validity.starts not in get_args(Starts):
        yield "starts", f"must be one of {', '.join(get_args(Starts))}"
    for field in ("hours", "days", "within_days"):
        length, most = getattr(validity, field), MAX_DAYS * (24 if field == "hours" else 1)
        if field in _LENGTHS[validity.kind]:
            if not 0 < length <= most:
                yield field, f"must be 1 to {most}"
        elif length:
            yield field, f"means nothing for {validity.kind}"
    if validity.kind == "days_within" and validity.within_days < validity.days:
        yield "within_days", "must be at least days"
    if validity.kind == "season" and timed:
        for field in ("first_day", "last_day"):
            if getattr(validity, field) is None:
                yield field, "is missing: a season ticket has both its days"
    if validity.first_day and validity.last_day and validity.last_day < validity.first_day:
        yield "last_day", "is before first_day"
    for n, window in enumerate(validity.windows):
        for words in _window_problems(window):
            yield f"windows[{n}]", words


def _window_problems(window: Window) -> Iterator[str]:
    if not window.weekdays or not all(0 <= day <= 6 for day in window.weekdays):
        yield "weekdays are 0 (Monday) to 6, one at least"
    elif len(set(window.weekdays)) < len(window.weekdays):
        yield "names a weekday twice"
    elif not 0 <= window.start_minute < DAY_MINUTES:
        yield f"starts at a minute of the day, 0 to {DAY_MINUTES - 1}"
    elif not window.start_minute < window.end_minute <= window.start_minute + DAY_MINUTES:
        yield "ends after its start and within a day of it"


Flat = dict[str, str | int]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a product before and after; None = it was not, or is no more, there."""

    field: str
    before: str | int | None
    after: str | int | None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What publishing would do to one product code."""

    code: str
    does: Literal["adds", "changes", "repeats"]
    differences: tuple[Difference, ...] = ()


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """The consequences of a draft. `untouched`: codes on sale then that the draft does not name: they stay on sale.
    `superseded`: codes that a publication made already replaces again later. `problems`: why it cannot be published."""

    changes: tuple[Change, ...] = ()
    untouched: tuple[str, ...] = ()
    superseded: tuple[str, ...] = ()
    problems: dict[str, str] = {}


def preview_of(
    products: tuple[ProductDraft, ...], on_sale: Mapping[str, Product]
) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """Compare products with what is on sale by code; return the changes and the codes left untouched, both sorted."""
    named = {product.code: product for product in products}
    changes = tuple(_change(code, on_sale.get(code), named[code]) for code in sorted(named))
    return changes, tuple(sorted(on_sale.keys() - named.keys()))


def _change(code: str, before: Product | None, after: ProductDraft) -> Change:
    new = _flat(after)
    if before is None:
        return Change(code=code, does="adds")
    old = _flat(before)
    old.pop("id")
    differences = tuple(
        Difference(field=field, before=old.get(field), after=new.get(field))
        for field in sorted(old.keys() | new.keys())
        if old.get(field) != new.get(field)
    )
    return Change(code=code, does="changes" if differences else "repeats", differences=differences)


def _flat(value: msgspec.Struct) -> Flat:
    flat: Flat = {}

    def walk(path: str, item: Any) -> None:
        if isinstance(item, dict):
            for key, inner in item.items():
                walk(f"{path}.{key}" if path else key, inner)
        elif isinstance(item, list):
            for n, inner in enumerate(item):
                walk(f"{path}[{n}]", inner)
        elif item is not None:
            flat[path] = item

    walk("", msgspec.to_builtins(value))
    return flat
