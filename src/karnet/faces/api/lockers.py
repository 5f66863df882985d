"""Lockers: bands held to the readers of sections, and what their controllers are told (docs/lockers.md)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from pydantic import BaseModel

from karnet.faces.api.asking import IdempotencyKey, ask
from karnet.faces.api.calling import caller, route
from karnet.faces.api.gates import ScanIn, at_problem, own_gates
from karnet.faces.api.problems import languages, refusal
from karnet.faces.api.shapes import Flag, LineOut
from karnet.faces.base.clock import now
from karnet.faces.displays import scenes, words
from karnet.faces.displays.news import note_touches
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.lockers.requests import LockerGivenUp, LockerShown, Touch
from karnet.lockers.selectors import openings, section_at
from karnet.parties.selectors import facilities
from karnet.stays.changing import touch_lockers

router = Router(tags=["lockers"])

LANGUAGES_SHOWN = 3
RECENT = timedelta(minutes=2)
"""A door that nobody came to fetch for so long is opened no more."""

Answer = LockerShown | LockerGivenUp


class TouchIn(ScanIn):
    """A band was held to the reader. `give_up`: its holder has cleared the locker and leaves."""

    give_up: Flag = False


class LockerOut(BaseModel):
    """Open this locker (`outcome` "locker"), or free it (`given_up`): then its place is null. `new`: assigned just now;
    `static`: the band belongs to it.

    Why this one: `near` strangers had lockers in its column or beside it, `free` lockers were left to choose from,
    `together`: beside the band's own people.
    """

    outcome: Literal["locker", "given_up"]
    locker: UUID
    section: str
    number: str
    aisle: int | None = None
    position: int | None = None
    row: int | None = None
    new: bool = False
    static: bool = False
    near: int = 0
    free: int = 0
    together: bool = False
    display: list[LineOut]


class OpeningOut(BaseModel):
    """Staff had this locker opened."""

    id: UUID
    locker: UUID
    number: str
    at: datetime


class OpeningsOut(BaseModel):
    """Doors that staff had opened in the last two minutes, the earliest first: open each `id` once."""

    openings: list[OpeningOut]


@route(router.post, "/lockers/readers/{uuid:reader}/touches", "gates:scan", response=LockerOut)
def touch(request: HttpRequest, reader: UUID, body: TouchIn, key: IdempotencyKey) -> LockerOut:
    """Hold a band to the reader of a section: the first touch assigns a locker, each later one opens it. A refusal is a
    problem whose `code` says why (lockers_full names another section in its facts); `display` is what to show."""
    principal = caller(request)
    if reader not in own_gates(principal, [reader]):
        raise refusal(request, refused(Reason.UNKNOWN_GATE, gate=str(reader)))
    answer: Answer | Refused = ask(_touch, principal, key, lambda k, at: _asked(k, at, reader, body))
    zone = facilities([principal.facility])[principal.facility].time_zone if principal.facility else "UTC"
    scene = scenes.of_refusal(answer, now()) if isinstance(answer, Refused) else scenes.of_locker(answer, now())
    said = words.lines(scene, languages(request, LANGUAGES_SHOWN), zone)
    display = [{"language": line.language, "word": line.word, "sentence": line.sentence} for line in said]
    if isinstance(answer, Refused):
        raise refusal(request, answer, display)
    lines = [LineOut(**line) for line in display]
    if isinstance(answer, LockerGivenUp):
        return LockerOut(
            outcome="given_up", locker=answer.locker, section=answer.section, number=answer.number, display=lines
        )
    return LockerOut(
        outcome="locker", locker=answer.locker, section=answer.section, number=answer.number, aisle=answer.aisle,
        position=answer.position, row=answer.row, new=answer.new, static=answer.static, near=answer.near,
        free=answer.free, together=answer.together, display=lines,
    )  # fmt: skip


@route(router.get, "/lockers/readers/{uuid:reader}/openings", "gates:scan", response=OpeningsOut)
def list_openings(request: HttpRequest, reader: UUID) -> OpeningsOut:
    """Tell the controller of a section's doors which ones staff had opened just now."""
    section = section_at(reader) if reader in own_gates(caller(request), [reader]) else None
    if section is None:
        raise refusal(request, refused(Reason.UNKNOWN_READER))
    found = openings(section.id, now() - RECENT)
    return OpeningsOut(
        openings=[OpeningOut(id=id_, locker=door, number=number, at=at) for id_, door, number, at in found]
    )


def _asked(key: str, at: datetime, reader: UUID, body: TouchIn) -> Touch | Refused:
    problem = at_problem(body.at, at)
    return problem or Touch(
        key=key, at=body.at or at, actor=reader, reader=reader, chip=body.chip, give_up=body.give_up
    )


def _touch(touches: Sequence[Touch]) -> list[Answer | Refused]:
    answers = touch_lockers(touches)
    note_touches(touches, answers)
    return answers
