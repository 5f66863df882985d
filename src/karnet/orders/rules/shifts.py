"""Opening and closing shifts: what the drawer should hold, and what it does."""

from __future__ import annotations

from typing import get_args
from uuid import UUID

import msgspec

from karnet.accounts.operations import AccountOpened, house_account, owned_account
from karnet.journal.requests import made_id
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.orders.operations import CashMoved, CashReason, ShiftClosed, ShiftOpened
from karnet.orders.requests import CashInDrawer, CloseShift, MoveCash, OpenShift, ShiftCounted, ShiftOpen
from karnet.orders.rules.counter import Counter, RunningShift
from karnet.orders.rules.pricing import MAX_AMOUNT, allocate, drawer


class LastShift(msgspec.Struct, frozen=True, kw_only=True):
    """The latest shift of a sales point or of an operator: its place in the sequence, and whether it still runs."""

    sequence: int = 0
    running: bool = False


class Roster:
    """The latest shifts by sales point and by operator, as the decisions of a batch so far leave them."""

    def __init__(self, by_sales_point: dict[UUID, LastShift], by_operator: dict[UUID, LastShift]) -> None:
        self.by_sales_point, self.by_operator = by_sales_point, by_operator


def decide_open(
    request: OpenShift, counter: Counter, roster: Roster
) -> tuple[ShiftOpen | Refused, tuple[ShiftOpened, ...]]:
    """Open a shift when neither the sales point nor the operator has one running."""
    place = counter.place(request)
    if isinstance(place, Refused):
        return place, ()
    if not 0 <= request.float_minor <= MAX_AMOUNT:
        return bad_values({"float_minor": f"must be 0 to {MAX_AMOUNT} minor units"}), ()
    here = roster.by_sales_point.get(request.sales_point, LastShift())
    theirs = roster.by_operator.get(request.actor, LastShift())
    if here.running or theirs.running:
        return refused(Reason.SHIFT_OPEN, sales_point=place.code), ()
    roster.by_sales_point[request.sales_point] = LastShift(sequence=here.sequence + 1, running=True)
    roster.by_operator[request.actor] = LastShift(sequence=theirs.sequence + 1, running=True)
    shift = made_id(request, "shift")
    account = drawer(shift, place.currency)
    opened = ShiftOpened(
        shift=shift,
        facility=place.facility,
        sales_point=place.sales_point,
        operator=request.actor,
        currency=place.currency,
        float_minor=request.float_minor,
        sequence=here.sequence + 1,
        operator_sequence=theirs.sequence + 1,
        accounts=(AccountOpened(id=account, owner=shift, purpose="drawer", unit=place.currency),),
    )
    return ShiftOpen(shift=shift, drawer=account), (opened,)


def decide_close(
    request: CloseShift, shift: RunningShift | None, operator_facility: UUID | None, drawer_balance: int
) -> tuple[ShiftCounted | Refused, tuple[ShiftClosed, ...]]:
    """Close a shift with what was counted; the difference is booked, never hidden.

    `drawer_balance` is that of the drawer's account, which runs negative: cash in it is owed to us. Any operator of
    the facility may close a shift (somebody goes home ill). Refuses a shift that is unknown or closed, and an instant
    before the shift was opened.
    """
    if shift is None:
        return refused(Reason.NO_OPEN_SHIFT, shift=str(request.shift)), ()
    if operator_facility != shift.facility:
        return refused(Reason.UNKNOWN_ACTOR, actor=str(request.actor)), ()
    problems = _problems(request)
    if request.at < shift.opened_at:
        problems["at"] = "lies before the shift was opened"
    if problems:
        return bad_values(problems), ()
    expected = shift.float_minor - drawer_balance
    difference = request.counted - expected
    ours, account = house_account(shift.facility, "cash_differences", shift.currency), drawer(shift.id, shift.currency)
    source, target = (account, ours) if difference > 0 else (ours, account)
    closed = ShiftClosed(
        shift=shift.id,
        expected=expected,
        counted=request.counted,
        counts=request.counts,
        transfers=tuple(allocate([(source, abs(difference))], [(target, abs(difference))], shift.currency)),
    )
    answer = ShiftCounted(shift=shift.id, expected=expected, counted=request.counted, difference=difference)
    return answer, (closed,)


def decide_move_cash(
    request: MoveCash, shift: RunningShift | None, operator_facility: UUID | None, drawer_balance: int
) -> tuple[CashInDrawer | Refused, tuple[CashMoved, ...]]:
    """Put cash into a drawer or take it out, as any operator of the facility may. The other side is the facility's safe.

    Refuses a shift that is unknown or closed, no amount, and more than the drawer should hold.
    """
    if shift is None:
        return refused(Reason.NO_OPEN_SHIFT, shift=str(request.shift)), ()
    if operator_facility != shift.facility:
        return refused(Reason.UNKNOWN_ACTOR, actor=str(request.actor)), ()
    held, amount = shift.float_minor - drawer_balance, request.amount
    if request.reason not in get_args(CashReason):
        return bad_values({"reason": f"must be one of {', '.join(get_args(CashReason))}"}), ()
    if not 0 < abs(amount) <= MAX_AMOUNT:
        return bad_values({"amount": f"must be 1 to {MAX_AMOUNT} minor units, in or out"}), ()
    if held + amount < 0:
        return refused(
            Reason.INSUFFICIENT_FUNDS, available_minor=held, needed_minor=-amount, currency=shift.currency
        ), ()
    box, safe = drawer(shift.id, shift.currency), owned_account(shift.facility, "safe", shift.currency)
    source, target = (box, safe) if amount > 0 else (safe, box)
    moved = CashMoved(
        id=made_id(request, "cash"),
        shift=shift.id,
        facility=shift.facility,
        sales_point=shift.sales_point,
        operator=request.actor,
        currency=shift.currency,
        amount=amount,
        reason=request.reason,
        accounts=(AccountOpened(id=safe, owner=shift.facility, purpose="safe", unit=shift.currency),),
        transfers=tuple(allocate([(source, abs(amount))], [(target, abs(amount))], shift.currency)),
    )
    return CashInDrawer(id=moved.id, shift=shift.id, amount=amount, expected=held + amount), (moved,)


def _problems(request: CloseShift) -> dict[str, str]:
    problems = {}
    if not 0 <= request.counted <= MAX_AMOUNT:
        problems["counted"] = f"must be 0 to {MAX_AMOUNT} minor units"
    for denomination, pieces in request.counts.items():
        if not (
            denomination.isascii() and denomination.isdigit() and len(denomination) <= 9 and 0 <= pieces <= MAX_AMOUNT
        ):
            problems[f"counts.{denomination}"] = "must be pieces by denomination in minor units"
    if not problems and request.counts:
        total = sum(int(denomination) * pieces for denomination, pieces in request.counts.items())
        if total != request.counted:
            problems["counted"] = f"is {request.counted}, but the pieces add up to {total}"
    return problems
