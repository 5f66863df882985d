"""Where a cashier is: operator, facility, sales point and running shift, found anew for every request."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from karnet.faces.base.access import allow
from karnet.faces.base.clock import now
from karnet.faces.base.roles import STAFF
from karnet.lockers.selectors import has_lockers
from karnet.orders.rules.counter import RunningShift
from karnet.orders.selectors import running_shifts
from karnet.parties.selectors import (
    EnrolledFacility,
    EnrolledOperator,
    EnrolledSalesPoint,
    facilities,
    names,
    operators,
    sales_points_of,
)
from karnet.stays.selectors import heads

ATTENDED = ("till", "reception", "partner")


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """A cashier's place. `shift` and `point` are None before the shift is opened; `running`: who sits at which till;
    `metered`: the facility has zones with metered stays, so its tills have the pool's desk; `lockers`: it has some."""

    operator: EnrolledOperator
    facility: EnrolledFacility
    points: tuple[EnrolledSalesPoint, ...]
    running: dict[UUID, RunningShift]
    names: dict[UUID, str]
    shift: RunningShift | None = None
    point: EnrolledSalesPoint | None = None
    metered: bool = False
    lockers: bool = False

    def name(self, party: UUID, code: str = "") -> str:
        """Return what a party is called: its name, else its code."""
        return self.names.get(party) or code

    @property
    def point_name(self) -> str:
        """What the sales point is called."""
        return self.name(self.point.id, self.point.code) if self.point else ""

    @property
    def operator_name(self) -> str:
        """What the operator is called."""
        return self.name(self.operator.id, self.operator.code)

    @property
    def facility_name(self) -> str:
        """What the facility is called."""
        return self.name(self.facility.id, self.facility.code)

    @property
    def place(self) -> UUID:
        """The sales point, where there is a shift."""
        assert self.point is not None, "views that need a shift say so"
        return self.point.id


def desk_of(request: HttpRequest) -> Desk | None:
    """Return where whoever is signed in sells; None for a log-in that belongs to no operator."""
    operator_id = getattr(request.user, "operator_id", None)
    operator = operators([operator_id]).get(operator_id) if operator_id else None
    if operator is None:
        return None
    at = now()
    facility = facilities([operator.facility])[operator.facility]
    points = tuple(
        point
        for point in sales_points_of(facility.id)
        if point.kind in ATTENDED and (point.retired_at is None or point.retired_at > at)
    )
    running = running_shifts([point.id for point in points])
    shift = next((shift for shift in running.values() if shift.operator == operator.id), None)
    parties = {facility.id, operator.id, *(point.id for point in points), *(s.operator for s in running.values())}
    return Desk(
        operator=operator,
        facility=facility,
        points=points,
        running=running,
        names=names(parties),
        shift=shift,
        point=next((point for point in points if shift and point.id == shift.sales_point), None),
        metered=bool(heads(facility.id)),
        lockers=has_lockers(facility.id),
    )


View = Callable[..., HttpResponse]


def at_desk(view: View) -> View:
    """Make a view of the till: for whoever works at a counter; it gets the desk as its second argument."""

    @allow(*STAFF)
    @functools.wraps(view)
    def shown(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        desk = desk_of(request)
        if desk is None:
            return render(request, "till/no_operator.html", status=422 if request.method == "POST" else 200)
        return view(request, desk, *arguments, **named)

    return shown


def in_shift(view: View) -> View:
    """Make a view of the till that needs an open shift: without one, it leads to opening one."""

    @at_desk
    @functools.wraps(view)
    def shown(request: HttpRequest, desk: Desk, *arguments: Any, **named: Any) -> HttpResponse:
        if desk.shift is None:
            return to(request, "till:shift")
        return view(request, desk, *arguments, **named)

    return shown


def to(request: HttpRequest, route: str, *arguments: Any) -> HttpResponse:
    """Lead to another page, from a whole page as from a part of one."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponseClientRedirect(reverse(route, args=arguments))
    return redirect(route, *arguments)
