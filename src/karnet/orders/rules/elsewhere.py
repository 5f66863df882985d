"""Refunds that one server owes and another pays out: the customer gets the money where they stand (SPEC N14, N15).

The server that sold decides whether lines go back and owes their money; the till where the customer stands pays it out
in an operation of its own. Both bear the name of the refund, which is made of the till and its request: so whichever
of the two dies in between, the same request finds what is missing, and nobody is paid twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import msgspec

from karnet.accounts.operations import AccountOpened
from karnet.accounts.rules import CardTerms, terms_at
from karnet.entitlements.operations import DepositReturned, MediumReturned
from karnet.entitlements.rules import Held, Holding, MediumState, unused
from karnet.journal.requests import made_id
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.orders.operations import RefundOwed, RefundPaid, Returned
from karnet.orders.requests import GiveBackFor, PayOut
from karnet.orders.rules.counter import Place, RunningShift
from karnet.orders.rules.pricing import allocate, house

PAID_HERE = ("cash", "card", "bank_transfer")
"""How a till pays out for another server's sale: what it can pay whoever stands there."""


class LineSold(msgspec.Struct, frozen=True, kw_only=True):
    """A line of another server's order, as it is known here. `holding`: the ticket it sold; `back`: it was returned."""

    id: UUID
    amount: int
    holding: Holding | None = None
    back: bool = False


class Elsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """What paying out alone is decided by. `sold`: the order's lines; `from_cards`: cards or passes paid some of it; `home`, `code`: the facility that sold it; `paid`:
    what was paid out alone so far by card, minor units; `terms`: as accounts.selectors.card_terms."""

    home: UUID
    code: str
    sold: tuple[LineSold, ...]
    paid: Mapping[UUID, int]
    terms: Sequence[CardTerms]
    from_cards: bool = False


def refund_id(sales_point: UUID, key: str) -> UUID:
    """Return the name of the refund that a sales point's request asks for: the same whenever it is asked again."""
    return named_id("refund", sales_point, key)


def refunds_account(facility: UUID, currency: str) -> AccountOpened:
    """Return the account of what a facility owes others for refunds they paid out (and others owe it, below zero)."""
    account = house(facility, "refunds", currency)
    return AccountOpened(id=account, owner=facility, purpose="refunds", unit=currency, hot=True)


def owed_elsewhere(returned: Returned, request: GiveBackFor, paid_to: UUID) -> Returned:
    """Return a return whose money another server pays out: it names who, and how much of it."""
    assert returned.order is not None, "it was lines that came back"
    amount = sum(transfer.amount for transfer in returned.transfers if transfer.target == paid_to)
    owed = RefundOwed(
        refund=request.refund,
        order=returned.order,
        facility=returned.facility,
        payer=request.payer,
        currency=returned.currency,
        amount=amount,
        for_operator=request.for_operator,
        for_sales_point=request.for_sales_point,
    )
    account = refunds_account(returned.facility, returned.currency)
    return msgspec.structs.replace(returned, owed=owed, accounts=(*returned.accounts, account))


def decide_alone(
    request: PayOut, place: Place, cards: Collection[MediumState], known: Elsewhere
) -> tuple[int, UUID] | Refused:
    """Return what may be paid out for these lines without the home server's word (minor units) and for which card, or
    why nothing may.

    The agreement in force says how much for one card; both facilities must be in it. Then everything on the lines must
    be a ticket on one card that comes back with them, so that nobody uses what was refunded; as far as is known here
    nothing of it was used or given back before. Deposits do not count: they are paid back anywhere.
    """
    terms = terms_at(known.terms, request.at)
    if terms is None or not terms.refund_minor or not {place.facility, known.home} <= terms.facilities:
        return refused(Reason.HOME_SILENT, facility=known.code)
    if known.from_cards:  # What a card paid goes back to it, which the server that sold does alone.
        return refused(Reason.HOME_SILENT, facility=known.code)
    by_id = {line.id: line for line in known.sold}
    if not request.lines or any(line not in by_id for line in request.lines):
        return refused(Reason.UNKNOWN_ORDER, order=str(request.order))
    lines = [by_id[line] for line in dict.fromkeys(request.lines)]
    if any(line.back for line in lines):
        return refused(Reason.ALREADY_RETURNED, order=str(request.order))
    for line in lines:
        if line.holding is not None and (line.holding.voided or not unused(line.holding)):
            return refused(Reason.USED_CANNOT_RETURN, line=str(line.id), entitlement=str(line.holding.id))
    media = {line.holding.medium if line.holding else None for line in lines}
    back = {medium.id: medium for medium in cards}
    if len(media) > 1 or not media <= set(back):
        return refused(Reason.CARD_NEEDED_BACK, facility=known.code)
    (medium,) = media
    assert medium is not None
    amount = sum(line.amount for line in lines)
    left = max(0, terms.refund_minor - known.paid.get(medium, 0))
    if amount > left:
        return refused(
            Reason.ALONE_LIMIT, facility=known.code, limit_minor=terms.refund_minor, left_minor=left, currency=place.currency
        )  # fmt: skip
    return amount, medium


def pay_out_of(
    request: PayOut,
    place: Place,
    shift: RunningShift | None,
    paid_to: UUID,
    amount: int,
    media: Sequence[MediumState],
    held: Held,
    alone_for: UUID | None = None,
) -> Returned:
    """Return the operation that pays a refund out here for `home`, with the deposits of the cards that come back.

    The drawer gives, and the home facility owes: nobody's revenue, no VAT here. `alone_for`: the card for whose tickets it
    is paid without the home server's word. Folds nothing."""
    deposits = tuple(
        DepositReturned(
            id=deposit.id, medium=medium.id, facility=place.facility, amount=deposit.amount, currency=deposit.currency
        )
        for medium in media
        for deposit in held.deposits[medium.id]
    )
    deposit = sum(back.amount for back in deposits)
    account = refunds_account(place.facility, place.currency)
    sources = [(account.id, amount), (house(place.facility, "deposits", place.currency), deposit)]
    return Returned(
        id=made_id(request, "return"),
        facility=place.facility,
        sales_point=place.sales_point,
        operator=request.actor,
        currency=place.currency,
        refund=amount + deposit,
        refund_kind=request.refund_kind,
        shift=shift.id if shift else None,
        media=tuple(MediumReturned(id=medium.id, facility=place.facility) for medium in media),
        deposits=deposits,
        accounts=(account,),
        transfers=tuple(allocate(sources, [(paid_to, amount + deposit)], place.currency)),
        paid=RefundPaid(
            refund=request.refund,
            order=request.order,
            lines=request.lines,
            facility=place.facility,
            home=request.home,
            currency=place.currency,
            amount=amount,
            alone=alone_for is not None,
            medium=alone_for,
        ),
    )


def wrong_payout(request: PayOut, place: Place) -> Refused | None:
    """Return what is wrong with how a refund is to be paid out here, None where it can be."""
    if request.refund_kind not in PAID_HERE:
        return bad_values({"refund_kind": f"must be one of {', '.join(PAID_HERE)}"})
    if request.currency != place.currency:
        return refused(Reason.OTHER_CURRENCY, currency=request.currency)
    if request.amount is not None and request.amount < 0:
        return bad_values({"amount": "must not be below 0"})
    return None
