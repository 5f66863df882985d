"""House data: companies that buy, and log-ins."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.contrib.auth import authenticate
from hypothesis import given
from hypothesis import strategies as st

from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.parties import selectors
from karnet.parties.models import User
from karnet.parties.rules import CompanyDetails, check_company, nip_is_valid
from karnet.parties.services import AddUser, Saved, UserSaved, add_user, save_company, set_active, set_password

COMPANY = UUID("00000000-0000-7000-8000-00000000c0de")
GOOD, OTHER, WRONG = "correct horse battery", "another horse battery", "wrong horse battery"


@pytest.mark.parametrize("nip", ["5260250274", "1234563218", "5252248481"])
def test_real_tax_numbers_are_valid(nip: str) -> None:
    assert nip_is_valid(nip)


@pytest.mark.parametrize("nip", ["", "5260250275", "526025027", "52602502740", "abcdefghij", "５２６０２５０２７４"])
def test_wrong_tax_numbers_are_not(nip: str) -> None:
    assert not nip_is_valid(nip)


@given(st.from_regex(r"[0-9]{9}", fullmatch=True), st.integers(0, 8), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(nine: str, place: int, step: int) -> None:
    valid = [nine + last for last in "0123456789" if nip_is_valid(nine + last)]
    assert len(valid) <= 1
    for nip in valid:
        changed = str((int(nip[place]) + step) % 10)
        assert not nip_is_valid(nip[:place] + changed + nip[place + 1 :])


def test_a_tax_number_may_be_written_with_dashes_spaces_and_country() -> None:
    details = CompanyDetails(name=" Biuro ", tax_number="PL 526-025-02-74", address="ul. Świętokrzyska 12, Warszawa")
    checked = check_company(details)
    assert isinstance(checked, CompanyDetails)
    assert (checked.name, checked.tax_number, checked.country) == ("Biuro", "5260250274", "PL")


def test_every_field_at_fault_is_named_at_once() -> None:
    answer = check_company(CompanyDetails(name=" ", tax_number="5260250275", address=""))
    assert isinstance(answer, Refused)
    assert answer.reason is Reason.BAD_VALUE
    assert set(answer.facts) == {"field", "name", "address", "tax_number"}
    assert answer.facts["field"] == "name, address, tax_number"


def test_a_foreign_company_needs_no_nip() -> None:
    details = CompanyDetails(name="Rifugio", tax_number="IT 00743110157", address="Via Roma 1", country="it")
    checked = check_company(details)
    assert isinstance(checked, CompanyDetails)
    assert (checked.tax_number, checked.country) == ("IT00743110157", "IT")


@pytest.mark.database
def test_a_company_is_saved_corrected_and_read_back() -> None:
    details = CompanyDetails(name="Biuro", tax_number="5260250274", address="Warszawa")
    assert save_company(COMPANY, details) == Saved(id=COMPANY, details=details)
    corrected = CompanyDetails(name="Biuro 2", tax_number="5260250274", address="Kraków")
    save_company(COMPANY, corrected)
    assert isinstance(save_company(COMPANY, CompanyDetails(name="", tax_number="1", address="")), Refused)
    assert selectors.companies([COMPANY]) == {COMPANY: corrected}


@pytest.mark.database
def test_a_log_in_gets_in_with_its_password_only_and_no_more_when_disabled() -> None:
    assert add_user(AddUser(username="anna", role="cashier", password=GOOD)) == UserSaved(
        username="anna", role="cashier", active=True
    )
    assert User.objects.get().password.startswith("argon2$")
    assert authenticate(username="anna", password=GOOD) is not None
    assert authenticate(username="anna", password=WRONG) is None
    set_password("anna", OTHER)
    assert authenticate(username="anna", password=GOOD) is None
    set_active("ANNA", False)
    assert authenticate(username="anna", password=OTHER) is None
    assert [(log_in.username, log_in.active) for log_in in selectors.log_ins()] == [("anna", False)]


@pytest.mark.database
def test_a_name_is_taken_in_any_case() -> None:
    add_user(AddUser(username="anna", role="cashier", password=GOOD))
    assert add_user(AddUser(username="ANNA", role="manager", password=GOOD)) == Refused(
        Reason.ALREADY_EXISTS, {"code": "ANNA"}
    )


@pytest.mark.database
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"password": "short"}, "password"),
        ({"password": "password123"}, "password"),
        ({"username": "anna-maria", "password": "anna-maria1"}, "password"),
        ({"username": "an na"}, "username"),
        ({"role": "boss"}, "role"),
        ({"operator": COMPANY}, "operator"),
    ],
)
def test_a_log_in_with_a_bad_value_is_refused_and_not_kept(changes: dict[str, object], field: str) -> None:
    values = {"username": "anna", "role": "cashier", "password": GOOD, **changes}
    answer = add_user(AddUser(**values))
    assert isinstance(answer, Refused)
    assert answer.facts["field"] == field
    assert selectors.log_ins() == []
