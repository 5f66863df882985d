"""Publishing on a real database: what is on sale when, drafts, and versions that never change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import psycopg
import pytest

from karnet.catalogue import selectors
from karnet.catalogue.rules import PriceList, ProductDraft, Publication, Publish
from karnet.catalogue.services import (
    DraftSaved,
    Preview,
    PublishDraft,
    SaveDraft,
    discard_draft,
    preview,
    publish,
    publish_draft,
    save_draft,
)
from karnet.catalogue.tests.test_rules import DAY, POINTS, TEA, changed
from karnet.journal.founding import found_server
from karnet.journal.selectors import entries_after
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.parties.operations import facility_id
from karnet.parties.services import EnrolFacility, enrol_facilities

pytestmark = pytest.mark.database

AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
DAY_1 = timedelta(days=1)
NORTH = facility_id("NORTH")
DRAFT = named_id("draft")


@pytest.fixture
def server() -> UUID:
    server = found_server("karnet.test/log", AT)
    enrol_facilities(
        [EnrolFacility(key="n", at=AT, actor=server, code="NORTH", currency="PLN", time_zone="Europe/Warsaw")]
    )
    return server


def put(server: UUID, key: str, start: int, *products: ProductDraft, until: int | None = None) -> Publication:
    """Publish at AT, on sale from `start` days after it."""
    (answer,) = publish(
        [
            Publish(
                key=key,
                at=AT,
                actor=server,
                facility=NORTH,
                on_sale_from=AT + start * DAY_1,
                on_sale_until=None if until is None else AT + until * DAY_1,
                products=products,
            )
        ]
    )
    assert isinstance(answer, Publication), answer
    return answer


def price_on(day: float, code: str = "day") -> int | None:
    found = selectors.on_sale(NORTH, [code], AT + day * DAY_1)
    return found[code].product.prices["adult"] if code in found else None


def at_price(adult: int) -> ProductDraft:
    return changed(DAY, prices={"adult": adult})


def test_of_several_versions_the_one_that_started_last_is_on_sale(server: UUID) -> None:
    put(server, "winter", 10, at_price(16000))
    put(server, "now", 0, at_price(12000))
    put(server, "spring", 20, at_price(14000))
    assert [price_on(day) for day in (-1, 0, 9.99, 10, 19.99, 20, 500)] == [
        None, 12000, 12000, 16000, 16000, 14000, 14000,
    ]  # fmt: skip


def test_of_two_versions_with_one_start_the_one_published_later_is_on_sale(server: UUID) -> None:
    put(server, "first", 5, at_price(16000))
    put(server, "second", 5, at_price(15000))
    assert price_on(6) == 15000
    assert price_on(4) is None


def test_a_version_that_has_ended_does_not_let_the_one_before_come_back(server: UUID) -> None:
    put(server, "all year", 0, at_price(16000))
    put(server, "weekend", 10, at_price(20000), until=12)
    assert [price_on(day) for day in (9, 10, 11.99, 12, 13)] == [16000, 20000, 20000, None, None]


def test_a_version_knows_its_end_from_the_one_that_replaces_it(server: UUID) -> None:
    old = put(server, "old", 0, at_price(1)).versions["day"]
    never = put(server, "never", 10, at_price(2)).versions["day"]
    new = put(server, "new", 10, at_price(3), until=30).versions["day"]
    found = selectors.product_versions([old, never, new, named_id("none")])
    assert {id_: (version.on_sale_from, version.on_sale_until) for id_, version in found.items()} == {
        old: (AT, AT + 10 * DAY_1),
        never: (AT + 10 * DAY_1, AT + 10 * DAY_1),
        new: (AT + 10 * DAY_1, AT + 30 * DAY_1),
    }
    assert found[old].product.prices == {"adult": 1}
    assert found[old].currency == "PLN"


def test_products_that_a_price_list_does_not_name_stay_on_sale(server: UUID) -> None:
    put(server, "1", 0, DAY, TEA)
    put(server, "2", 5, POINTS)
    assert set(selectors.on_sale(NORTH, None, AT + 6 * DAY_1)) == {"day", "tea", "p30"}
    assert selectors.on_sale(named_id("facility", "SOUTH"), None, AT + 6 * DAY_1) == {}


def test_why_a_product_is_not_on_sale(server: UUID) -> None:
    put(server, "1", 1, DAY)
    assert selectors.why_not_on_sale(NORTH, "day", AT) == Refused(Reason.NOT_ON_SALE, {"product": "day"})
    assert selectors.why_not_on_sale(NORTH, "night", AT) == Refused(Reason.UNKNOWN_PRODUCT, {"product": "night"})
    assert selectors.why_not_on_sale(NORTH, "day", AT + DAY_1) is None


def test_a_version_is_what_was_published_to_the_last_field(server: UUID) -> None:
    versions = put(server, "1", 0, DAY, POINTS, TEA).versions
    found = selectors.product_versions(versions.values())
    for draft in (DAY, POINTS, TEA):
        product = msgspec.structs.asdict(found[versions[draft.code]].product)
        assert product.pop("id") == versions[draft.code]
        assert product == msgspec.structs.asdict(draft)


def test_a_price_list_too_large_for_an_entry_goes_by_hash_and_comes_back_whole(server: UUID) -> None:
    many = [changed(DAY, code=f"ticket-{n}", names={"en": f"Ticket number {n} " * 9}) for n in range(300)]
    put(server, "many", 0, *many)
    *_, recorded = entries_after(0)
    assert len(recorded.entry.body.products) == 300
    assert len(selectors.on_sale(NORTH, None, AT)) == 300


def test_a_refused_price_list_leaves_nothing(server: UUID) -> None:
    (answer,) = publish(
        [
            Publish(
                key="k",
                at=AT,
                actor=server,
                facility=NORTH,
                on_sale_from=AT,
                products=(DAY, changed(TEA, vat_bp=-1)),
            )
        ]
    )
    assert isinstance(answer, Refused)
    assert answer.facts["field"] == "products[1].vat_bp"
    assert selectors.on_sale(NORTH, None, AT) == {}
    assert sum(1 for _ in entries_after(0)) == 2


def test_a_published_version_cannot_be_changed(server: UUID, superuser: psycopg.Connection) -> None:
    put(server, "1", 0, DAY)
    for statement in ("UPDATE catalogue_product_version SET code = 'x'", "DELETE FROM catalogue_product_version"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            superuser.execute(statement)


def document(*products: ProductDraft, start: int = 10) -> str:
    prices = PriceList(on_sale_from=AT + start * DAY_1, products=products)
    return msgspec.json.encode(prices).decode()


def saved(text: str, revision: int = 0, **changes: object) -> DraftSaved | Refused:
    values = {"id": DRAFT, "facility": NORTH, "title": "Winter", "saved_at": AT, **changes}
    return save_draft(SaveDraft(document=text, revision=revision, **values))


def publish_now(server: UUID, revision: int, key: str = "publish") -> Publication | Refused:
    return publish_draft(PublishDraft(key=key, at=AT, actor=server, draft=DRAFT, revision=revision))


def test_a_draft_is_edited_previewed_and_published_once(server: UUID) -> None:
    put(server, "before", 0, at_price(12000), TEA)
    assert saved('{"products": []}') == DraftSaved(id=DRAFT, revision=1)
    assert saved(document(at_price(16000), POINTS), 1) == DraftSaved(id=DRAFT, revision=2)
    shown = preview(DRAFT, AT)
    assert isinstance(shown, Preview)
    assert [(change.code, change.does) for change in shown.changes] == [("day", "changes"), ("p30", "adds")]
    assert (shown.untouched, shown.superseded, shown.problems) == (("tea",), (), {})
    assert price_on(10) == 12000
    answer = publish_now(server, 2)
    assert isinstance(answer, Publication)
    assert price_on(10) == 16000
    assert publish_now(server, 2) == answer
    assert publish_now(server, 2, "again") == Refused(Reason.CONFLICT, {"guard": "draft_revision"})
    assert saved(document(TEA), 2) == Refused(Reason.CONFLICT, {"guard": "draft_revision"})
    assert not discard_draft(DRAFT)
    (kept,) = selectors.drafts(NORTH)
    assert kept.published_at == AT


def test_what_somebody_else_saved_meanwhile_is_neither_overwritten_nor_published_unseen(server: UUID) -> None:
    saved(document(DAY))
    assert saved(document(POINTS), 1) == DraftSaved(id=DRAFT, revision=2)
    assert isinstance(saved(document(TEA), 1), Refused)
    assert isinstance(publish_now(server, 1), Refused)
    kept = selectors.draft(DRAFT)
    assert kept is not None
    assert kept.document == document(POINTS)
    assert selectors.on_sale(NORTH, None, AT + 10 * DAY_1) == {}


def test_a_preview_warns_of_what_replaces_the_draft_again_and_of_every_fault(server: UUID) -> None:
    put(server, "later", 20, at_price(18000))
    saved(document(at_price(-5)))
    shown = preview(DRAFT, AT)
    assert isinstance(shown, Preview)
    assert shown.superseded == ("day",)
    assert set(shown.problems) == {"products[0].prices.adult"}
    refusal = publish_now(server, 1)
    assert isinstance(refusal, Refused)
    assert refusal.facts["field"] == "products[0].prices.adult"
    assert discard_draft(DRAFT)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("[]", "document"),
        ("{}", "document"),
        ('{"on_sale_from": "yesterday", "products": []}', "on_sale_from"),
        ('{"on_sale_from": "2027-01-01T00:00:00Z", "products": [{"code": 3}]}', "products[0].code"),
    ],
)
def test_an_unfinished_draft_says_what_is_missing_and_where(server: UUID, text: str, field: str) -> None:
    assert isinstance(saved(text), DraftSaved)
    for answer in (preview(DRAFT, AT), publish_now(server, 1)):
        assert isinstance(answer, Refused)
        assert answer.facts["field"] == field


def test_a_draft_that_is_no_json_or_belongs_nowhere_is_refused(server: UUID) -> None:
    for answer in (saved("{"), saved("{}", title=" "), saved("{}", facility=named_id("none")), saved("{}", 7)):
        assert isinstance(answer, Refused)
    assert selectors.drafts(NORTH) == []
    assert isinstance(publish_now(server, 1), Refused)
    assert isinstance(preview(DRAFT, AT), Refused)
