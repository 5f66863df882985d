"""Gates over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest

from karnet.faces.api.tests.conftest import LIFT, NOW, SOUTH_LIFT, TURNSTILE, Clock, World, recorded, sale
from karnet.faces.displays.news import latest
from karnet.kernel.outcomes import refused
from karnet.kernel.reasons import Reason

pytestmark = pytest.mark.database


def test_a_sold_card_passes_and_a_repeat_gets_the_same_answer(world: World) -> None:
    _, api = world.token()
    sold = api.post("/sales", sale("1001"))
    assert sold.status_code == 201, sold.json()
    first = api.post(f"/gates/{LIFT}/scans", {"chip": "chip-1001"}, key="scan-1")
    assert first.status_code == 200, first.json()
    assert first.json()["outcome"] == "admitted"
    assert first.json()["product_code"] == "DAY"
    before = recorded()
    Clock.at += timedelta(minutes=1)
    assert api.post(f"/gates/{LIFT}/scans", {"chip": "chip-1001"}, key="scan-1").json() == first.json()
    assert recorded() == before


def test_a_key_used_for_something_else_is_refused(world: World) -> None:
    _, api = world.token()
    api.post("/sales", sale("1001", "1002"))
    api.post(f"/gates/{LIFT}/scans", {"chip": "chip-1001"}, key="scan-1")
    Clock.at += timedelta(minutes=1)
    other = api.post(f"/gates/{LIFT}/scans", {"chip": "chip-1002"}, key="scan-1")
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")


def test_two_tokens_may_use_one_key(world: World) -> None:
    (_, api), (_, other) = world.token(), world.token()
    api.post("/sales", sale("1001", "1002"))
    answers = [
        one.post(f"/gates/{LIFT}/scans", {"chip": chip}, key="same")
        for one, chip in ((api, "chip-1001"), (other, "chip-1002"))
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["id"] != answers[1].json()["id"]


def test_a_refusal_is_worded_in_the_callers_language(world: World) -> None:
    _, api = world.token()
    api.post("/sales", sale("1001"))
    api.post(f"/gates/{LIFT}/scans", {"chip": "chip-1001"})
    said = {}
    for language in ("en", "pl-PL,pl;q=0.9", "xx", ""):
        answer = api.post(f"/gates/{LIFT}/scans", {"chip": "chip-1001"}, **{"Accept-Language": language})
        assert answer.status_code == 409
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "passback"
        assert answer.json()["facts"]
        said[language] = answer.json()["detail"]
    assert said["en"] == said["xx"] == said[""] != said["pl-PL,pl;q=0.9"]


def test_a_turn_is_charged_when_it_is_taken(world: World) -> None:
    _, api = world.token()
    api.post("/sales", sale("1001", product="P30"))
    granted = api.post(f"/gates/{TURNSTILE}/scans", {"chip": "chip-1001"}).json()
    assert granted["expires_at"]
    assert api.get("/media/1001/passages").json()["items"] == []
    turned = api.post(f"/grants/{granted['id']}/turn", {"taken": True}, key="turn")
    assert turned.json() == {"outcome": "turned", "grant": granted["id"], "taken": True, "points": 2}
    assert api.post(f"/grants/{granted['id']}/turn", {"taken": True}, key="turn").json() == turned.json()
    (passage,) = api.get("/media/1001/passages").json()["items"]
    assert passage["gate"] == str(TURNSTILE)
    assert api.get("/media/1001").json()["entitlements"][0]["points_left"] == 28


def test_a_batch_decides_each_scan_and_reports_each_refusal(world: World) -> None:
    _, api = world.token()
    api.post("/sales", sale("1001", "1002"))
    scans = [
        {"key": "a", "gate": str(LIFT), "chip": "chip-1001"},
        {"key": "b", "gate": str(LIFT), "chip": "nobody"},
        {"key": "c", "gate": str(SOUTH_LIFT), "chip": "chip-1002"},
        {"key": "d", "gate": str(LIFT), "chip": "chip-1002"},
    ]
    answer = api.post("/scans", {"scans": scans})
    assert answer.status_code == 200, answer.json()
    results = answer.json()["results"]
    assert [r["outcome"] for r in results] == ["admitted", "refused", "refused", "admitted"]
    assert [r["problem"]["code"] for r in results if "problem" in r] == ["unknown_medium", "unknown_gate"]
    Clock.at += timedelta(seconds=7)
    before = recorded()
    assert api.post("/scans", {"scans": scans}).json()["results"] == results
    assert recorded() == before
    turns = [{"key": "t", "grant": str(uuid4()), "taken": False}]
    assert api.post("/turns", {"turns": turns}).json()["results"][0]["problem"]["code"] == "unknown_grant"


def test_a_gate_that_was_cut_off_reports_afterwards_but_not_for_long(world: World) -> None:
    _, api = world.token()
    api.post("/sales", sale("1001"))
    Clock.at += timedelta(hours=2)
    late = {"chip": "chip-1001", "at": (NOW + timedelta(hours=1)).isoformat()}
    assert api.post(f"/gates/{LIFT}/scans", late).status_code == 200
    assert api.get("/media/1001/passages").json()["items"][0]["at"].startswith("2026-01-17T10:00:00")
    for at in (NOW - timedelta(hours=60), NOW + timedelta(hours=3)):
        answer = api.post(f"/gates/{LIFT}/scans", {"chip": "chip-1001", "at": at.isoformat()})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "at")


def test_a_device_uses_its_own_gates_only(world: World) -> None:
    _, api = world.token("device", gates=(TURNSTILE,), scopes=None, sales_point=None, operator=None)
    assert [gate["code"] for gate in api.get("/gates").json()["items"]] == ["turnstile"]
    for gate in (LIFT, SOUTH_LIFT, uuid4()):
        answer = api.post(f"/gates/{gate}/scans", {"chip": "chip-1001"})
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_gate")


def test_nobody_reports_the_turn_of_another_facilitys_gate(world: World) -> None:
    _, api = world.token()
    _, south = world.south()
    api.post("/sales", sale("1001"))
    granted = api.post(f"/gates/{TURNSTILE}/scans", {"chip": "chip-1001"}).json()
    answer = south.post(f"/grants/{granted['id']}/turn", {"taken": False})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_grant")


def test_one_scan_sent_by_twenty_threads_at_once_is_one_passage(world: World) -> None:
    _, api = world.token()
    api.post("/sales", sale("1001", product="P30"))

    def scan(n: int) -> dict[str, object]:
        from django.db import connection

        from karnet.faces.api.tests.conftest import Api

        try:
            answer = Api(api.text).post(f"/gates/{LIFT}/scans", {"chip": "chip-1001"}, key="one")
            return {"status": answer.status_code, **answer.json()}
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(scan, range(20)))
    assert {answer["status"] for answer in answers} == {200}, answers
    assert len({answer["id"] for answer in answers}) == 1
    assert len(api.get("/media/1001/passages").json()["items"]) == 1


def test_a_refusal_is_told_to_the_displays_of_the_gate(world: World) -> None:
    _, api = world.token()
    assert api.post(f"/gates/{LIFT}/scans", {"chip": "nobody-knows"}).status_code == 404
    shown = latest(LIFT, NOW)
    assert shown is not None
    assert shown.refused == refused(Reason.UNKNOWN_MEDIUM, chip="nobody-knows")
