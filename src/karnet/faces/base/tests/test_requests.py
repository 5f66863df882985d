"""What every answer carries, who is sent where, and what devices show."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import get_resolver, include, path

from karnet.faces.base import access, devices, urls
from karnet.faces.base.headers import SecurityHeaders, content_policy, policy
from karnet.faces.base.messages import FACES
from karnet.faces.base.roles import Role
from karnet.faces.base.static_files import HashedAddresses
from karnet.faces.base.tests.conftest import MORNING, PASSWORD, Hand

pytestmark = pytest.mark.database
Person = Callable[..., Any]


def view(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"here is {getattr(request, 'device', None) and request.device.name}")  # type: ignore[attr-defined]


def copy() -> Any:
    return lambda request: view(request)


class Routes:
    """Routes of these tests beside the foundation's."""

    app_name = urls.app_name
    urlpatterns = [  # noqa: RUF012
        path("", include("karnet.faces.base.urls")),
        path("gate", access.device("gate")(copy())),
        path("forgotten", copy()),
        path("till", access.allow(Role.CASHIER)(copy())),
        path("broken", access.public(lambda request: 1 // 0)),
    ]
    handler403 = "karnet.faces.base.errors.forbidden"
    handler404 = "karnet.faces.base.errors.not_found"
    handler500 = "karnet.faces.base.errors.broken"


@pytest.fixture
def routed() -> Any:
    with override_settings(ROOT_URLCONF=Routes):
        yield


def test_a_route_without_a_rule_answers_nobody(routed: Any, client: Client, person: Person) -> None:
    assert client.get("/forgotten").status_code == 403
    client.force_login(person("boss", Role.MANAGER))
    assert client.get("/forgotten").status_code == 403


def test_nobody_is_sent_to_the_log_in_and_back(routed: Any, client: Client) -> None:
    assert client.get("/till?a=1").headers["Location"] == "/login?next=%2Ftill%3Fa%3D1"
    assert client.post("/till").headers["Location"] == "/login"
    partial = client.get("/till", headers={"HX-Request": "true", "HX-Current-URL": "http://localhost/till/7"})
    assert (partial.status_code, partial.headers["HX-Redirect"]) == (
        401,
        "/login?next=http%3A%2F%2Flocalhost%2Ftill%2F7",
    )


def test_a_device_shows_its_token_in_the_header_or_the_cookie(routed: Any, client: Client, clock: Hand) -> None:
    token = devices.issue_token("Gate 3", ["gate"], MORNING)
    assert client.get("/gate", headers={"Authorization": f"Bearer {token}"}).content == b"here is Gate 3"
    client.cookies[devices.COOKIE] = token
    assert client.get("/gate").content == b"here is Gate 3"


def test_a_cookie_alone_changes_nothing_for_another_site(routed: Any, clock: Hand) -> None:
    token = devices.issue_token("Gate 3", ["gate"], MORNING)
    client = Client(SERVER_NAME="localhost", enforce_csrf_checks=True)
    assert client.post("/gate", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    client.cookies[devices.COOKIE] = token
    assert client.post("/gate").status_code == 403


def test_a_token_opens_its_scopes_until_it_is_retired(routed: Any, client: Client, clock: Hand, person: Person) -> None:
    client.force_login(person("boss", Role.MANAGER))
    other = {"Authorization": f"Bearer {devices.issue_token('Display', ['display'], MORNING)}"}
    assert client.get("/gate", headers=other).status_code == 403
    for wrong in ("", "Bearer", "Bearer x", "Bearer knt_x", "Basic YTpi"):
        answer = client.get("/gate", headers={"Authorization": wrong})
        assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
    good = {"Authorization": f"Bearer {devices.issue_token('Gate 3', ['gate'], MORNING)}"}
    assert client.get("/gate", headers=good).status_code == 200
    (gate,) = [device for device in devices.all_devices() if device.name == "Gate 3"]
    assert devices.retire_token(gate.id, MORNING + timedelta(minutes=1))
    assert client.get("/gate", headers=good).status_code == 200
    clock.move(minutes=1)
    assert client.get("/gate", headers=good).status_code == 401
    assert not devices.retire_token(gate.id, MORNING + timedelta(minutes=2))


def test_the_database_holds_no_token(database: None, superuser: Any) -> None:
    token = devices.issue_token("Gate 3", ["gate"], MORNING)
    (row,) = superuser.execute("SELECT to_jsonb(t)::text FROM faces_device_token t").fetchone()
    assert token not in row
    assert token.removeprefix("knt_") not in row


@pytest.mark.parametrize("scopes", [[], ["Gate"], ["a b"], [""]])
def test_a_token_without_a_proper_scope_is_not_made(database: None, scopes: list[str]) -> None:
    with pytest.raises(ValueError, match="scope"):
        devices.issue_token("Gate 3", scopes, MORNING)


def test_pages_allow_no_inline_script_or_style_and_are_not_kept(client: Client) -> None:
    answer = client.get("/login")
    allowed = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in allowed
    assert "default-src 'none'" in allowed
    assert "frame-ancestors 'none'" in allowed
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "same-origin"


def test_no_page_of_ours_holds_inline_script_or_style() -> None:
    inline = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:|hx-on|hx-vals=['\"]js:")
    for face in FACES:
        for page in face.path.glob("templates/**/*.html"):
            found = inline.search(page.read_text())
            assert not found, f"{page.name}: {found.group(0) if found else ''}"


def test_a_view_may_add_sources_but_nothing_unsafe_inline_is_added_anywhere() -> None:
    decorated = content_policy(img_src=("https://tiles.example",))(copy())
    middleware = SecurityHeaders(lambda request: HttpResponse("x"))
    request = RequestFactory().get("/")
    middleware.process_view(request, decorated, [], {})
    assert "img-src 'self' data: https://tiles.example;" in middleware(request).headers["Content-Security-Policy"]
    for where, pattern in access.routes(get_resolver().url_patterns):
        added = getattr(pattern.callback, "karnet_policy", {})
        assert "unsafe-inline" not in policy(added), where


def test_session_and_form_cookies_are_out_of_reach_of_scripts(client: Client, person: Person) -> None:
    person()
    client.get("/login")
    client.post("/login", {"username": "anna", "password": PASSWORD})
    for name in ("karnet_session", "karnet_csrf"):
        cookie = client.cookies[name]
        assert cookie["httponly"], name
        assert cookie["samesite"] == "Lax", name


def test_errors_say_what_to_do_to_people_and_programs(routed: Any, database: None) -> None:
    client = Client(SERVER_NAME="localhost", raise_request_exception=False)
    for address, status in (("/nowhere", 404), ("/forgotten", 403), ("/broken", 500)):
        page = client.get(address, headers={"Accept": "text/html", "Accept-Language": "pl"})
        assert (page.status_code, page["Content-Type"]) == (status, "text/html; charset=utf-8")
        assert '<html lang="pl"' in page.content.decode()
        told = client.get(address, headers={"Accept": "application/json"})
        assert told["Content-Type"] == "application/problem+json"
        assert json.loads(told.content)["status"] == status


def test_the_error_page_needs_no_database(client: Client, person: Person) -> None:
    client.force_login(person())
    client.raise_request_exception = False

    def away(execute: Any, sql: str, *more: Any) -> Any:
        raise OperationalError("the database is away")

    with connection.execute_wrapper(away):
        answer = client.get("/", headers={"Accept": "text/html"})
    assert answer.status_code == 500
    assert b"Something went wrong here" in answer.content


def test_a_form_without_its_token_is_refused_in_words(client: Client) -> None:
    strict = Client(SERVER_NAME="localhost", enforce_csrf_checks=True)
    answer = strict.post("/login", {"username": "a", "password": "b"}, headers={"Accept": "text/html"})
    assert answer.status_code == 403
    assert b"This form is too old" in answer.content


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"username=" + b"a" * 3_000_000, "application/x-www-form-urlencoded"),
        (b"&".join(b"f%d=1" % n for n in range(2_000)), "application/x-www-form-urlencoded"),
        (b"username=\xff\xfe&password=%ff%00", "application/x-www-form-urlencoded"),
        (b"username=anna%00&password=x", "application/x-www-form-urlencoded"),
        (b"no multipart at all", "multipart/form-data; boundary=x"),
        (b"--x\r\n", "multipart/form-data"),
        (b"{}", "application/json; charset=no-such"),
    ],
)
def test_hostile_bodies_are_refused_in_words(database: None, body: bytes, kind: str) -> None:
    client = Client(SERVER_NAME="localhost", raise_request_exception=False)
    answer = client.generic("POST", "/login", body, kind, headers={"Accept": "text/html"})
    assert answer.status_code in (200, 400, 422)
    assert b"<h1>" in answer.content


@pytest.mark.parametrize(
    "address",
    [
        "/static/../settings.py",
        "/static/%2e%2e/%2e%2e/wiring/settings.py",
        "/static/karnet/..%2f..%2fmodels.py",
        "/static//etc/passwd",
        "/%00",
        "/\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
        "/login%0d%0aSet-Cookie:x=y",
    ],
)
def test_paths_lead_nowhere_they_should_not(database: None, address: str) -> None:
    client = Client(SERVER_NAME="localhost", raise_request_exception=False)
    answer = client.get(address, headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "x" not in answer.cookies


def test_another_host_name_is_refused(database: None) -> None:
    answer = Client(SERVER_NAME="evil.example").get("/login", headers={"Accept": "text/html"})
    assert answer.status_code == 400


@pytest.mark.parametrize("language", ["en", "pl", "ru", "it", "de"])
def test_a_language_is_kept_and_leads_back(client: Client, language: str) -> None:
    answer = client.post("/language", {"language": language, "next": "/design"})
    assert answer.headers["Location"] == "/design"
    assert f'<html lang="{language}"' in client.get("/login").content.decode()


def test_a_theme_is_kept_and_an_unknown_one_is_not(client: Client) -> None:
    assert client.post("/theme", {"theme": "dark", "next": "//evil.example"}).headers["Location"] == "/"
    assert 'data-theme="dark"' in client.get("/login").content.decode()
    client.post("/theme", {"theme": '"><script>', "next": "/login"})
    assert 'data-theme="dark"' in client.get("/login").content.decode()
    client.cookies["karnet_theme"] = '"><script>'
    assert 'data-theme="auto"' in client.get("/login").content.decode()


def test_a_static_file_has_its_content_in_its_address(client: Client) -> None:
    address = HashedAddresses().url("karnet/tokens.css")
    assert address.startswith("/static/karnet/tokens.css?v=")
    answer = client.get(address)
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content).decode().startswith("/* Tokens")
    assert finders.find("karnet/tokens.css")
    with pytest.raises(LookupError):
        HashedAddresses().url("karnet/none.css")
