"""Scenes in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import translation

from karnet.access.tests.small import at
from karnet.faces.displays import words
from karnet.faces.displays.pairing import LANGUAGES, three
from karnet.faces.displays.scenes import Scene, of_refusal
from karnet.kernel.outcomes import refused
from karnet.kernel.reasons import Reason

ZONE = "Europe/Warsaw"
THREE = ("pl", "en", "de")


def scene(**changes: Any) -> Scene:
    given: dict[str, Any] = {
        "kind": "go",
        "at": at(9),
        "mark": "m",
        "product_code": "DAY",
        "category": "adult",
        **changes,
    }
    return Scene(**given)


def test_points_taken_and_left_are_numbers_with_a_caption_in_every_language() -> None:
    shown = words.figures(scene(points=3, points_left=27), THREE, ZONE)
    assert shown == [
        words.Figure("−3", "pobrano · taken · abgebucht"),
        words.Figure("27", "zostało · left · übrig"),
    ]


@pytest.mark.parametrize(
    ("until", "shown"),
    [
        (at(14), "15:00"),  # by the facility's clock
        (at(23), "24:00"),  # the end of this day
        (at(23) + timedelta(days=2), "17.01.2026"),  # a later day, as the first language writes it
    ],
)
def test_a_ticket_ends_at_a_time_today_or_on_a_day(until: Any, shown: str) -> None:
    assert [figure.value for figure in words.figures(scene(valid_until=until), THREE, ZONE)] == [shown]


def test_a_product_is_named_in_each_language_that_has_a_name_for_it() -> None:
    named = scene(names={"pl": "Dzień", "en": "Day"})
    assert [line.sentence for line in words.lines(named, THREE, ZONE)] == ["Dzień", "Day", "Day"]
    assert [line.sentence for line in words.lines(scene(), THREE, ZONE)] == ["DAY"] * 3


def test_a_refusal_is_explained_in_each_language_whatever_the_page_speaks() -> None:
    why = of_refusal(refused(Reason.PASSBACK, until="2026-01-15T09:05:00Z"), at(9))
    with translation.override("ru"):
        lines = words.lines(why, THREE, ZONE)
    assert [line.language for line in lines] == list(THREE)
    assert [line.word for line in lines] == ["Stop", "Stop", "Halt"]
    assert all("10:05" in line.sentence for line in lines)
    assert len({line.sentence for line in lines}) == 3


@pytest.mark.parametrize(
    ("points", "said"), [(1, "1 punkt wrócił"), (3, "3 punkty wróciły"), (5, "5 punktów wróciło"), (0, "Niczego")]
)
def test_points_that_are_back_are_counted_as_polish_counts(points: int, said: str) -> None:
    assert said in words.lines(scene(kind="back", points=points), THREE, ZONE)[0].sentence


def test_the_light_for_staff_names_what_is_not_full_price() -> None:
    assert words.light(scene(), "pl") == ""
    assert words.light(scene(category="child"), "pl") == "dziecko"
    assert words.light(scene(category="club"), "pl") == "club"
    assert words.light(scene(kind="back", category="child"), "pl") == ""


def test_the_way_out_says_goodbye_and_takes_nothing() -> None:
    leaving = scene(direction="out", valid_until=at(14))
    assert [line.word for line in words.lines(leaving, THREE, ZONE)][1] == "Goodbye"
    assert words.figures(leaving, THREE, ZONE) == []


def test_every_scene_has_its_words_in_every_language() -> None:
    for make in (words.idle, words.lost, words.offline, words.unpaired):
        said = make(LANGUAGES)
        assert len({line.sentence for line in said}) == len(LANGUAGES)
        assert len({line.word for line in said}) == len(LANGUAGES)


@pytest.mark.parametrize("wrong", [("en", "pl"), ("en", "en", "pl"), ("en", "pl", "xx"), ("en", "pl", "de", "it")])
def test_a_display_speaks_three_different_languages_of_ours(wrong: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="three different ones"):
        three(wrong)
