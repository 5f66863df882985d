"""Hostile and broken input gets a clear answer below 500, and changes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from karnet.faces.api.tests.conftest import LIFT, Api, World, recorded, sale
from karnet.faces.api.urls import MAX_BODY

pytestmark = pytest.mark.database


def problem(answer: Any) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/problem+json", answer.content[:200]
    body = answer.json()
    assert body["type"] == f"urn:karnet:problem:{body['code']}"
    assert body["status"] == answer.status_code
    assert body["detail"].endswith(".") or body["errors"]
    return answer.status_code, body["code"]


def test_ten_megabytes_are_turned_away_unread(world: World) -> None:
    _, api = world.token()
    for size in (MAX_BODY + 1, 10 * 2**20):
        assert problem(api.post("/sales", b" " * size)) == (413, "too_large")
    assert problem(Api().post("/sales", b" " * (10 * 2**20))) == (413, "too_large")


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe\x00",
        b'{"chip": "\xc3\x28"}',
        b"{",
        b"",
        b"[" * 20_000,
        b"\x00",
        b"\xef\xbb\xbf{}",
        b"null",
        b"[]",
        b'"x"',
        b"1e999",
        b'{"chip": NaN}',
    ],
    ids=lambda body: repr(body[:12]),
)
def test_a_body_that_is_no_json_object_is_refused(world: World, body: bytes) -> None:
    _, api = world.token()
    before = recorded()
    status, _ = problem(api.post(f"/gates/{LIFT}/scans", body))
    assert status in (400, 422)
    assert recorded() == before


@pytest.mark.parametrize(
    "chip", ["", "\x00", "a\x00b", "\ud800", "x" * 65, 7, None, ["a"], {"a": 1}, True, "𝟙", "‮1001", "a\nb", "'; --"]
)
def test_a_chip_that_is_none_is_refused(world: World, chip: Any) -> None:
    _, api = world.token()
    assert problem(api.post(f"/gates/{LIFT}/scans", {"chip": chip}))[0] in (400, 422)


@pytest.mark.parametrize("amount", [-1, 0, -(2**63), 2**53, 2**63, 2**200, 1.5, "17000", None, True, 1e400])
def test_money_that_is_none_is_refused(world: World, amount: Any) -> None:
    _, api = world.token(limit_minor=100000)
    before = recorded()
    body = {**sale("1001"), "payments": [{"kind": "card", "amount_minor": amount}]}
    assert problem(api.post("/sales", json.dumps(body).encode()))[0] in (400, 422)
    assert recorded() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"unit_price": 1},
        {"lines": []},
        {"lines": [{"product": "DAY", "quantity": -1}]},
        {"lines": [{"product": "DAY", "quantity": 10**30}]},
        {"lines": [{"product": "DAY"}] * 101},
        {"lines": [{"product": "DAY", "unit_price": 1, "cards": []}]},
        {"lines": [{"product": "DAY", "start": "yesterday"}]},
        {"lines": [{"product": "DAY", "start": "2026-01-17T09:00:00"}]},
        {"lines": [{"product": "DAY", "start": "0001-01-01T00:00:00+14:00"}]},
        {"lines": [{"product": "DAY", "start": "9999-12-31T23:59:59-12:00"}]},
        {"payments": [{"kind": "internal_account", "amount_minor": 1}]},
        {"buyer": "me"},
        {"invoice": "yes"},
    ],
    ids=str,
)
def test_a_sale_that_is_none_is_refused(world: World, changes: dict[str, Any]) -> None:
    _, api = world.token()
    before = recorded()
    assert problem(api.post("/sales", {**sale("1001"), **changes}))[0] == 422
    assert recorded() == before


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 101, "\u0142", "a\x00", "../../etc"])
def test_a_key_that_is_none_is_refused(world: World, key: str) -> None:
    _, api = world.token()
    before = recorded()
    answer = api.post("/sales", sale("1001"), key=key)
    if key == "../../etc":  # A key is a word, not a path: it opens nothing and is as good as another.
        assert answer.status_code == 201
        return
    assert problem(answer)[0] == 422
    assert recorded() == before


def test_a_sale_without_a_key_is_refused(world: World) -> None:
    _, api = world.token()
    answer = api.client.post(
        "/api/v1/sales", json.dumps(sale("1001")), content_type="application/json", headers=api.headers
    )
    assert problem(answer) == (422, "bad_value")
    assert answer.json()["errors"][0]["field"].lower() == "idempotency-key"


@pytest.mark.parametrize(
    "path",
    [
        "/media/../tokens",
        "/media/%2e%2e/%2e%2e/etc/passwd",
        "/media/..%2f..%2fetc%2fpasswd",
        "/media/%00",
        "/media/%ff%fe",
        "/media/1001%0d%0aSet-Cookie:x=1",
        "/media/1001;id=1",
        "/media/" + "x" * 3000,
        "/media//passages",
        "/gates/not-a-uuid/scans",
        "/sales/00000000-0000-0000-0000-00000000000g",
        "/nothing",
        "/",
        "",
        "//evil.example/",
        "/openapi.json/../../",
    ],
)
def test_path_tricks_lead_nowhere(world: World, path: str) -> None:
    _, api = world.token()
    answer = api.get(path)
    if answer.status_code == 301:  # Django's slash; still on this server.
        assert answer["Location"].startswith("/api/v1")
        return
    assert problem(answer)[0] in (404, 422)


def test_other_methods_and_bodies_are_told_what_is_right(world: World) -> None:
    _, api = world.token()
    answer = api.client.put("/api/v1/sales", "{}", content_type="application/json", headers=api.headers)
    assert problem(answer) == (405, "method_not_allowed")
    assert set(answer["Allow"].split(", ")) == {"GET", "POST"}
    form = api.client.post("/api/v1/sales", {"lines": "x"}, headers={**api.headers, "Idempotency-Key": "k"})
    assert problem(form) == (415, "not_json")


def test_no_answer_is_kept_by_caches_or_read_as_something_else(world: World) -> None:
    _, api = world.token()
    for answer in (api.get("/journal"), api.get("/nothing"), api.get("/gates"), Api().get("/gates")):
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "no-" in answer["Cache-Control"]


def test_errors_are_told_in_the_callers_language(world: World) -> None:
    for language, word in (("pl", "Wyślij token"), ("en", "Send a token"), ("it", "Send a token")):
        answer = Api().get("/journal", **{"Accept-Language": language})
        assert answer.json()["detail"].startswith(word)
        assert answer["Content-Language"] == ("pl" if language == "pl" else "en")
