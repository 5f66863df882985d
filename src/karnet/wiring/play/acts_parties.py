"""Enrolment of facilities (with their books), sales points and operators; retirement."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from karnet.accounts.services import OpenBooks, open_books
from karnet.kernel.outcomes import Refused
from karnet.parties import services
from karnet.parties.invoicing import save_seller
from karnet.parties.services import CompanyDetails, EnrolFacility, Enrolled, EnrolOperator, EnrolSalesPoint, Retire
from karnet.wiring.play import steps
from karnet.wiring.play.asking import ask
from karnet.wiring.play.reading import Line
from karnet.wiring.play.stage import Answer, Fields, Stage


def enrol_facility(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Enrol facilities and open their books."""

    def request(line: Line) -> EnrolFacility:
        step = line.step
        assert isinstance(step, steps.EnrolFacility)
        return EnrolFacility(
            key=line.key,
            at=step.at,
            actor=stage.server,
            code=step.facility,
            currency=step.currency,
            time_zone=step.time_zone,
            name=step.name,
        )

    return [
        answer if isinstance(answer, Refused) else _open_books(stage, line, answer)
        for line, answer in zip(lines, ask(lines, request, services.enrol_facilities, _enrolled), strict=True)
    ]


def _open_books(stage: Stage, line: Line, enrolled: Fields) -> Answer:
    step = line.step
    assert isinstance(step, steps.EnrolFacility)
    books = OpenBooks(
        key=f"{line.key}:books",
        at=step.at,
        actor=stage.server,
        facility=stage.facility(step.facility),
        currency=step.currency,
    )
    if step.company is not None:
        details = CompanyDetails(**msgspec.structs.asdict(step.company))
        saved = save_seller(stage.facility(step.facility), details, step.at)
        if isinstance(saved, Refused):
            return saved
    (opened,) = open_books([books])
    return opened if isinstance(opened, Refused) else enrolled


def enrol_sales_point(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Enrol sales points; an unattended one gets its service operator."""

    def request(line: Line) -> EnrolSalesPoint:
        step = line.step
        assert isinstance(step, steps.EnrolSalesPoint)
        facility, code = step.sales_point.split("/")
        return EnrolSalesPoint(
            key=line.key,
            at=step.at,
            actor=stage.server,
            facility=stage.facility(facility),
            code=code,
            kind=step.kind,
            name=step.name,
        )

    return ask(lines, request, services.enrol_sales_points, _enrolled)


def enrol_operator(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Enrol operators."""

    def request(line: Line) -> EnrolOperator:
        step = line.step
        assert isinstance(step, steps.EnrolOperator)
        facility, code = step.operator.split("/")
        return EnrolOperator(
            key=line.key, at=step.at, actor=stage.server, facility=stage.facility(facility), code=code, name=step.name
        )

    return ask(lines, request, services.enrol_operators, _enrolled)


def retire(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Retire parties, with everything that belongs to them."""

    def request(line: Line) -> Retire:
        step = line.step
        assert isinstance(step, steps.Retire)
        return Retire(key=line.key, at=step.at, actor=stage.server, party=_party(stage, step))

    return ask(
        lines,
        request,
        services.retire,
        lambda line, answer: {"retired": [stage.name(id_) for id_ in answer.ids]},
    )


def _party(stage: Stage, step: steps.Retire) -> UUID:
    if step.facility is not None:
        return stage.facility(step.facility)
    if step.sales_point is not None:
        return stage.sales_point(step.sales_point)
    if step.operator is not None:
        return stage.operator(step.operator)
    assert step.gate is not None
    return stage.gate(step.gate)


def _enrolled(line: Line, answer: Enrolled) -> Fields:
    return {"id": str(answer.id)}
