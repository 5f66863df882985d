"""Who stands on invoices: persons, and the company behind a facility."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from karnet.journal.founding import found_server
from karnet.kernel.outcomes import Refused
from karnet.parties.finding import companies_called
from karnet.parties.invoicing import (
    forget_private_buyer,
    private_buyer_id,
    save_private_buyer,
    save_seller,
    sellers,
)
from karnet.parties.operations import facility_id
from karnet.parties.rules import CompanyDetails
from karnet.parties.selectors import companies
from karnet.parties.services import EnrolFacility, Saved, enrol_facilities

pytestmark = pytest.mark.database
AT = datetime(2026, 1, 17, 9, tzinfo=UTC)
NORTH = facility_id("NORTH")
SOMEBODY = UUID(int=7)
COMPANY = CompanyDetails(name="North Lifts", tax_number="526-025-02-74", address="Main Street 1")


@pytest.fixture
def north(database: None) -> None:
    server = found_server("karnet.test/invoices", AT)
    enrol_facilities(
        [EnrolFacility(key="f", at=AT, actor=server, code="NORTH", currency="PLN", time_zone="Europe/Warsaw")]
    )


@pytest.mark.usefixtures("north")
def test_a_paper_printed_again_names_the_company_of_its_time() -> None:
    kept = save_seller(NORTH, COMPANY, AT)
    assert isinstance(kept, CompanyDetails)
    assert kept.tax_number == "5260250274"
    later = AT + timedelta(days=30)
    save_seller(NORTH, CompanyDetails(name="North Mountain", tax_number="5260250274", address="Hill 2"), later)
    assert sellers([NORTH], AT - timedelta(seconds=1)) == {}
    assert sellers([NORTH], AT + timedelta(days=1))[NORTH].name == "North Lifts"
    assert sellers([NORTH], later)[NORTH].name == "North Mountain"


@pytest.mark.usefixtures("north")
def test_a_company_with_a_wrong_tax_number_is_refused_and_not_kept() -> None:
    answer = save_seller(NORTH, CompanyDetails(name="North", tax_number="5260250275", address="Hill 2"), AT)
    assert isinstance(answer, Refused)
    assert "tax_number" in answer.facts
    assert sellers([NORTH], AT) == {}


@pytest.mark.usefixtures("database")
def test_an_invoice_may_be_for_a_person_with_name_and_address_and_no_tax_number() -> None:
    kept = save_private_buyer(SOMEBODY, CompanyDetails(name=" Jan Łącki ", tax_number="", address="Polna 3, Kraków"))
    assert isinstance(kept, Saved)
    assert kept.id == private_buyer_id(SOMEBODY)
    assert companies([kept.id])[kept.id] == CompanyDetails(name="Jan Łącki", tax_number="", address="Polna 3, Kraków")
    assert companies_called("łącki") == [], "a person is no company to choose from a list"
    forget_private_buyer(SOMEBODY)
    assert companies([kept.id]) == {}


@pytest.mark.parametrize(
    ("field", "details"),
    [
        ("address", CompanyDetails(name="Jan", tax_number="", address=" ")),
        ("name", CompanyDetails(name="", tax_number="", address="Polna 3")),
        ("tax_number", CompanyDetails(name="Jan", tax_number="5260250274", address="Polna 3")),
    ],
)
@pytest.mark.usefixtures("database")
def test_a_person_without_what_an_invoice_needs_is_refused(field: str, details: CompanyDetails) -> None:
    answer = save_private_buyer(SOMEBODY, details)
    assert isinstance(answer, Refused)
    assert field in answer.facts
    assert companies([private_buyer_id(SOMEBODY)]) == {}
