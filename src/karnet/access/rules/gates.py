"""Putting gates into service."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import get_args
from uuid import UUID

from karnet.access.operations import Direction, Gate, GateEnrolled, gate_id
from karnet.access.requests import EnrolGate, Enrolled
from karnet.journal.operations import ActorEnrolled
from karnet.journal.requests import Outcome
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.parties.rules import Acting

MAX_SECONDS = 24 * 60 * 60

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")


def decide_gates(actors: Mapping[UUID, Acting], requests: Sequence[EnrolGate]) -> list[Outcome[EnrolGate, Enrolled]]:
    """Enrol gates in order. `actors`: those of the facilities and gates that are named, as far as they are enrolled.

    Refuses bad values, an unknown or retired facility, and a code that the facility has given to a gate already.
    """
    known = set(actors)
    outcomes = []
    for request in requests:
        outcome = _enrolled(actors, known, request)
        if isinstance(outcome.answer, Enrolled):
            known.add(outcome.answer.id)
        outcomes.append(outcome)
    return outcomes


def _enrolled(actors: Mapping[UUID, Acting], known: set[UUID], request: EnrolGate) -> Outcome[EnrolGate, Enrolled]:
    why = _refusal(actors, known, request)
    if why is not None:
        return Outcome(request, why)
    gate = Gate(
        id=gate_id(request.facility, request.code),
        facility=request.facility,
        code=request.code,
        direction=request.direction,
        passback_s=request.passback_s,
        reports_turn=request.reports_turn,
        grant_s=request.grant_s,
    )
    actor = ActorEnrolled(id=gate.id, kind="device", parent=request.facility)
    return Outcome(request, Enrolled(id=gate.id), (GateEnrolled(actor=actor, gate=gate),))


def _refusal(actors: Mapping[UUID, Acting], known: set[UUID], request: EnrolGate) -> Refused | None:
    problems = _problems(request)
    if problems:
        return bad_values(problems)
    facility = actors.get(request.facility)
    if facility is None or facility.kind != "facility":
        return refused(Reason.UNKNOWN_FACILITY, facility=str(request.facility))
    if facility.retired_at is not None:
        return refused(Reason.ACTOR_RETIRED, actor=str(request.facility))
    if gate_id(request.facility, request.code) in known:
        return refused(Reason.ALREADY_EXISTS, code=request.code)
    return None


def _problems(request: EnrolGate) -> dict[str, str]:
    problems = {}
    if not _CODE.fullmatch(request.code):
        problems["code"] = "must be 1 to 32 letters A-Z a-z, digits, dots, dashes, underscores; a letter or digit first"
    if request.direction not in get_args(Direction):
        problems["direction"] = 'must be "in" or "out"'
    if not 0 <= request.passback_s <= MAX_SECONDS:
        problems["passback_s"] = f"must be 0 to {MAX_SECONDS} seconds"
    if not 0 < request.grant_s <= MAX_SECONDS:
        problems["grant_s"] = f"must be 1 to {MAX_SECONDS} seconds"
    return problems
