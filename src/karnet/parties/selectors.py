"""Reading parties."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import msgspec
from django.db import connection

from karnet.journal.recording import HOME
from karnet.parties.models import Company, Name, User
from karnet.parties.operations import SalesPointKind
from karnet.parties.rules import Acting, CompanyDetails

StructT = TypeVar("StructT", bound=msgspec.Struct)


class EnrolledFacility(msgspec.Struct, frozen=True, kw_only=True):
    """A facility; `retired_at` is None while it acts."""

    id: UUID
    code: str
    currency: str
    time_zone: str
    retired_at: datetime | None = None


class EnrolledSalesPoint(msgspec.Struct, frozen=True, kw_only=True):
    """A sales point; `operator` is the service operator of an unattended one."""

    id: UUID
    facility: UUID
    code: str
    kind: SalesPointKind
    operator: UUID | None = None
    retired_at: datetime | None = None


class EnrolledOperator(msgspec.Struct, frozen=True, kw_only=True):
    """An operator of a facility."""

    id: UUID
    facility: UUID
    code: str
    retired_at: datetime | None = None


def facilities(ids: Collection[UUID]) -> dict[UUID, EnrolledFacility]:
    """Return the facilities with these ids; unknown ids are left out."""
    found = _read(
        EnrolledFacility,
        "SELECT id, code, currency, time_zone, retired_at"
        " FROM parties_facility JOIN journal_actor USING (id) WHERE id = ANY(%s)",
        list(ids),
    )
    return {facility.id: facility for facility in found}


def all_facilities() -> list[EnrolledFacility]:
    """Return every facility, by code."""
    return _read(
        EnrolledFacility,
        "SELECT id, code, currency, time_zone, retired_at"
        " FROM parties_facility JOIN journal_actor USING (id) ORDER BY code",
    )


def sales_points(ids: Collection[UUID]) -> dict[UUID, EnrolledSalesPoint]:
    """Return the sales points with these ids; unknown ids are left out."""
    found = _read(
        EnrolledSalesPoint,
        "SELECT id, facility_id AS facility, code, s.kind, operator_id AS operator, retired_at"
        " FROM parties_sales_point s JOIN journal_actor USING (id) WHERE id = ANY(%s)",
        list(ids),
    )
    return {sales_point.id: sales_point for sales_point in found}


def sales_points_of(facility: UUID) -> list[EnrolledSalesPoint]:
    """Return every sales point of a facility, by code."""
    return _read(
        EnrolledSalesPoint,
        "SELECT id, facility_id AS facility, code, s.kind, operator_id AS operator, retired_at"
        " FROM parties_sales_point s JOIN journal_actor USING (id) WHERE facility_id = %s ORDER BY code",
        facility,
    )


def operators(ids: Collection[UUID]) -> dict[UUID, EnrolledOperator]:
    """Return the operators with these ids; unknown ids are left out."""
    found = _read(
        EnrolledOperator,
        "SELECT id, facility_id AS facility, code, retired_at"
        " FROM parties_operator JOIN journal_actor USING (id) WHERE id = ANY(%s)",
        list(ids),
    )
    return {operator.id: operator for operator in found}


def names(ids: Collection[UUID]) -> dict[UUID, str]:
    """Return display names of actors; who has none (never given, erased, another server's) is left out."""
    return dict(Name.objects.filter(actor__in=list(ids)).values_list("actor_id", "name"))


def companies(ids: Collection[UUID]) -> dict[UUID, CompanyDetails]:
    """Return companies' details; unknown ids are left out."""
    return {
        company.id: CompanyDetails(
            name=company.name, tax_number=company.tax_number, address=company.address, country=company.country
        )
        for company in Company.objects.filter(id__in=list(ids)).order_by("name", "id")
    }


def home_server() -> UUID:
    """Return the actor id of this installation's server. Raises LookupError before the log is founded."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT server FROM journal_origin WHERE id = %s", [HOME])
        row = cursor.fetchone()
    if row is None:
        raise LookupError("the log is not founded yet: call found_server first")
    server: UUID = row[0]
    return server


def actors(ids: Collection[UUID]) -> dict[UUID, Acting]:
    """Return actors as the rules see them; unknown ids are left out."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, kind, parent_id, retired_at FROM journal_actor WHERE id = ANY(%s)", [list(ids)])
        return _acting(cursor.fetchall())


def actors_below(ids: Collection[UUID]) -> dict[UUID, Acting]:
    """Return these actors and all that belong to them, to any depth."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE below AS ("
            " SELECT id, kind, parent_id, retired_at FROM journal_actor WHERE id = ANY(%s)"
            " UNION SELECT a.id, a.kind, a.parent_id, a.retired_at"
            " FROM journal_actor a JOIN below b ON a.parent_id = b.id) SELECT * FROM below",
            [list(ids)],
        )
        return _acting(cursor.fetchall())


def _acting(rows: list[tuple[UUID, str, UUID | None, datetime | None]]) -> dict[UUID, Acting]:
    return {actor: Acting(kind=kind, parent=parent, retired_at=retired_at) for actor, kind, parent, retired_at in rows}


def _read(struct: type[StructT], query: str, *arguments: list[UUID] | UUID) -> list[StructT]:
    with connection.cursor() as cursor:
        cursor.execute(query, arguments)
        columns = [column.name for column in cursor.description]
        return [struct(**dict(zip(columns, row, strict=True))) for row in cursor.fetchall()]


def managers(operators: Collection[UUID]) -> set[UUID]:
    """Return those of the operators who are managers by a log-in of this server that is not locked."""
    found = User.objects.filter(operator__in=list(operators), role="manager", is_active=True)
    return {operator for operator in found.values_list("operator_id", flat=True) if operator is not None}


class LogIn(msgspec.Struct, frozen=True, kw_only=True):
    """A log-in, without its password. `operator`: facility and code, such as "NORTH/anna"; so is `sales_point`."""

    username: str
    role: str
    active: bool
    operator: str | None = None
    sales_point: str | None = None
    last_login: datetime | None = None


def log_ins() -> list[LogIn]:
    """Return every log-in, by name."""
    return [
        LogIn(
            username=user.username,
            role=user.role,
            active=user.is_active,
            operator=f"{user.operator.facility.code}/{user.operator.code}" if user.operator else None,
            sales_point=f"{user.sales_point.facility.code}/{user.sales_point.code}" if user.sales_point else None,
            last_login=user.last_login,
        )
        for user in User.objects.select_related("operator__facility", "sales_point__facility").order_by("username")
    ]
