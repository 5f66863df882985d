"""The frame of every page: which sections there are, for whom, and what a page is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from karnet.access.selectors import gates
from karnet.faces.base.clock import now
from karnet.faces.base.guard import role_of
from karnet.faces.base.roles import Role
from karnet.journal.selectors import asked_at
from karnet.kernel.ids import derived_id
from karnet.parties.finding import labels
from karnet.parties.selectors import EnrolledFacility, all_facilities, names

LOOKS = (Role.SUPERVISOR, Role.MANAGER)
"""Who runs the place: figures of the day, search, the record."""
READS_PASSES = (Role.SUPERVISOR, Role.MANAGER, Role.ACCOUNTANT)
"""Who reads what passes are sold, what is due on them, and what issuers of benefit cards owe."""
SETTLES = (Role.ACCOUNTANT, Role.MANAGER)
"""Who settles with the other facilities."""
MANAGES = (Role.MANAGER,)
"""Who changes price lists, places and log-ins."""
EVERYTHING = (Role.MANAGER,)
"""Who looks into the tables themselves (auditors may everywhere)."""


@dataclass(frozen=True)
class Section:
    """A part of the back office, as the navigation offers it."""

    route: str
    title: Promise
    icon: str
    roles: tuple[Role, ...]


SECTIONS = (
    Section("office:today", _("Today"), "chart", LOOKS),
    Section("office:search", _("Search"), "search", LOOKS),
    Section("office:record", _("Record"), "shield", LOOKS),
    Section("office:common-card", _("Common card"), "card", LOOKS),
    Section("office:settlement", _("Settlement"), "money", SETTLES),
    Section("office:catalogue", _("Price lists"), "list", MANAGES),
    Section("office:tariffs", _("Tariffs"), "clock", MANAGES),
    Section("office:passes", _("Passes"), "card", READS_PASSES),
    Section("office:places", _("Places"), "gate", MANAGES),
    Section("office:partners", _("Partners"), "swap", MANAGES),
    Section("office:printers", _("Printers"), "print", LOOKS),
    Section("office:staff", _("Staff"), "people", MANAGES),
    Section("office:tables", _("Tables"), "office", EVERYTHING),
)


def page(
    request: HttpRequest, template: str, section: str, context: dict[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """Render a page of a section ("office:today"). Templates find `sections`, `section`, `may_change`."""
    role = role_of(request)
    offered = [one for one in SECTIONS if role is Role.AUDITOR or role in one.roles]
    frame = {"sections": offered, "section": section, "may_change": role is not Role.AUDITOR}
    return render(request, f"backoffice/{template}", {**frame, **(context or {})}, status=status)


def actor_of(request: HttpRequest) -> UUID | None:
    """Return whom the operations of whoever is signed in name; None for a log-in without an operator."""
    operator: UUID | None = getattr(request.user, "operator_id", None)
    return operator


@dataclass(frozen=True)
class Place:
    """A facility with its name, as pages show it. `title` is the name, or the code where there is none."""

    id: UUID
    code: str
    title: str
    currency: str
    time_zone: str
    retired_at: datetime | None


def facilities() -> list[Place]:
    """Return every facility with its name, by code."""
    found = all_facilities()
    named = names([facility.id for facility in found])
    return [place(facility, named.get(facility.id, "")) for facility in found]


def place(facility: EnrolledFacility, name: str) -> Place:
    """Return a facility as pages show it."""
    return Place(
        facility.id, facility.code, name or facility.code, facility.currency, facility.time_zone, facility.retired_at
    )


def gate_titles() -> dict[UUID, str]:
    """Return what people call every gate, by its id: its name, else its code; with its facility's code where another
    gate is called the same, or where it has no name."""
    codes, found = {facility.id: facility.code for facility in all_facilities()}, gates()
    named = names([gate.id for gate in found])
    often = Counter(named.values())
    return {
        gate.id: named[gate.id]
        if often[named.get(gate.id, "")] == 1
        else f"{codes[gate.facility]}/{named.get(gate.id, gate.code)}"
        for gate in found
    }


def gates_called(text: str) -> list[UUID]:
    """Return the gates whose name, or code such as "kopa/chair", contains a text in any case."""
    codes, titles = {facility.id: facility.code for facility in all_facilities()}, gate_titles()
    asked = text.lower()
    return [
        gate.id
        for gate in gates()
        if asked in titles[gate.id].lower() or asked in f"{codes[gate.facility]}/{gate.code}".lower()
    ]


def actor_titles(ids: list[UUID]) -> dict[UUID, str]:
    """Return what people call these actors: "kopa/anna (Anna Nowak)"; a shortened id for others."""
    known = labels(ids)
    named_gates = gate_titles() if any(id_ not in known for id_ in ids) else {}
    titles = {}
    for id_ in ids:
        party = known.get(id_)
        if party is None:
            titles[id_] = named_gates.get(id_, str(id_)[:8])
        else:
            titles[id_] = f"{party.code} ({party.name})" if party.name else party.code
    return titles


def request_key(request: HttpRequest) -> str:
    """Return the key that the form carried: the same form sent twice is one request."""
    return typed(request.POST, "key")


def instant_of(request: HttpRequest) -> datetime:
    """Return when the form was sent: the first time, where it is sent again (the instant is part of a request)."""
    key = request_key(request)
    return asked_at([key]).get(key) or now()


def sent_again(request: HttpRequest) -> bool:
    """Return whether this form was answered before: what it made is there already, and no reason to refuse it."""
    key = request_key(request)
    return key in asked_at([key])


def typed(values: Mapping[str, str], name: str, longest: int = 200) -> str:
    """Return what somebody typed, trimmed, without characters that no table can hold."""
    return str(values.get(name, "")).replace("\0", "").strip()[:longest]


def id_of_form(request: HttpRequest, at: datetime) -> UUID:
    """Return an id for a thing that a form makes: the same form makes the same id."""
    return derived_id(at, request_key(request), 0)
