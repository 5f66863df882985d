"""Invoices across servers: issued by the server that sold, in its own series, and handed out where the buyer stands.

What an invoice says of its buyer stays beside the record. It goes to the server that sold with the ask, which keeps it
under the same id; nobody else keeps it: of an ask that is over, only a hash of what was asked is left (asks).
"""

from __future__ import annotations

import time
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import msgspec

from karnet.federation.asks import WAIT_MS, AskHome, ask_home
from karnet.federation.core.messages import Asked
from karnet.federation.counter import asks_for_itself, counter_of, first_asked
from karnet.federation.homes import last_heard
from karnet.federation.refusals import note_refusal
from karnet.kernel import canonical
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.orders.receipts import receipt
from karnet.orders.requests import InvoiceIssued, IssueInvoice
from karnet.orders.selectors import orders
from karnet.orders.services import issue_invoices
from karnet.parties.invoicing import keep_buyer, sellers
from karnet.parties.operations import facility_id
from karnet.parties.rules import CompanyDetails
from karnet.parties.selectors import companies

_ARRIVES_S, _LOOK_S = 3.0, 0.1


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """Have another server's facility (`facility`, by code) issue the invoice of an order. `buyer`: a company, or a
    person's entry, as it is known here; `operator`, `sales_point`: who hands it out."""

    facility: str
    order: UUID
    buyer: UUID
    operator: UUID
    sales_point: UUID


class InvoiceAsked(msgspec.Struct, frozen=True, kw_only=True):
    """What the server that sold is asked: the invoice of an order for this buyer, whether it is there or not."""

    facility: str
    order: UUID
    buyer: UUID
    details: CompanyDetails
    operator: UUID
    sales_point: UUID


class InvoicedElsewhere(msgspec.Struct, frozen=True, kw_only=True, tag="invoiced_elsewhere"):
    """An invoice of another server: its number there, and the company that sold, as it stood on that day."""

    order: UUID
    number: str
    buyer: UUID
    issued_at: datetime
    seller: CompanyDetails | None = None


def invoice_elsewhere(
    request: Invoice, *, key: str, now: datetime, at: datetime, wait_ms: int = WAIT_MS, ask: AskHome = ask_home
) -> InvoicedElsewhere | Refused:
    """Have the server that sold issue an invoice. Guarantees: an order gets one; the same buyer is told the same one, however
    often it is asked. Returns as soon as its number is known here, too, or a little later. Without that server there is
    no invoice: its series has no gaps. What is refused is noted for both partners. `now`: the wall clock, `at`: that of
    the till."""
    answer = _asked(request, key, now, wait_ms, ask)
    if isinstance(answer, InvoicedElsewhere):
        _await(request.order)
        return answer
    if answer.reason is Reason.HOME_SILENT:
        answer = last_heard(answer, request.facility)
    if answer.reason is not Reason.INVOICE_DATA_MISSING:
        note_refusal(
            "invoice", answer, key=key, at=at, home=request.facility, subject=request.order, operator=request.operator,
            sales_point=request.sales_point,
        )  # fmt: skip
    return answer


def invoice_again(
    request: Invoice, *, now: datetime, wait_ms: int = WAIT_MS, ask: AskHome = ask_home
) -> InvoicedElsewhere | Refused:
    """Return an invoice that was issued, to be printed: from the home server, or as it said before (for a month)."""
    details = companies([request.buyer]).get(request.buyer)
    said = sha256(canonical.encode([request.buyer, details])).hexdigest()[:16]
    return _asked(request, f"invoice:{request.order.hex}:{said}", now, wait_ms, ask)


def _asked(request: Invoice, key: str, now: datetime, wait_ms: int, ask: AskHome) -> InvoicedElsewhere | Refused:
    details = companies([request.buyer]).get(request.buyer)
    if details is None:
        return refused(Reason.INVOICE_DATA_MISSING, field="buyer")
    asked = InvoiceAsked(
        facility=request.facility, order=request.order, buyer=request.buyer, details=details,
        operator=request.operator, sales_point=request.sales_point,
    )  # fmt: skip
    return ask(request.facility, "invoice", key, asked, InvoicedElsewhere, now=now, wait_ms=wait_ms)


def issue_for(asked: Asked, now: datetime) -> InvoicedElsewhere | Refused:
    """Issue the invoice of an order of ours for a buyer at another server's till, once; tell of it again to whoever names
    its buyer."""
    try:
        body = msgspec.json.decode(asked.body, type=InvoiceAsked)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return bad_values({"body": str(error)})
    if wrong := asks_for_itself(asked.asker, body.operator, body.sales_point):
        return wrong
    counter = counter_of(body.facility, now)
    if isinstance(counter, Refused):
        return counter
    sold = orders([body.order]).get(body.order)
    if sold is None or sold.facility != facility_id(body.facility):
        return refused(Reason.UNKNOWN_ORDER, order=str(body.order))
    if sold.invoice is None:
        kept = keep_buyer(body.buyer, body.details)
        if isinstance(kept, Refused):
            return kept
        key = f"ask:{asked.asker}:{asked.key}"
        request = IssueInvoice(
            key=key, at=first_asked(key, now), actor=counter[1], order=body.order, buyer=body.buyer
        )  # fmt: skip
        (answer,) = issue_invoices([request])
        if not isinstance(answer, InvoiceIssued) and answer.reason is not Reason.ALREADY_INVOICED:
            return answer
    return _issued(body)


def _issued(body: InvoiceAsked) -> InvoicedElsewhere | Refused:
    found = receipt(body.order)
    assert found is not None, "it was there a moment ago"
    if found.order.invoice is None or found.invoiced_at is None or found.invoice_buyer != body.buyer:
        return refused(Reason.ALREADY_INVOICED, invoice=found.order.invoice or "")
    return InvoicedElsewhere(
        order=body.order,
        number=found.order.invoice,
        buyer=body.buyer,
        issued_at=found.invoiced_at,
        seller=sellers([found.order.facility], found.invoiced_at).get(found.order.facility),
    )


def _await(order: UUID) -> None:
    """Wait until the invoice's number is known here."""
    end = time.monotonic() + _ARRIVES_S
    while time.monotonic() < end:
        known = orders([order]).get(order)
        if known is not None and known.invoice is not None:
            return
        time.sleep(_LOOK_S)
