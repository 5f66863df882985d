"""Who may do what: a matrix made of the OpenAPI document, so that a new endpoint cannot be forgotten."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import get_resolver

from karnet.faces.api import tokens
from karnet.faces.api.application import api as application
from karnet.faces.api.scopes import SCOPES
from karnet.faces.api.tests.conftest import (
    HOTEL,
    LIFT,
    NORTH,
    NOW,
    RENATA,
    SOUTH_LIFT,
    SOUTH_TILL,
    Api,
    Clock,
    World,
    sale,
)
from karnet.faces.base.models import DeviceToken
from karnet.kernel.outcomes import Refused

pytestmark = pytest.mark.database

DOCUMENT = application.get_openapi_schema(path_prefix="api/v1/")
ENDPOINTS = [
    (method, path, operation.get("x-karnet-scope"))
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]
OPEN = {"/api/v1/health"}


def ask(method: str, path: str, **headers: str) -> Any:
    address = path
    address = re.sub(r"\{\w+\}", str(UUID(int=7)), address.replace("{number}", "1"))
    return Client(SERVER_NAME="localhost").generic(
        method.upper(), address, b"{}" if method == "post" else b"", "application/json", headers=headers
    )


def test_every_endpoint_asks_for_a_scope_but_the_open_ones() -> None:
    for _, path, scope in ENDPOINTS:
        assert (scope in SCOPES) != (path in OPEN), path
    assert {scope for *_, scope in ENDPOINTS} - {None} == set(SCOPES), "a scope that opens nothing"


def test_a_scope_opens_what_asks_for_it_and_nothing_else(world: World) -> None:
    wrong = []
    for scope in SCOPES:
        _, holder = world.token(scopes=(scope,))
        for method, path, needed in ENDPOINTS:
            answer = ask(method, path, Authorization=f"Bearer {holder.text}")
            allowed = needed in (None, scope)
            if allowed == (answer.status_code in (401, 403)):
                wrong.append((scope, method, path, answer.status_code))
            if not allowed:
                assert answer.json()["code"] == "missing_scope"
    assert not wrong


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer x", "Basic eDp4", "Bearer knt_" + "A" * 43])
def test_nobody_comes_in_without_a_living_token(world: World, header: str) -> None:
    for method, path, scope in ENDPOINTS:
        if scope is not None:
            answer = ask(method, path, Authorization=header)
            assert answer.status_code in (401, 429), (method, path)
            assert answer["Content-Type"] == "application/problem+json"
            assert "WWW-Authenticate" in answer or answer.status_code == 429


def test_a_revoked_and_an_expired_token_open_nothing(world: World) -> None:
    principal, api = world.token()
    _, passing = world.token(expires_at=Clock.at + timedelta(hours=1))
    assert (api.get("/journal").status_code, passing.get("/journal").status_code) == (200, 200)
    assert tokens.revoke(principal.id, Clock.at)
    assert not tokens.revoke(principal.id, Clock.at)
    assert api.get("/journal").status_code == 401
    Clock.at += timedelta(hours=1)
    assert passing.get("/journal").status_code == 401


def test_a_token_that_will_expire_can_be_revoked_before(world: World) -> None:
    principal, api = world.token(expires_at=Clock.at + timedelta(hours=1))
    assert tokens.revoke(principal.id, Clock.at)
    assert api.get("/journal").status_code == 401


def test_the_text_of_a_token_is_nowhere_in_the_database(world: World, superuser: Any) -> None:
    _, api = world.token()
    assert api.get("/journal").status_code == 200
    for (table,) in superuser.execute(
        "SELECT relname FROM pg_stat_user_tables WHERE relname LIKE 'api_%' OR relname LIKE 'faces_%'"
    ).fetchall():
        rows = superuser.execute(f'SELECT t::text FROM "{table}" t').fetchall()
        assert api.text not in str(rows)
        assert api.text.encode().hex() not in str(rows)
    assert len(bytes(DeviceToken.objects.get().digest)) == 32


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "person"}, "kind"),
        ({"name": ""}, "name"),
        ({"scopes": ("everything",)}, "scopes"),
        ({"scopes": ()}, "scopes"),
        ({"facility": UUID(int=1)}, "facility"),
        ({"sales_point": SOUTH_TILL}, "sales_point"),
        ({"operator": None}, "operator"),
        ({"gates": (LIFT, SOUTH_LIFT)}, "gates"),
        ({"limit_minor": -1}, "limit_minor"),
        ({"per_minute": 0}, "per_minute"),
        ({"expires_at": NOW}, "expires_at"),
    ],
)
def test_a_token_that_would_make_no_sense_is_not_made(world: World, changes: dict[str, Any], field: str) -> None:
    given = {"name": "x", "kind": "partner", "facility": NORTH, "sales_point": HOTEL, "operator": RENATA, **changes}
    refusal = tokens.create(tokens.NewToken(**given), Clock.at)
    assert isinstance(refusal, Refused)
    assert field in refusal.facts["field"]
    assert not DeviceToken.objects.exists()


def test_who_asks_too_often_is_told_when_to_come_back(world: World) -> None:
    _, api = world.token(per_minute=5)
    _, other = world.token()
    answers = [api.get("/journal") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert 1 <= int(answers[-1]["Retry-After"]) <= 12
    assert other.get("/journal").status_code == 200
    scans = [{"key": f"{n}", "gate": str(LIFT), "chip": "x"} for n in range(256)]
    _, eager = world.token(per_minute=30)
    assert eager.post("/scans", {"scans": scans}).status_code == 429, "a batch is no way round the rate"


def test_who_guesses_tokens_is_slowed_down(world: World) -> None:
    guesses = [Api("knt_" + "A" * 43).get("/journal").status_code for _ in range(70)]
    assert guesses[0] == 401
    assert guesses[-1] == 429
    _, api = world.token()
    assert api.get("/journal").status_code == 200, "who has a token is not held up by those who guess"


def test_a_page_of_another_site_cannot_use_a_tokens_cookie(world: World) -> None:
    _, api = world.token()
    client = Client(SERVER_NAME="localhost")
    client.cookies["karnet_device"] = api.text
    assert client.post("/api/v1/sales", sale("1"), content_type="application/json").status_code == 401


def test_every_route_below_the_api_goes_through_the_door() -> None:
    below = next(p for p in get_resolver().url_patterns if str(p.pattern) == "api/v1/")
    for pattern in below.url_patterns:
        assert pattern.callback.__closure__, pattern
        assert pattern.callback.csrf_exempt, pattern
