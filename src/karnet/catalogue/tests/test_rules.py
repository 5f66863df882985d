"""What may be published: every fault by its field, all of them at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karnet.catalogue.operations import Product, Published, Validity
from karnet.catalogue.rules import (
    Change,
    Difference,
    ProductDraft,
    Publication,
    Publish,
    decide_publication,
    preview_of,
)
from karnet.kernel import canonical
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import Window

AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
NORTH, SOUTH = named_id("facility", "NORTH"), named_id("facility", "SOUTH")
SEASON = Validity(kind="season", first_day=date(2026, 12, 1), last_day=date(2027, 4, 15))
MORNING = Window(weekdays=(0, 1, 2), start_minute=480, end_minute=720)

DAY = ProductDraft(
    code="day",
    kind="time",
    names={"en": "Day ticket", "pl": "Bilet dzienny"},
    prices={"adult": 16000, "reduced": 15000},
    vat_bp=800,
    validity=Validity(kind="days", days=1),
    deposit_minor=1000,
)
POINTS = ProductDraft(code="p30", kind="points", prices={"adult": 2600}, vat_bp=800, points=30, validity=SEASON)
TEA = ProductDraft(code="tea", kind="goods", prices={"adult": 900}, vat_bp=2300)


def publish(*products: ProductDraft, at: datetime = AT, **changes: object) -> Publish:
    values = {"on_sale_from": AT + timedelta(days=10), **changes}
    return Publish(key="k", at=at, actor=NORTH, facility=NORTH, products=products, **values)


def problems(request: Publish) -> set[str]:
    answer, operations = decide_publication(request, "PLN", {NORTH, SOUTH})
    if isinstance(answer, Publication):
        return set()
    assert answer.reason is Reason.BAD_VALUE
    assert operations == ()
    return set(answer.facts) - {"field"}


def changed(product: ProductDraft, **changes: object) -> ProductDraft:
    return msgspec.structs.replace(product, **changes)


def test_a_sound_price_list_becomes_one_operation_with_a_version_of_each_product() -> None:
    answer, (operation,) = decide_publication(publish(DAY, POINTS, TEA), "PLN", {NORTH})
    assert isinstance(answer, Publication)
    assert isinstance(operation, Published)
    assert answer.versions == {product.code: product.id for product in operation.products}
    assert len(set(answer.versions.values())) == 3
    assert (operation.facility, operation.currency) == (NORTH, "PLN")


def test_a_repeat_of_the_request_makes_the_same_ids_and_another_key_others() -> None:
    once, again = (decide_publication(publish(DAY), "PLN", {NORTH})[0] for _ in range(2))
    other, _ = decide_publication(msgspec.structs.replace(publish(DAY), key="other"), "PLN", {NORTH})
    assert once == again
    assert once != other


@dataclass
class Fault:
    product: ProductDraft
    field: str


FAULTS = [
    Fault(changed(DAY, code=""), "code"),
    Fault(changed(DAY, code="bilet dzienny"), "code"),
    Fault(changed(DAY, kind="beer"), "kind"),
    Fault(changed(DAY, prices={}), "prices"),
    Fault(changed(DAY, prices={"": 100}), "prices"),
    Fault(changed(DAY, prices={"dorosły": 100}), "prices"),
    Fault(changed(DAY, prices={"adult": -1}), "prices.adult"),
    Fault(changed(DAY, prices={"adult": 10**12 + 1}), "prices.adult"),
    Fault(changed(DAY, vat_bp=-1), "vat_bp"),
    Fault(changed(DAY, vat_bp=10001), "vat_bp"),
    Fault(changed(DAY, names={"english!": "Day"}), "names"),
    Fault(changed(DAY, names={"en": "  "}), "names.en"),
    Fault(changed(DAY, points=1), "points"),
    Fault(changed(POINTS, points=0), "points"),
    Fault(changed(POINTS, points=-30), "points"),
    Fault(changed(DAY, validity=None), "validity"),
    Fault(changed(TEA, validity=SEASON), "validity"),
    Fault(changed(TEA, deposit_minor=1000), "deposit_minor"),
    Fault(changed(DAY, deposit_minor=-1), "deposit_minor"),
    Fault(changed(TEA, kind="deposit_card", prices={}), "deposit_minor"),
    Fault(changed(DAY, facilities=(named_id("x"),)), "facilities[0]"),
    Fault(changed(DAY, facilities=(SOUTH, SOUTH)), "facilities"),
    Fault(changed(DAY, validity=Validity(kind="week")), "validity.kind"),
    Fault(changed(DAY, validity=Validity(kind="days", days=1, starts="whenever")), "validity.starts"),
    Fault(changed(DAY, validity=Validity(kind="hours")), "validity.hours"),
    Fault(changed(DAY, validity=Validity(kind="hours", hours=-4)), "validity.hours"),
    Fault(changed(DAY, validity=Validity(kind="hours", hours=4, days=1)), "validity.days"),
    Fault(changed(DAY, validity=Validity(kind="days", days=0)), "validity.days"),
    Fault(changed(DAY, validity=Validity(kind="days", days=5, within_days=7)), "validity.within_days"),
    Fault(changed(DAY, validity=Validity(kind="days_within", days=5, within_days=4)), "validity.within_days"),
    Fault(changed(DAY, validity=Validity(kind="season", last_day=date(2027, 4, 15))), "validity.first_day"),
    Fault(changed(DAY, validity=Validity(kind="season", first_day=date(2027, 4, 15))), "validity.last_day"),
    Fault(changed(DAY, validity=msgspec.structs.replace(SEASON, days=5)), "validity.days"),
    Fault(changed(DAY, validity=msgspec.structs.replace(SEASON, last_day=date(2026, 11, 30))), "validity.last_day"),
    Fault(changed(POINTS, validity=msgspec.structs.replace(SEASON, last_day=date(2026, 11, 30))), "validity.last_day"),
    *(
        Fault(
            changed(POINTS, validity=msgspec.structs.replace(SEASON, windows=(MORNING, window))), "validity.windows[1]"
        )
        for window in (
            Window(weekdays=(), start_minute=480, end_minute=720),
            Window(weekdays=(7,), start_minute=480, end_minute=720),
            Window(weekdays=(-1,), start_minute=480, end_minute=720),
            Window(weekdays=(1, 1), start_minute=480, end_minute=720),
            Window(weekdays=(0,), start_minute=-1, end_minute=720),
            Window(weekdays=(0,), start_minute=1440, end_minute=1500),
            Window(weekdays=(0,), start_minute=720, end_minute=720),
            Window(weekdays=(0,), start_minute=720, end_minute=480),
            Window(weekdays=(0,), start_minute=480, end_minute=480 + 1441),
        )
    ),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.field)
def test_a_fault_is_named_by_the_path_of_its_field(fault: Fault) -> None:
    assert problems(publish(TEA if fault.product.code != "tea" else POINTS, fault.product)) == {
        f"products[1].{fault.field}"
    }


SOUND = [
    changed(DAY, validity=Validity(kind="hours", hours=4, starts="first_passage")),
    changed(DAY, validity=Validity(kind="days_within", days=5, within_days=7)),
    changed(DAY, validity=Validity(kind="days_within", days=7, within_days=7)),
    changed(DAY, validity=SEASON),
    changed(DAY, validity=msgspec.structs.replace(SEASON, last_day=date(2026, 12, 1))),
    changed(DAY, validity=msgspec.structs.replace(SEASON, kind="days", days=7)),
    changed(DAY, prices={"child": 0}),
    changed(DAY, vat_bp=0),
    changed(DAY, names={}),
    changed(DAY, facilities=(NORTH, SOUTH)),
    changed(POINTS, validity=None),
    changed(POINTS, validity=Validity(kind="season")),
    changed(TEA, kind="deposit_card", prices={}, deposit_minor=1000),
    changed(
        DAY,
        validity=Validity(
            kind="days",
            days=1,
            windows=(MORNING, Window(weekdays=(5,), start_minute=1200, end_minute=1200 + 1440)),
        ),
    ),
]


@pytest.mark.parametrize("product", SOUND)
def test_a_sound_product_may_be_published(product: ProductDraft) -> None:
    assert problems(publish(product)) == set()


def test_every_fault_is_told_at_once() -> None:
    request = publish(
        changed(DAY, prices={"adult": -1}, vat_bp=-1), changed(DAY, points=3), on_sale_from=AT - timedelta(seconds=1)
    )
    assert problems(request) == {
        "on_sale_from",
        "products[0].code",
        "products[0].prices.adult",
        "products[0].vat_bp",
        "products[1].code",
        "products[1].points",
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"on_sale_from": AT - timedelta(milliseconds=1)}, "on_sale_from"),
        ({"on_sale_from": datetime(2027, 1, 1)}, "on_sale_from"),
        ({"on_sale_until": AT + timedelta(days=10)}, "on_sale_until"),
        ({"on_sale_until": datetime(2028, 1, 1)}, "on_sale_until"),
    ],
)
def test_a_price_list_starts_now_or_later_and_ends_after_that(changes: dict[str, object], field: str) -> None:
    assert problems(publish(DAY, **changes)) == {field}


def test_a_price_list_may_start_at_once() -> None:
    assert problems(publish(DAY, on_sale_from=AT)) == set()


def test_an_empty_price_list_and_one_of_an_unknown_facility_are_refused() -> None:
    assert problems(publish()) == {"products"}
    answer, operations = decide_publication(publish(DAY), None, {SOUTH})
    assert isinstance(answer, Refused)
    assert (answer.reason, operations) == (Reason.UNKNOWN_FACILITY, ())


@given(st.builds(ProductDraft, facilities=st.just(())), st.datetimes(timezones=st.just(UTC)))
def test_whatever_is_typed_is_published_or_refused_but_never_a_fault(product: ProductDraft, start: datetime) -> None:
    request = publish(product, on_sale_from=start)
    answer, operations = decide_publication(request, "PLN", {NORTH})
    assert isinstance(answer, Publication) == bool(operations)
    for operation in operations:
        canonical.decode(canonical.encode(operation))


def version(draft: ProductDraft) -> Product:
    return Product(id=UUID(int=1), **msgspec.structs.asdict(draft))


def test_a_preview_names_each_field_that_would_change() -> None:
    after = changed(DAY, prices={"adult": 17000, "child": 9000}, validity=Validity(kind="hours", hours=8))
    changes, untouched = preview_of(
        (after, TEA, POINTS), {"day": version(DAY), "p30": version(POINTS), "old": version(TEA)}
    )
    assert changes == (
        Change(
            code="day",
            does="changes",
            differences=(
                Difference(field="prices.adult", before=16000, after=17000),
                Difference(field="prices.child", before=None, after=9000),
                Difference(field="prices.reduced", before=15000, after=None),
                Difference(field="validity.days", before=1, after=None),
                Difference(field="validity.hours", before=None, after=8),
                Difference(field="validity.kind", before="days", after="hours"),
            ),
        ),
        Change(code="p30", does="repeats"),
        Change(code="tea", does="adds"),
    )
    assert untouched == ("old",)
