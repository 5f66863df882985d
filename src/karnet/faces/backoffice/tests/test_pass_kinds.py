"""Kinds of passes and benefit programmes in the back office: what is typed is what is sold, and only a manager types."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from karnet.accounts.top_ups import Tier
from karnet.catalogue.tariffs import PublishTariff, publish_tariffs
from karnet.faces.backoffice.frame import Place
from karnet.faces.backoffice.pass_sheet import changed_pass, fields_of, kind_of, sheet_of_pass, typed_pass
from karnet.faces.backoffice.pass_words import brings, differences, facts
from karnet.faces.backoffice.tests.test_pages import AT
from karnet.faces.backoffice.tests.test_pages import manager as manager
from karnet.faces.backoffice.tests.test_tariff_editor import TARIFFS
from karnet.parties.operations import facility_id, operator_id
from karnet.passes.benefits import programmes
from karnet.passes.kinds import PassKind, Programme
from karnet.passes.selectors import kinds_offered
from karnet.passes.tests.conftest import BAR, CLASSES, DAYS, OPEN, TAXED, VALUE

KOPA = Place(facility_id("kopa"), "kopa", "Kopa", "PLN", "Europe/Warsaw", None)
RICH = PassKind(
    code="RICH",
    names={"en": "Rich", "pl": "Bogaty"},
    amounts=(1050,),
    categories={"adult": "vip", "*": "pass"},
    tariff="pool",
    hold_minor=0,
    hold_hours=48,
    people=3,
)


@pytest.mark.parametrize("kind", [VALUE, DAYS, CLASSES, TAXED, BAR, OPEN, RICH], ids=lambda kind: kind.code)
def test_every_kind_survives_the_form(kind: PassKind) -> None:
    again, wrong = kind_of(typed_pass(fields_of(sheet_of_pass(kind, "PLN"))), "PLN")
    assert wrong == {}
    assert again == kind
    assert differences(kind, again, KOPA) == []


def test_what_cannot_be_read_is_named_by_its_field() -> None:
    sheet = sheet_of_pass(CLASSES, "PLN")
    sheet.fields.update({"amounts": "100 much", "people": "all", "price": "10"})
    sheet.rows["u"][0]["vat"] = "eight"
    sheet.rows["k"][0]["holds"] = "towels 10"
    sheet.rows["c"].append({"who": "adult"})
    made, wrong = kind_of(sheet, "PLN")
    assert made is None
    assert set(wrong) == {"amounts", "people", "months", "u0-vat", "k0-holds", "c0-as"}


def test_buttons_add_move_and_remove_rows_and_nonsense_changes_nothing() -> None:
    sheet = sheet_of_pass(VALUE, "PLN")
    assert [row["code"] for row in changed_pass(sheet, "up:u1").rows["u"]] == ["bonus", "money"]
    assert [row["from"] for row in changed_pass(sheet, "drop:t0").rows["t"]] == ["150.00", "300.00"]
    for nonsense in ("drop:t9", "up:u0", "drop:x1", "add:t3", "explode", "drop:t-1"):
        assert changed_pass(sheet, nonsense) == sheet
    added, wrong = kind_of(changed_pass(changed_pass(sheet, "add:t"), "add:u"), "PLN")
    assert (added, wrong) == (VALUE, {}), "rows with nothing in them are passed over"


def test_a_top_up_shows_what_its_tier_brings_and_what_it_brought_before() -> None:
    generous = PassKind(code="VALUE", amounts=(10000, 25000), tiers=(Tier(from_minor=20000, bonus_bp=2000),))
    shown = [(one.pays_minor, one.bonus_minor, one.earlier, one.offered) for one in brings(generous, VALUE, 5000)]
    assert shown == [(5000, 0, None, False), (10000, 0, 500, True), (25000, 5000, 2500, True)]
    pack = brings(CLASSES)[0]
    assert (pack.what, pack.pays_minor) == ("TEN", 35000)
    assert "12 × 100.00" in facts(OPEN, KOPA)["Contract"]


def _form(kind: PassKind, **changes: str) -> dict[str, Any]:
    return {**fields_of(sheet_of_pass(kind, "PLN")), **changes}


@pytest.mark.database
def test_a_kind_is_typed_looked_at_and_published_once(manager: Client) -> None:
    kopa = facility_id("kopa")
    new, preview = f"/office/passes/kinds/{kopa}/new/", f"/office/passes/kinds/{kopa}/preview/"
    assert "Tills" not in manager.get(new).content.decode()
    form = _form(VALUE, name_en="Value pass", based_on="")
    assert "25.00" in manager.post(preview, {**form, "try_amount": "250"}).content.decode()
    more = manager.post(new, {**form, "do": "add:t"}, headers={"HX-Request": "true"}).content.decode()
    assert 'name="t3-from"' in more
    assert "<html" not in more
    assert manager.post(new, {**form, "amounts": "much", "do": "look"}).status_code == 422
    broken = manager.post(new, {**form, "u1-what": "money", "do": "look"}).content.decode()
    assert "A bonus needs a purse of bonus money." in broken
    assert 'value="publish"' not in broken
    assert 'value="publish"' in manager.post(new, {**form, "do": "look"}).content.decode()
    assert kinds_offered(kopa) == []
    for key, status in (("once", 302), ("once", 302), ("another form", 422)):
        assert manager.post(new, {**form, "do": "publish", "key": key}).status_code == status
    assert [kind.tiers for kind in kinds_offered(kopa)] == [VALUE.tiers]
    assert "Value pass" in manager.get("/office/passes/kinds/?facility=kopa").content.decode()


@pytest.mark.database
def test_a_version_is_published_only_over_the_one_it_was_made_from(manager: Client) -> None:
    kopa = facility_id("kopa")
    manager.post(f"/office/passes/kinds/{kopa}/new/", {**_form(VALUE), "do": "publish", "key": "first"})
    change = f"/office/passes/kinds/{kopa}/VALUE/change/"
    (mark,) = re.findall(r'name="based_on" value="(\w+)"', manager.get(change).content.decode())
    dearer = _form(VALUE, card_price="12", **{"t0-bonus": "6"})
    looked = manager.post(change, {**dearer, "do": "look", "based_on": mark}).content.decode()
    assert "10.00" in looked
    assert "12.00" in looked
    assert "for passes sold before it" in looked
    assert manager.post(change, {**dearer, "do": "publish", "key": "b", "based_on": "old"}).status_code == 422
    assert kinds_offered(kopa)[0].card_price_minor == 1000
    for _again in range(2):
        assert manager.post(change, {**dearer, "do": "publish", "key": "c", "based_on": mark}).status_code == 302
    assert kinds_offered(kopa)[0].card_price_minor == 1200
    fewer = manager.post(change, {**dearer, "do": "look", "u1-code": ""}).content.decode()
    assert "Purse bonus must stay as it is" in fewer
    assert manager.get(f"/office/passes/kinds/{kopa}/OTHER/change/").status_code == 404


@pytest.mark.database
def test_a_programme_is_taken_stopped_and_read_by_who_changes_nothing(manager: Client) -> None:
    kopa, tariff = facility_id("kopa"), next(one for one in TARIFFS.values() if one.packages and one.currency == "PLN")
    maria = operator_id(kopa, "maria")
    asked = PublishTariff(key="t", at=AT, actor=maria, facility=kopa, in_force_from=AT, tariff=tariff)
    publish_tariffs([asked])
    package = tariff.packages[0].code
    new = f"/office/passes/programmes/{kopa}/new/"
    fit = {"key": "fit", "code": "FIT", "name_en": "FitForAll", "package": package, "vat": "8", "issuer": ""}
    assert manager.post(new, {**fit, "vat": "lots"}).status_code == 422
    assert manager.post(new, {**fit, "package": "moon"}).status_code == 422
    for _again in range(2):
        assert manager.post(new, fit).status_code == 302
    held = Programme(code="FIT", package=package, names={"en": "FitForAll"})
    assert programmes([kopa]) == {(kopa, "FIT"): held}
    assert manager.post(new, {**fit, "key": "fit again"}).status_code == 422
    change = f"/office/passes/programmes/{kopa}/FIT/change/"
    assert manager.post(change, {"key": "h", "stop": "yes"}).status_code == 302
    assert programmes([kopa])[kopa, "FIT"].stopped
    for role in ("accountant", "auditor"):
        user = get_user_model().objects.create(username=role, role=role, password="!")  # noqa: S106
        reader = Client(SERVER_NAME="localhost")
        reader.force_login(user)
        page = reader.get("/office/passes/programmes/").content.decode()
        assert "stopped" in page
        assert "Change it" not in page
        assert reader.get("/office/passes/kinds/").status_code == 200
        assert reader.post(change, {"key": "i", "stop": "no"}).status_code == 403
    assert manager.post(change, {"key": "j", "stop": "no"}).status_code == 302
    assert not programmes([kopa])[kopa, "FIT"].stopped
