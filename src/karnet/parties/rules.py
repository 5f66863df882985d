"""Who may be enrolled, and what a company must tell. Pure: values in, values out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import get_args
from uuid import UUID

import msgspec

from karnet.journal.operations import ActorEnrolled, ActorRetired, Operation
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import UnknownZone, instant, zone
from karnet.parties.operations import (
    Facility,
    FacilityEnrolled,
    Operator,
    OperatorEnrolled,
    Retired,
    SalesPoint,
    SalesPointEnrolled,
    SalesPointKind,
    facility_id,
    operator_id,
    sales_point_id,
    service_operator_id,
)

UNATTENDED: frozenset[SalesPointKind] = frozenset(("ticket_machine", "web"))
"""Kinds of sales points where nobody stands: a service operator answers for what they sell (SPEC N7)."""

ROLES = ("cashier", "supervisor", "manager", "accountant", "auditor", "partner")
"""What log-ins may be."""

MAX_NAME = 200

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_TAX_NUMBER = re.compile(r"[A-Z0-9]{2,20}")
_NIP_WEIGHTS = (6, 5, 7, 2, 3, 4, 5, 6, 7)


class EnrolFacility(msgspec.Struct, frozen=True, kw_only=True):
    """Enrol a facility. `currency`: ISO 4217; `time_zone`: IANA; `name` is kept beside the journal."""

    key: str
    at: datetime
    actor: UUID
    code: str
    currency: str
    time_zone: str
    name: str = ""


class EnrolSalesPoint(msgspec.Struct, frozen=True, kw_only=True):
    """Enrol a sales point of a facility; an unattended one gets its service operator with it."""

    key: str
    at: datetime
    actor: UUID
    facility: UUID
    code: str
    kind: SalesPointKind
    name: str = ""


class EnrolOperator(msgspec.Struct, frozen=True, kw_only=True):
    """Enrol who sells at a facility. `name` is the person's: kept beside the journal, erasable."""

    key: str
    at: datetime
    actor: UUID
    facility: UUID
    code: str
    name: str = ""


class Retire(msgspec.Struct, frozen=True, kw_only=True):
    """Let a facility, sales point, operator or device act no more from `at` on, with all that belongs to it."""

    key: str
    at: datetime
    actor: UUID
    party: UUID


class Enrolled(msgspec.Struct, frozen=True, kw_only=True, tag="enrolled"):
    """The party's id; `operator`: the service operator that came with an unattended sales point."""

    id: UUID
    operator: UUID | None = None


class RetiredAnswer(msgspec.Struct, frozen=True, kw_only=True, tag="retired"):
    """Everything that acts no more: the party first, then what belonged to it."""

    ids: tuple[UUID, ...]


class Acting(msgspec.Struct, frozen=True, kw_only=True):
    """An actor as decisions see it."""

    kind: str
    parent: UUID | None = None
    retired_at: datetime | None = None


Actors = Mapping[UUID, Acting]
Enrolment = EnrolFacility | EnrolSalesPoint | EnrolOperator
Decided = tuple[Enrolled | Refused, tuple[Operation, ...]]


def enrolled_id(request: Enrolment) -> UUID:
    """Return the id the party will have: it derives from its code, so whoever knows the code can compute it."""
    match request:
        case EnrolFacility():
            return facility_id(request.code)
        case EnrolSalesPoint():
            return sales_point_id(request.facility, request.code)
        case EnrolOperator():
            return operator_id(request.facility, request.code)


def depends_on(request: Enrolment) -> UUID | None:
    """Return the facility that must be there for this enrolment."""
    return None if isinstance(request, EnrolFacility) else request.facility


def decide_facility(request: EnrolFacility, actors: Actors, server: UUID) -> Decided:
    """Enrol a facility of the home `server`. Refuses bad values and a code that is taken."""
    problems = _code_and_name(request.code, request.name)
    if not _CURRENCY.fullmatch(request.currency):
        problems["currency"] = "must be the three capital letters of ISO 4217, such as PLN"
    try:
        zone(request.time_zone)
    except UnknownZone as error:
        problems["time_zone"] = str(error)
    if problems:
        return bad_values(problems), ()
    party = enrolled_id(request)
    if party in actors:
        return refused(Reason.ALREADY_EXISTS, code=request.code), ()
    operation = FacilityEnrolled(
        actor=ActorEnrolled(id=party, kind="facility", parent=server),
        facility=Facility(id=party, code=request.code, currency=request.currency, time_zone=request.time_zone),
    )
    return Enrolled(id=party), (operation,)


def decide_sales_point(request: EnrolSalesPoint, actors: Actors) -> Decided:
    """Enrol a sales point. Refuses bad values, an unknown or retired facility, and a code that is taken there."""
    problems = _code_and_name(request.code, request.name)
    if request.kind not in get_args(SalesPointKind):
        problems["kind"] = f"must be one of {', '.join(get_args(SalesPointKind))}"
    refusal = _refuse_at_facility(request, problems, actors)
    if refusal is not None:
        return refusal, ()
    party, facility = enrolled_id(request), request.facility
    actor = ActorEnrolled(id=party, kind="sales_point", parent=facility)
    if request.kind not in UNATTENDED:
        sales_point = SalesPoint(id=party, facility=facility, code=request.code, kind=request.kind)
        return Enrolled(id=party), (SalesPointEnrolled(actor=actor, sales_point=sales_point),)
    service = service_operator_id(facility, request.code)
    operation = SalesPointEnrolled(
        actor=actor,
        sales_point=SalesPoint(id=party, facility=facility, code=request.code, kind=request.kind, operator=service),
        # It belongs to its sales point, so that it is retired with it.
        operator_actor=ActorEnrolled(id=service, kind="operator", parent=party),
        operator=Operator(id=service, facility=facility, code=f"@{request.code}"),
    )
    return Enrolled(id=party, operator=service), (operation,)


def decide_operator(request: EnrolOperator, actors: Actors) -> Decided:
    """Enrol an operator. Refuses bad values, an unknown or retired facility, and a code that is taken there."""
    refusal = _refuse_at_facility(request, _code_and_name(request.code, request.name), actors)
    if refusal is not None:
        return refusal, ()
    party = enrolled_id(request)
    operation = OperatorEnrolled(
        actor=ActorEnrolled(id=party, kind="operator", parent=request.facility),
        operator=Operator(id=party, facility=request.facility, code=request.code),
    )
    return Enrolled(id=party), (operation,)


def decide_retirement(request: Retire, actors: Actors) -> tuple[RetiredAnswer | Refused, tuple[Operation, ...]]:
    """Retire a party and what belongs to it. `actors` holds the party and everything below it.

    Refuses who is unknown, retired by then, or a server (leaving the common card is an agreement's matter). Of two
    retirements the earlier counts, so one that a wrong clock dated years ahead can still be brought forward.
    """
    party = actors.get(request.party)
    if party is None:
        return refused(Reason.UNKNOWN_ACTOR, actor=str(request.party)), ()
    if party.kind == "server":
        return bad_values({"party": "is a server; only facilities, sales points, operators and devices retire"}), ()
    if _retired(party, request.at):
        return refused(Reason.ACTOR_RETIRED, actor=str(request.party)), ()
    below = [actor for actor in _below(request.party, actors) if not _retired(actors[actor], request.at)]
    operation = Retired(actor=ActorRetired(id=request.party), with_it=tuple(ActorRetired(id=actor) for actor in below))
    return RetiredAnswer(ids=(request.party, *below)), (operation,)


def _retired(actor: Acting, at: datetime) -> bool:
    return actor.retired_at is not None and actor.retired_at <= instant(at)


def _below(party: UUID, actors: Actors) -> list[UUID]:
    children = sorted(child for child, actor in actors.items() if actor.parent == party)
    return [below for child in children for below in (child, *_below(child, actors))]


def _refuse_at_facility(
    request: EnrolSalesPoint | EnrolOperator, problems: dict[str, str], actors: Actors
) -> Refused | None:
    if problems:
        return bad_values(problems)
    facility = actors.get(request.facility)
    if facility is None or facility.kind != "facility":
        return refused(Reason.UNKNOWN_FACILITY, facility=str(request.facility))
    if facility.retired_at is not None:
        return refused(Reason.ACTOR_RETIRED, actor=str(request.facility))
    if enrolled_id(request) in actors:
        return refused(Reason.ALREADY_EXISTS, code=request.code)
    return None


def _code_and_name(code: str, name: str) -> dict[str, str]:
    problems = {}
    if not _CODE.fullmatch(code):
        problems["code"] = "must be 1 to 32 letters A-Z a-z, digits, dots, dashes, underscores; a letter or digit first"
    if len(name) > MAX_NAME:
        problems["name"] = f"must have at most {MAX_NAME} characters"
    return problems


class CompanyDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What an invoice says of whoever pays, or sells. `country`: ISO 3166-1 alpha-2; `tax_number`: as written there, ""
    for a person who has none."""

    name: str
    tax_number: str
    address: str
    country: str = "PL"


def check_company(details: CompanyDetails) -> CompanyDetails | Refused:
    """Return the details tidied up (spaces trimmed, the tax number without spaces, dashes, dots and "PL")."""
    tidy, problems = _tidied(details)
    tax_number = tidy.tax_number
    if tidy.country == "PL":
        tax_number = tax_number.removeprefix("PL")
        if not nip_is_valid(tax_number):
            problems["tax_number"] = "is no NIP: ten digits, the last of which is a check digit"
    elif not _TAX_NUMBER.fullmatch(tax_number):
        problems["tax_number"] = "must be 2 to 20 letters or digits"
    return bad_values(problems) if problems else msgspec.structs.replace(tidy, tax_number=tax_number)


def check_private_buyer(details: CompanyDetails) -> CompanyDetails | Refused:
    """Return the details of a person whom an invoice is made out to, tidied up: name and address, no tax number."""
    tidy, problems = _tidied(details)
    if tidy.tax_number:
        problems["tax_number"] = "is for companies; leave it out"
    return bad_values(problems) if problems else tidy


def _tidied(details: CompanyDetails) -> tuple[CompanyDetails, dict[str, str]]:
    name, address, country = details.name.strip(), details.address.strip(), details.country.strip().upper()
    problems = {}
    if not 0 < len(name) <= MAX_NAME:
        problems["name"] = f"must have 1 to {MAX_NAME} characters"
    if not 0 < len(address) <= 2 * MAX_NAME:
        problems["address"] = f"must have 1 to {2 * MAX_NAME} characters"
    if not _COUNTRY.fullmatch(country):
        problems["country"] = "must be the two capital letters of ISO 3166, such as PL"
    tax_number = re.sub(r"[\s.-]", "", details.tax_number).upper()
    return CompanyDetails(name=name, tax_number=tax_number, address=address, country=country), problems


def nip_is_valid(nip: str) -> bool:
    """Tell whether ten digits are a Polish tax number: the weighted sum of nine, modulo 11, is the tenth.

    >>> nip_is_valid("5260250274")
    True
    """
    if not re.fullmatch(r"[0-9]{10}", nip):
        return False
    digits = [int(digit) for digit in nip]
    return sum(w * d for w, d in zip(_NIP_WEIGHTS, digits, strict=False)) % 11 == digits[9]
