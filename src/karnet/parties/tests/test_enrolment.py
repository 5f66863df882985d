"""Enrolling and retiring on a real database."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from django.db import connection

from karnet.journal.founding import found_server
from karnet.journal.selectors import entries_after
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.parties import selectors
from karnet.parties.operations import facility_id, operator_id, sales_point_id, service_operator_id
from karnet.parties.services import (
    EnrolFacility,
    Enrolled,
    EnrolOperator,
    EnrolSalesPoint,
    Retire,
    RetiredAnswer,
    enrol_facilities,
    enrol_operators,
    enrol_sales_points,
    rename,
    retire,
)

pytestmark = pytest.mark.database

AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
NORTH = facility_id("NORTH")


@pytest.fixture
def server() -> UUID:
    return found_server("karnet.test/log", AT)


@pytest.fixture
def north(server: UUID) -> UUID:
    (answer,) = enrol_facilities([facility(server, "NORTH")])
    assert isinstance(answer, Enrolled)
    return answer.id


def facility(server: UUID, code: str, **changes: object) -> EnrolFacility:
    values = {"currency": "PLN", "time_zone": "Europe/Warsaw", "name": f"Station {code}", **changes}
    key = f"facility {code} {str(changes)[:40]}"
    return EnrolFacility(key=key, at=AT, actor=server, code=code, **values)


def point(server: UUID, code: str, kind: str, place: UUID = NORTH) -> EnrolSalesPoint:
    return EnrolSalesPoint(key=f"point {code} {kind}", at=AT, actor=server, facility=place, code=code, kind=kind)


def test_a_facility_is_known_by_the_id_that_its_code_gives(server: UUID) -> None:
    (answer,) = enrol_facilities([facility(server, "NORTH")])
    assert answer == Enrolled(id=NORTH)
    assert selectors.facilities([NORTH, server]) == {
        NORTH: selectors.EnrolledFacility(id=NORTH, code="NORTH", currency="PLN", time_zone="Europe/Warsaw")
    }
    assert selectors.names([NORTH]) == {NORTH: "Station NORTH"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"currency": "zł"}, "currency"),
        ({"currency": "pln"}, "currency"),
        ({"time_zone": "Warsaw"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"name": "x" * 201}, "name"),
    ],
)
def test_a_bad_value_is_refused_with_its_field_and_nothing_is_recorded(
    server: UUID, changes: dict[str, object], field: str
) -> None:
    (answer,) = enrol_facilities([facility(server, "NORTH", **changes)])
    assert isinstance(answer, Refused)
    assert (answer.reason, answer.facts["field"]) == (Reason.BAD_VALUE, field)
    assert selectors.all_facilities() == []
    assert selectors.names([NORTH]) == {}


@pytest.mark.parametrize("code", ["", "a b", "@web", "-x", "x" * 33, "Kraków"])
def test_a_code_that_cannot_be_typed_everywhere_is_refused(server: UUID, code: str) -> None:
    (answer,) = enrol_facilities([facility(server, code)])
    assert isinstance(answer, Refused)
    assert answer.facts["field"] == "code"


def test_of_two_facilities_with_one_code_in_a_batch_the_first_is_enrolled(server: UUID) -> None:
    first, second = enrol_facilities([facility(server, "NORTH"), facility(server, "NORTH", currency="EUR")])
    assert isinstance(first, Enrolled)
    assert second == Refused(Reason.ALREADY_EXISTS, {"code": "NORTH"})
    assert selectors.facilities([NORTH])[NORTH].currency == "PLN"


def test_sixteen_threads_enrol_one_code_once(server: UUID) -> None:
    answers: list[Enrolled | Refused] = []

    def enrol(n: int) -> None:
        answers.extend(enrol_facilities([facility(server, "NORTH", name=f"by {n}")]))
        connection.close()

    threads = [threading.Thread(target=enrol, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(Enrolled(id=NORTH)) == 1
    assert answers.count(Refused(Reason.ALREADY_EXISTS, {"code": "NORTH"})) == 15
    assert len(selectors.all_facilities()) == 1


def test_an_unattended_sales_point_comes_with_a_service_operator_that_may_act(server: UUID, north: UUID) -> None:
    machine, till = enrol_sales_points([point(server, "M1", "ticket_machine"), point(server, "T1", "till")])
    service = service_operator_id(north, "M1")
    assert machine == Enrolled(id=sales_point_id(north, "M1"), operator=service)
    assert till == Enrolled(id=sales_point_id(north, "T1"))
    assert selectors.sales_points([machine.id])[machine.id].operator == service
    assert selectors.operators([service])[service].facility == north
    assert selectors.actors([service])[service].retired_at is None


def test_two_operators_of_one_facility_cannot_share_a_code_but_two_facilities_can(server: UUID, north: UUID) -> None:
    enrol_facilities([facility(server, "SOUTH")])
    south = facility_id("SOUTH")

    def operator(key: str, place: UUID) -> EnrolOperator:
        return EnrolOperator(key=key, at=AT, actor=server, facility=place, code="anna", name="Anna Nowak")

    answers = enrol_operators([operator("1", north), operator("2", north), operator("3", south)])
    assert answers == [
        Enrolled(id=operator_id(north, "anna")),
        Refused(Reason.ALREADY_EXISTS, {"code": "anna"}),
        Enrolled(id=operator_id(south, "anna")),
    ]


def test_nothing_is_enrolled_at_a_facility_that_does_not_exist(server: UUID) -> None:
    (answer,) = enrol_sales_points([point(server, "T1", "till")])
    assert isinstance(answer, Refused)
    assert answer.reason is Reason.UNKNOWN_FACILITY
    assert selectors.actors([sales_point_id(NORTH, "T1")]) == {}


def test_a_name_is_never_in_the_journal_and_can_be_corrected_and_erased(server: UUID, north: UUID) -> None:
    enrol_operators([EnrolOperator(key="o", at=AT, actor=server, facility=north, code="op7", name="Anna Nowak")])
    anna = operator_id(north, "op7")
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(encode(data, 'escape'), '') FROM journal_operation")
        (journal,) = cursor.fetchone()
    assert "op7" in journal
    assert "Nowak" not in journal
    rename(anna, "Anna Kowalska")
    assert selectors.names([anna]) == {anna: "Anna Kowalska"}
    rename(anna, "")
    assert selectors.names([anna]) == {}
    assert sum(1 for _ in entries_after(0)) == 3


def test_a_retired_sales_point_takes_its_service_operator_along_and_neither_may_act(server: UUID, north: UUID) -> None:
    (web,) = enrol_sales_points([point(server, "WEB", "web")])
    assert isinstance(web, Enrolled)
    assert web.operator is not None
    later = AT + timedelta(days=1)
    (answer,) = retire([Retire(key="r", at=later, actor=server, party=web.id)])
    assert answer == RetiredAnswer(ids=(web.id, web.operator))
    request = EnrolOperator(key="x", at=later, actor=web.operator, facility=north, code="bob")
    assert enrol_operators([request]) == [Refused(Reason.ACTOR_RETIRED, {"actor": str(web.operator)})]


def test_a_retired_facility_takes_everything_along_and_nothing_more_is_enrolled_there(
    server: UUID, north: UUID
) -> None:
    enrol_sales_points([point(server, "WEB", "web"), point(server, "T1", "till")])
    first, again = retire([Retire(key=key, at=AT, actor=server, party=north) for key in "ab"])
    assert isinstance(first, RetiredAnswer)
    assert len(first.ids) == 4
    assert again == Refused(Reason.ACTOR_RETIRED, {"actor": str(north)})
    (refused,) = enrol_sales_points([point(server, "T2", "till")])
    assert refused == Refused(Reason.ACTOR_RETIRED, {"actor": str(north)})


def test_a_retirement_dated_too_late_by_a_wrong_clock_can_be_brought_forward_but_not_put_off(
    server: UUID, north: UUID
) -> None:
    (web,) = enrol_sales_points([point(server, "WEB", "web")])
    assert isinstance(web, Enrolled)
    years = [AT + timedelta(days=365 * years) for years in (5, 0, 5)]
    answers = [retire([Retire(key=str(n), at=at, actor=server, party=web.id)])[0] for n, at in enumerate(years)]
    assert answers[:2] == [RetiredAnswer(ids=(web.id, web.operator))] * 2
    assert answers[2] == Refused(Reason.ACTOR_RETIRED, {"actor": str(web.id)})
    found = selectors.sales_points([web.id])[web.id]
    assert found.retired_at == AT


def test_a_server_and_a_stranger_cannot_be_retired(server: UUID) -> None:
    requests = [Retire(key=str(n), at=AT, actor=server, party=party) for n, party in enumerate((server, NORTH))]
    assert [answer.reason for answer in retire(requests)] == [Reason.BAD_VALUE, Reason.UNKNOWN_ACTOR]


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE parties_facility SET currency = 'pln'", "facility_currency_iso_4217"),
        (
            "INSERT INTO parties_sales_point (id, facility_id, code, kind) SELECT id, id, 'W', 'web' FROM parties_facility",
            "sales_point_unattended_has_operator",
        ),
        (
            "INSERT INTO parties_facility SELECT gen_random_uuid(), 'NORTH', 'PLN', 'Europe/Warsaw'",
            "parties_facility_code_key",
        ),
        (
            "INSERT INTO parties_operator (id, facility_id, code) SELECT gen_random_uuid(), id, 'x' FROM parties_facility;"
            " SET CONSTRAINTS ALL IMMEDIATE",
            "parties_operator_id_",
        ),
    ],
)
def test_the_tables_refuse_what_the_rules_would(
    north: UUID, superuser: psycopg.Connection, statement: str, constraint: str
) -> None:
    with pytest.raises(psycopg.IntegrityError) as refusal:
        superuser.execute(f"BEGIN; SET LOCAL karnet.recording = 'on'; {statement}; COMMIT")
    superuser.execute("ROLLBACK")
    assert (refusal.value.diag.constraint_name or "").startswith(constraint)


def test_enrolled_parties_cannot_be_changed_past_the_journal(north: UUID, superuser: psycopg.Connection) -> None:
    for table in ("parties_facility", "parties_sales_point", "parties_operator"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            superuser.execute(f"DELETE FROM {table}")
