"""A reader of lockers over HTTP: which locker, the same again, given up; and the doors that staff open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import override_settings

from karnet.access.operations import gate_id
from karnet.faces.api import authentication
from karnet.faces.api.tests.conftest import Clock, recorded
from karnet.faces.api.tests.test_borders import LANGUAGES, caller
from karnet.faces.displays import news
from karnet.lockers.operations import section_id
from karnet.lockers.requests import Furnish, Grid, LockersReady, OpenLocker, Section
from karnet.lockers.selectors import plan
from karnet.lockers.services import furnish, open_lockers
from karnet.stays.tests.conftest import ANNA, NOON, POOL, World
from karnet.stays.tests.conftest import world as world

pytestmark = pytest.mark.database

READER = gate_id(POOL, "stop")
TOUCHES = f"/lockers/readers/{READER}/touches"


@pytest.fixture(autouse=True)
def _hall(world: World) -> Iterator[None]:
    """A section of two lockers, whose reader is one of the pool's."""
    Clock.at = NOON
    authentication.RATE.clear()
    section = Section(code="A", grid=Grid(positions=2, rows=1, first=11), readers=(READER,))
    ready = furnish([Furnish(key="lockers", at=NOON, actor=ANNA, facility=POOL, sections=(section,))])[0]
    assert isinstance(ready, LockersReady), ready
    with override_settings(KARNET_CLOCK="karnet.faces.api.tests.conftest.clock"):
        yield
    connection.close()


def device() -> Any:
    return caller(kind="device", sales_point=None, operator=None, scopes=("gates:scan",))


def test_a_band_gets_a_locker_in_three_languages_and_the_displays_of_its_reader_show_it(world: World) -> None:
    world.came("1", pay=1800)
    api = device()
    answer = api.post(TOUCHES, {"chip": "1"}, key="k", **LANGUAGES)
    assert answer.status_code == 200, answer.json()
    told = answer.json()
    assert (told["outcome"], told["section"], told["number"], told["new"], told["free"]) == (
        "locker",
        "A",
        "11",
        True,
        2,
    )
    assert [line["sentence"] for line in told["display"]] == [
        "To Twoja szafka. Alejka 1, miejsce 1, rząd 1 od dołu.",
        "Das ist Ihr Spind. Gang 1, Platz 1, Reihe 1 von unten.",
        "This is your locker. Aisle 1, place 1, row 1 from below.",
    ]
    scene = news.latest(READER, NOON)
    assert scene is not None
    assert scene.locker is not None
    assert scene.locker.number == "11"
    before = recorded()
    assert api.post(TOUCHES, {"chip": "1"}, key="k", **LANGUAGES).json() == told
    again = api.post(TOUCHES, {"chip": "1"}).json()
    assert (again["locker"], again["new"]) == (told["locker"], False)
    assert recorded() == before
    gone = api.post(TOUCHES, {"chip": "1", "give_up": True}, **LANGUAGES).json()
    assert (gone["outcome"], gone["aisle"]) == ("given_up", None)
    assert gone["display"][2] == {"language": "en", "word": "Thank you", "sentence": "Locker 11 is free again."}


def test_a_full_section_a_stranger_and_somebody_elses_reader_are_refused(world: World) -> None:
    api = device()
    world.came("1", "2", "3", pay=3 * 1800)
    assert {api.post(TOUCHES, {"chip": chip}).json()["number"] for chip in "12"} == {"11", "12"}
    before = recorded()
    full = api.post(TOUCHES, {"chip": "3"}, **LANGUAGES)
    assert (full.status_code, full.json()["code"], full.json()["facts"]) == (409, "lockers_full", {"section": "A"})
    assert full.json()["display"][2]["sentence"].startswith("All lockers of section A are taken.")
    assert api.post(TOUCHES, {"chip": "nobody"}).json()["code"] == "unknown_medium"
    no_reader = api.post(f"/lockers/readers/{gate_id(POOL, 'in')}/touches", {"chip": "1"})
    assert (no_reader.status_code, no_reader.json()["code"]) == (404, "unknown_reader")
    elsewhere = api.post(f"/lockers/readers/{section_id(POOL, 'A')}/touches", {"chip": "3"})
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (404, "unknown_gate")
    assert recorded() == before


def test_the_controller_hears_of_the_doors_that_staff_open(world: World) -> None:
    door = plan(section_id(POOL, "A"))[0].locker
    asked = OpenLocker(key="open", at=NOON + timedelta(seconds=5), actor=ANNA, locker=door.id, reason="forgotten")
    open_lockers([asked])
    Clock.at = NOON + timedelta(seconds=10)
    path = f"/lockers/readers/{READER}/openings"
    (opening,) = device().get(path).json()["openings"]
    assert (opening["locker"], opening["number"]) == (str(door.id), "11")
    Clock.at = NOON + timedelta(minutes=5)
    assert device().get(path).json() == {"openings": []}
