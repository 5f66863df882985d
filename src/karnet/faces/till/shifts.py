"""Views of the shift: take a drawer, count it, hand it over."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from karnet.faces.base import words as base_words
from karnet.faces.till import amounts
from karnet.faces.till.asking import ask, key_of
from karnet.faces.till.desk import Desk, at_desk, desk_of, in_shift, to
from karnet.faces.till.words import CASH_REASONS, PAYMENTS, called
from karnet.kernel.outcomes import Refused
from karnet.orders.operations import CashReason
from karnet.orders.receipts import last_counts
from karnet.orders.requests import CloseShift, MoveCash, OpenShift, ShiftCounted
from karnet.orders.selectors import Takings, takings
from karnet.orders.services import close_shifts, move_cash, open_shifts

_MOST_PIECES = 100_000


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """A closed shift explained: `expected` is made of float, cash taken, cash paid out, cash moved by hand, and `other`
    cash (deposits of replaced cards). Minor units."""

    answer: ShiftCounted
    takings: Takings

    @property
    def cash_in(self) -> int:
        return self.takings.taken.get("cash", 0)

    @property
    def cash_out(self) -> int:
        return self.takings.paid_out.get("cash", 0)

    @property
    def other(self) -> int:
        told = self.takings
        return self.answer.expected - told.float_minor - self.cash_in + self.cash_out - told.moved_in + told.moved_out

    @property
    def short(self) -> int:
        return -self.answer.difference

    @property
    def by_kind(self) -> list[tuple[str, int]]:
        """What was taken in other ways than cash, in words."""
        return [(called(PAYMENTS, kind), amount) for kind, amount in self.takings.taken.items() if kind != "cash"]


@require_safe
@at_desk
def shift(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Open a shift, or count the drawer of the one that runs."""
    return _show(request, desk)


@require_POST
@at_desk
def open_shift(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Take a sales point's drawer."""
    point = next((p for p in desk.points if str(p.id) == request.POST.get("sales_point")), None)
    floated = amounts.minor_units(request.POST.get("float", "") or "0", desk.facility.currency)
    if point is None or floated is None:
        note = _("Choose a till.") if point is None else _("Write an amount such as 200 or 12.50.")
        return _show(request, desk, note=note, status=422)
    sales_point, minor = point.id, floated
    answer = ask(
        open_shifts,
        lambda at: OpenShift(
            key=key_of(request), at=at, actor=desk.operator.id, sales_point=sales_point, float_minor=minor
        ),
    )
    if isinstance(answer, Refused):
        return _show(request, desk, refusal=answer, status=422)
    return to(request, "till:home")


@require_POST
@at_desk
def close_shift(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Count the drawer and close the shift; explain the difference. A repeat is shown the same count."""
    found = _uuid(request.POST.get("shift", ""))
    if found is None:
        return _show(request, desk, note=_("This shift is closed already."), status=422)
    counts = _counts(request, desk)
    if counts is None:
        return _show(request, desk, note=_("Write whole numbers of notes and coins."), status=422)
    counted = sum(int(worth) * pieces for worth, pieces in counts.items())

    def closing(at: datetime) -> CloseShift:
        return CloseShift(
            key=key_of(request), at=at, actor=desk.operator.id, shift=found, counted=counted, counts=counts
        )

    answer = ask(close_shifts, closing)
    if isinstance(answer, Refused):
        return _show(request, desk, refusal=answer, status=422)
    told = takings(found)
    assert told is not None, "a shift that was just closed is known"
    # Nobody sits here any more: the page offers what comes next, not the till.
    desk_now = desk_of(request) or desk
    return render(request, "till/shift_closed.html", {"desk": desk_now, "count": Count(answer=answer, takings=told)})


@require_POST
@in_shift
def move_drawer(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Put cash into the drawer or take it out, beside sales and returns."""
    assert desk.shift is not None, "the view is for who has one"
    shift = desk.shift.id
    minor = amounts.minor_units(request.POST.get("amount", ""), desk.facility.currency)
    if not minor:
        return _show(request, desk, note=_("Write an amount such as 200 or 12.50."), status=422)
    signed = -minor if request.POST.get("do") == "out" else minor
    reason: Any = request.POST.get("reason", "other")
    answer = ask(
        move_cash,
        lambda at: MoveCash(
            key=key_of(request), at=at, actor=desk.operator.id, shift=shift, amount=signed, reason=reason
        ),
    )
    if isinstance(answer, Refused):
        return _show(request, desk, refusal=answer, status=422)
    amount = base_words.money(minor, desk.facility)
    told = _("Taken out: %(amount)s") if signed < 0 else _("Put in: %(amount)s")
    return _show(request, desk, done=told % {"amount": amount})


def _counts(request: HttpRequest, desk: Desk) -> dict[str, int] | None:
    counts = {}
    for worth in amounts.denominations(desk.facility.currency):
        typed = request.POST.get(f"n{worth}", "").strip() or "0"
        if not re.fullmatch(r"[0-9]{1,6}", typed) or int(typed) > _MOST_PIECES:
            return None
        if int(typed):
            counts[str(worth)] = int(typed)
    return counts


def _show(
    request: HttpRequest,
    desk: Desk,
    *,
    refusal: Refused | None = None,
    note: str = "",
    done: str = "",
    status: int = 200,
) -> HttpResponse:
    currency = desk.facility.currency
    context: dict[str, Any] = {"desk": desk, "refusal": refusal, "note": note, "done": done}
    context["decimals"] = amounts.decimals(currency)
    if desk.shift is None:
        left = last_counts([point.id for point in desk.points])
        chosen = request.POST.get("sales_point") or request.GET.get("at", "")
        context["points"] = [
            {
                "id": point.id,
                "name": desk.name(point.id, point.code),
                "taken": desk.name(desk.running[point.id].operator) if point.id in desk.running else "",
                "left": left.get(point.id),
                "typed": amounts.typed(left.get(point.id, 0), currency),
                "chosen": str(point.id) == chosen,
            }
            for point in desk.points
        ]
    else:
        context["reasons"] = [(code, called(CASH_REASONS, code)) for code in get_args(CashReason)]
        context["worths"] = [(worth, request.POST.get(f"n{worth}", "")) for worth in amounts.denominations(currency)]
    return render(request, "till/shift.html", context, status=status)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
