"""Shifts of the token's sales point."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from pydantic import Field, StringConstraints

from karnet.faces.api.asking import Build, IdempotencyKey, ask
from karnet.faces.api.calling import caller, route
from karnet.faces.api.problems import Problem, refusal
from karnet.faces.api.shapes import Amount, In
from karnet.faces.api.tokens import Principal
from karnet.kernel.outcomes import Refused
from karnet.orders.requests import CloseShift, OpenShift
from karnet.orders.selectors import Takings, takings
from karnet.orders.services import close_shifts, open_shifts

router = Router(tags=["shifts"])

Denomination = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,9}$")]


class OpenIn(In):
    """`float_minor`: the change that lies in the drawer already."""

    float_minor: Amount = 0


class OpenedOut(Schema):
    """The shift that runs now."""

    shift: UUID


class CountIn(In):
    """`counted_minor`: the cash in the drawer; `counts`: pieces by denomination in minor units, where they are noted."""

    counted_minor: Amount
    counts: dict[Denomination, Annotated[int, Field(strict=True, ge=0, le=100_000)]] = Field(default={}, max_length=50)


class CountedOut(Schema):
    """`difference_minor`: counted less expected (negative = short)."""

    shift: UUID
    expected_minor: int
    counted_minor: int
    difference_minor: int


class ShiftOut(Schema):
    """A shift's takings by payment kind; `expected_minor` and `counted_minor` once it is closed."""

    shift: UUID
    float_minor: int
    taken_minor: dict[str, int]
    paid_out_minor: dict[str, int]
    expected_minor: int | None = None
    counted_minor: int | None = None


@route(router.post, "/shifts", "shifts:write", response={201: OpenedOut})
def open_shift(request: HttpRequest, body: OpenIn, key: IdempotencyKey) -> Status[OpenedOut]:
    """Open a shift of the token's operator at its sales point."""
    principal = caller(request)
    assert principal.operator is not None, "checked when the token was made"
    assert principal.sales_point is not None, "checked when the token was made"
    operator, sales_point = principal.operator, principal.sales_point
    build: Build[OpenShift] = lambda k, at: OpenShift(  # noqa: E731
        key=k, at=at, actor=operator, sales_point=sales_point, float_minor=body.float_minor
    )
    answer = ask(open_shifts, principal, key, build)
    if isinstance(answer, Refused):
        raise refusal(request, answer)
    return Status(201, OpenedOut(shift=answer.shift))


@route(router.post, "/shifts/{uuid:shift}/close", "shifts:write", response=CountedOut)
def close_shift(request: HttpRequest, shift: UUID, body: CountIn, key: IdempotencyKey) -> CountedOut:
    """Close a shift with its cash count. The difference is booked, never hidden."""
    principal = caller(request)
    _own(principal, shift)
    assert principal.operator is not None, "checked when the token was made"
    operator = principal.operator
    build: Build[CloseShift] = lambda k, at: CloseShift(  # noqa: E731
        key=k, at=at, actor=operator, shift=shift, counted=body.counted_minor, counts=dict(body.counts)
    )
    answer = ask(close_shifts, principal, key, build)
    if isinstance(answer, Refused):
        raise refusal(request, answer)
    return CountedOut(
        shift=answer.shift,
        expected_minor=answer.expected,
        counted_minor=answer.counted,
        difference_minor=answer.difference,
    )


@route(router.get, "/shifts/{uuid:shift}", "shifts:write", response=ShiftOut)
def show_shift(request: HttpRequest, shift: UUID) -> ShiftOut:
    """Show what a shift took and paid out."""
    found = _own(caller(request), shift)
    return ShiftOut(
        shift=found.shift,
        float_minor=found.float_minor,
        taken_minor={str(kind): amount for kind, amount in found.taken.items()},
        paid_out_minor={str(kind): amount for kind, amount in found.paid_out.items()},
        expected_minor=found.expected,
        counted_minor=found.counted,
    )


def _own(principal: Principal, shift: UUID) -> Takings:
    found = takings(shift)
    if found is None or found.sales_point != principal.sales_point:
        raise Problem(404, "unknown_shift", _("The token's sales point has no such shift."))
    return found
