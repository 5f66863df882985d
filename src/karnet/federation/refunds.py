"""Refunds across servers: asking the server that sold, paying out where the customer stands, and answering both.

The asker's side is `refund_elsewhere`. The home server's are `grant_refund`, what it does when it is asked, and
`answer_payouts`, what it says to refunds that others paid out while it did not answer.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from karnet.federation.asks import WAIT_MS, AskHome, ask_home
from karnet.federation.core.messages import Asked
from karnet.federation.counter import asks_for_itself, counter_of, first_asked
from karnet.federation.homes import home_log, last_heard
from karnet.federation.refusals import note_refusal
from karnet.journal.requests import id_made_by
from karnet.journal.selectors import asked_at
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant
from karnet.orders.elsewhere import (
    Paid,
    RefuseRefund,
    may_pay_out,
    paid_out,
    paid_refunds,
    pay_out,
    refunds_of,
    refuse_refunds,
    unanswered_payouts,
)
from karnet.orders.operations import PaymentKind
from karnet.orders.requests import GiveBackFor, PayOut, TakenBack
from karnet.orders.rules.elsewhere import refund_id
from karnet.orders.services import give_back
from karnet.parties.operations import facility_id
from karnet.parties.selectors import facilities, home_server, sales_points


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """Refund lines of an order that another server's facility (`facility`, by code) sold, and take `cards` back.
    `operator`, `sales_point`: who pays out here."""

    facility: str
    order: UUID
    lines: tuple[UUID, ...]
    operator: UUID
    sales_point: UUID
    cards: tuple[str, ...] = ()
    refund_kind: PaymentKind = "cash"


class RefundAsked(msgspec.Struct, frozen=True, kw_only=True):
    """What the server that sold is asked: to take lines back and let `payer` pay their money out. `refund`: its name."""

    facility: str
    order: UUID
    lines: tuple[UUID, ...]
    refund: UUID
    payer: UUID
    operator: UUID
    sales_point: UUID


class RefundGranted(msgspec.Struct, frozen=True, kw_only=True, tag="refund_granted"):
    """The lines are taken back, and `amount` minor units may be paid out for them under the name `refund`."""

    refund: UUID
    amount: int
    currency: str


def refund_elsewhere(
    request: Refund, *, key: str, now: datetime, at: datetime, wait_ms: int = WAIT_MS, ask: AskHome = ask_home
) -> TakenBack | Refused:
    """Refund another server's sale at a till here: its server is asked, then the money is paid out.

    Guarantees: nobody is paid twice, whatever is repeated, lost, or killed in between; what was let be paid out and was
    not is paid without asking again. Where the home server does not answer, the agreement's limit decides
    (`rules.elsewhere.decide_alone`); what is refused is noted for both partners. `now`: the wall clock, `at`: that of the
    sale. Must not be called inside a transaction.
    """
    point = sales_points([request.sales_point]).get(request.sales_point)
    if point is None:
        return refused(Reason.UNKNOWN_SALES_POINT, sales_point=str(request.sales_point))
    if not request.lines:
        return refused(Reason.EMPTY_SALE)
    name, currency = refund_id(request.sales_point, key), facilities([point.facility])[point.facility].currency
    paying = PayOut(
        key=f"pay:{key}", at=first_asked(f"pay:{key}", at), actor=request.operator, sales_point=request.sales_point,
        refund=name, order=request.order, lines=request.lines, home=facility_id(request.facility), currency=currency,
        cards=request.cards, refund_kind=request.refund_kind,
    )  # fmt: skip
    if done := _done_by(paying, name):
        return done
    for left in refunds_of(request.order):
        if left.payer == point.facility and not left.paid and set(left.lines) == set(request.lines):
            # It was granted before, and whoever was to pay it out died, or lost the answer.
            return _pay(msgspec.structs.replace(paying, refund=left.refund, amount=left.amount), name)
    if wrong := may_pay_out(paying):
        return wrong
    asked = RefundAsked(
        facility=request.facility, order=request.order, lines=request.lines, refund=name, payer=point.facility,
        operator=request.operator, sales_point=request.sales_point,
    )  # fmt: skip
    answer = ask(request.facility, "refund", key, asked, RefundGranted, now=now, wait_ms=wait_ms)
    if isinstance(answer, RefundGranted):
        granted = {"refund": answer.refund, "amount": answer.amount, "currency": answer.currency}
        return _pay(msgspec.structs.replace(paying, **granted), name)
    if answer.reason is Reason.HOME_SILENT:
        # A refusal is not to be remembered under the key: the home server may answer the next time.
        alone = _pay(msgspec.structs.replace(paying, key=f"{paying.key}:{instant(now).isoformat()}"), name)
        if isinstance(alone, TakenBack):
            return alone
        answer = last_heard(alone, request.facility)
    note_refusal(
        "refund", answer, key=key, at=at, home=request.facility, subject=request.order, operator=request.operator,
        sales_point=request.sales_point,
    )  # fmt: skip
    return answer


def _pay(paying: PayOut, own: UUID) -> TakenBack | Refused:
    answer = pay_out([paying])[0]
    if isinstance(answer, Refused) and answer.reason in (Reason.KEY_REUSED, Reason.ALREADY_RETURNED):
        return _done_by(paying, own) or answer  # The same form twice at once: one of them paid.
    return answer


def _done_by(paying: PayOut, own: UUID) -> TakenBack | None:
    """Return what this very form paid out before. What another form paid in its stead is no repeat: whoever reads "pay
    out" pays again. Alone a form pays under its own name only."""
    done, first = paid_out(own), asked_at([paying.key]).get(paying.key)
    if done is None:
        return None
    made = id_made_by(home_server(), paying.actor, first, paying.key, "return") if first else None
    return done if done.id == made or any(paid.alone for paid in paid_refunds([own])) else None


def grant_refund(asked: Asked, now: datetime) -> RefundGranted | Refused:
    """Take lines of an order of ours back, for a refund that the asker pays out. Done once for the ask's key; the same
    lines for the same facility under another key are the same refund, for its till may have lost our answer."""
    try:
        body = msgspec.json.decode(asked.body, type=RefundAsked)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return bad_values({"body": str(error)})
    if wrong := asks_for_itself(asked.asker, body.operator, body.sales_point, body.payer):
        return wrong
    if not body.lines:
        return refused(Reason.EMPTY_SALE)
    both = facilities({body.payer, facility_id(body.facility)})
    home = both.get(facility_id(body.facility))
    if home is None or both[body.payer].currency != home.currency:
        return refused(Reason.OTHER_CURRENCY, currency=home.currency if home else "")
    answer = _taken_back(body, key=f"ask:{asked.asker}:{asked.key}", now=now)
    if isinstance(answer, TakenBack):
        return RefundGranted(refund=body.refund, amount=answer.elsewhere, currency=home.currency)
    if answer.reason is Reason.ALREADY_RETURNED:
        for before in refunds_of(body.order):
            if before.payer == body.payer and set(before.lines) == set(body.lines):
                return RefundGranted(refund=before.refund, amount=before.amount, currency=before.currency)
    return answer


def _taken_back(body: RefundAsked, *, key: str, now: datetime) -> TakenBack | Refused:
    counter = counter_of(body.facility, now)
    if isinstance(counter, Refused):
        return counter
    sales_point, operator = counter
    request = GiveBackFor(
        key=key,
        at=first_asked(key, now),
        actor=operator,
        sales_point=sales_point,
        order=body.order,
        lines=body.lines,
        refund=body.refund,
        payer=body.payer,
        for_operator=body.operator,
        for_sales_point=body.sales_point,
    )
    return give_back([request])[0]


def answer_payouts(now: datetime) -> int:
    """Answer the refunds that others paid out alone for sales of ours: the lines go back, or we do not stand for it and
    say why (a line given back twice, a ticket used meanwhile). Return how many. Done once each, however often it runs."""
    if home_log() is None:
        return 0
    waiting = unanswered_payouts()
    for paid in waiting:
        _answer_payout(paid, now)
    return len(waiting)


def _answer_payout(paid: Paid, now: datetime) -> None:
    code = facilities([paid.home])[paid.home].code
    counter = counter_of(code, now)
    if isinstance(counter, Refused):
        return
    key = f"alone:{paid.refund}"
    request = GiveBackFor(
        key=key, at=first_asked(key, now), actor=counter[1], sales_point=counter[0], order=paid.order, lines=paid.lines,
        refund=paid.refund, payer=paid.facility,
    )  # fmt: skip
    answer = give_back([request])[0]
    if isinstance(answer, TakenBack) or paid.refund not in {one.refund for one in unanswered_payouts()}:
        return
    key = f"alone-refused:{paid.refund}"
    refuse_refunds(
        [
            RefuseRefund(
                key=key, at=first_asked(key, now), actor=counter[1], refund=paid.refund, order=paid.order,
                facility=paid.home, payer=paid.facility, reason=str(answer.reason),
            )
        ]
    )  # fmt: skip
