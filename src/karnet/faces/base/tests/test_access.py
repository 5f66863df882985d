"""Who may use what: generated from the list of routes, so that a new route cannot be forgotten."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import Resolver404, get_resolver, path, resolve

from karnet.faces.base import access
from karnet.faces.base.access import (
    Allow,
    ByToken,
    Device,
    Public,
    SignedIn,
    allow,
    permits,
    public,
    routes,
    rule_of,
    under,
)
from karnet.faces.base.roles import STAFF, Role
from karnet.parties.rules import ROLES

pytestmark = pytest.mark.database

ROUTES = sorted(
    ((where, pattern) for where, pattern in routes(get_resolver().url_patterns)), key=lambda route: route[0]
)
SAMPLES = {
    "int": "1",
    "str": "x",
    "slug": "x",
    "uuid": str(UUID(int=7)),
    "uuidstr": str(UUID(int=7)),
    "path": "x",
}
NOBODY = None


def address(pattern_path: str) -> str:
    """Return an address that leads to a route: every part filled with a sample."""
    plain = re.sub(r"<(?:(\w+):)?(\w+)>", lambda part: SAMPLES.get(part[1] or "str", "x"), pattern_path)
    # Routes of packages are regular expressions: what may be left out is.
    plain = re.sub(r"\(\?P<\w+>[^)]*\)\??", "x", plain).replace("^", "").replace("\\Z", "").replace("$", "")
    # What begins anyhow is where all else ends up.
    return "/" + plain.replace("\\.", ".") + ("nowhere" if pattern_path.endswith("^") else "")


def test_the_roles_are_those_of_parties() -> None:
    assert tuple(Role) == ROLES


@pytest.mark.parametrize(("where", "pattern"), ROUTES, ids=[where or "/" for where, _ in ROUTES])
def test_every_route_has_a_rule(where: str, pattern: object) -> None:
    assert rule_of(pattern.callback) is not None, f"give /{where} a rule: docs/faces.md"


def test_each_role_gets_what_the_rules_say_and_nothing_else(installation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask every route as everybody. A permitted request reaches the view, which may find nothing (404) or object."""
    monkeypatch.setenv("KARNET_DATA", str(installation.path))
    clients = {role: _client(role) for role in Role}
    wrong = []
    for where, pattern in ROUTES:
        rule = rule_of(pattern.callback)
        target = address(where)
        if not _leads_to(target, where):
            wrong.append(f"{target} does not lead to {where}: teach SAMPLES its parts")
            continue
        for role in (NOBODY, *Role):
            client = clients[role] if role else Client(raise_request_exception=False, SERVER_NAME="localhost")
            for method in ("GET", "POST"):
                if (rule, method) == (SignedIn(), "POST") or where in ("logout", "login"):
                    continue  # These end or change the session that the next question needs.
                status = client.generic(method, target).status_code
                expected = _expected(rule, role, method)
                if status not in expected:
                    wrong.append(f"{method} {target} as {role}: {status}, not one of {sorted(expected)}")
    assert not wrong, "\n".join(wrong)


def _leads_to(target: str, where: str) -> bool:
    try:
        return resolve(target).route.replace("^", "") == where.replace("^", "")
    except Resolver404:
        return False


def test_looking_at_everything_records_nothing(installation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An auditor may send any GET, so none may change what the journal says."""
    monkeypatch.setenv("KARNET_DATA", str(installation.path))
    auditor = _client(Role.AUDITOR)
    for where, _ in ROUTES:
        auditor.get(address(where))
    with connection.cursor() as cursor:
        cursor.execute("SELECT (SELECT count(*) FROM journal_operation), (SELECT count(*) FROM journal_request)")
        assert cursor.fetchone() == (0, 0)


def _client(role: Role) -> Client:
    client = Client(raise_request_exception=False, SERVER_NAME="localhost")
    user = get_user_model().objects.create(username=role.value, role=role.value, password="!")  # noqa: S106
    client.force_login(user)
    return client


def _expected(rule: access.Rule | None, role: Role | None, method: str) -> set[int]:
    if isinstance(rule, Device):
        return {401}
    if isinstance(rule, ByToken):
        return {401, 404, 405}
    assert rule is not None
    if permits(rule, role, method):
        return {200, 201, 204, 302, 400, 404, 405, 409, 415, 422} | ({401} if rule == Public() else set())
    return {302} if role is NOBODY else {403}


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.AUDITOR])
def test_a_role_may_what_names_it_and_nothing_else(role: Role) -> None:
    others = frozenset(Role) - {role, Role.AUDITOR}
    for method in ("GET", "POST"):
        assert permits(Allow(frozenset({role})), role, method)
        assert not permits(Allow(others), role, method)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_an_auditor_looks_at_everything_and_changes_nothing(method: str) -> None:
    for rule in (Allow(frozenset(STAFF)), Allow(frozenset(Role))):
        assert permits(rule, Role.AUDITOR, "GET")
        assert not permits(rule, Role.AUDITOR, method)


def test_nobody_gets_only_what_is_public() -> None:
    assert permits(Public(), None, "POST")
    assert not permits(SignedIn(), None, "GET")
    assert not permits(Allow(frozenset(Role)), None, "GET")


def test_a_view_has_one_rule() -> None:
    view = allow(Role.CASHIER)(_view())
    with pytest.raises(ValueError, match="a rule already"):
        public(view)


def test_routes_of_a_package_get_a_rule_each_and_keep_their_own() -> None:
    shared = _view()
    own = public(_view())
    ruled = under(Allow(frozenset({Role.MANAGER})), [path("a", shared), path("b", own)])
    assert [rule_of(pattern.callback) for _, pattern in routes(ruled)] == [Allow(frozenset({Role.MANAGER})), Public()]
    assert rule_of(shared) is None
    assert ruled[0].callback(HttpRequest()).content == b"here"


def _view():  # type: ignore[no-untyped-def]
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("here")

    return view
