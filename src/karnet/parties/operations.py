"""Enrolment of facilities, sales points and operators. Codes only: names are kept beside the journal (SPEC X4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from uuid import UUID

from karnet.journal.operations import ActorEnrolled, ActorRetired, Operation, Part, operation
from karnet.kernel.ids import named_id

SalesPointKind = Literal["till", "reception", "ticket_machine", "web", "partner"]


class Facility(Part, frozen=True, kw_only=True):
    """A place with its own currency (ISO 4217) and time zone (IANA). `code` is unique on the whole common card."""

    id: UUID
    code: str
    currency: str
    time_zone: str


class SalesPoint(Part, frozen=True, kw_only=True):
    """Where something is sold. An unattended one (ticket machine, web) has a service operator of its own: `operator`."""

    id: UUID
    facility: UUID
    code: str
    kind: SalesPointKind
    operator: UUID | None = None


class Operator(Part, frozen=True, kw_only=True):
    """Who sells, or services: a person known here by a code only."""

    id: UUID
    facility: UUID
    code: str


@operation("parties.facility_enrolled")
class FacilityEnrolled(Operation, frozen=True, kw_only=True):
    actor: ActorEnrolled
    facility: Facility

    def parts(self) -> Iterable[Part]:
        return (self.actor, self.facility)


@operation("parties.sales_point_enrolled")
class SalesPointEnrolled(Operation, frozen=True, kw_only=True):
    """A sales point and, where nobody stands at it, its service operator."""

    actor: ActorEnrolled
    sales_point: SalesPoint
    operator_actor: ActorEnrolled | None = None
    operator: Operator | None = None

    def parts(self) -> Iterable[Part]:
        service = (self.operator_actor, self.operator)
        return (self.actor, *(part for part in service if part), self.sales_point)


@operation("parties.operator_enrolled")
class OperatorEnrolled(Operation, frozen=True, kw_only=True):
    actor: ActorEnrolled
    operator: Operator

    def parts(self) -> Iterable[Part]:
        return (self.actor, self.operator)


@operation("parties.retired")
class Retired(Operation, frozen=True, kw_only=True):
    """A facility, sales point, operator or device acts no more, nor does anything that belonged to it."""

    actor: ActorRetired
    with_it: tuple[ActorRetired, ...] = ()

    def parts(self) -> Iterable[Part]:
        return (self.actor, *self.with_it)


def facility_id(code: str) -> UUID:
    """Return the id of the facility with this code."""
    return named_id("facility", code)


def sales_point_id(facility: UUID, code: str) -> UUID:
    """Return the id of a facility's sales point."""
    return named_id("sales_point", facility, code)


def operator_id(facility: UUID, code: str) -> UUID:
    """Return the id of a facility's operator."""
    return named_id("operator", facility, code)


def service_operator_id(facility: UUID, sales_point_code: str) -> UUID:
    """Return the id of the operator that answers for an unattended sales point; no person can have its code."""
    return operator_id(facility, f"@{sales_point_code}")
