"""Who buys and who holds a card: ids in operations, people beside the journal (SPEC X4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from karnet.entitlements.requests import HolderIs, NameHolder
from karnet.entitlements.rules import medium_id
from karnet.entitlements.selectors import media_by_number, media_held_by
from karnet.entitlements.services import name_holders
from karnet.journal.rebuilding import check
from karnet.kernel.reasons import Reason
from karnet.orders.requests import Card, ReplaceCard, SaleLine
from karnet.orders.selectors import orders, orders_of_customers
from karnet.orders.services import replace_cards, sell
from karnet.orders.tests.conftest import ANNA, MORNING, TILL, World, race, refusal, state
from karnet.parties.people import CustomerDetails, KnownCustomer, Looking, erase_person, save_customer

pytestmark = pytest.mark.database

LOOKING = Looking(by="anna", at=MORNING)


@pytest.fixture
def jan(world: World) -> UUID:
    return customer("Łącki", "+48601234567")


@pytest.fixture
def ewa(world: World) -> UUID:
    return customer("Żuk", "+48602345678")


def customer(surname: str, phone: str) -> UUID:
    answer = save_customer(uuid4(), CustomerDetails(surname=surname, phone=phone, given_name="Hilary"), LOOKING)
    assert isinstance(answer, KnownCustomer)
    return answer.id


def held(world: World, code: str, *cards: str, holder: UUID, issue: bool = True) -> SaleLine:
    made = tuple(Card(number=number, chip=f"chip-{number}", issue=issue, holder=holder) for number in cards)
    return SaleLine(product=world.north[code], cards=made)


def naming(world: World, number: str, who: UUID | None, **changes: Any) -> NameHolder:
    given = {"at": MORNING + timedelta(hours=3), "actor": ANNA, "sales_point": TILL, **changes}
    return NameHolder(key=world.key(), medium=medium_id(number), customer=who, **given)


def holder(number: str) -> UUID | None:
    return media_by_number([number])[number].holder


def test_a_sale_names_who_buys_and_who_holds_the_card(world: World, jan: UUID, ewa: UUID) -> None:
    sale = world.sold(held(world, "DAY", "1", holder=ewa), world.line("DAY", "2"), pay=34000, customer=jan)
    assert orders_of_customers([jan, ewa]) == {jan: [sale.order], ewa: []}
    assert orders([sale.order])[sale.order].customer == jan
    assert (holder("1"), holder("2")) == (ewa, None)
    assert [medium.number for medium in media_held_by([ewa])[ewa]] == ["1"]


def test_no_personal_datum_enters_the_journal_and_after_an_erasure_it_still_replays(
    world: World, jan: UUID, superuser: psycopg.Connection
) -> None:
    world.sold(held(world, "DAY", "1", holder=jan), pay=17000, customer=jan)
    assert name_holders([naming(world, "1", jan)]) == [HolderIs(medium=medium_id("1"), customer=jan)]
    kept = b"".join(
        bytes(row[0])
        for table, column in (
            ("journal_operation", "data"), ("journal_content", "data"), ("journal_request", "answer"),
        )
        for row in superuser.execute(f"SELECT {column} FROM {table}").fetchall()
    )  # fmt: skip
    assert str(jan).encode() in kept
    for datum in ("Łącki", "lacki", "\\u0141", "601234567", "765432106", "Hilary"):
        assert datum.encode() not in kept
    before = superuser.execute("SELECT md5(string_agg(data, '' ORDER BY number)) FROM journal_operation").fetchone()
    erase_person(jan, LOOKING)
    assert (
        before
        == superuser.execute("SELECT md5(string_agg(data, '' ORDER BY number)) FROM journal_operation").fetchone()
    )
    assert check().sound
    assert holder("1") == jan


def test_a_sale_to_somebody_unknown_or_erased_is_refused_and_nothing_changes(world: World, jan: UUID) -> None:
    erase_person(jan, LOOKING)
    before = state()
    for unknown in (jan, uuid4()):
        buying = world.sale(world.line("DAY", "1"), pay=17000, customer=unknown)
        holding = world.sale(held(world, "DAY", "1", holder=unknown), pay=17000)
        assert [refusal(answer) for answer in sell([buying, holding])] == [Reason.BAD_VALUE] * 2
    assert state() == before


def test_the_holder_named_last_counts_and_nobody_may_be_named(world: World, jan: UUID, ewa: UUID) -> None:
    world.sold(world.line("DAY", "1"), pay=17000)
    name_holders([naming(world, "1", jan), naming(world, "1", ewa, at=MORNING + timedelta(hours=4))])
    assert holder("1") == ewa
    name_holders([naming(world, "1", None, at=MORNING + timedelta(hours=5))])
    assert holder("1") is None
    assert check().sound


def test_a_naming_that_claims_to_precede_the_last_one_is_refused(world: World, jan: UUID, ewa: UUID) -> None:
    world.sold(world.line("DAY", "1"), pay=17000)
    name_holders([naming(world, "1", jan)])
    before = state()
    slow = MORNING + timedelta(hours=2)
    (late,) = name_holders([naming(world, "1", ewa, at=slow)])
    assert (refusal(late), holder("1")) == (Reason.BAD_VALUE, jan)
    (topped_up,) = sell([world.sale(held(world, "P30", "1", holder=ewa, issue=False), pay=2600, at=slow)])
    assert refusal(topped_up) == Reason.BAD_VALUE
    assert state() == before


def test_in_one_batch_a_naming_sees_the_one_before(world: World, jan: UUID, ewa: UUID) -> None:
    world.sold(world.line("DAY", "1"), pay=17000)
    first, second = name_holders([naming(world, "1", jan), naming(world, "1", ewa, at=MORNING + timedelta(hours=2))])
    assert isinstance(first, HolderIs)
    assert (refusal(second), holder("1")) == (Reason.BAD_VALUE, jan)


def test_a_card_given_out_again_is_nobodys_until_somebody_is_named(world: World, jan: UUID) -> None:
    world.sold(held(world, "DAY", "1", holder=jan), pay=17000)
    world.taken_back(cards=("1",))
    world.sold(world.line("DAY", "1"), pay=17000, at=MORNING + timedelta(hours=6))
    assert holder("1") is None
    assert media_held_by([jan]) == {jan: []}
    name_holders([naming(world, "1", jan, at=MORNING + timedelta(hours=7))])
    assert holder("1") == jan
    assert check().sound


def test_a_replaced_card_takes_its_holder_along(world: World, jan: UUID) -> None:
    world.sold(held(world, "DAY", "1", holder=jan), pay=17000)
    asked: Any = {"key": world.key(), "at": MORNING + timedelta(hours=2), "actor": ANNA, "sales_point": TILL}
    replace_cards([ReplaceCard(old=medium_id("1"), new_number="9", deposit_minor=1000, **asked)])
    assert holder("9") == jan
    assert [(medium.number, medium.state) for medium in media_held_by([jan])[jan]] == [
        ("1", "replaced"),
        ("9", "in_use"),
    ]
    assert check().sound


@pytest.mark.parametrize(
    ("number", "reason"), [("none", Reason.UNKNOWN_MEDIUM), ("1", Reason.MEDIUM_RETURNED), ("2", Reason.BAD_VALUE)]
)
def test_a_holder_is_named_of_a_card_in_use_and_known_people_only(
    world: World, jan: UUID, number: str, reason: Reason
) -> None:
    world.sold(world.line("DAY", "1"), world.line("DAY", "2"), pay=34000)
    world.taken_back(cards=("1",))
    before = state()
    (answer,) = name_holders(
        [naming(world, number, uuid4() if number == "2" else jan, at=MORNING + timedelta(hours=6))]
    )
    assert refusal(answer) == reason
    assert state() == before


def test_of_two_who_name_a_holder_at_once_the_later_counts(world: World, jan: UUID, ewa: UUID) -> None:
    world.sold(world.line("DAY", "1"), pay=17000)
    requests = [
        naming(world, "1", who, at=MORNING + timedelta(hours=3, seconds=n)) for n, who in enumerate([jan, ewa] * 4)
    ]
    race([lambda request=request: name_holders([request]) for request in requests])
    told = media_by_number(["1"])["1"]
    assert told.holder == ewa
    assert told.holder_at == requests[-1].at
    assert check().sound
