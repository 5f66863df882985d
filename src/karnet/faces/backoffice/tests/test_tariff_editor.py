"""The editor of tariffs: what people type is what the tariff says, and the preview is the engine's own bill."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from karnet.catalogue.tariffs import tariff_drafts, tariffs_of
from karnet.faces.backoffice.tariff_comparing import compared
from karnet.faces.backoffice.tariff_fields import changed, tree
from karnet.faces.backoffice.tariff_sheet import Sheet, Unreadable, document_of, sheet_of, typed_sheet
from karnet.faces.backoffice.tariff_trial import stay_of, tried, usual
from karnet.faces.backoffice.tariff_words import gathered, problem
from karnet.faces.backoffice.tests.test_pages import manager as manager
from karnet.kernel.time import zone
from karnet.parties.operations import facility_id
from karnet.tariffs.advice import advice
from karnet.tariffs.checking import problems
from karnet.tariffs.model import Tariff, from_json
from karnet.tariffs.rating import Rater

FILES = sorted((Path(__file__).parents[5] / "scenarios" / "tariffs").glob("*.json"))


def _tariffs() -> dict[str, Tariff]:
    cases = [case for file in FILES for case in json.loads(file.read_text())]
    return {case["tariff"]["code"]: from_json(json.dumps(case["tariff"])) for case in cases}


TARIFFS = _tariffs()
S_D = TARIFFS["S-d-a"] if "S-d-a" in TARIFFS else next(t for t in TARIFFS.values() if "sauna" in t.zones)


def sent(sheet: Sheet) -> dict[str, str]:
    """A sheet as a browser sends its form: ticked boxes only."""
    fields = dict(sheet.fields)
    for kind, parts in (("c", sheet.clocks), ("k", sheet.packages)):
        for n, part in enumerate(parts):
            fields |= {f"{kind}{n}-{name}": value for name, value in part.fields.items()}
            for b, band in enumerate(part.bands):
                fields |= {f"{kind}{n}-b{b}-{name}": value for name, value in band.items()}
    return fields


@pytest.mark.parametrize("code", TARIFFS)
def test_every_tariff_survives_the_form(code: str) -> None:
    tariff = TARIFFS[code]
    again, wrong = document_of(typed_sheet(sent(sheet_of(tariff))), tariff.currency, tariff.time_zone)
    assert wrong == {}
    assert again == tariff
    assert tree(sheet_of(tariff), {})["categories"]


def test_what_cannot_be_read_is_named_by_its_field() -> None:
    sheet = sheet_of(S_D)
    sheet.fields["step"] = "ten"
    sheet.fields["calendars"] = "christmas"
    sheet.clocks[0].bands[0]["from"] = "25h"
    sheet.clocks[0].bands[0]["p0"] = ""
    tariff, wrong = document_of(sheet, "PLN", "Europe/Warsaw")
    assert tariff is None
    assert set(wrong) == {"step", "calendars", "c0-b0-from", "c0-b0-p0"}


def test_buttons_add_move_and_remove_what_they_name_and_nonsense_changes_nothing() -> None:
    sheet = changed(changed(sheet_of(S_D), "add-band:c0"), "up:c0-b1")
    assert [band["code"] for band in sheet.clocks[0].bands] == ["band-2", S_D.clocks[0].bands[0].code]
    assert changed(sheet, "drop:c0-b0").clocks[0].bands == sheet_of(S_D).clocks[0].bands
    assert len(changed(sheet, "add-package").packages) == len(S_D.packages) + 1
    assert len(changed(sheet, "drop:c0").clocks) == len(S_D.clocks) - 1
    for nonsense in ("drop:c99", "up:c0-b0", "drop:k7-b1", "add-band:", "explode", "drop:cx"):
        assert changed(sheet, nonsense) == sheet


def test_a_stay_typed_in_words_is_charged_as_the_engine_charges_it() -> None:
    typed = {
        "try_day": "2026-01-19",
        "try_moves": "10:00 pool\n10:50 sauna\n11:10 pool\n11:30 out",
        "try_prepaid": "25,00",
    }
    stay = stay_of(S_D, {**typed, "try_category": S_D.categories[0]})
    assert [(move.at.hour, move.zone) for move in stay.moves] == [(10, "pool"), (10, "sauna"), (11, "pool")]
    assert stay.prepaid_minor == 2500
    found = tried(S_D, typed, S_D)
    assert found.bill == Rater(S_D).rate(stay)
    assert "price-strip" in found.chart
    assert found.lines
    night = stay_of(S_D, {**typed, "try_moves": "23:30 pool\n0:30 out"})
    assert (night.ended - night.moves[0].at).total_seconds() == 3600
    for wrong in ("", "10:00", "ten pool", "10:00 pool", "10:00 pool\n99:00 out"):
        with pytest.raises(Unreadable):
            stay_of(S_D, {**typed, "try_moves": wrong})
    assert tried(S_D, {**typed, "try_day": "soon"}, S_D).problem
    assert not tried(S_D, usual(S_D, date(2026, 1, 19)), S_D).problem


def test_advice_and_problems_are_told_in_words() -> None:
    sheet = sheet_of(S_D)
    sheet.clocks[0].bands[0].update({"from": "08:00", "until": "20:00", "p0": "0.50"})
    sheet.clocks[0].fields.update({"per": "3600", "unit": "7"})
    tariff, _wrong = document_of(sheet, "PLN", "Europe/Warsaw")
    assert tariff is not None
    told = gathered(advice(tariff), tariff)
    assert any("does not divide evenly" in one for one in told)
    assert any("that time is free" in one for one in told)
    sheet.clocks[0].fields["zones"] = "moon"
    broken, _wrong = document_of(sheet, "PLN", "Europe/Warsaw")
    assert broken is not None
    ((path, text),) = problems(broken).items()
    assert problem(path, text, broken) == f"Clock {broken.clocks[0].code}: Zone moon is not in the list of zones."


def test_consequences_are_the_difference_of_two_bills() -> None:
    dearer = document_of(typed_sheet({**sent(sheet_of(S_D)), "c0-b0-p0": "1.00"}), S_D.currency, S_D.time_zone)[0]
    assert dearer is not None
    found = compared(dearer, Rater(S_D), datetime(2026, 1, 19, tzinfo=zone("Europe/Warsaw")))
    pool = next(one for one in found if one.zone == S_D.clocks[0].zones[0] and one.minutes == 60)
    assert pool.when.startswith("Mon 10:00")
    assert pool.change == pool.after - (pool.before or 0) > 0
    assert all(one.before is None and one.change is None for one in compared(dearer, None, found[0].entered[0]))


@pytest.mark.database
def test_a_draft_is_started_edited_previewed_and_published(manager: Client) -> None:
    assert manager.post("/office/tariffs/?facility=kopa", {"key": "a", "title": "Summer"}).status_code == 302
    (draft,) = tariff_drafts(facility_id("kopa"))
    address = f"/office/tariffs/{draft.id}/"
    form: dict[str, Any] = {**sent(sheet_of(from_json(draft.document))), "title": "Summer", "revision": "1"}
    assert "Try a stay" in manager.get(address).content.decode()
    trial = {"try_day": "2026-01-19", "try_moves": "10:00 pool\n11:00 out", "try_category": "adult"}
    shown = manager.post(f"{address}preview/", {**form, **trial, "c0-b0-p0": "0.70"}).content.decode()
    assert "42.00" in shown
    assert tariff_drafts(facility_id("kopa"))[0].revision == 1
    more = manager.post(
        address, {**form, **trial, "do": "add-package"}, headers={"HX-Request": "true"}
    ).content.decode()
    assert 'name="k0-b0-p0"' in more
    assert manager.post(address, {**form, "c0-unit": "soon"}).status_code == 422
    assert manager.post(address, {**form, "c0-b0-p0": "0.70", "next": "yes"}).status_code == 302
    assert manager.post(address, {**form, "c0-b0-p0": "0.80"}).status_code == 422  # Saved over meanwhile.
    changes = manager.get(f"{address}consequences/").content.decode()
    assert "Tariff pool is new here." in changes
    publish = {"key": "p", "revision": "2", "in_force_from": "2127-01-18T00:00"}
    assert manager.post(f"{address}publish/", {**publish, "key": "old", "revision": "1"}).status_code == 422
    assert manager.post(f"{address}publish/", publish).status_code == 302
    (version,) = tariffs_of(facility_id("kopa"))
    assert version.tariff.clocks[0].bands[0].prices["adult"] == 70
    assert version.in_force_from == datetime(2127, 1, 17, 23, tzinfo=UTC)
    holidays = manager.post(
        address, {**form, "do": "holidays", "country": "PL", "year": "2026"}, headers={"HX-Request": "true"}
    ).content.decode()
    assert "2026-05-03" in holidays
