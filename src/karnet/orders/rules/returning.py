"""Giving back: lines refunded, cards handed in with their deposit, cards replaced for a new deposit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args
from uuid import UUID

import msgspec

from karnet.accounts.operations import Transfer, house_account
from karnet.entitlements.operations import (
    DepositReturned,
    DepositTaken,
    EntitlementVoided,
    MediumReturned,
    Replaced,
)
from karnet.entitlements.requests import Replace
from karnet.entitlements.rules import Desk, Held, Holding, MediumState, decide_replace, outrun, points_account, unused
from karnet.journal.operations import Operation
from karnet.journal.requests import made_id
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant
from karnet.orders.operations import PaymentKind, PutBack, Returned
from karnet.orders.requests import GiveBack, GiveBackFor, PayOut, ReplaceCard, TakenBack
from karnet.orders.rules import putting_back
from karnet.orders.rules.counter import Counter, Place, RunningShift
from karnet.orders.rules.elsewhere import owed_elsewhere
from karnet.orders.rules.pricing import MAX_AMOUNT, allocate, earned, payment_account
from karnet.orders.rules.putting_back import Paid


class SoldLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an order; `back`: it was returned. Minor units; `vat` is inside `amount`."""

    id: UUID
    amount: int
    vat: int
    entitlement: UUID | None = None
    back: bool = False


class SoldOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as returning it sees it. `away`: the code of the facility that sold it, where that is another server's.
    `paid`: what cards and passes paid of it, in the order in which it goes back; `put_back`: what of that did, minor units."""

    id: UUID
    facility: UUID
    lines: tuple[SoldLine, ...]
    away: str | None = None
    paid: tuple[Paid, ...] = ()
    put_back: int = 0


class Orders:
    """Orders with what is left of them, and their entitlements, as the decisions of a batch so far leave them."""

    def __init__(self, orders: Mapping[UUID, SoldOrder], entitlements: Mapping[UUID, Holding]) -> None:
        self.orders, self.entitlements = dict(orders), dict(entitlements)

    def fold(self, order: UUID, lines: set[UUID], put_back: int) -> None:
        """Mark lines of an order as returned, and what went back to cards and passes for them."""
        left = self.orders[order]
        self.orders[order] = msgspec.structs.replace(
            left,
            put_back=left.put_back + put_back,
            lines=tuple(msgspec.structs.replace(line, back=line.back or line.id in lines) for line in left.lines),
        )


def decide_give_back(
    request: GiveBack, counter: Counter, desk: Desk, held: Held, orders: Orders
) -> tuple[TakenBack | Refused, tuple[Operation, ...]]:
    """Decide a return: all of what it names, or nothing. Folds what holds into desk, held and orders. What cards and passes
    paid goes back to them (rules.putting_back).

    Refuses lines of another facility's order, returned before, or used (a passage, a day, a point: USED_CANNOT_RETURN);
    cards that are unknown, handed in before, or blocked (a replaced one is worth its deposit); cash without a shift.
    """
    place = counter.place(request)
    if isinstance(place, Refused):
        return place, ()
    if wrong := _wrong_kind(request):
        return wrong, ()
    if request.refund_kind == "on_account" and place.kind != "partner":
        return bad_values({"refund_kind": "on account is for partners' sales points only"}), ()
    shift = counter.shift(request, place, {request.refund_kind})
    if isinstance(shift, Refused):
        return shift, ()
    lines = _lines(request, place, orders)
    if isinstance(lines, Refused):
        return lines, ()
    media = media_back(request, place, desk, held)
    if isinstance(media, Refused):
        return media, ()
    if not lines and not media:
        return refused(Reason.EMPTY_SALE), ()
    paid_to = payment_account(
        request.refund_kind,
        facility=place.facility,
        shift=shift.id if shift else None,
        account=request.account,
        currency=place.currency,
    )
    if paid_to is None or (request.account is not None and request.refund_kind != "internal_account"):
        return bad_values({"account": "goes with an internal account, and only with that"}), ()
    back = _put_back(request, lines, place, desk, orders)
    if isinstance(back, Refused):
        return back, ()
    returned = _returned(request, place, shift, paid_to, lines, media, held, orders, back)
    elsewhere = 0
    if isinstance(request, GiveBackFor):
        returned = owed_elsewhere(returned, request, paid_to)
        elsewhere = returned.owed.amount if returned.owed else 0
    for medium in media:
        desk.put(msgspec.structs.replace(medium, state="returned", state_at=instant(request.at)))
        held.deposits[medium.id] = []
    if request.order is not None:
        orders.fold(request.order, set(returned.lines), back.amount)
    deposit = sum(back.amount for back in returned.deposits)
    answer = TakenBack(
        id=returned.id, refund=returned.refund, deposit=deposit, vat=returned.vat, lines=returned.lines,
        elsewhere=elsewhere, to_cards=back.amount,
    )  # fmt: skip
    home = (PutBack(id=returned.id, transfers=back.at_home),) if back.at_home else ()
    return answer, (returned, *home)


def _put_back(
    request: GiveBack, lines: list[SoldLine], place: Place, desk: Desk, orders: Orders
) -> putting_back.PutBack | Refused:
    order = orders.orders.get(request.order) if request.order is not None and lines else None
    if order is None or not order.paid:
        return putting_back.NOTHING
    other = desk.find(request.to_card) if request.to_card else None
    if request.to_card and other is None:
        return refused(Reason.UNKNOWN_MEDIUM, number=request.to_card)
    gross = sum(line.amount for line in lines)
    return putting_back.put_back(order.paid, order.put_back, gross, place, desk, other)


def _wrong_kind(request: GiveBack) -> Refused | None:
    if isinstance(request, GiveBackFor):
        right = request.refund_kind == "elsewhere" and not request.cards
        return None if right else bad_values({"refund_kind": "another server's till pays out: no cards come back here"})
    if request.refund_kind not in get_args(PaymentKind):
        return bad_values({"refund_kind": f"must be one of {', '.join(get_args(PaymentKind))}"})
    return None


def _lines(request: GiveBack, place: Place, orders: Orders) -> list[SoldLine] | Refused:
    if request.order is None:
        return bad_values({"order": "name the order of the lines"}) if request.lines else []
    order = orders.orders.get(request.order)
    if order is not None and order.away is not None:
        return refused(Reason.HOME_ONLY, facility=order.away, order=str(request.order))
    if order is None or order.facility != place.facility:
        return refused(Reason.UNKNOWN_ORDER, order=str(request.order))
    by_id = {line.id: line for line in order.lines}
    if any(line not in by_id for line in request.lines):
        return refused(Reason.UNKNOWN_ORDER, order=str(request.order), line=str(set(request.lines) - set(by_id)))
    named = list(dict.fromkeys(request.lines)) or [line.id for line in order.lines if not line.back]
    lines = [by_id[line] for line in named]
    if not lines or any(line.back for line in lines):
        return refused(Reason.ALREADY_RETURNED, order=str(request.order))
    for line in lines:
        if line.entitlement is not None and not unused(orders.entitlements[line.entitlement]):
            return refused(Reason.USED_CANNOT_RETURN, line=str(line.id), entitlement=str(line.entitlement))
    return lines


def media_back(request: GiveBack | PayOut, place: Place, desk: Desk, held: Held) -> list[MediumState] | Refused:
    """Return the media that are handed in, or why one cannot be."""
    media = []
    for number in dict.fromkeys(request.cards):
        medium = desk.find(number)
        if medium is None:
            return refused(Reason.UNKNOWN_MEDIUM, number=number)
        if medium.state == "returned":
            return refused(Reason.MEDIUM_RETURNED, number=number)
        if medium.state != "replaced" and medium.blocks:
            return refused(Reason.MEDIUM_BLOCKED, number=number)
        foreign = {deposit.currency for deposit in held.deposits[medium.id]} - {place.currency}
        if foreign:
            return refused(Reason.OTHER_CURRENCY, number=number, currency=min(foreign))
        late = outrun(request.at, medium.state_at)
        if late is not None:
            return late
        media.append(medium)
    return media


def _returned(
    request: GiveBack,
    place: Place,
    shift: RunningShift | None,
    paid_to: UUID,
    lines: list[SoldLine],
    media: list[MediumState],
    held: Held,
    orders: Orders,
    back: putting_back.PutBack,
) -> Returned:
    tickets = [orders.entitlements[line.entitlement] for line in lines if line.entitlement is not None]
    deposits = [
        DepositReturned(
            id=deposit.id, medium=medium.id, facility=place.facility, amount=deposit.amount, currency=deposit.currency
        )
        for medium in media
        for deposit in held.deposits[medium.id]
    ]
    gross, vat = sum(line.amount for line in lines), sum(line.vat for line in lines)
    deposit = sum(back.amount for back in deposits)
    owed = earned(place.facility, place.currency, gross=gross, vat=vat, deposit=deposit)
    money = allocate(owed, [*back.targets, (paid_to, gross + deposit - back.amount)], place.currency)
    return Returned(
        id=made_id(request, "return"),
        facility=place.facility,
        sales_point=place.sales_point,
        operator=request.actor,
        currency=place.currency,
        refund=gross + deposit,
        refund_kind=request.refund_kind,
        vat=vat,
        order=request.order,
        lines=tuple(line.id for line in lines),
        shift=shift.id if shift else None,
        media=tuple(MediumReturned(id=medium.id, facility=place.facility) for medium in media),
        voided=tuple(EntitlementVoided(id=ticket.id) for ticket in tickets),
        deposits=tuple(deposits),
        accounts=back.accounts,
        stored=back.stored,
        to_cards=back.amount,
        transfers=(*money, *_points_back(tickets, len(money))),
    )


def _points_back(tickets: list[Holding], first: int) -> list[Transfer]:
    # Whoever issued the points takes them back; a return happens where the ticket was sold, so that is one facility.
    points = [ticket for ticket in tickets if ticket.points]
    return [
        Transfer(
            source=points_account(ticket.id),
            target=house_account(ticket.facility, "points_issued", "points"),
            amount=ticket.points,
            unit="points",
            n=first + n,
        )
        for n, ticket in enumerate(points)
    ]


def decide_replace_card(
    request: ReplaceCard, counter: Counter, desk: Desk, held: Held
) -> tuple[int, Replaced] | Refused:
    """Decide to replace a card at a till; return the new deposit taken and the operation. Folds into desk and held."""
    place = counter.place(request)
    if isinstance(place, Refused):
        return place
    shift = counter.shift(request, place, {request.payment_kind})
    if isinstance(shift, Refused):
        return shift
    if request.payment_kind not in get_args(PaymentKind):
        return bad_values({"payment_kind": f"must be one of {', '.join(get_args(PaymentKind))}"})
    if not 0 <= request.deposit_minor <= MAX_AMOUNT:
        return bad_values({"deposit_minor": f"must be 0 to {MAX_AMOUNT} minor units"})
    source = payment_account(
        request.payment_kind,
        facility=place.facility,
        shift=shift.id if shift else None,
        account=None,
        currency=place.currency,
    )
    if source is None:
        return bad_values({"payment_kind": "cannot pay a card deposit; take cash or a card"})
    asked = Replace(
        key=request.key,
        at=request.at,
        actor=request.actor,
        old=request.old,
        new_number=request.new_number,
        new_chip=request.new_chip,
        kind=request.kind,
        sales_point=request.sales_point,
        code=request.code,
        deposit="move" if request.deposit == "move" else "leave",
    )
    replaced = decide_replace(desk, held, asked, place.facility)
    if isinstance(replaced, Refused) or request.deposit == "move" or not request.deposit_minor:
        return replaced if isinstance(replaced, Refused) else (0, replaced)
    taken = DepositTaken(
        id=made_id(request, "deposit:new"),
        medium=replaced.new.id,
        facility=place.facility,
        amount=request.deposit_minor,
        currency=place.currency,
    )
    held.put_deposit(taken)
    money = allocate(
        [(source, taken.amount)],
        earned(place.facility, place.currency, gross=0, vat=0, deposit=taken.amount),
        place.currency,
        first=len(replaced.transfers),
    )
    transfers = (*replaced.transfers, *money)
    return taken.amount, msgspec.structs.replace(replaced, deposits_taken=(taken,), transfers=transfers)
