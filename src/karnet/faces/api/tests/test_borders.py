"""Borders of a metered place over HTTP: bands read at gates and readers, one by one and in batches."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import override_settings

from karnet.access.operations import gate_id
from karnet.faces.api import authentication, tokens
from karnet.faces.api.scopes import SCOPES
from karnet.faces.api.tests.conftest import Api, Clock, recorded
from karnet.kernel.outcomes import Refused
from karnet.stays.tests.conftest import ANNA, BAR, BEN, NOON, POOL, World, set_house
from karnet.stays.tests.conftest import world as world

pytestmark = pytest.mark.database

LANGUAGES = {"Accept-Language": "pl, de;q=0.9, en;q=0.8, it;q=0.5"}


@pytest.fixture(autouse=True)
def _clock(world: World) -> Iterator[None]:
    Clock.at = NOON
    authentication.RATE.clear()
    with override_settings(KARNET_CLOCK="karnet.faces.api.tests.conftest.clock"):
        yield
    connection.close()


def caller(**changes: Any) -> Api:
    given: dict[str, Any] = {"name": "test", "kind": "partner", "scopes": tuple(SCOPES), "facility": POOL,
                             "sales_point": BAR, "operator": BEN, "per_minute": 100_000, **changes}  # fmt: skip
    issued = tokens.create(tokens.NewToken(**given), Clock.at)
    assert not isinstance(issued, Refused), issued
    return Api(issued.text)


def reads(gate: str, chip: str, key: str, minutes: int = 0) -> dict[str, Any]:
    at = (NOON + timedelta(minutes=minutes)).isoformat()
    return {"gate": str(gate_id(POOL, gate)), "chip": chip, "key": key, "at": at}


def test_a_band_read_at_the_entrance_is_told_how_long_it_is_paid_in_three_languages(world: World) -> None:
    world.came("1", pay=1800)
    api = caller(kind="device", sales_point=None, operator=None, scopes=("gates:scan",))
    answer = api.post(f"/gates/{gate_id(POOL, 'in')}/reads", {"chip": "1"}, key="k", **LANGUAGES)
    assert answer.status_code == 200, answer.json()
    told = answer.json()
    assert (told["outcome"], told["before"], told["zone"], told["missed"]) == ("let", "", "pool", False)
    assert (told["spent_minor"], told["prepaid_minor"], told["owed_minor"]) == (1800, 1800, 0)
    assert (told["covered_until"], told["left_s"], told["warn"]) == ("2026-01-19T12:00:59Z", 3659, False)
    assert [line["language"] for line in told["display"]] == ["pl", "de", "en"]
    assert told["display"][2] == {"language": "en", "word": "Welcome", "sentence": "Pool. Paid until 13:00."}
    assert told["figures"][0] == {"value": "1:00", "caption": "zostało · übrig · left"}
    before = recorded()
    assert api.post(f"/gates/{gate_id(POOL, 'in')}/reads", {"chip": "1"}, key="k", **LANGUAGES).json() == told
    assert recorded() == before


def test_an_exit_is_refused_with_the_amount_and_what_to_do(world: World) -> None:
    world.came("1", pay=1800)
    world.passes("in", "1", 0)
    Clock.at = NOON + timedelta(minutes=70)
    before = recorded()
    answer = caller().post(f"/gates/{gate_id(POOL, 'out')}/reads", {"chip": "1"}, **LANGUAGES)
    assert (answer.status_code, answer.json()["code"]) == (409, "money_owed")
    assert answer.json()["facts"] == {"owed_minor": 300, "currency": "PLN"}
    assert answer.json()["detail"] == "Do dopłaty: 3,00\u00a0PLN. Prosimy zapłacić w kasie i wrócić."
    assert [line["language"] for line in answer.json()["display"]] == ["pl", "de", "en"]
    assert recorded() == before


def test_a_controller_that_was_cut_off_reports_a_visit_in_one_batch(world: World) -> None:
    world.came("1", pay=1800)
    Clock.at = NOON + timedelta(hours=3)
    batch = [
        reads("in", "1", "a"),
        reads("to-sauna", "1", "b", 10),
        reads("to-pool", "1", "c", 20),
        reads("stop", "1", "d", 25),
        reads("to-sauna", "nobody", "e", 26),
        reads("out", "1", "f", 30),
    ]
    results = caller().post("/reads", {"reads": batch}).json()["results"]
    assert [one["outcome"] for one in results] == ["let", "let", "let", "let", "refused", "refused"]
    assert [one.get("zone") for one in results[:4]] == ["pool", "sauna", "pool", "pool"]
    assert (results[3]["stopped"], results[4]["problem"]["code"]) == (True, "no_stay")
    # Ten minutes of the sauna are always on top.
    assert results[5]["problem"]["facts"]["owed_minor"] == 500
    assert caller(gates=(gate_id(POOL, "in"),)).post("/reads", {"reads": batch[1:2]}).json()["results"][0]["problem"][
        "code"
    ] == ("unknown_gate")


def test_near_the_end_of_paid_time_a_reader_warns(world: World) -> None:
    world.came("1", pay=1800)
    world.passes("in", "1", 0)
    Clock.at = NOON + timedelta(minutes=55)
    told = caller().post(f"/gates/{gate_id(POOL, 'lone')}/reads", {"chip": "1"}).json()
    assert (told["warn"], told["zone"], told["left_s"]) == (True, "gym", 359)
    assert told["display"][0]["sentence"] == "Gym. Paid until 13:00 only. Longer costs extra."


def test_a_restaurant_charges_a_tab_once_and_takes_a_dish_off_again(world: World) -> None:
    came = world.came("1", pay=1800)
    world.passes("in", "1", 0)
    api = caller(kind="partner", scopes=("bands:charge", "bands:read"))
    soup = {"code": "zurek", "unit_price_minor": 1890, "vat_bp": 800}
    order = {"items": [{**soup, "quantity": 3}, {"code": "tea", "unit_price_minor": 700, "vat_bp": 800}]}
    for _ in range(2):
        charged = api.post("/bands/1/charges", order, key="table-4")
        assert (charged.status_code, charged.json().get("amount_minor")) == (201, 6370), charged.json()
    assert world.owed(came.stays[0], 10) == 6370
    off = api.post("/bands/1/reversals", {"items": [soup]}, key="burnt")
    assert (off.status_code, off.json().get("amount_minor")) == (201, -1890), off.json()
    assert world.owed(came.stays[0], 10) == 4480
    more = api.post("/bands/1/reversals", {"items": [{**soup, "quantity": 3}]})
    assert (more.status_code, more.json()["code"], more.json()["facts"]["left"]) == (409, "already_returned", 2)
    dearer = api.post("/bands/1/reversals", {"items": [{**soup, "unit_price_minor": 1900}]})
    assert dearer.status_code == 409
    assert api.post("/bands/1/reversals", {"items": [{**soup, "quantity": 2}]}).status_code == 201
    dishes = api.get("/dishes").json()["items"]
    assert sum(one["amount_minor"] for one in dishes) == 700
    assert sum(one["vat_minor"] for one in dishes if one["code"] == "zurek") == 0
    page = api.get("/dishes", {"limit": 2}).json()
    assert page["items"] + api.get("/dishes", {"cursor": page["next"]}).json()["items"] == dishes


def test_a_restaurant_is_refused_what_the_house_and_its_own_limit_do_not_allow(world: World) -> None:
    set_house(world, unpaid_limit_minor=5000)
    world.came("1", pay=1800)
    api = caller(scopes=("bands:charge", "bands:read"), limit_minor=8000)
    dish = {"code": "dish", "unit_price_minor": 2500, "vat_bp": 800}
    assert api.get("/bands/1").json() == {"number": "1", "category": "adult", "currency": "PLN", "left_minor": 5000}
    assert api.post("/bands/1/charges", {"items": [dish, dish]}).status_code == 201
    over = api.post("/bands/1/charges", {"items": [dish]})
    assert (over.status_code, over.json()["code"]) == (409, "money_owed")
    world.came("2", pay=1800)
    limit = api.post("/bands/2/charges", {"items": [dish, dish]})
    assert (limit.status_code, limit.json()["code"], limit.json()["facts"]["left_minor"]) == (
        409,
        "limit_reached",
        3000,
    )
    assert api.post("/bands/1/reversals", {"items": [dish]}).status_code == 201
    assert api.post("/bands/2/charges", {"items": [dish, dish]}).status_code == 201
    assert api.post("/bands/nobody/charges", {"items": [dish]}).json()["code"] == "no_stay"
    assert caller(scopes=("bands:read",)).post("/bands/1/charges", {"items": [dish]}).status_code == 403


def test_orders_that_race_never_exceed_the_restaurants_limit(world: World) -> None:
    bands = [str(n) for n in range(8)]
    for band in bands:
        world.came(band, pay=1800)
    api = caller(scopes=("bands:charge", "bands:read"), limit_minor=3000)

    def order(band: str) -> int:
        try:
            dish = {"code": "dish", "unit_price_minor": 1000, "vat_bp": 800}
            return Api(api.text).post(f"/bands/{band}/charges", {"items": [dish]}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(order, bands))
    assert sorted(answers) == [201] * 3 + [409] * 5


def test_a_tabs_document_is_an_event(world: World) -> None:
    from karnet.faces.api.webhooks.events import SCOPES as EVENTS
    from karnet.faces.api.webhooks.events import event_of
    from karnet.journal.selectors import entries_after

    came = world.came("1", pay=1800)
    world.settled(*came.stays, at=5)
    (event,) = [found for entry in entries_after(0) if (found := event_of(entry.entry)) and found.kind == "tab.billed"]
    assert (EVENTS[event.kind], event.facility, event.sales_point) == ("bands:read", POOL, None)
    assert (event.data["tab"], event.data["total_minor"]) == (came.tab, 1800)


def test_anna_may_not_be_named_for_a_sales_point_of_another_facility(world: World) -> None:
    issued = tokens.create(
        tokens.NewToken(name="x", kind="partner", scopes=("bands:charge",), facility=POOL, operator=ANNA), Clock.at
    )
    assert isinstance(issued, Refused)
    assert "sales_point" in str(issued.facts)
