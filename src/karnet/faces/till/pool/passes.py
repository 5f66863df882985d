"""Views of electronic passes at the desk: what is on one, sold with its first top-up, topped up (SPEC S7–S11)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from karnet.faces.base import words as base_words
from karnet.faces.base.clock import now
from karnet.faces.till import amounts
from karnet.faces.till.asking import ask, key_of
from karnet.faces.till.desk import Desk, in_shift
from karnet.faces.till.pool import pass_page
from karnet.faces.till.selling import find_card
from karnet.faces.till.words import PASS_BLOCKS, PURSES, called
from karnet.kernel.outcomes import Refused
from karnet.orders.operations import Payment
from karnet.passes.kinds import PassKind
from karnet.passes.requests import PassNow, SellPass, TopUpPass
from karnet.passes.selectors import PassView, kinds_offered, pass_by_number
from karnet.passes.selling import quote
from karnet.passes.services import sell, top_up

PAID_WITH = ("cash", "card", "bank_transfer", "voucher")


class TopUp(NamedTuple):
    """What one may put on: an amount or a pack (`code`), the bonus it brings, what is to be paid in all; minor units."""

    code: str
    name: str
    bonus: int
    total: int


class Chosen(NamedTuple):
    """What a form asks to put on: an amount or a pack."""

    amount: int = 0
    pack: str = ""


@require_safe
@in_shift
def show_pass(request: HttpRequest, desk: Desk) -> HttpResponse:
    """A pass by its card; a card without one may get one."""
    return show(request, desk, request.GET.get("number", "").strip()[:64])


@require_POST
@in_shift
def sell_pass(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Sell a pass on the card that was read, with its first top-up; a new card is given out with it."""
    number = request.POST.get("number", "").strip()[:64]
    kind = next((one for one in kinds_offered(desk.facility.id) if one.code == request.POST.get("kind")), None)
    chosen = _chosen(request, desk)
    if kind is None or chosen is None or not number:
        return show(request, desk, number, note=_("Choose what is put on the pass."), status=422)
    medium = find_card(number)
    new = medium is None or medium.state == "returned"
    due = quote(
        kind, amount=chosen.amount, pack=chosen.pack, new_card=new, contract=kind.contract is not None
    ).total_minor
    printed, chip = (medium.number, medium.chip) if medium else (number, "")
    paid = paid_with(request, due)
    answer: PassNow | Refused = ask(
        sell,
        lambda at: SellPass(
            key=key_of(request), at=at, actor=desk.operator.id, sales_point=desk.place, kind=kind.code, number=printed,
            chip=chip, amount=chosen.amount, pack=chosen.pack, payments=paid,
        ),
    )  # fmt: skip
    return _answered(request, desk, printed, answer, due)


@require_POST
@in_shift
def top_up_pass(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Put money or a pack on a pass."""
    number, chosen = request.POST.get("number", "").strip()[:64], _chosen(request, desk)
    known = pass_by_number(number, desk.facility.id, now()) if number else None
    if known is None or chosen is None:
        return show(request, desk, number, note=_("Choose what is put on the pass."), status=422)
    due = quote(known.kind, amount=chosen.amount, pack=chosen.pack).total_minor
    paid = paid_with(request, due)

    def asked(at: datetime) -> TopUpPass:
        return TopUpPass(
            key=key_of(request), at=at, actor=desk.operator.id, sales_point=desk.place, number=known.number,
            amount=chosen.amount, pack=chosen.pack, payments=paid,
        )  # fmt: skip

    return _answered(request, desk, known.number, ask(top_up, asked), due)


def _chosen(request: HttpRequest, desk: Desk) -> Chosen | None:
    """Return what was tapped ("amount:10000", "pack:ten") or typed; None for neither."""
    what, _colon, value = request.POST.get("choice", "").partition(":")
    if what == "pack" and value:
        return Chosen(pack=value)
    if what == "amount" and value.isdecimal():
        return Chosen(amount=int(value))
    if what == "contract":
        return Chosen()
    typed = amounts.minor_units(request.POST.get("amount", ""), desk.facility.currency)
    return Chosen(amount=typed) if typed else None


def paid_with(request: HttpRequest, due: int) -> tuple[Payment, ...]:
    """Return the payment of what is due, as the button that was pressed says: cash where it says nothing known."""
    kind: Any = request.POST.get("kind_paid", "cash")
    return (Payment(kind=kind if kind in PAID_WITH else "cash", amount=due),) if due else ()


def _answered(request: HttpRequest, desk: Desk, number: str, answer: PassNow | Refused, due: int) -> HttpResponse:
    if isinstance(answer, Refused):
        return show(request, desk, number, refusal=answer, status=422)
    done = _("Take %(amount)s. It is on the pass.") % {"amount": base_words.money(due, desk.facility)}
    if answer.bonus:
        bonus = base_words.money(answer.bonus, desk.facility)
        done = _("Take %(amount)s. It is on the pass, with a bonus of %(bonus)s.") % {
            "amount": base_words.money(due, desk.facility), "bonus": bonus,
        }  # fmt: skip
    return show(request, desk, number, done=done, order=answer.order)


def show(request: HttpRequest, desk: Desk, number: str, *, status: int = 200, **told: Any) -> HttpResponse:
    """Answer with the page of a pass, or of the card that is to be one. `told`: what is said on top of it (`done`, `order`,
    `note`, `refusal`, `code`)."""
    known = pass_by_number(number, desk.facility.id, now()) if number else None
    medium = find_card(number) if number and known is None else None
    kinds = [] if known else kinds_offered(desk.facility.id)
    new = medium is None or medium.state == "returned"
    context = {
        "desk": desk, "number": number, "known": known, "new": new,
        "name": kind_name(known.kind) if known else "",
        "purses": _purses(known) if known else [], "blocks": [called(PASS_BLOCKS, code) for code in known.blocks] if known else [],
        "choices": _choices(known.kind) if known else [],
        "offers": [(one, kind_name(one), _choices(one, new_card=new)) for one in kinds] if number else [],
        "order": told.pop("order", None), **(pass_page.of(request, known, desk) if known else {}), **told,
    }  # fmt: skip
    return render(request, "till/pool/passes.html", context, status=status)


def _choices(kind: PassKind, *, new_card: bool = False) -> list[TopUp]:
    """Return what may be put on a pass of a kind; on a new card its price, and an open pass's first instalment, come along."""
    contract = kind.contract is not None and new_card
    found = []
    for amount in kind.amounts:
        asked = quote(kind, amount=amount, new_card=new_card, contract=contract)
        found.append(TopUp(f"amount:{amount}", "", asked.bonus_minor, asked.total_minor))
    for pack in kind.packs:
        asked = quote(kind, pack=pack.code, new_card=new_card, contract=contract)
        found.append(TopUp(f"pack:{pack.code}", pack.code, asked.bonus_minor, asked.total_minor))
    if contract and not found:
        found.append(TopUp("contract:", "", 0, quote(kind, new_card=True, contract=True).total_minor))
    return found


def _purses(known: PassView) -> list[dict[str, Any]]:
    return [
        {"name": called(PURSES, purse.code), "purse": purse, "money": purse.unit == "money"} for purse in known.purses
    ]


def kind_name(kind: PassKind) -> str:
    """Return what a kind of pass is called in the reader's language, else in English, else its code."""
    return kind.names.get(base_words.language()) or kind.names.get("en") or kind.code
