"""Borders of metered places: bands read at gates and lone readers, one by one or in batches (docs/stays.md).

All readings of the process are decided together (group commit), as scans at lifts are. The answer says what a display
shows: where one is, what it costs so far, how long it is paid; and of a refusal, why and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import datetime
from functools import cache, partial
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from django.http import HttpRequest
from ninja import Router
from pydantic import BaseModel, Field

from karnet.faces.api.asking import IdempotencyKey, Key, ask, ask_all
from karnet.faces.api.calling import caller, route
from karnet.faces.api.gates import ScanIn, at_problem, charge_batch, own_gates
from karnet.faces.api.problems import languages, refusal
from karnet.faces.api.shapes import MAX_BATCH, Id, In, LineOut, ProblemOut
from karnet.faces.base.clock import now
from karnet.faces.displays import scenes, words
from karnet.faces.displays.news import note_readings
from karnet.journal.group_commit import GroupCommit
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.parties.selectors import facilities
from karnet.stays.bills import Standing, standings_at
from karnet.stays.requests import Let, Read
from karnet.stays.services import read

router = Router(tags=["borders"])

LANGUAGES_SHOWN = 3


class ReadIn(ScanIn):
    """A band was read. `at`: when, if not now: at most 48 hours ago."""


class KeyedReadIn(ReadIn):
    """A reading of a batch, with an idempotency key of its own."""

    key: Key
    gate: Id


class ReadsIn(In):
    """A batch, decided in its order."""

    reads: Annotated[list[KeyedReadIn], Field(min_length=1, max_length=MAX_BATCH)]


class FigureOut(BaseModel):
    """A number a display shows, and what it is, in all its languages."""

    value: str
    caption: str


class LetOut(BaseModel):
    """Go on: from zone `before` to `zone` ("" = outside). `ended`: the stay is over and paid; `document`: its receipt,
    where it was the last of its tab. `stopped`: the clocks stand until the stay is settled. `open`: an evacuation, nobody
    is stopped. `missed`: a reading before this one must have been missed.

    As of the reading, minor units: `spent_minor` so far, `prepaid_minor` towards it, `owed_minor` if they left now;
    `covered_until`: how long nothing is owed (null: for a day), `left_s` seconds until then, `warn` when that is soon.
    """

    outcome: Literal["let"] = "let"
    stay: UUID
    before: str
    zone: str
    ended: bool
    stopped: bool
    open: bool
    missed: bool
    document: str | None
    currency: str | None = None
    spent_minor: int | None = None
    prepaid_minor: int | None = None
    owed_minor: int | None = None
    covered_until: datetime | None = None
    left_s: int | None = None
    warn: bool = False
    display: list[LineOut]
    figures: list[FigureOut]


class ReadRefusedOut(BaseModel):
    """A refusal inside a batch; `problem.display` is what to show."""

    outcome: Literal["refused"] = "refused"
    problem: ProblemOut


class ReadsOut(BaseModel):
    """The answers, in the order of the readings."""

    results: list[LetOut | ReadRefusedOut]


@route(router.post, "/gates/{uuid:gate}/reads", "gates:scan", response=LetOut)
def read_band(request: HttpRequest, gate: UUID, body: ReadIn, key: IdempotencyKey) -> LetOut:
    """Ask whether a band may pass a border. A refusal is a problem whose `code` says why; `display` is what to show, in
    the first three languages of Accept-Language."""
    principal = caller(request)
    own = own_gates(principal, [gate])
    answer = ask(_crossings, principal, key, lambda k, at: _read(own, k, at, gate, body))
    shown = _Shown(request)
    if isinstance(answer, Refused):
        raise refusal(request, answer, shown.refused(answer))
    return shown.let(answer)


@route(router.post, "/reads", "gates:scan", response=ReadsOut)
def read_batch(request: HttpRequest, body: ReadsIn) -> ReadsOut:
    """Ask for up to 256 bands at once; each reading has its own key, so a batch may be sent again whole or in parts."""
    principal = caller(request)
    charge_batch(principal, len(body.reads))
    own = own_gates(principal, {item.gate for item in body.reads})
    answers = ask_all(_crossings, principal, [(item.key, partial(_keyed, own, item)) for item in body.reads])
    shown = _Shown(request)
    return ReadsOut(
        results=[
            ReadRefusedOut(problem=ProblemOut.model_validate(refusal(request, a, shown.refused(a)).body()))
            if isinstance(a, Refused)
            else shown.let(a)
            for a in answers
        ]
    )


class _Crossing(msgspec.Struct, frozen=True):
    """A band that was let through, how its stay stands, and when it was read."""

    let: Let
    standing: Standing | None
    at: datetime


@cache
def _group() -> GroupCommit[Read, _Crossing | Refused]:
    """The readings of this process, decided together; started by the first of them."""
    group = GroupCommit[Read, _Crossing | Refused](_decide)
    group.__enter__()
    return group


def _crossings(readings: Sequence[Read]) -> list[_Crossing | Refused]:
    return _group().ask_all(readings)


def _decide(readings: Sequence[Read]) -> list[_Crossing | Refused]:
    answers = read(readings)
    passed = {a.stay: r.at for r, a in zip(readings, answers, strict=True) if isinstance(a, Let)}
    known = standings_at(passed) if passed else {}
    note_readings(readings, answers, known)
    return [
        answer if isinstance(answer, Refused) else _Crossing(answer, known.get(answer.stay), reading.at)
        for reading, answer in zip(readings, answers, strict=True)
    ]


def _keyed(own: Set[UUID], item: KeyedReadIn, key: str, at: datetime) -> Read | Refused:
    return _read(own, key, at, item.gate, item)


def _read(own: Set[UUID], key: str, at: datetime, gate: UUID, body: ScanIn) -> Read | Refused:
    if gate not in own:
        return refused(Reason.UNKNOWN_GATE, gate=str(gate))
    return at_problem(body.at, at) or Read(key=key, at=body.at or at, actor=gate, gate=gate, chip=body.chip)


class _Shown:
    """Answers as the caller's display shows them: its languages, its facility's time zone."""

    def __init__(self, request: HttpRequest) -> None:
        self.languages = languages(request, LANGUAGES_SHOWN)
        home = caller(request).facility
        self.zone = facilities([home])[home].time_zone if home else "UTC"

    def refused(self, answer: Refused) -> list[dict[str, str]]:
        return self._lines(scenes.of_refusal(answer, now()))

    def let(self, crossing: _Crossing) -> LetOut:
        let, standing = crossing.let, crossing.standing
        scene = scenes.of_let(let, standing, crossing.at)
        until = standing.covered_until if standing else None
        return LetOut(
            stay=let.stay,
            before=let.before,
            zone=let.zone,
            ended=let.ended,
            stopped=let.stopped,
            open=let.open,
            missed=let.missed,
            document=let.document,
            currency=standing.currency if standing else None,
            spent_minor=standing.spent_minor if standing else None,
            prepaid_minor=standing.prepaid_minor if standing else None,
            owed_minor=standing.owed_minor if standing else None,
            covered_until=until,
            left_s=max(0, int((until - crossing.at).total_seconds())) if until else None,
            warn=scene.warns,
            display=[LineOut(**line) for line in self._lines(scene)],
            figures=[
                FigureOut(value=figure.value, caption=figure.caption)
                for figure in words.figures(scene, self.languages, self.zone)
            ],
        )

    def _lines(self, scene: scenes.Scene) -> list[dict[str, str]]:
        return [
            {"language": line.language, "word": line.word, "sentence": line.sentence}
            for line in words.lines(scene, self.languages, self.zone)
        ]
