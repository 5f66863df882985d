"""What forms of the back office do, and what becomes of nonsense."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from karnet.access.selectors import gates
from karnet.accounts.operations import house_account
from karnet.accounts.selectors import balances
from karnet.faces.backoffice.exporting import Column, Document, Table, as_csv, as_pdf, as_xlsx
from karnet.faces.backoffice.product_form import ProductForm, values_of
from karnet.journal.founding import found_server
from karnet.parties.operations import facility_id, operator_id
from karnet.parties.selectors import all_facilities
from karnet.parties.services import EnrolFacility, EnrolOperator, enrol_facilities, enrol_operators

AT = datetime(2026, 1, 17, 9, tzinfo=UTC)


@pytest.fixture
def manager(database: None) -> Client:
    """A manager's browser, on a server with one facility, "kopa", and its operator "maria"."""
    server = found_server("karnet.test/pages", AT)
    kopa = facility_id("kopa")
    enrol_facilities(
        [EnrolFacility(key="f", at=AT, actor=server, code="kopa", currency="PLN", time_zone="Europe/Warsaw")]
    )
    enrol_operators([EnrolOperator(key="o", at=AT, actor=server, facility=kopa, code="maria")])
    user = get_user_model().objects.create(
        username="maria",
        role="manager",
        operator_id=operator_id(kopa, "maria"),
        password="!",  # noqa: S106
    )
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    return client


@pytest.mark.database
def test_a_facility_is_enrolled_with_its_books_and_gates_once(manager: Client) -> None:
    asked = {"key": "a", "code": "polana", "currency": "pln", "time_zone": "Europe/Warsaw", "name": "Polana"}
    for _again in range(2):
        assert manager.post("/office/places/enrol/facility/", asked).status_code == 302
    assert [facility.code for facility in all_facilities()] == ["kopa", "polana"]
    polana = facility_id("polana")
    clearing = house_account(polana, "clearing", "PLN")
    assert clearing in balances([clearing])
    gate = {"key": "b", "facility": str(polana), "code": "tow", "direction": "out", "passback_s": "90", "grant_s": "15"}
    manager.post("/office/places/enrol/gate/", gate)
    assert [(one.code, one.direction, one.passback_s, one.reports_turn) for one in gates(polana)] == [
        ("tow", "out", 90, False)
    ]


@pytest.mark.database
def test_a_manager_gives_roles_but_not_to_themselves(manager: Client) -> None:
    added = {"username": "olga", "role": "cashier", "password": "quite long enough"}
    assert manager.post("/office/staff/", added).status_code == 302
    manager.post("/office/staff/olga/", {"what": "assign", "role": "accountant"})
    manager.post("/office/staff/maria/", {"what": "assign", "role": "cashier"})
    manager.post("/office/staff/maria/", {"what": "lock"})
    users = get_user_model().objects
    assert users.get(username="olga").role == "accountant"
    assert (users.get(username="maria").role, users.get(username="maria").is_active) == ("manager", True)
    assert manager.post("/office/staff/", {**added, "username": "x", "password": "short"}).status_code == 422


NONSENSE = {
    "/office/?facility=nowhere": 404,
    "/office/today/nothing": 404,
    "/office/search/?q=%00%00%25_%5C": 200,
    "/office/record/?who=%00%FF&kind=%00&day=yesterday&before=-1": 200,
    "/office/record/?before=99999999999999999999": 200,
    "/office/settlement/?season=never": 404,
    "/office/settlement/pair/kopa/kopa/": 404,
    "/office/settlement/report.exe": 404,
    "/office/tables/parties_user/": 404,
    "/office/tables/journal_actor/?after=[%22x%22]": 404,
    "/office/tables/journal_actor/?after=nonsense": 200,
}


@pytest.mark.database
def test_nonsense_gets_a_clear_answer(manager: Client) -> None:
    assert {address: manager.get(address).status_code for address in NONSENSE} == NONSENSE


def document(*rows: list[Any]) -> Document:
    """A table of each kind of column."""
    columns = [Column("text"), Column("count", "count"), Column("money", "money"), Column("time", "time")]
    return Document("name", "title", [Table("table", columns, rows)], "Europe/Warsaw")


def test_an_export_never_runs_a_formula() -> None:
    import io

    from openpyxl import load_workbook  # type: ignore[import-untyped]

    evil = document(['=HYPERLINK("x")', -5, -1, AT], ["@a", 0, 0, None])
    assert as_csv(evil).decode("utf-8-sig").splitlines()[1:] == [
        '"\'=HYPERLINK(""x"")",-5,-0.01,2026-01-17T10:00:00+01:00',
        "'@a,0,0.00,",
    ]
    row = load_workbook(io.BytesIO(as_xlsx(evil))).worksheets[0][2]
    assert [cell.data_type for cell in row] == ["s", "n", "n", "d"]
    assert as_pdf(evil).startswith(b"%PDF-")


def test_a_product_goes_through_the_form_unchanged() -> None:
    product = {
        "code": "evening",
        "kind": "time",
        "names": {"en": "Evening", "pl": "Wieczorny"},
        "prices": {"adult": 9000, "reduced": 7950},
        "vat_bp": 800,
        "deposit_minor": 1000,
        "facilities": [],
        "validity": {
            "kind": "days_within",
            "starts": "first_passage",
            "days": 5,
            "within_days": 7,
            "windows": [{"weekdays": [0, 1, 2, 3, 4], "start_minute": 1020, "end_minute": 1500}],
        },
    }
    values = {name: value for name, value in values_of(product).items() if value is not None}
    form = ProductForm(values, places=[])
    assert form.is_valid(), form.errors
    assert form.product() == product
