"""The info point inside: touch a band and read how long it is paid, what it cost so far, what an hour more costs, and which
locker it has. It asks and changes nothing (SPEC S15)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from karnet.faces.base import stay_words, words
from karnet.faces.displays.scenes import Asked, Scene, of_refusal
from karnet.faces.displays.visits import Figure, hours
from karnet.kernel.outcomes import refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant
from karnet.lockers.selectors import lockers_of
from karnet.stays.bills import bills, look_at_bands, standings

AHEAD = timedelta(hours=1)


def look(facility: UUID, read: str, at: datetime) -> Scene:
    """Return how the stay on a band stands, by its chip or printed number; a refusal for a band without one here."""
    at = instant(at)
    (view,) = look_at_bands([read], at)
    if view.bill is None or view.medium is None:
        return of_refusal(refused(Reason.NO_STAY, number=view.number or read), at)
    standing = standings([view.bill.stay], at)[view.bill.stay]
    later = bills([view.bill.stay], at + AHEAD)[view.bill.stay]
    locker = lockers_of([view.medium]).get(view.medium)
    asked = Asked(
        standing=standing,
        number=view.number,
        hour_minor=later.bill.total_minor - standing.spent_minor,
        locker=f"{locker.section} {locker.number}" if locker else "",
    )
    return Scene(kind="info", at=at, mark=f"info {view.medium} {at.isoformat()}", asked=asked)


def word(asked: Asked) -> str:
    """Return what is read from afar: where one is."""
    return stay_words.zone_name(asked.standing.zone)


def sentence(asked: Asked, zone_name: str) -> str:
    """Return what is read close by: how long it is paid and what it costs then; what is to be paid; no guess beyond an hour."""
    standing = asked.standing
    hour = words.money(asked.hour_minor, standing.currency)
    if standing.owed_minor:
        owed = words.money(standing.owed_minor, standing.currency)
        return _("%(amount)s is to be paid at the till. One hour more here: %(hour)s.") % {"amount": owed, "hour": hour}
    if standing.covered_until is None:
        return _("Nothing is to be paid so far.")
    until = words.moment(standing.covered_until, zone_name, "time")
    if standing.warn:
        return _("Paid until %(time)s only. One hour more from now: %(hour)s.") % {"time": until, "hour": hour}
    return _("Paid until %(time)s. Longer costs extra: one hour from now %(hour)s.") % {"time": until, "hour": hour}


def figures(scene: Scene, languages: Sequence[str], in_all: Callable[[Callable[[], str]], str]) -> list[Figure]:
    """Return time left, spent so far and the locker. `in_all`: says a caption in every language."""
    asked = scene.asked
    if asked is None:
        return []
    standing = asked.standing
    with translation.override(languages[0]):
        spent = words.money(standing.spent_minor, standing.currency)
    found = [Figure(spent, in_all(lambda: pgettext("money", "spent")))]
    if standing.covered_until is not None:
        found.insert(0, Figure(hours(scene.at, standing.covered_until), in_all(lambda: pgettext("time", "left"))))
    if asked.locker:
        found.append(Figure(asked.locker, in_all(lambda: _("locker"))))
    return found
