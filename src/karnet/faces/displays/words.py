"""A scene in words: in each of a display's languages, whatever the language of whoever is signed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from karnet.faces.base import words
from karnet.faces.displays import changing, info, visits
from karnet.faces.displays.scenes import Scene
from karnet.faces.displays.visits import Figure
from karnet.kernel.time import zone


class Line(NamedTuple):
    """What one language says: a word to see from afar, a sentence to read close by."""

    language: str
    word: str
    sentence: str

    @property
    def length(self) -> str:
        """Return how wide the word is, so that the largest type is chosen that it fits in."""
        return "short" if len(self.word) <= 6 else "long" if len(self.word) <= 9 else "longest"


def lines(scene: Scene, languages: Sequence[str], zone_name: str) -> list[Line]:
    """Return a scene in words, a line for each language."""
    return _each(languages, lambda: (_word(scene), _sentence(scene, zone_name)))


def figures(scene: Scene, languages: Sequence[str], zone_name: str) -> list[Figure]:
    """Return what was taken and what is left."""
    if scene.asked is not None:
        return info.figures(scene, languages, lambda said: _in_all(languages, said))
    if scene.passed is not None:
        return visits.figures(scene, languages, lambda said: _in_all(languages, said))
    found = []
    if scene.kind in ("go", "taken") and scene.points:
        found.append(Figure(f"−{scene.points}", _in_all(languages, lambda: pgettext("points", "taken"))))
    if scene.kind != "stop" and scene.points_left is not None:
        found.append(Figure(str(scene.points_left), _in_all(languages, lambda: pgettext("points", "left"))))
    elif scene.valid_until is not None and scene.direction == "in":
        with translation.override(languages[0]):
            until = _until(scene, zone_name)
        found.append(Figure(until, _in_all(languages, lambda: _("valid until"))))
    return found


def light(scene: Scene, language: str) -> str:
    """Return the category in a word for staff, "" for a full price; one that we have no word for as it is."""
    with translation.override(language):
        return category(scene.light)


def category(code: str) -> str:
    """Return a category in a word of the language of the moment."""
    return _categories().get(code, code)


def idle(languages: Sequence[str]) -> list[Line]:
    """Return what a display says that waits for a card."""
    return _each(languages, lambda: (_("Welcome"), _("Hold your card to the reader.")))


def changing_room(languages: Sequence[str]) -> list[Line]:
    """Return what the display of a section of lockers says that waits for a band."""
    return _each(languages, lambda: (_("Lockers"), _("Hold your band to the reader: it shows and opens your locker.")))


def giving_up(languages: Sequence[str]) -> list[Line]:
    """Return what the display of a section of lockers says to who is leaving, before and after the button is touched."""
    return _each(
        languages,
        lambda: (_("I am leaving: free my locker"), _("Now hold your band to the reader to free your locker.")),
    )


def lost(languages: Sequence[str]) -> list[Line]:
    """Return what a display says whose scan got no answer."""
    return _each(
        languages, lambda: (_("No connection"), _("The gate could not ask about your card. Show it to the staff."))
    )


def offline(languages: Sequence[str]) -> list[Line]:
    """Return what a display says that cannot reach its server."""
    return _each(languages, lambda: (_("No connection"), _("Trying again.")))


def info_point(languages: Sequence[str]) -> list[Line]:
    """Return what an info point shows while it waits."""
    return _each(
        languages, lambda: (_("Your stay"), _("Touch the reader with your band: time left, cost so far, locker."))
    )


def unpaired(languages: Sequence[str]) -> list[Line]:
    """Return what a display says that was retired."""
    return _each(languages, lambda: (_("Not paired"), _("A manager must pair this display again.")))


def _each(languages: Sequence[str], said: Callable[[], tuple[str, str]]) -> list[Line]:
    found = []
    for language in languages:
        with translation.override(language):
            found.append(Line(language, *said()))
    return found


def _word(scene: Scene) -> str:
    if scene.locker is not None:
        return changing.word(scene.locker)
    if scene.passed is not None:
        return visits.word(scene.passed)
    if scene.asked is not None:
        return info.word(scene.asked)
    match scene.kind:
        case "go":
            return _("Go") if scene.direction == "in" else _("Goodbye")
        case "taken":
            return _("Thank you") if scene.direction == "in" else _("Goodbye")
        case "back":
            return _("Not used")
        case "stop":
            return _("Stop")
        case "info":
            return ""


def _sentence(scene: Scene, zone_name: str) -> str:
    if scene.locker is not None:
        return changing.sentence(scene.locker)
    if scene.passed is not None:
        return visits.sentence(scene, zone_name)
    if scene.asked is not None:
        return info.sentence(scene.asked, zone_name)
    if scene.refused is not None:
        return words.refusal(scene.refused, zone_name, scene.at)
    if scene.kind == "back":
        if not scene.points:
            return _("Nobody went through. Nothing was taken.")
        return ngettext(
            "Nobody went through: %(points)s point is back on the card.",
            "Nobody went through: %(points)s points are back on the card.",
            scene.points,
        ) % {"points": scene.points}
    if scene.direction == "out":
        return ""
    return scene.names.get(words.language()) or scene.names.get("en") or scene.product_code


def _until(scene: Scene, zone_name: str) -> str:
    """The time on the day of the scan, else the day."""
    assert scene.valid_until is not None
    # What ends at midnight ends with the day before it.
    last = scene.valid_until - timedelta(seconds=1)
    place = zone(zone_name)
    today, day = scene.at.astimezone(place).date(), last.astimezone(place).date()
    ends_with_day = scene.valid_until.astimezone(place).date() != day
    if day != today:
        return words.day(day)
    return "24:00" if ends_with_day else words.moment(scene.valid_until, zone_name, "time")


def _in_all(languages: Sequence[str], said: Callable[[], str]) -> str:
    """Return a caption in every language, one that several share only once."""
    return " · ".join(dict.fromkeys(line.word for line in _each(languages, lambda: (said(), ""))))


def _categories() -> dict[str, str]:
    return {
        "reduced": pgettext("category", "reduced"),
        "child": pgettext("category", "child"),
        "youth": pgettext("category", "youth"),
        "senior": pgettext("category", "senior"),
        "family": pgettext("category", "family"),
        "student": pgettext("category", "student"),
        "disabled": pgettext("category", "disabled"),
        "staff": pgettext("category", "staff"),
    }
