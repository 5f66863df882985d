"""Readings at the borders of a metered place in words: where one is, what it costs so far, how long it is paid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from karnet.faces.base import stay_words, words
from karnet.faces.displays.scenes import Scene
from karnet.kernel.outcomes import refused
from karnet.kernel.reasons import Reason
from karnet.stays.bills import Standing
from karnet.stays.requests import Let


class Figure(NamedTuple):
    """A number that needs no language, and what it is, in all of them."""

    value: str
    caption: str


def word(passed: Let) -> str:
    """Return what is read from afar."""
    if passed.open:
        return pgettext("leave the building", "Out")
    if passed.stopped:
        return pgettext("the clock", "Stopped")
    if passed.ended:
        return _("Goodbye")
    return _("Go") if passed.before else _("Welcome")


def sentence(scene: Scene, zone_name: str) -> str:
    """Return what is read close by: the zone, and what is next: how long it is paid, or what is to be paid."""
    passed, standing = scene.passed, scene.standing
    assert passed is not None, "no reading of a band"
    if passed.open:
        return words.refusal(refused(Reason.EVACUATION), zone_name, scene.at)
    if passed.stopped:
        return _("Your clock stands still. Please pay at the till now.")
    if passed.ended:
        return _("Everything is paid. Come again!")
    where = stay_words.zone_name(passed.zone)
    told = _next(standing, zone_name) if standing else ""
    return f"{where}. {told}" if told else where


def _next(standing: Standing, zone_name: str) -> str:
    if standing.owed_minor:
        owed = words.money(standing.owed_minor, standing.currency)
        return _("So far %(amount)s to pay at the till.") % {"amount": owed}
    if standing.covered_until is None:
        return ""
    until = words.moment(standing.covered_until, zone_name, "time")
    if standing.warn:
        return _("Paid until %(time)s only. Longer costs extra.") % {"time": until}
    return _("Paid until %(time)s.") % {"time": until}


def figures(scene: Scene, languages: Sequence[str], in_all: Callable[[Callable[[], str]], str]) -> list[Figure]:
    """Return what the stay costs, and how long it is paid. `in_all`: says a caption in every language."""
    passed, standing = scene.passed, scene.standing
    if passed is None or standing is None or passed.open:
        return []
    with translation.override(languages[0]):
        spent = words.money(standing.spent_minor, standing.currency)
        owed = words.money(standing.owed_minor, standing.currency)
    if passed.ended:
        return [Figure(spent, in_all(lambda: pgettext("money", "spent")))]
    found = []
    if standing.owed_minor:
        found.append(Figure(owed, in_all(lambda: pgettext("money", "to pay"))))
    elif standing.covered_until is not None:
        found.append(Figure(hours(scene.at, standing.covered_until), in_all(lambda: pgettext("time", "left"))))
    found.append(Figure(spent, in_all(lambda: pgettext("money", "spent"))))
    return found


def hours(since: datetime, until: datetime) -> str:
    """Return the time until an instant as hours and whole minutes, "1:05"; "0:00" where it is past."""
    minutes = max(0, int((until - since).total_seconds())) // 60
    return f"{minutes // 60}:{minutes % 60:02d}"
