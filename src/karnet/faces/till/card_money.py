"""Views of the money on cards at the till: paying a sale with it, putting more on (SPEC N10)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from karnet.entitlements.rules import MediumState
from karnet.faces.base import words as base_words
from karnet.faces.till import amounts, carts
from karnet.faces.till.asking import ask
from karnet.faces.till.cards import act_on_card, bad_field
from karnet.faces.till.desk import Desk, in_shift
from karnet.faces.till.screen import show, totals
from karnet.faces.till.selling import changed_meanwhile, find_card, take
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.orders.charging import LoadMoney, load, money_on
from karnet.orders.operations import Payment


@require_POST
@in_shift
def pay_from_card(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Take the money on a card for the sale: the amount written, or as much of what is due as there is on it."""
    cart = carts.load(request)
    if (answer := changed_meanwhile(request, desk, cart)) is not None:
        return answer
    currency, due = desk.facility.currency, totals(cart).due
    number = request.POST.get("card", "").strip()[:64]
    medium = find_card(number) if number else None
    if medium is None:
        if not number:
            return show(request, desk, cart, note=_("Scan the card that pays."), status=422)
        return show(request, desk, cart, refusal=refused(Reason.UNKNOWN_MEDIUM, number=number))
    before = next((one.amount for one in cart.payments if one.medium == medium.id), 0)
    left = sum(money_on(medium.number, currency) or (0, 0)) - before
    entered = request.POST.get("amount", "").strip()
    amount = amounts.minor_units(entered, currency) if entered else min(due, left)
    if amount is None or due <= 0:
        return show(request, desk, cart, note=_("Write an amount such as 200 or 12.50."), status=422)
    if amount > left or not left:
        # What is taken in part is only taken when the sale is made; whether it suffices is better known now.
        short = refused(Reason.INSUFFICIENT_FUNDS, available_minor=left, needed_minor=amount or due, currency=currency)
        return show(request, desk, cart, refusal=short)
    if not 0 < amount <= due:
        return show(request, desk, cart, note=_("That is more than is due. Only cash gets change."), status=422)
    others = [one for one in cart.payments if one.medium != medium.id]
    payment = Payment(kind="stored_money", amount=before + amount, medium=medium.id)
    return take(request, desk, cart, (*others, payment), settled=amount == due)


@require_POST
@in_shift
def put_money_on(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Put money on a card. It is spent at any facility of the card, at tills and on what they charge."""
    amount = amounts.minor_units(request.POST.get("amount", ""), desk.facility.currency)
    kind: Any = request.POST.get("kind", "cash")

    def act(medium: MediumState, key: str) -> Refused | str:
        if not amount:
            return bad_field("amount")
        answer = ask(
            load,
            lambda at: LoadMoney(
                key=key, at=at, actor=desk.operator.id, sales_point=desk.place, number=medium.number, amount=amount,
                payment=kind,
            ),
        )  # fmt: skip
        if isinstance(answer, Refused):
            return answer
        there = base_words.money(answer.money + answer.bonus, desk.facility)
        return _("%(amount)s is on the card now.") % {"amount": there}

    return act_on_card(request, desk, act)
