"""What displays are told, and who is told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.test.utils import override_settings

from karnet.access.services import Verdict
from karnet.access.tests.conftest import World
from karnet.access.tests.conftest import world as world
from karnet.access.tests.small import at
from karnet.faces.displays import news, pairing
from karnet.kernel.outcomes import Refused

pytestmark = pytest.mark.database

TEN = at(10)


def clock() -> datetime:
    return TEN


@pytest.fixture(autouse=True)
def _clock() -> Any:
    with override_settings(KARNET_CLOCK="karnet.faces.displays.tests.test_news.clock"):
        yield


def mark(gate: UUID, when: datetime = TEN) -> str:
    scene = news.latest(gate, when)
    return scene.mark.split()[0] if scene else ""


def device(gate: UUID, *, reads: bool = False) -> Client:
    """A browser whose device is a display of a gate."""
    token = pairing.claim(pairing.offer(gate, ("en", "pl", "de"), reads=reads, at=TEN), "display", TEN)
    assert token is not None
    return Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {token}"})


def test_the_last_thing_that_happened_is_the_news(world: World) -> None:
    gate = world.gate("turnstile", reports_turn=True)
    other = world.gate("other")
    world.card("1", points=(30,))
    assert mark(gate) == ""
    granted = world.admit(gate, "1", TEN)
    assert isinstance(granted, Verdict)
    scene = news.latest(gate, TEN)
    assert scene is not None
    assert (scene.kind, scene.points, scene.points_left, scene.grant) == ("go", 3, 27, granted.id)
    world.turn(gate, granted.id, TEN + timedelta(seconds=3))
    assert mark(gate, TEN + timedelta(seconds=3)) == "taken"
    again = world.admit(gate, "1", TEN + timedelta(minutes=6))
    assert isinstance(again, Verdict)
    world.turn(gate, again.id, TEN + timedelta(minutes=6, seconds=9), taken=False)
    scene = news.latest(gate, TEN + timedelta(minutes=7))
    assert scene is not None
    assert (scene.kind, scene.points, scene.points_left) == ("back", 3, 27)
    assert mark(other) == ""


def test_a_gate_that_reports_no_turn_shows_its_passage(world: World) -> None:
    gate = world.gate("lift")
    world.card("1", points=(30,))
    world.admit(gate, "1", TEN)
    scene = news.latest(gate, TEN)
    assert scene is not None
    assert (scene.kind, scene.points_left, scene.grant) == ("go", 27, None)


def test_old_news_is_no_news(world: World) -> None:
    gate = world.gate("lift")
    world.card("1", points=(30,))
    world.admit(gate, "1", TEN)
    assert mark(gate, TEN + news.FRESH) == "go"
    assert mark(gate, TEN + news.FRESH + timedelta(seconds=1)) == ""


def test_a_refusal_is_news_until_somebody_passes(world: World) -> None:
    gate = world.gate("lift")
    world.card("1", points=(30,))
    scan = world.scan(gate, "unknown", TEN)
    why = world.admit(gate, "unknown", TEN)
    assert isinstance(why, Refused)
    news.note_refusals([scan], [why])
    assert mark(gate) == "stop"
    late = world.scan(gate, "unknown", TEN - timedelta(hours=1))
    news.note_refusals([late], [why])
    assert mark(gate) == "stop"  # A report of an hour ago does not push it out.
    world.admit(gate, "1", TEN + timedelta(seconds=5))
    assert mark(gate, TEN + timedelta(seconds=5)) == "go"


def test_a_display_that_shows_the_news_already_is_told_nothing(world: World) -> None:
    gate = world.gate("lift")
    world.card("1", points=(30,))
    display = device(gate)
    silent = display.get("/gates/display/news")
    assert (silent.status_code, silent["X-Karnet-Clock"], silent["X-Karnet-Settings"]) == (204, "11:00", "en,pl,de")
    world.admit(gate, "1", TEN)
    told = display.get("/gates/display/news")
    assert told.status_code == 200
    assert 'data-kind="go"' in told.content.decode()
    shown = news.latest(gate, TEN)
    assert shown is not None
    assert display.get("/gates/display/news", {"mark": shown.mark}).status_code == 204


def test_a_scan_that_is_sent_twice_takes_the_points_once(world: World) -> None:
    gate = world.gate("turnstile", reports_turn=True)
    world.card("1", points=(30,))
    display = device(gate, reads=True)
    first, again = (display.post("/gates/display/scan", {"chip": "chip-1", "key": "k"}) for _ in range(2))
    assert first.status_code == 200
    assert "27" in first.content.decode()
    assert again.content == first.content


@pytest.mark.parametrize(
    "body", [{}, {"chip": "1"}, {"key": "k"}, {"chip": "x" * 129, "key": "k"}, {"chip": "1", "key": "k" * 65}]
)
def test_a_scan_that_makes_no_sense_is_no_scan(world: World, body: dict[str, str]) -> None:
    gate = world.gate("lift")
    assert device(gate, reads=True).post("/gates/display/scan", body).status_code == 400
    assert mark(gate) == ""


def test_a_display_without_a_reader_may_not_scan(world: World) -> None:
    gate = world.gate("lift")
    world.card("1", points=(30,))
    assert device(gate).post("/gates/display/scan", {"chip": "chip-1", "key": "k"}).status_code == 400
    assert mark(gate) == ""


def test_a_code_pairs_once_and_only_for_half_an_hour(world: World) -> None:
    gate = world.gate("lift")
    code = pairing.offer(gate, ("en", "pl", "de"), reads=False, at=TEN)
    assert pairing.offered(code, TEN + pairing.CODE_LASTS) is None
    assert pairing.claim(code, "d", TEN + pairing.CODE_LASTS) is None
    assert pairing.claim(code, "d", TEN) is not None
    assert pairing.claim(code, "d", TEN) is None
    assert pairing.offered(code, TEN) is None


def test_a_retired_display_is_told_nothing(world: World) -> None:
    display = device(world.gate("lift"))
    (one,) = pairing.displays(TEN)
    pairing.retire(one.id, TEN)
    assert display.get("/gates/display/news").status_code == 401
    assert pairing.displays(TEN + timedelta(seconds=1)) == []


def test_a_cashier_taps_no_cards_and_pairs_no_displays(world: World) -> None:
    gate = world.gate("lift")
    client = Client(SERVER_NAME="localhost")
    client.force_login(get_user_model().objects.create(username="c", role="cashier", password="!"))  # noqa: S106
    tap = client.post(f"/gates/simulator/{gate}/tap", {"number": "1", "key": "k"})
    assert (tap.status_code, client.post(f"/gates/{gate}/pair").status_code) == (403, 403)
    assert client.get(f"/gates/{gate}/display").status_code == 200
