"""Customers: kept beside the journal, found by what people say of themselves, exported, erased, and every look noted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest
from django.db import connection
from hypothesis import example, given, settings
from hypothesis import strategies as st

from karnet.kernel.outcomes import Refused
from karnet.parties.people import (
    SAME_LOOK,
    CustomerDetails,
    KnownCustomer,
    Looking,
    customers,
    erase_person,
    export_person,
    find_customers,
    known_customers,
    looks_at,
    same_customer,
    save_customer,
    search_query,
)
from karnet.parties.persons import check_customer, country_of, e164, fold, search_beginnings, search_keys

NOON = datetime(2027, 1, 16, 12, tzinfo=UTC)
ANNA = Looking(by="anna", at=NOON)


def saved(surname: str, phone: str = "", given_name: str = "", **more: str) -> UUID:
    details = CustomerDetails(surname=surname, phone=phone, given_name=given_name, **more)
    answer = save_customer(uuid4(), details, ANNA, "PL")
    assert isinstance(answer, KnownCustomer), answer
    return answer.id


def found(text: str) -> list[str]:
    return [one.details.surname for one in find_customers(text, ANNA)]


@pytest.mark.parametrize(
    ("typed", "country", "kept"),
    [
        ("601 234 567", "PL", "+48601234567"),
        ("+48 601-234-567", "", "+48601234567"),
        ("0048601234567", "PL", "+48601234567"),
        ("0048 601 234 567", "", "+48601234567"),
        ("0171 2345678", "DE", "+491712345678"),  # the trunk zero goes
        ("06 1234 5678", "IT", "+390612345678"),  # in Italy it stays
        ("8 912 345-67-89", "RU", "+79123456789"),
        ("601 234 567", "", None),  # whose?
        ("12", "PL", None),
        ("call me", "PL", None),
    ],
)
def test_a_phone_is_one_number_however_it_is_typed(typed: str, country: str, kept: str | None) -> None:
    assert e164(typed, country) == kept


def test_a_facilitys_time_zone_says_whose_phone_numbers_are_meant() -> None:
    assert [country_of(zone) for zone in ("Europe/Warsaw", "Europe/Rome", "Asia/Yekaterinburg", "UTC")] == [
        "PL", "IT", "RU", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Łącki", "lacki"),
        ("Żółć-Świątek", "zolc"),
        ("Żółć-Świątek", "SWIAT"),
        ("Straße", "strasse"),
        ("Ångström", "angs"),
        ("O’Hara", "hara"),
        ("Толстой", "толст"),
        ("D'Amato", "d'amato"),
    ],
)
def test_a_name_is_compared_without_case_and_accents(written: str, typed: str) -> None:
    keys = search_keys(CustomerDetails(surname=written))
    assert all(any(key.startswith(beginning) for key in keys) for beginning in search_beginnings(typed))


@example("\U0001d400\u01c5\u0130")  # letters that fall apart into capitals
@settings(max_examples=2000)
@given(st.text(max_size=80))
def test_folding_a_folded_text_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(max_size=60))
def test_any_text_can_be_looked_up(text: str) -> None:
    assert all(beginning[0] in "npe" for beginning in search_beginnings(text))


@pytest.mark.parametrize(
    ("details", "field"),
    [
        (CustomerDetails(given_name="Anna"), "surname"),
        (CustomerDetails(surname="x" * 101), "surname"),
        (CustomerDetails(surname="Nowak", phone="123"), "phone"),
        (CustomerDetails(surname="Nowak", email="nowak at home"), "email"),
        (CustomerDetails(surname="Nowak", language="xx"), "language"),
    ],
)
def test_what_is_at_fault_is_named_field_by_field(details: CustomerDetails, field: str) -> None:
    refused = check_customer(details, "PL")
    assert isinstance(refused, Refused)
    assert refused.facts["field"] == field


@pytest.mark.database
class TestKept:
    def test_customers_are_found_by_any_word_of_their_name_and_the_last_digits_of_their_phone(self) -> None:
        saved("Łącki", "601 234 567", "Jan")
        saved("Kowalska-Łącka", "602 999 888", "Anna")
        assert found("lacki") == ["Łącki"]
        assert sorted(found("ŁĄCK")) == ["Kowalska-Łącka", "Łącki"]
        assert found("kowal") == ["Kowalska-Łącka"]
        assert found("anna lac") == found("Łącka Anna") == ["Kowalska-Łącka"]
        assert found("jan kowalska") == []
        assert found("567") == found("4 567") == found("601 234 567") == found("+48 601 234 567") == ["Łącki"]
        assert found("601") == []  # the last digits, not the first
        assert found("x") == found("12") == found("%%") == found("_____") == []

    def test_who_is_saved_again_is_found_by_the_new_name_only(self) -> None:
        person = saved("Nowak")
        save_customer(person, CustomerDetails(surname="Wójcik"), ANNA)
        assert found("nowak") == []
        assert found("wojcik") == ["Wójcik"]

    def test_a_customer_whose_two_names_begin_alike_is_told_once(self) -> None:
        saved("Nowak-Nowacka", given_name="Nowomira")
        assert found("now") == ["Nowak-Nowacka"]

    def test_no_more_are_returned_than_asked_for(self) -> None:
        for n in range(5):
            saved(f"Nowak{n}")
        assert len(find_customers("nowak", ANNA, limit=3)) == 3

    def test_the_same_phone_with_the_same_surname_is_the_same_customer(self) -> None:
        person = saved("Łącki", "601 234 567")
        assert same_customer(CustomerDetails(surname="lacki", phone="+48601234567")) == person
        assert same_customer(CustomerDetails(surname="Łącka", phone="+48601234567")) is None
        assert same_customer(CustomerDetails(surname="Łącki", phone="+48601234568")) is None
        assert same_customer(CustomerDetails(surname="Łącki")) is None

    def test_a_search_reads_ranges_of_an_index_and_never_the_whole_table(self, superuser: psycopg.Connection) -> None:
        superuser.execute(
            "INSERT INTO parties_customer SELECT gen_random_uuid(), '', 'S' || n, '', '', '', now(), NULL"
            " FROM generate_series(1, 20000) n"
        )
        superuser.execute("INSERT INTO parties_customer_key SELECT 'n' || lower(surname), id FROM parties_customer")
        superuser.execute("ANALYZE parties_customer, parties_customer_key")
        for text in ("lacki", "jan lacki", "567", "nowak@", "s"):
            sql, parameters = search_query(search_beginnings(text) or ["ns"], 20)
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {sql}", parameters)
                plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "Seq Scan" not in plan, plan
            assert "customer_by_key" in plan, plan

    def test_every_look_is_noted_with_who_and_when_and_a_screen_that_asks_often_once(self) -> None:
        person = saved("Łącki")
        find_customers("lacki", ANNA)
        customers([person], Looking(by="bartek", at=NOON + timedelta(minutes=1)))
        customers([person], Looking(by="bartek", at=NOON + timedelta(minutes=2)))
        customers([person], Looking(by="bartek", at=NOON + timedelta(minutes=2) + SAME_LOOK))
        customers([person], Looking(by="celina", at=NOON + timedelta(minutes=3)))
        told = [(look.by, look.what) for look in reversed(looks_at(person))]
        assert told == [
            ("anna", "saved"), ("anna", "found"), ("bartek", "read"), ("celina", "read"), ("bartek", "read"),
        ]  # fmt: skip

    def test_an_export_holds_all_that_is_kept_and_who_looked(self) -> None:
        person = saved("Łącki", "601 234 567", "Jan", email="jan@example.org", language="pl")
        customers([person], Looking(by="bartek", at=NOON))
        data = export_person(person, ANNA)
        text = msgspec.json.encode(data).decode()
        for held in ("Łącki", "Jan", "+48601234567", "jan@example.org", "pl", "bartek", "exported", str(person)):
            assert held in text
        assert export_person(uuid4(), ANNA) is None

    def test_of_an_erased_person_nothing_is_left_in_any_table(self, superuser: psycopg.Connection) -> None:
        person = saved("Łącki", "601 234 567", "Jan", email="jan@example.org", language="pl")
        other = saved("Łączna", "602 234 567")
        gone = erase_person(person, Looking(by="mela", at=NOON + timedelta(hours=1)))
        assert gone is not None
        assert (gone.details, gone.erased_at) == (CustomerDetails(), NOON + timedelta(hours=1))
        assert found("lac") == ["Łączna"]
        assert found("jan@example.org") == []
        tables = superuser.execute("SELECT relname FROM pg_stat_user_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            rows = superuser.execute(f'SELECT t::text FROM "{table}" t').fetchall()
            assert not [row for (row,) in rows if any(word in row for word in ("Łącki", "lacki", "601234567", "jan@"))]
        assert known_customers([person, other, uuid4()]) == {other}
        # Who erased it stays on the list; a second time changes nothing.
        assert erase_person(person, ANNA) == gone
        assert next((look.by, look.what) for look in looks_at(person)) == ("mela", "erased")
        assert isinstance(save_customer(person, CustomerDetails(surname="Łącki"), ANNA), Refused)
        assert erase_person(uuid4(), ANNA) is None

    def test_nobody_rewrites_who_looked_not_even_the_owner_of_the_tables(self, superuser: psycopg.Connection) -> None:
        saved("Łącki")
        for attack in ("UPDATE parties_look SET by = 'nobody'", "DELETE FROM parties_look"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                superuser.execute(attack)  # type: ignore[arg-type]
            with pytest.raises(Exception, match="permission denied"), connection.cursor() as cursor:
                cursor.execute(attack)

    def test_who_is_erased_while_others_save_them_stays_erased(self, superuser: psycopg.Connection) -> None:
        person = saved("Łącki", "601 234 567")
        barrier = Barrier(6)

        def run(n: int) -> object:
            try:
                barrier.wait()
                details = CustomerDetails(surname=f"Łącki{n}", phone="+48601234567")
                return erase_person(person, ANNA) if n == 3 else save_customer(person, details, ANNA)
            finally:
                connection.close()

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(run, range(6)))
        assert known_customers([person]) == set()
        assert found("lacki") == []
        assert superuser.execute("SELECT count(*) FROM parties_customer_key").fetchone() == (0,)

    def test_a_refused_customer_leaves_nothing_behind(self) -> None:
        person = uuid4()
        assert isinstance(save_customer(person, CustomerDetails(surname="Nowak", phone="12"), ANNA, "PL"), Refused)
        assert customers([person], ANNA) == {}
