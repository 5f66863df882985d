"""Pages in a real browser: a server process on this worker's database, Chromium, axe.

    def test_a_cashier_sees_the_till(site: Site, staff: Staff, visit: Visit) -> None:
        page = visit("/till/", staff(Role.CASHIER))    # signed in; visit(path) alone is nobody
        expect(page.get_by_role("heading", name="Till")).to_be_visible()
        check_page(page)                               # axe finds nothing, nothing scrolls sideways, no script failed

`site.set_clock(at)` stops the server's clock. `shoot(page, "till")` saves pictures at three widths when
KARNET_SHOTS names a folder.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from karnet.faces.base.roles import Role

CHROMIUM = os.environ.get("KARNET_CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDTHS = {"phone": (390, 844), "tablet": (1024, 768), "desktop": (1440, 900)}
MAY_TAKE_S = 60
PASSWORD = "tests only, for sure"  # noqa: S105

Staff = Callable[..., Any]
Visit = Callable[..., Page]


@dataclass
class Site:
    """The running server. `url` has no slash at its end."""

    url: str
    process: subprocess.Popen[bytes]
    clock: Path

    def set_clock(self, at: datetime | None) -> None:
        """Stop the server's clock at a moment, or (None) let it run."""
        if at is None:
            self.clock.unlink(missing_ok=True)
        else:
            self.clock.write_text(at.isoformat())


@dataclass
class Trouble:
    """What a page complained about: failed scripts, refused styles, broken requests."""

    said: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def _server(installation: Any, database_clone: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    from django.conf import settings
    from psycopg.conninfo import conninfo_to_dict

    # Sessions that tests make are signed as the server signs its own.
    settings.SECRET_KEY = installation.secret_key
    name = conninfo_to_dict(database_clone)["dbname"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    clock = tmp_path_factory.mktemp("clock") / "now"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faces.serving", str(installation.path), str(name), str(port)],
        cwd=Path(__file__).parents[2],
        env={
            **os.environ,
            "KARNET_CLOCK": "tests.faces.clock.now",
            "KARNET_TEST_CLOCK": str(clock),
            "KARNET_REPORT_AGE_S": "0",
        },
    )
    found = Site(f"http://127.0.0.1:{port}", process, clock)
    _await(found)
    yield found
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _await(site: Site) -> None:
    end = time.monotonic() + MAY_TAKE_S
    while True:
        assert site.process.poll() is None, "the test server ended; its errors are above"
        assert time.monotonic() < end, "the test server does not answer"
        try:
            urllib.request.urlopen(f"{site.url}/health", timeout=5)  # noqa: S310 (our own address)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)


@pytest.fixture
def site(_server: Site, database: None, database_clone: str) -> Iterator[Site]:
    """The server, its tables empty and its clock running."""
    _server.set_clock(None)
    yield _server
    _server.set_clock(None)
    _await_quiet(database_clone)


def _await_quiet(dsn: str) -> None:
    """Wait until the server has finished what pages asked last: tables are emptied next, and two would be in the way."""
    end = time.monotonic() + MAY_TAKE_S
    with psycopg.connect(dsn, autocommit=True) as connection:
        while time.monotonic() < end:
            (busy,) = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle'"
            ).fetchone() or (0,)
            if not busy:
                return
            time.sleep(0.05)


@pytest.fixture(scope="session")
def _playwright() -> Iterator[Playwright]:
    # Playwright's own event loop runs in this thread, so Django takes it for asynchronous. It is not.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(_playwright: Playwright) -> Iterator[Browser]:
    """Chromium, once a run."""
    assert Path(CHROMIUM).exists(), f"no {CHROMIUM}: `apt-get install chromium`, or name one in KARNET_CHROMIUM"
    launched = _playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, headless=True)
    yield launched
    launched.close()


@pytest.fixture
def staff(site: Site) -> Staff:
    """Make a log-in: `staff(Role.CASHIER, operator=id)`; the name is the role's unless given."""

    def make(role: Role, username: str = "", operator: Any = None) -> Any:
        from django.contrib.auth import get_user_model
        from django.contrib.auth.hashers import make_password

        return get_user_model().objects.create(
            username=username or role.value, role=role.value, operator_id=operator, password=make_password(PASSWORD)
        )

    return make


@pytest.fixture
def visit(site: Site, browser: Browser, trouble: Trouble) -> Iterator[Visit]:
    """Open a page: `visit("/path", user)`. Options: width (phone, tablet, desktop), theme (light, dark), language, offline
    (let the page keep its service worker: without it pages load faster, and only a lost connection needs it)."""
    contexts: list[BrowserContext] = []

    def open_page(
        path: str = "/",
        user: Any = None,
        *,
        width: Literal["phone", "tablet", "desktop"] = "tablet",
        theme: Literal["light", "dark"] = "light",
        language: str = "en",
        cookies: dict[str, str] | None = None,
        offline: bool = False,
    ) -> Page:
        w, h = WIDTHS[width]
        context = browser.new_context(
            service_workers="allow" if offline else "block",
            base_url=site.url, viewport={"width": w, "height": h}, color_scheme=theme, locale=language,
            reduced_motion="reduce",
        )  # fmt: skip
        contexts.append(context)
        context.set_default_timeout(20_000)
        kept = {"karnet_language": language, **(cookies or {})}
        if user is not None:
            kept["karnet_session"] = session_of(user)
        context.add_cookies([{"name": name, "value": value, "url": site.url} for name, value in kept.items()])
        page = context.new_page()
        page.on("pageerror", lambda error: trouble.said.append(f"script: {error}"))
        page.on("console", lambda said: said.type == "error" and trouble.said.append(_complaint(said)))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()


def _complaint(said: Any) -> str:
    return f"{said.text} ({said.location.get('url', '')})"


@pytest.fixture
def trouble() -> Iterator[Trouble]:
    """What pages complained about; at the end there must be nothing. A test that expects some clears it."""
    found = Trouble()
    yield found
    # A refusal is answered with 4xx on purpose, and Chromium calls that an error.
    assert [said for said in found.said if "status of 4" not in said] == []


def session_of(user: Any) -> str:
    """Return the key of a new session of a log-in: signed in without typing."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    key: str = session.session_key
    return key


def check_page(page: Page) -> None:
    """Assert that axe finds nothing (WCAG 2.2 A and AA, best practices) and that the page does not scroll sideways."""
    from axe_playwright_python.sync_playwright import Axe

    page.wait_for_load_state("load")
    # Not among axe's defaults: what is touched is at least 24 pixels wide and high (WCAG 2.2, 2.5.8).
    found = Axe().run(page, options={"rules": {"target-size": {"enabled": True}}})
    told = [
        f"{one['id']}: {one['help']}: {' '.join(map(str, node['target']))} {node['html'][:120]}"
        for one in found.response["violations"]
        for node in one["nodes"]
    ]
    assert not told, "\n".join(told)
    check_fits(page)


def check_fits(page: Page) -> None:
    """Assert that the page does not scroll sideways."""
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0, f"{page.url} scrolls sideways by {wider} px at {page.viewport_size}"


def shoot(page: Page, name: str) -> None:
    """Save pictures of a page at three widths as <name>-<width>.png, where KARNET_SHOTS says."""
    folder = os.environ.get("KARNET_SHOTS")
    if not folder:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    before = page.viewport_size
    for width, (w, h) in WIDTHS.items():
        page.set_viewport_size({"width": w, "height": h})
        page.screenshot(path=str(Path(folder) / f"{name}-{width}.png"), full_page=True)
    if before:
        page.set_viewport_size(before)
