"""A person: what is kept of them, their cards and orders; corrected, exported and erased. Every look is noted."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language_info, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from karnet.access.selectors import passages_of
from karnet.entitlements.selectors import holdings, media_held_by
from karnet.faces.backoffice.frame import LOOKS, facilities, gate_titles, page
from karnet.faces.base.access import allow
from karnet.faces.base.clock import now
from karnet.faces.base.looking import looking
from karnet.faces.base.words import refusal
from karnet.journal.browsing import refusals_about
from karnet.kernel.outcomes import Refused
from karnet.kernel.reason_words import LANGUAGES
from karnet.orders.selectors import invoiced_to, orders, orders_of_customers
from karnet.parties.invoicing import forget_private_buyer, private_buyer_id
from karnet.parties.people import (
    CustomerDetails,
    KnownCustomer,
    customers,
    erase_person,
    export_person,
    looks_at,
    save_customer,
)
from karnet.parties.persons import country_of
from karnet.parties.selectors import companies

_MOST_ORDERS = 100
_TONGUES = [("", "–"), *((code, get_language_info(code)["name_local"]) for code in LANGUAGES)]


class PersonForm(forms.Form):
    """What is kept of a person. Parties check it."""

    surname = forms.CharField(label=gettext_lazy("Surname"), max_length=100, required=False)
    given_name = forms.CharField(label=gettext_lazy("First name"), max_length=100, required=False)
    phone = forms.CharField(label=gettext_lazy("Phone"), max_length=32, required=False)
    email = forms.CharField(label=gettext_lazy("E-mail"), max_length=254, required=False)
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=_TONGUES, required=False)


@allow(*LOOKS)
@require_http_methods(["GET", "HEAD", "POST"])
def person(request: HttpRequest, customer: UUID) -> HttpResponse:
    """Show a person; correct what is kept of them."""
    known = _known(request, customer)
    form = PersonForm(request.POST or None, initial=msgspec.structs.asdict(known.details))
    if request.method == "POST" and form.is_valid() and _saved(request, customer, form):
        messages.success(request, _("Saved."))
        return redirect("office:person", customer)
    held = media_held_by([customer])[customer]
    bought = orders_of_customers([customer], _MOST_ORDERS)[customer]
    found = orders(bought)
    context = {
        "known": known,
        "form": form,
        "cards": held,
        "orders": [found[order] for order in bought],
        "looks": looks_at(customer),
        "zone": _zone(),
    }
    return page(request, "person.html", "office:search", context, status=422 if form.errors else 200)


def _saved(request: HttpRequest, customer: UUID, form: PersonForm) -> bool:
    answer = save_customer(customer, CustomerDetails(**form.cleaned_data), looking(request), country_of(_zone()))
    if not isinstance(answer, Refused):
        return True
    wrong = {
        "surname": _("Write a surname or a phone number."),
        "phone": _("This is no phone number. One of another country starts with +."),
        "email": _("This is no e-mail address."),
    }
    for field in wrong.keys() & answer.facts.keys():
        form.add_error(field, wrong[field])
    if not form.errors:
        form.add_error(None, refusal(answer))
    return False


@allow(*LOOKS)
@require_safe
def export(request: HttpRequest, customer: UUID) -> HttpResponse:
    """Everything held about a person, as a JSON file."""
    data = everything(request, customer)
    headers = {
        "Content-Disposition": f'attachment; filename="person-{str(customer)[:8]}.json"',
        "Cache-Control": "no-store",
    }
    body = msgspec.json.format(msgspec.json.encode(data, order="sorted"), indent=2)
    return HttpResponse(body, content_type="application/json", headers=headers)


def everything(request: HttpRequest, customer: UUID) -> dict[str, Any]:
    """Return everything held about a person: what parties keep, their orders, their cards with tickets, passages and
    refusals. Raises Http404 for somebody unknown."""
    person = export_person(customer, looking(request))
    if person is None:
        raise Http404
    bought = orders_of_customers([customer], 10_000)[customer]
    found = orders(bought)
    held = media_held_by([customer])[customer]
    tickets = holdings([medium.id for medium in held]) if held else {}
    passed = passages_of([ticket.id for some in tickets.values() for ticket in some])
    gates = gate_titles()
    return {
        "exported_at": now(),
        "person": person.customer,
        "invoices_made_out_to": companies([private_buyer_id(customer)]).get(private_buyer_id(customer)),
        "looks": person.looks,
        "orders": [found[order] for order in bought],
        "cards": [
            {
                "card": medium,
                "tickets": tickets[medium.id],
                "passages": [
                    {"at": one.at, "gate": gates.get(one.gate, str(one.gate)), "direction": one.direction}
                    for one in passed
                    if one.medium == medium.id
                ],
                "refusals": [
                    {"at": one.at, "gate": gates.get(one.place, "") if one.place else "", "reason": one.answer.reason}
                    for one in refusals_about(medium.id, 1_000)
                ],
            }
            for medium in held
        ],
    }


@allow(*LOOKS)
@require_POST
def erase(request: HttpRequest, customer: UUID) -> HttpResponse:
    """Erase a person for good, once whoever asks has confirmed it."""
    _known(request, customer)
    if request.POST.get("sure") != "yes":
        messages.error(request, _("Nothing was erased: tick that you are sure."))
    else:
        erase_person(customer, looking(request))
        # An invoice that was issued says whom it was for as long as tax law wants; else nothing of them stays.
        if not invoiced_to(private_buyer_id(customer)):
            forget_private_buyer(customer)
        messages.success(request, _("Erased. The record still holds what happened, and no longer to whom."))
    return redirect("office:person", customer)


def _known(request: HttpRequest, customer: UUID) -> KnownCustomer:
    known = customers([customer], looking(request)).get(customer)
    if known is None:
        raise Http404
    return known


def _zone() -> str:
    places = facilities()
    return places[0].time_zone if places else "UTC"
