"""A scan and a turn, asked by a page: the services' own answers, the same for a request that is sent again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

import msgspec

from karnet.access.operations import Gate
from karnet.access.services import Scan, Turn, Turned, Verdict, admit, turn
from karnet.faces.displays import news
from karnet.faces.displays.scenes import Scene, of_let, of_locker, of_refusal, of_verdict
from karnet.journal.selectors import asked_at
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant
from karnet.lockers.requests import LockerGivenUp, LockerShown, Touch
from karnet.lockers.selectors import section_at
from karnet.stays.bills import standings
from karnet.stays.changing import touch_lockers
from karnet.stays.requests import Let, Read
from karnet.stays.selectors import borders
from karnet.stays.services import read

MAX_CHIP, MAX_KEY = 128, 64


class _Keyed(Protocol):
    @property
    def key(self) -> str: ...


RequestT = TypeVar("RequestT", bound=_Keyed)
AnswerT = TypeVar("AnswerT")


def scan(gate: Gate, chip: str, *, key: str, at: datetime, actor: UUID, give_up: bool = False) -> Scene:
    """Ask whether a medium may pass, and return what the gate's screen shows. A refusal is noted for other screens.

    A reader of lockers assigns and opens them (`give_up`: frees); a gate that leads to a zone of a metered place reads bands
    of stays; any other asks for tickets.
    """
    if section_at(gate.id) is not None:
        return _touch(gate, chip, key=key, at=at, actor=actor, give_up=give_up)
    if borders([gate.id]):
        return _read(gate, chip, key=key, at=at, actor=actor)
    request = Scan(key=f"display:{gate.id}:{key}", at=instant(at), actor=actor, gate=gate.id, chip=chip)
    answer: Verdict | Refused = _once(admit, request)
    news.note_refusals([request], [answer])
    return of_refusal(answer, at) if isinstance(answer, Refused) else of_verdict(answer, gate.direction, at)


def _read(gate: Gate, chip: str, *, key: str, at: datetime, actor: UUID) -> Scene:
    request = Read(key=f"display:{gate.id}:{key}", at=instant(at), actor=actor, gate=gate.id, chip=chip)
    answer: Let | Refused = _once(read, request)
    known = {} if isinstance(answer, Refused) else standings([answer.stay], instant(at))
    news.note_readings([request], [answer], known)
    return of_refusal(answer, at) if isinstance(answer, Refused) else of_let(answer, known.get(answer.stay), at)


def _touch(gate: Gate, chip: str, *, key: str, at: datetime, actor: UUID, give_up: bool) -> Scene:
    request = Touch(
        key=f"display:{gate.id}:{key}", at=instant(at), actor=actor, reader=gate.id, chip=chip, give_up=give_up
    )
    answer: LockerShown | LockerGivenUp | Refused = _once(touch_lockers, request)
    news.note_touches([request], [answer])
    return of_refusal(answer, at) if isinstance(answer, Refused) else of_locker(answer, at)


def report(gate: Gate, grant: UUID, *, taken: bool, key: str, at: datetime) -> Turned | Refused:
    """Report in the gate's name what became of a grant."""
    request = Turn(key=f"display:{gate.id}:{key}", at=instant(at), actor=gate.id, grant=grant, taken=taken)
    return _once(turn, request)


def _once(service: Callable[[Sequence[RequestT]], list[AnswerT | Refused]], request: RequestT) -> AnswerT | Refused:
    """Ask a service; what is asked again, after its answer was lost on the way, is asked with its first instant."""
    answer = service([request])[0]
    if isinstance(answer, Refused) and answer.reason is Reason.KEY_REUSED:
        first = asked_at([request.key]).get(request.key)
        if first is not None:
            return service([msgspec.structs.replace(request, at=instant(first))])[0]  # type: ignore[type-var]
    return answer
