"""What displays at the borders of a metered place are told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.test.utils import override_settings

from karnet.access.operations import gate_id
from karnet.faces.displays import news, words
from karnet.faces.displays.scenes import Scene
from karnet.stays.tests.conftest import NOON, POOL, World
from karnet.stays.tests.conftest import world as world

pytestmark = pytest.mark.database


class Clock:
    at = NOON

    @classmethod
    def now(cls) -> Any:
        return cls.at


def clock() -> Any:
    return Clock.now()


@pytest.fixture(autouse=True)
def _clock() -> Any:
    with override_settings(KARNET_CLOCK="karnet.faces.displays.tests.test_visits.clock"):
        yield


@pytest.fixture
def staff(world: World) -> Client:
    client = Client(SERVER_NAME="localhost")
    client.force_login(get_user_model().objects.create(username="m", role="manager", password="!"))  # noqa: S106
    return client


def tap(staff: Client, gate: str, number: str, minutes: int) -> str:
    """Touch a band at a gate of the simulator, so many minutes after noon."""
    Clock.at = NOON + timedelta(minutes=minutes)
    body = {"number": number, "key": f"{gate} {minutes}"}
    answer = staff.post(f"/gates/simulator/{gate_id(POOL, gate)}/tap", body)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def shown(gate: str) -> Scene:
    scene = news.latest(gate_id(POOL, gate), Clock.at)
    assert scene is not None
    return scene


def sentences(scene: Scene) -> list[str]:
    return [line.sentence for line in words.lines(scene, ("en", "pl", "de"), "Europe/Warsaw")]


def values(scene: Scene) -> list[str]:
    return [figure.value.replace("\u00a0", " ") for figure in words.figures(scene, ("en",), "Europe/Warsaw")]


def test_a_pool_gate_in_the_simulator_shows_zone_paid_time_and_spending(world: World, staff: Client) -> None:
    world.came("1", pay=1800)
    shelf = staff.get("/gates/simulator", {"gate": str(gate_id(POOL, "in"))}).content.decode()
    assert "not inside" in shelf
    assert 'data-kind="go"' in tap(staff, "in", "1", 0)
    scene = shown("in")
    assert sentences(scene) == [
        "Pool. Paid until 13:00.",
        "Basen. Opłacone do 13:00.",
        "Schwimmbad. Bezahlt bis 13:00.",
    ]
    assert values(scene) == ["1:00", "18.00 PLN"]


def test_near_the_end_of_paid_time_a_border_warns_and_after_it_names_what_is_owed(world: World, staff: Client) -> None:
    world.came("1", pay=1800)
    tap(staff, "in", "1", 0)
    assert 'data-kind="warn"' in tap(staff, "lone", "1", 52)
    assert sentences(shown("lone"))[0] == "Gym. Paid until 13:00 only. Longer costs extra."
    assert 'data-kind="warn"' in tap(staff, "lone", "1", 70)
    assert values(shown("lone")) == ["3.00 PLN", "21.00 PLN"]


def test_an_exit_refuses_with_the_amount_and_lets_go_who_has_paid(world: World, staff: Client) -> None:
    came = world.came("1", pay=1800)
    tap(staff, "in", "1", 0)
    assert 'data-kind="stop"' in tap(staff, "out", "1", 70)
    assert sentences(shown("out"))[0] == "3.00\u00a0PLN is still to be paid. Please pay at the till, then come back."
    world.settled(*came.stays, at=71, pay=330, mode="pay")
    page = tap(staff, "out", "1", 72)
    assert 'data-kind="go"' in page
    assert "no stay" in page
    scene = shown("out")
    assert (words.lines(scene, ("en",), "Europe/Warsaw")[0].word, values(scene)) == ("Goodbye", ["21.30 PLN"])


def test_a_time_stop_reader_says_that_the_clock_stands(world: World, staff: Client) -> None:
    world.came("1", pay=1800)
    tap(staff, "in", "1", 0)
    tap(staff, "stop", "1", 30)
    assert sentences(shown("stop"))[0].startswith("Your clock stands still.")


def test_a_late_report_does_not_push_out_what_a_display_shows(world: World, staff: Client) -> None:
    first, second = (UUID(str(world.came(band, pay=1800).stays[0])) for band in ("1", "2"))
    tap(staff, "in", "1", 10)
    reading = world.reading("in", "2", 5)
    news.note_readings([reading], [world.passes("in", "2", 5)], {})
    scene = shown("in")
    assert scene.passed is not None
    assert (scene.passed.stay, first != second) == (first, True)
