"""Gates: enrolment, scans, turns."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from karnet.access import services
from karnet.access.requests import EnrolGate, Scan, Turn, Turned, Verdict
from karnet.journal.requests import id_made_by
from karnet.wiring.play import steps
from karnet.wiring.play.asking import ask
from karnet.wiring.play.reading import Line
from karnet.wiring.play.stage import Answer, Fields, Stage, facility_of


def enrol(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Put gates into service."""

    def request(line: Line) -> EnrolGate:
        step = line.step
        assert isinstance(step, steps.EnrolGate)
        facility, code = step.gate.split("/")
        return EnrolGate(
            key=line.key,
            at=step.at,
            actor=stage.server,
            facility=stage.facility(facility),
            code=code,
            direction=step.direction,
            passback_s=step.passback_s,
            reports_turn=step.reports_turn,
            grant_s=step.grant_s,
            name=step.name,
        )

    return ask(lines, request, services.enrol_gates, lambda line, answer: {"id": str(answer.id)})


def scan(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Read cards at gates."""

    def request(line: Line) -> Scan:
        step = line.step
        assert isinstance(step, steps.Scan)
        gate = stage.gate(step.gate)
        return Scan(key=line.key, at=step.at, actor=gate, gate=gate, chip=step.card)

    def fields(line: Line, verdict: Verdict) -> Fields:
        assert isinstance(line.step, steps.Scan)
        if verdict.id != _own_grant(stage, line):
            stage.grants[line.number] = verdict.id  # it waits since an earlier scan
        told: Fields = {
            "by": verdict.by,
            "product": verdict.product_code,
            "category": verdict.category,
            "points": verdict.points,
        }
        if verdict.points_left is not None:
            told["left"] = verdict.points_left
        if verdict.valid_until is not None:
            told["valid_until"] = stage.wall(verdict.valid_until, facility_of(line.step.gate))
        told["waits"] = verdict.expires_at is not None
        return told

    return ask(lines, request, services.admit, fields)


def turn(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Report what became of grants."""

    def request(line: Line) -> Turn:
        step = line.step
        assert isinstance(step, steps.Take)
        assert line.about is not None
        grant = stage.grants.pop(line.about.number, None) or _own_grant(stage, line.about)
        return Turn(key=line.key, at=step.at, actor=stage.gate(step.gate), grant=grant, taken=step.taken)

    def fields(line: Line, turned: Turned) -> Fields:
        assert isinstance(line.step, steps.Take)
        return {"card": _card(line), "taken": turned.taken, "points": turned.points}

    return ask(lines, request, services.turn, fields)


def _own_grant(stage: Stage, line: Line) -> UUID:
    """Return the id of the grant that a scan gets when no earlier one waits for the turn."""
    assert isinstance(line.step, steps.Scan)
    return id_made_by(stage.server, stage.gate(line.step.gate), line.step.at, line.key, "passage")


def _card(line: Line) -> str:
    assert line.about is not None
    assert isinstance(line.about.step, steps.Scan)
    return line.about.step.card
