"""Enrolling and retiring parties (operations), and what is kept of people and companies beside the journal."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

import msgspec
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from karnet.journal.transaction import Outcome, Transaction, transact
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.parties import rules, selectors
from karnet.parties.models import Company, Name, Operator, SalesPoint, User
from karnet.parties.rules import (
    Acting,
    Actors,
    CompanyDetails,
    Decided,
    EnrolFacility,
    Enrolled,
    EnrolOperator,
    EnrolSalesPoint,
    Retire,
    RetiredAnswer,
)

__all__ = [
    "AddUser",
    "CompanyDetails",
    "EnrolFacility",
    "EnrolOperator",
    "EnrolSalesPoint",
    "Enrolled",
    "Retire",
    "RetiredAnswer",
    "Saved",
    "UserSaved",
    "add_user",
    "assign",
    "enrol_facilities",
    "enrol_operators",
    "enrol_sales_points",
    "give_names",
    "rename",
    "retire",
    "save_company",
    "set_active",
    "set_password",
]

EnrolmentT = TypeVar("EnrolmentT", EnrolFacility, EnrolSalesPoint, EnrolOperator)

_USERNAME = re.compile(r"[\w.@+-]{1,64}")


def enrol_facilities(requests: Sequence[EnrolFacility]) -> list[Enrolled | Refused]:
    """Enrol facilities of this server; their ids are `facility_id(code)`. One operation each; names stay beside it."""

    def body(tx: Transaction[EnrolFacility, Enrolled]) -> None:
        server = selectors.home_server()
        _enrol(tx, lambda request, actors: rules.decide_facility(request, actors, server))

    return transact(requests, body, answers=Enrolled, refuse=_taken)


def enrol_sales_points(requests: Sequence[EnrolSalesPoint]) -> list[Enrolled | Refused]:
    """Enrol sales points; an unattended one gets its service operator in the same operation (SPEC N7)."""
    return transact(requests, lambda tx: _enrol(tx, rules.decide_sales_point), answers=Enrolled, refuse=_taken)


def enrol_operators(requests: Sequence[EnrolOperator]) -> list[Enrolled | Refused]:
    """Enrol operators by code; their names stay beside the journal."""
    return transact(requests, lambda tx: _enrol(tx, rules.decide_operator), answers=Enrolled, refuse=_taken)


def retire(requests: Sequence[Retire]) -> list[RetiredAnswer | Refused]:
    """Let parties act no more, with everything that belongs to them. What they did stays named after them."""
    return transact(requests, _retire, answers=RetiredAnswer)


def _enrol(tx: Transaction[EnrolmentT, Enrolled], decide: Callable[[EnrolmentT, Actors], Decided]) -> None:
    # No lock: two enrolments of one code make the same id, and the actor table takes it once (`_taken`).
    needed = {
        party for request in tx.fresh for party in (rules.enrolled_id(request), rules.depends_on(request)) if party
    }
    actors = selectors.actors(needed)
    outcomes: list[Outcome[EnrolmentT, Enrolled]] = []
    named: dict[UUID, str] = {}
    for request in tx.fresh:
        answer, operations = decide(request, actors)
        if isinstance(answer, Enrolled):
            actors[answer.id] = Acting(kind="enrolled")
            if request.name:
                named[answer.id] = request.name
        outcomes.append(Outcome(request, answer, operations))
    give_names(named)
    tx.record(outcomes)


def _taken(request: EnrolFacility | EnrolSalesPoint | EnrolOperator, error: Exception) -> Refused:
    return refused(Reason.ALREADY_EXISTS, code=request.code)


def _retire(tx: Transaction[Retire, RetiredAnswer]) -> None:
    actors = selectors.actors_below({request.party for request in tx.fresh})
    outcomes: list[Outcome[Retire, RetiredAnswer]] = []
    for request in tx.fresh:
        answer, operations = rules.decide_retirement(request, actors)
        if isinstance(answer, RetiredAnswer):
            for party in answer.ids:
                actors[party] = msgspec.structs.replace(actors[party], retired_at=request.at)
        outcomes.append(Outcome(request, answer, operations))
    tx.record(outcomes)


def rename(actor: UUID, name: str) -> None:
    """Set the display name of an actor, or erase it (an empty name). Not an operation: names are house data."""
    if name:
        Name.objects.update_or_create(actor_id=actor, defaults={"name": name[: rules.MAX_NAME]})
    else:
        Name.objects.filter(actor_id=actor).delete()


def give_names(names: Mapping[UUID, str]) -> None:
    """Name actors that have no name yet, in the transaction that enrols them (or else all at once)."""
    Name.objects.bulk_create(Name(actor_id=actor, name=name[: rules.MAX_NAME]) for actor, name in names.items())


class Saved(msgspec.Struct, frozen=True, kw_only=True, tag="saved"):
    """A company's details as they were kept."""

    id: UUID
    details: CompanyDetails


def save_company(company: UUID, details: CompanyDetails) -> Saved | Refused:
    """Save a company that buys, new or known. House data, not an operation. Refuses values at fault (NIP included)."""
    checked = rules.check_company(details)
    if isinstance(checked, Refused):
        return checked
    Company.objects.update_or_create(id=company, defaults=msgspec.structs.asdict(checked))
    return Saved(id=company, details=checked)


class AddUser(msgspec.Struct, frozen=True, kw_only=True):
    """A new log-in. `role`: one of `rules.ROLES`; `operator`: whom its operations name; `sales_point`: where a partner
    sells."""

    username: str
    role: str
    password: str
    operator: UUID | None = None
    sales_point: UUID | None = None


class UserSaved(msgspec.Struct, frozen=True, kw_only=True, tag="user_saved"):
    username: str
    role: str
    active: bool


def add_user(request: AddUser) -> UserSaved | Refused:
    """Add a log-in. House data, not an operation. Refuses a taken name (in any case), bad values, weak passwords."""
    user = User(
        username=User.normalize_username(request.username),
        role=request.role,
        operator_id=request.operator,
        sales_point_id=request.sales_point,
    )
    problems = _password_problems(request.password, user)
    if not _USERNAME.fullmatch(user.username):
        problems["username"] = "must be 1 to 64 letters, digits or . @ + - _"
    if request.role not in rules.ROLES:
        problems["role"] = f"must be one of {', '.join(rules.ROLES)}"
    problems |= _place_problems(request.operator, request.sales_point)
    if problems:
        return bad_values(problems)
    user.set_password(request.password)
    try:
        user.save(force_insert=True)
    except IntegrityError:
        return refused(Reason.ALREADY_EXISTS, code=user.username)
    return _saved(user)


def set_password(username: str, password: str) -> UserSaved | Refused:
    """Give a log-in a new password; its sessions end. Refuses an unknown name and a weak password."""
    user = User.objects.filter(username__iexact=username).first()
    if user is None:
        return _no_user(username)
    problems = _password_problems(password, user)
    if problems:
        return bad_values(problems)
    user.set_password(password)
    user.save(update_fields=["password"])
    return _saved(user)


def set_active(username: str, active: bool) -> UserSaved | Refused:
    """Let a log-in in again, or no more. Refuses an unknown name."""
    user = User.objects.filter(username__iexact=username).first()
    if user is None:
        return _no_user(username)
    user.is_active = active
    user.save(update_fields=["is_active"])
    return _saved(user)


def assign(username: str, role: str, operator: UUID | None, sales_point: UUID | None = None) -> UserSaved | Refused:
    """Give a log-in another role, operator and, for a partner's, sales point. Refuses what is not known."""
    user = User.objects.filter(username__iexact=username).first()
    if user is None:
        return _no_user(username)
    if role not in rules.ROLES:
        return bad_values({"role": f"must be one of {', '.join(rules.ROLES)}"})
    problems = _place_problems(operator, sales_point)
    if problems:
        return bad_values(problems)
    user.role, user.operator_id, user.sales_point_id = role, operator, sales_point
    user.save(update_fields=["role", "operator", "sales_point"])
    return _saved(user)


def _place_problems(operator: UUID | None, sales_point: UUID | None) -> dict[str, str]:
    found = Operator.objects.filter(pk=operator).first() if operator else None
    point = SalesPoint.objects.filter(pk=sales_point).first() if sales_point else None
    if operator is not None and found is None:
        return {"operator": "is not enrolled"}
    if sales_point is not None and (point is None or found is None or point.facility_id != found.facility_id):
        return {"sales_point": "must be an enrolled one of the operator's facility"}
    return {}


def _password_problems(password: str, user: User) -> dict[str, str]:
    try:
        validate_password(password, user)
    except ValidationError as error:
        return {"password": " ".join(error.messages)}
    return {}


def _no_user(username: str) -> Refused:
    return bad_values({"username": f"there is no log-in {username!r}"})


def _saved(user: User) -> UserSaved:
    return UserSaved(username=user.username, role=user.role, active=user.is_active)
