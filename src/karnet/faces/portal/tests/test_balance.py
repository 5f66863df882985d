"""What is on a pass, for whoever has its number and its code: and for nobody else, however often they try."""

from __future__ import annotations

import re

import pytest
from django.http import HttpResponse
from django.test import Client

from karnet.faces.base import lockout
from karnet.faces.portal.words import purse_name
from karnet.orders.tests.conftest import NORTH, cash
from karnet.passes.codes import new_code, passes_with_code
from karnet.passes.requests import KeepUp, UseCredits
from karnet.passes.selectors import pass_by_number, statement
from karnet.passes.services import keep_up, use_credits
from karnet.passes.tests.conftest import ANNA, LATER, Till, days, one

pytestmark = pytest.mark.database


def asked(number: str, code: str, **headers: str) -> HttpResponse:
    client = Client(SERVER_NAME="localhost")
    return client.post("/pass/", {"number": number, "code": code}, headers=headers)  # type: ignore[return-value]


def test_number_and_code_show_what_is_on_a_pass_and_where_it_went(till: Till) -> None:
    sold = till.sold("VALUE", "P1", 30000, pay=31000)
    till.charged("P1", 40, [cash(40 * 999 - 34500)])
    code = new_code(sold.id, LATER)
    assert (len(code), code.isdigit()) == (6, True)
    page = asked("P1", f"{code[:3]} {code[3:]}").content.decode()
    assert ">VALUE<" in page
    assert "+300.00" in page
    assert re.search("[-\N{MINUS SIGN}]345.00", page)
    assert code not in one("SELECT string_agg(hash, '') FROM passes_secret")


def test_a_wrong_code_and_an_unknown_number_look_alike_and_too_many_tries_are_stopped(till: Till) -> None:
    sold = till.sold("VALUE", "P1", 10000, pay=11000)
    code = new_code(sold.id, LATER)
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    said = {asked(number, wrong).status_code for number in ("P1", "nobody's")}
    assert said == {422}
    for _ in range(lockout.NAME_LIMIT):
        asked("P1", wrong)
    assert asked("P1", code).status_code == 429
    assert "300" not in asked("P1", code).content.decode()


def test_a_new_code_replaces_the_one_before(till: Till) -> None:
    sold = till.sold("VALUE", "P1", 10000, pay=11000)
    first, second = new_code(sold.id, LATER), new_code(sold.id, LATER)
    assert passes_with_code("P1", second) == [sold.id]
    assert first == second or passes_with_code("P1", first) == []


def test_a_statement_tells_top_ups_bonus_what_was_paid_and_what_ended(till: Till) -> None:
    sold = till.sold("DAYS", "D1", 10000, pay=10000)
    till.charged("D1", 2)
    keep_up(KeepUp(key="end", at=days(91), actor=ANNA, facility=NORTH))
    lines = [(line.what, line.amount) for line in statement(sold.id)]
    assert lines == [("top_up", 10000), ("bonus", 1000), ("paid", -1998), ("expired", -8002), ("expired", -1000)]
    assert [line.document for line in statement(sold.id) if line.what == "paid"] == ["K1-000001"]
    assert len(statement(sold.id, limit=2)) == 2


def test_classes_are_counted_and_purses_have_names(till: Till) -> None:
    sold = till.sold("CLASSES", "K1", pack="TEN", pay=35000)
    use_credits([UseCredits(number="K1", purse="classes", credits=2, code="YOGA", **till.asked())])
    lines = [(line.what, line.unit, line.amount) for line in statement(sold.id)]
    assert ("credits", "credits", -2) in lines
    seen = pass_by_number("K1", NORTH, LATER)
    assert seen is not None
    assert [purse_name(purse) for purse in seen.purses] == ["Classes", "Money"]
    page = asked("K1", new_code(sold.id, LATER), **{"accept-language": "pl"}).content.decode()
    assert "Wykorzystane zajęcia" in page
    assert "-2 zajęcia" in page
