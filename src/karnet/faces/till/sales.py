"""Views of sales that were made: look, reprint, return, invoice."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from karnet.catalogue.selectors import product_versions
from karnet.entitlements.rules import unused
from karnet.entitlements.selectors import entitlements, media
from karnet.faces.base import words as base_words
from karnet.faces.base.looking import looking
from karnet.faces.till import carts, elsewhere, papers
from karnet.faces.till.asking import ask, key_of
from karnet.faces.till.desk import Desk, at_desk, in_shift
from karnet.faces.till.printing import papers_of
from karnet.faces.till.words import CATEGORIES, PAYMENTS, called, line_name
from karnet.federation.invoices import InvoicedElsewhere
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.orders.elsewhere import paid_lines
from karnet.orders.receipts import Receipt, last_orders, receipt
from karnet.orders.requests import GiveBack, InvoiceIssued, IssueInvoice
from karnet.orders.selectors import order_id
from karnet.orders.services import give_back, issue_invoices
from karnet.parties.people import customers
from karnet.parties.selectors import companies

SHOWN = 30


@require_safe
@at_desk
def orders(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The last sales of this till, and any sale by its number: of this facility, else of the others."""
    number = request.GET.get("number", "").strip()[:64]
    missing, others = None, []
    if number:
        found = order_id(desk.facility.id, number)
        if found is not None:
            return redirect("till:order", found)
        others = elsewhere.called_elsewhere(number, desk)
        missing = None if others else refused(Reason.UNKNOWN_ORDER, order=number)
    listed = last_orders(desk.point.id, SHOWN) if desk.point else []
    context = {"desk": desk, "orders": listed, "number": number, "refusal": missing, "others": others}
    return render(request, "till/orders.html", context, status=404 if missing else 200)


@require_safe
@at_desk
def order(request: HttpRequest, desk: Desk, order: UUID) -> HttpResponse:
    """The receipt on screen, with what can be returned of it."""
    return _show(request, desk, _receipt(order))


@require_POST
@in_shift
def back(request: HttpRequest, desk: Desk, order: UUID) -> HttpResponse:
    """Return lines, and cards with them."""
    sold = _receipt(order)
    chosen = set(request.POST.getlist("line"))
    lines = tuple(line.id for line in sold.lines if str(line.id) in chosen)
    cards = tuple(number[:64] for number in request.POST.getlist("card") if number)
    if not lines and not cards:
        return _show(request, desk, sold, note=_("Choose what comes back."), status=422)
    kind: Any = request.POST.get("kind", "cash")
    seller = elsewhere.seller_of(sold, desk)
    if seller is not None and seller.away and lines:
        answer = elsewhere.refund(request, desk, sold, seller, lines, cards)
    else:
        answer = ask(
            give_back,
            lambda at: GiveBack(
                key=key_of(request), at=at, actor=desk.operator.id, sales_point=desk.place,
                order=sold.order.id if lines else None, lines=lines, cards=cards, refund_kind=kind,
            ),
        )  # fmt: skip
    if isinstance(answer, Refused):
        return _show(request, desk, sold, refusal=answer, again=_again(request, answer), status=422)
    amount = base_words.money(answer.refund - answer.to_cards, desk.facility)
    done = (
        _("Pay out %(amount)s") % {"amount": amount} if kind == "cash" else _("Refund %(amount)s") % {"amount": amount}
    )
    if answer.to_cards:
        on_card = base_words.money(answer.to_cards, desk.facility)
        done += " · " + _("%(amount)s is back on the card that paid") % {"amount": on_card}
    return _show(request, desk, _receipt(order), done=done)


@require_POST
@in_shift
def invoice_now(request: HttpRequest, desk: Desk, order: UUID) -> HttpResponse:
    """Issue the invoice of a sale afterwards, to the company chosen for it."""
    sold = _receipt(order)
    buyer = carts.load(request).buyer or sold.order.buyer
    seller = elsewhere.seller_of(sold, desk)
    answer: InvoiceIssued | InvoicedElsewhere | Refused
    if seller is not None and seller.away and buyer is not None:
        answer = elsewhere.invoice(request, desk, sold, seller, buyer)
    else:
        answer = ask(
            issue_invoices,
            lambda at: IssueInvoice(key=key_of(request), at=at, actor=desk.operator.id, order=order, buyer=buyer),
        )
    if isinstance(answer, Refused):
        return _show(request, desk, sold, refusal=answer, again=_again(request, answer), status=422)
    cart = carts.load(request)
    cart.buyer = None
    carts.save(request, cart)
    return _show(request, desk, _receipt(order), done=_("Invoice %(number)s") % {"number": answer.number})


@require_safe
@at_desk
def receipt_paper(request: HttpRequest, desk: Desk, order: UUID) -> HttpResponse:
    """The receipt as PDF."""
    sold = _receipt(order)
    return _pdf(papers.receipt(desk, sold), sold.order.number)


@require_safe
@at_desk
def invoice_paper(request: HttpRequest, desk: Desk, order: UUID) -> HttpResponse:
    """The invoice as PDF."""
    sold = _receipt(order)
    buyer = companies([sold.invoice_buyer]).get(sold.invoice_buyer) if sold.invoice_buyer else None
    if sold.order.invoice is None or buyer is None or sold.invoice_buyer is None:
        raise Http404
    seller, company = elsewhere.seller_of(sold, desk), None
    if seller is not None and seller.away:
        if desk.point is None:
            return redirect("till:shift")
        said = elsewhere.printed(desk, sold, seller, sold.invoice_buyer)
        if isinstance(said, Refused):
            return _show(request, desk, sold, refusal=said, status=422)
        company = said.seller
    return _pdf(papers.invoice(desk, sold, buyer, company), sold.order.invoice)


def _pdf(pdf: bytes, number: str) -> HttpResponse:
    name = number.replace("/", "-")
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"', "Cache-Control": "no-store"}
    return HttpResponse(pdf, content_type="application/pdf", headers=headers)


def _again(request: HttpRequest, answer: Refused) -> str:
    # Nobody answered: the same form again is the same request, so that nothing is done twice.
    return request.POST.get("key", "") if answer.reason in _UNHEARD else ""


_UNHEARD = (Reason.HOME_SILENT, Reason.ALONE_LIMIT, Reason.CARD_NEEDED_BACK)


def _receipt(order: UUID) -> Receipt:
    found = receipt(order)
    if found is None:
        raise Http404
    return found


def _show(
    request: HttpRequest,
    desk: Desk,
    sold: Receipt,
    *,
    refusal: Refused | None = None,
    note: str = "",
    done: str = "",
    again: str = "",
    status: int = 200,
) -> HttpResponse:
    versions = product_versions({line.product for line in sold.lines})
    tickets = entitlements({line.entitlement for line in sold.lines if line.entitlement})
    cards = media({ticket.medium for ticket in tickets.values()})
    # What was ticked stays so when it is refused: the cashier mends it and sends it again.
    ticked, ticked_cards = (set(request.POST.getlist(name)) if refusal else set() for name in ("line", "card"))
    paid = paid_lines([sold.order.id])  # The word of the server that sold may still be under way.
    lines = []
    for line in sold.lines:
        ticket = tickets.get(line.entitlement) if line.entitlement else None
        lines.append(
            {
                "line": line,
                "name": line_name(line.product_code, line.product, versions),
                "category": called(CATEGORIES, line.category) if ticket else "",
                "card": cards[ticket.medium].number if ticket and ticket.medium in cards else "",
                "used": ticket is not None and not unused(ticket),
                "ticked": str(line.id) in ticked,
                "back": line.back or line.id in paid,
            }
        )
    issued = sorted({medium.number for medium in cards.values() if medium.state == "in_use"})
    buyer = companies([sold.order.buyer]).get(sold.order.buyer) if sold.order.buyer else None
    chosen = carts.load(request).buyer
    person = sold.order.customer
    context = {
        "customer": customers([person], looking(request)).get(person) if person else None,
        "desk": desk, "sold": sold, "lines": lines, "cards": issued, "refusal": refusal, "note": note, "done": done,
        "payments": [(called(PAYMENTS, payment.kind), payment) for payment in sold.payments], "buyer": buyer,
        "here": sold.order.facility == desk.facility.id, "seller": elsewhere.seller_of(sold, desk), "again": again,
        "unpaid": elsewhere.let_and_unpaid(sold, desk), "ticked_cards": ticked_cards, "papers": papers_of(sold.order.id),
        "chosen": companies([chosen]).get(chosen) if chosen else buyer,
    }  # fmt: skip
    return render(request, "till/order.html", context, status=status)
