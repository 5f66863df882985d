"""Benefit cards at the pool's desk: whose are taken, and the number of one that was read (SPEC S17)."""

from __future__ import annotations

from uuid import UUID

from karnet.faces.base.clock import now
from karnet.faces.base.words import language
from karnet.faces.till.desk import Desk
from karnet.faces.till.pool.arrivals import Arrivals, Comer
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import local_day
from karnet.passes.benefits import programmes, used
from karnet.passes.kinds import Programme
from karnet.passes.operations import benefit_card


def taken_at(facility: UUID) -> dict[str, Programme]:
    """Return the programmes whose cards a facility takes, by code."""
    return {code: one for (_facility, code), one in programmes([facility]).items() if not one.stopped}


def package(desk: Desk, coming: Arrivals) -> str:
    """Return the package that the programme chosen now pays; "" where none is chosen, or it is not taken any more."""
    one = taken_at(desk.facility.id).get(coming.programme) if coming.programme else None
    return one.package if one else ""


def take(coming: Arrivals, one: Comer, number: str, desk: Desk) -> Refused | None:
    """Note the number of a benefit card for a band that waits for it.

    Refuses, before anything is given out, a number without figures or letters, and a card that was used today or pays for
    somebody else of the group. The entry itself decides once more.
    """
    number = number.strip()[:64]
    if not any(sign.isalnum() for sign in number):
        return bad_values({"card": "must have the number on the benefit card"})
    card, day = benefit_card(one.programme, number), local_day(now(), desk.facility.time_zone)
    group = {benefit_card(other.programme, other.benefit) for other in coming.bands if other.benefit}
    if card in group or (desk.facility.id, one.programme, card, day) in used([card], [day]):
        return refused(Reason.BENEFIT_USED, number=number)
    one.benefit = number
    coming.changed()
    return None


def programme_name(programme: Programme) -> str:
    """Return what a programme's card is called in the reader's language, else in English, else its code."""
    return programme.names.get(language()) or programme.names.get("en") or programme.code
