"""Gates: scans and turns, one by one or in batches. All scans of the process go through one gateway (group commit)."""

from __future__ import annotations

from collections.abc import Collection, Sequence, Set
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Annotated, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import BaseModel, Field

from karnet.access.gateway import Answer, Gateway
from karnet.access.requests import Scan, Turn, Turned, Verdict
from karnet.access.selectors import gates, grants
from karnet.access.services import turn
from karnet.faces.api.asking import IdempotencyKey, Key, ask, ask_all
from karnet.faces.api.authentication import RATE, too_often
from karnet.faces.api.calling import caller, paged, route
from karnet.faces.api.problems import refusal
from karnet.faces.api.shapes import MAX_BATCH, Flag, Id, In, Instant, Number, Page, ProblemOut
from karnet.faces.api.tokens import Principal
from karnet.faces.displays.news import note_refusals
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason

router = Router(tags=["gates"])

LATEST_AFTER = timedelta(minutes=1)
EARLIEST_BEFORE = timedelta(hours=48)
"""A gate that was cut off reports its scans afterwards; nobody reports last week's, or tomorrow's [ours]."""


class GateOut(Schema):
    """A gate. `reports_turn`: a scan is answered with a grant that waits `grant_s` seconds for the turn."""

    id: UUID
    facility: UUID
    code: str
    direction: Literal["in", "out"]
    passback_s: int
    reports_turn: bool
    grant_s: int


class ScanIn(In):
    """A medium was read. `at`: when, if not now: at most 48 hours ago."""

    chip: Number
    at: Instant | None = None


class KeyedScanIn(ScanIn):
    """A scan of a batch, with an idempotency key of its own."""

    key: Key
    gate: Id


class AdmittedOut(BaseModel):
    """Come in. With `expires_at`, `id` is a grant: report its turn until then. `points_left`: of a points ticket."""

    outcome: Literal["admitted"] = "admitted"
    id: UUID
    medium: UUID
    entitlement: UUID
    product_code: str
    category: str
    by: str
    points: int
    points_left: int | None = None
    valid_until: datetime | None = None
    expires_at: datetime | None = None


class RefusedOut(BaseModel):
    """A refusal inside a batch."""

    outcome: Literal["refused"] = "refused"
    problem: ProblemOut


class TurnIn(In):
    """What became of a grant: somebody went through, or nobody did."""

    taken: Flag
    at: Instant | None = None


class KeyedTurnIn(TurnIn):
    """A turn of a batch, with an idempotency key of its own."""

    key: Key
    grant: Id


class TurnedOut(BaseModel):
    """The report is on the record. `points`: drawn."""

    outcome: Literal["turned"] = "turned"
    grant: UUID
    taken: bool
    points: int


class ScansIn(In):
    """A batch, decided in its order."""

    scans: Annotated[list[KeyedScanIn], Field(min_length=1, max_length=MAX_BATCH)]


class TurnsIn(In):
    """A batch, recorded in its order."""

    turns: Annotated[list[KeyedTurnIn], Field(min_length=1, max_length=MAX_BATCH)]


class ScansOut(BaseModel):
    """The verdicts, in the order of the scans."""

    results: list[AdmittedOut | RefusedOut]


class TurnsOut(BaseModel):
    """The answers, in the order of the turns."""

    results: list[TurnedOut | RefusedOut]


@route(router.get, "/gates", "gates:read", response=Page[GateOut])
def list_gates(
    request: HttpRequest, cursor: str = "", limit: Annotated[int, Field(ge=1, le=200)] = 50
) -> Page[GateOut]:
    """List the gates that the token may use."""
    principal = caller(request)
    own = [gate for gate in gates(principal.facility) if _may_use(principal, gate.id)]
    return paged([GateOut.model_validate(gate, from_attributes=True) for gate in own], lambda g: g.code, cursor, limit)


@route(router.post, "/gates/{uuid:gate}/scans", "gates:scan", response=AdmittedOut)
def scan(request: HttpRequest, gate: UUID, body: ScanIn, key: IdempotencyKey) -> AdmittedOut:
    """Ask whether a medium may pass. A refusal is a problem whose `code` says why and whose `detail` may be shown."""
    principal = caller(request)
    own = own_gates(principal, [gate])
    answer = ask(_admit, principal, key, lambda k, at: _scan(own, k, at, gate, body))
    if isinstance(answer, Refused):
        raise refusal(request, answer)
    return _admitted(answer)


@route(router.post, "/scans", "gates:scan", response=ScansOut)
def scan_batch(request: HttpRequest, body: ScansIn) -> ScansOut:
    """Ask for up to 256 media at once; each scan has its own key, so a batch may be sent again whole or in parts."""
    principal = caller(request)
    charge_batch(principal, len(body.scans))
    own = own_gates(principal, {item.gate for item in body.scans})
    answers = ask_all(_admit, principal, [(item.key, partial(_keyed_scan, own, item)) for item in body.scans])
    return ScansOut(results=[_refused(request, a) if isinstance(a, Refused) else _admitted(a) for a in answers])


@route(router.post, "/grants/{uuid:grant}/turn", "gates:scan", response=TurnedOut)
def report_turn(request: HttpRequest, grant: UUID, body: TurnIn, key: IdempotencyKey) -> TurnedOut:
    """Report what became of a grant."""
    principal = caller(request)
    actors = _gates_of(principal, [grant])
    answer = ask(turn, principal, key, lambda k, at: _turn(actors, k, at, grant, body))
    if isinstance(answer, Refused):
        raise refusal(request, answer)
    return _turned(answer)


@route(router.post, "/turns", "gates:scan", response=TurnsOut)
def report_turns(request: HttpRequest, body: TurnsIn) -> TurnsOut:
    """Report what became of up to 256 grants."""
    principal = caller(request)
    charge_batch(principal, len(body.turns))
    actors = _gates_of(principal, [item.grant for item in body.turns])
    answers = ask_all(turn, principal, [(item.key, partial(_keyed_turn, actors, item)) for item in body.turns])
    return TurnsOut(results=[_refused(request, a) if isinstance(a, Refused) else _turned(a) for a in answers])


@cache
def _gateway() -> Gateway:
    """The gateway of this process, started by its first scan. Its thread ends with the process.

    One worker: threads of one process share its processor, and two halve the batches (measured: bench/results).
    """
    gateway = Gateway()
    gateway.__enter__()
    return gateway


def _admit(scans: Sequence[Scan]) -> list[Answer]:
    answers = _gateway().admit_all(scans)
    note_refusals(scans, answers)
    return answers


def charge_batch(principal: Principal, items: int) -> None:
    """A batch costs one call when it is let in, and here the others: it is no way round the rate."""
    if wait := RATE.wait_s(principal.id, principal.per_minute, (items - 1) / 8):
        raise too_often(wait)


def _may_use(principal: Principal, gate: UUID) -> bool:
    return principal.gates is None or gate in principal.gates


_facility_of: dict[UUID, UUID] = {}
"""Where each gate stands, as far as this process has read it. A gate never moves to another facility."""


def own_gates(principal: Principal, asked: Collection[UUID]) -> Set[UUID]:
    """Return those of these gates that are the caller's. Only a gate not met before is looked up."""
    if principal.gates is not None:
        return principal.gates
    if any(gate not in _facility_of for gate in asked):
        _facility_of.update((gate.id, gate.facility) for gate in gates())
    return {gate for gate in asked if _facility_of.get(gate) == principal.facility}


def _keyed_scan(own: Set[UUID], item: KeyedScanIn, key: str, at: datetime) -> Scan | Refused:
    return _scan(own, key, at, item.gate, item)


def _scan(own: Set[UUID], key: str, at: datetime, gate: UUID, body: ScanIn) -> Scan | Refused:
    if gate not in own:
        return refused(Reason.UNKNOWN_GATE, gate=str(gate))
    return at_problem(body.at, at) or Scan(key=key, at=body.at or at, actor=gate, gate=gate, chip=body.chip)


def _keyed_turn(actors: dict[UUID, UUID], item: KeyedTurnIn, key: str, at: datetime) -> Turn | Refused:
    return _turn(actors, key, at, item.grant, item)


def _turn(actors: dict[UUID, UUID], key: str, at: datetime, grant: UUID, body: TurnIn) -> Turn | Refused:
    if grant not in actors:
        return refused(Reason.UNKNOWN_GRANT, grant=str(grant))
    return at_problem(body.at, at) or Turn(
        key=key, at=body.at or at, actor=actors[grant], grant=grant, taken=body.taken
    )


def _gates_of(principal: Principal, ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Return the gate of each grant that is one of the caller's."""
    return {
        id_: grant.granted.gate
        for id_, grant in grants(ids).items()
        if grant.granted.facility == principal.facility and _may_use(principal, grant.granted.gate)
    }


def at_problem(at: datetime | None, now: datetime) -> Refused | None:
    """Return why a device may not name this instant, None where it may or names none."""
    if at is None or now - EARLIEST_BEFORE <= at <= now + LATEST_AFTER:
        return None
    return bad_values({"at": "must not lie in the future, nor more than 48 hours back"})


def _admitted(verdict: Verdict) -> AdmittedOut:
    return AdmittedOut.model_validate(verdict, from_attributes=True)


def _turned(answer: Turned) -> TurnedOut:
    return TurnedOut.model_validate(answer, from_attributes=True)


def _refused(request: HttpRequest, answer: Refused) -> RefusedOut:
    return RefusedOut(problem=ProblemOut.model_validate(refusal(request, answer).body()))
