"""Paying out at a till what another server owes: with its word, or alone up to the agreement's limit."""

from __future__ import annotations

from collections.abc import Set
from uuid import UUID

import msgspec

from karnet.entitlements.rules import Desk, Held
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant
from karnet.orders.operations import Returned
from karnet.orders.requests import PayOut, TakenBack
from karnet.orders.rules.counter import Counter
from karnet.orders.rules.elsewhere import Elsewhere, decide_alone, pay_out_of, wrong_payout
from karnet.orders.rules.pricing import payment_account
from karnet.orders.rules.returning import media_back


def decide_pay_out(
    request: PayOut, counter: Counter, desk: Desk, held: Held, known: Elsewhere | None, done: Set[UUID]
) -> tuple[TakenBack | Refused, tuple[Returned, ...]]:
    """Decide to pay a refund out for another server's sale, all of it or nothing. Folds what holds into desk and held.

    `known`: what paying alone is decided by; `done`: refunds and lines that were paid out before (ALREADY_RETURNED),
    be it under another name: the server that sold may not have heard of it. Refuses
    cards as `decide_give_back` does, other currencies, cash without a shift, and what the limit does not cover.
    """
    place = counter.place(request)
    if isinstance(place, Refused):
        return place, ()
    if wrong := wrong_payout(request, place):
        return wrong, ()
    if not done.isdisjoint((request.refund, *request.lines)):
        return refused(Reason.ALREADY_RETURNED, order=str(request.order)), ()
    shift = counter.shift(request, place, {request.refund_kind})
    if isinstance(shift, Refused):
        return shift, ()
    media = media_back(request, place, desk, held)
    if isinstance(media, Refused):
        return media, ()
    alone_for, amount = None, request.amount
    if amount is None:
        if known is None:
            return refused(Reason.UNKNOWN_ORDER, order=str(request.order)), ()
        alone = decide_alone(request, place, media, known)
        if isinstance(alone, Refused):
            return alone, ()
        amount, alone_for = alone
    paid_to = payment_account(
        request.refund_kind,
        facility=place.facility,
        shift=shift.id if shift else None,
        account=None,
        currency=place.currency,
    )
    if paid_to is None:
        return bad_values({"refund_kind": "needs a shift"}), ()
    returned = pay_out_of(request, place, shift, paid_to, amount, media, held, alone_for)
    for medium in media:
        desk.put(msgspec.structs.replace(medium, state="returned", state_at=instant(request.at)))
        held.deposits[medium.id] = []
    deposit = sum(back.amount for back in returned.deposits)
    return TakenBack(id=returned.id, refund=returned.refund, deposit=deposit, vat=0, lines=request.lines), (returned,)
