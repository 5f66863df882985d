"""The examples of docs/api.md do what they say, against a server that listens."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connection

from karnet.catalogue.rules import PublishTariff
from karnet.catalogue.tariffs import publish_tariffs
from karnet.faces.api.application import api
from karnet.faces.api.scopes import SCOPES
from karnet.faces.api.tests.conftest import HOTEL, NORTH, NOW, RENATA, World
from karnet.faces.api.webhooks.events import SCOPES as EVENTS
from karnet.faces.api.webhooks.signing import signature
from karnet.kernel.outcomes import Refused
from karnet.parties.selectors import home_server
from karnet.stays.requests import Band, Enter, Furnish, HouseRules
from karnet.stays.services import enter, furnish
from karnet.tariffs.model import from_json

pytestmark = pytest.mark.database

PAGE = (Path(__file__).parents[5] / "docs" / "api.md").read_text()
BISTRO, CLIENT, RECEIVER = re.findall(r"```python\n(.*?)```", PAGE, re.S)


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def server(world: World) -> Iterator[str]:
    made = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)

    def serve() -> None:
        made.serve_forever(0.02)
        connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}/api/v1"
    made.shutdown()
    made.server_close()
    thread.join()


def run(url: str, token: str, *arguments: str, script: str = CLIENT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "KARNET_URL": url, "KARNET_TOKEN": token},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_client_sells_a_ticket_and_says_why_it_cannot(world: World, server: str) -> None:
    _, partner = world.token()
    sold = run(server, partner.text, "1001")
    assert (sold.returncode, sold.stdout) == (0, "HOTEL-000001 17000 PLN\n"), sold.stderr
    assert partner.get("/media/1001").json()["entitlements"][0]["product_code"] == "DAY"
    again = run(server, partner.text, "1001")
    assert again.returncode == 1
    assert "1001" in again.stderr
    assert "nośnik" in again.stderr.lower() or "karta" in again.stderr.lower(), again.stderr
    assert "Send a token" in run(server, "", "1002").stderr or "token" in run(server, "", "1002").stderr


def test_a_bistro_charges_a_band_and_says_why_it_cannot(world: World, server: str) -> None:
    _, bistro = world.token()
    nobody = run(server, bistro.text, "7", script=BISTRO)
    assert (nobody.returncode, nobody.stderr) == (1, "There is no stay on this band 7. Please go to the till.\n")
    pool(world)
    sold = run(server, bistro.text, "7", script=BISTRO)
    assert (sold.returncode, sold.stdout) == (0, "HOTEL-T000001 1400 PLN\n"), sold.stderr


def pool(world: World) -> None:
    """North has a pool; somebody came with band 7."""
    early = NOW - timedelta(days=30)
    asked: dict[str, Any] = {"at": early, "actor": RENATA}
    furnished = furnish([Furnish(key="f", facility=NORTH, zones={"pool": None}, rules=HouseRules(), **asked)])
    tariff = from_json(
        '{"format": 1, "code": "pool", "currency": "PLN", "time_zone": "Europe/Warsaw", "categories": ["adult"],'
        ' "zones": ["pool"], "clocks": [{"code": "c", "unit_s": 60, "bands": [{"code": "any", "prices": {"adult": 30}}]}]}'
    )
    published = publish_tariffs(
        [PublishTariff(key="t", facility=NORTH, in_force_from=early, tariff=tariff, at=early, actor=home_server())]
    )
    came = enter([Enter(key="e", at=NOW, actor=RENATA, sales_point=HOTEL, tariff="pool", bands=(Band(number="7"),))])
    assert not any(isinstance(answer, Refused) for answer in (*furnished, *published, *came)), (published, came)


def test_the_client_has_thirty_lines() -> None:
    assert len([line for line in CLIENT.splitlines() if line.strip()]) <= 30


def test_the_receiver_takes_a_message_once_and_no_forgery() -> None:
    place: dict[str, Any] = {}
    exec(RECEIVER, place)  # noqa: S102
    secret, body, now = "whsec_" + "QUJD" * 10, b"{}", int(time.time())
    headers = {
        "webhook-id": "m1",
        "webhook-timestamp": str(now),
        "webhook-signature": signature(secret, "m1", now, body),
    }
    accept = place["accept"]
    assert not accept(secret, headers, b"{ }")
    assert accept(secret, headers, body)
    assert not accept(secret, headers, body), "a replay"
    old = str(now - 400)
    stale = {
        "webhook-id": "m2",
        "webhook-timestamp": old,
        "webhook-signature": signature(secret, "m2", now - 400, body),
    }
    assert not accept(secret, stale, body)


def test_the_page_names_every_scope_event_and_path() -> None:
    for scope in SCOPES:
        assert f"| `{scope}` |" in PAGE
    for event in EVENTS:
        assert f"`{event}`" in PAGE
    for path in api.get_openapi_schema(path_prefix="")["paths"]:
        start = path.removeprefix("/").split("/")[0]
        assert f"/{start}" in PAGE, path
