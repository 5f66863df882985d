"""Views of people at the till: who buys, who holds a card. Surname and phone are enough, and nobody has to be asked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from karnet.entitlements.requests import NameHolder
from karnet.entitlements.rules import MediumState
from karnet.entitlements.services import name_holders
from karnet.faces.base.looking import looking
from karnet.faces.till import carts
from karnet.faces.till.asking import ask, key_of
from karnet.faces.till.desk import Desk, in_shift
from karnet.faces.till.selling import find_card
from karnet.kernel.ids import derived_id
from karnet.kernel.outcomes import Refused
from karnet.parties.people import (
    CustomerDetails,
    customers,
    find_customers,
    known_customers,
    same_customer,
    save_customer,
)
from karnet.parties.persons import country_of

SHOWN = 8


class CustomerForm(forms.Form):
    """A customer in as few words as will do: surname or phone. The phone is checked by parties."""

    surname = forms.CharField(
        label=gettext_lazy("Surname"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}),
    )
    phone = forms.CharField(
        label=gettext_lazy("Phone"),
        max_length=32,
        required=False,
        widget=forms.TextInput(attrs={"type": "tel", "inputmode": "tel", "autocomplete": "off"}),
    )
    given_name = forms.CharField(label=gettext_lazy("First name"), max_length=100, required=False)


@require_http_methods(["GET", "HEAD", "POST"])
@in_shift
def customer(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Choose who buys, or ("card" in the address) who holds a card: somebody known, somebody new, or nobody."""
    number = request.GET.get("card", "").strip()[:64]
    medium = find_card(number) if number else None
    form, refusal, status = CustomerForm(), None, 200
    if request.method == "POST":
        status = 422
        chosen, form = _chosen(request, desk, form)
        if chosen is not None:
            answer = _hold(request, desk, medium, chosen or None) if medium else _buy(request, chosen or None)
            if not isinstance(answer, Refused):
                return answer
            refusal = answer
    searched = request.GET.get("q", "").strip()[:100]
    cart = carts.load(request)
    context = {
        "desk": desk, "form": form, "refusal": refusal, "searched": searched, "medium": medium,
        "found": find_customers(searched, looking(request), SHOWN) if searched else [],
        "somebody": medium.holder if medium else cart.customer,
    }  # fmt: skip
    return render(request, "till/customer.html", context, status=status)


Nobody = str


def _chosen(request: HttpRequest, desk: Desk, form: CustomerForm) -> tuple[UUID | Nobody | None, CustomerForm]:
    """Return who was chosen ("" = nobody, None = no choice was made), and the form with what is wrong with it."""
    done = request.POST.get("do", "")
    if done == "none":
        return "", form
    if done == "choose":
        asked = _uuid(request.POST.get("customer", ""))
        return (asked if asked and known_customers([asked]) else None), form
    if done == "new":
        form = CustomerForm(request.POST)
        return _saved(request, desk, form), form
    return None, form


def _saved(request: HttpRequest, desk: Desk, form: CustomerForm) -> UUID | None:
    return saved_customer(request, desk, form, CustomerDetails(**form.cleaned_data)) if form.is_valid() else None


def saved_customer(
    request: HttpRequest, desk: Desk, form: forms.Form, details: CustomerDetails, known: UUID | None = None
) -> UUID | None:
    """Save the customer that a form names, `known` or new, and return the id; None with the form's errors filled in.

    Whoever has this surname and this phone is known already: nobody gets two entries by being asked twice.
    """
    key, look, country = key_of(request), looking(request), country_of(desk.facility.time_zone)
    if not key:
        return None
    kept = customers([known], look).get(known) if known is not None else None
    if kept is not None and (
        kept.erased_at is not None or kept.details.surname.casefold() != details.surname.strip().casefold()
    ):
        kept = None  # Somebody else was written over the customer of the sale: that is another person.
    if kept is not None:
        details = msgspec.structs.replace(details, email=kept.details.email, language=kept.details.language)
    elif (same := same_customer(details, country)) is not None:
        return same
    chosen = kept.id if kept is not None else derived_id(look.at, key, "customer")
    answer = save_customer(chosen, details, look, country)
    if not isinstance(answer, Refused):
        return answer.id
    wrong: dict[str, Any] = {
        "surname": _("Write a surname or a phone number."),
        "phone": _("This is no phone number. One of another country starts with +."),
    }
    for field in wrong.keys() & answer.facts.keys():
        form.add_error(field, wrong[field])
    return None


def _buy(request: HttpRequest, chosen: UUID | Nobody | None) -> HttpResponse:
    cart = carts.load(request)
    cart.customer = chosen if isinstance(chosen, UUID) else None
    if not cart.sold:
        cart.changed()
    carts.save(request, cart)
    return redirect("till:home")


def _hold(
    request: HttpRequest, desk: Desk, medium: MediumState, chosen: UUID | Nobody | None
) -> HttpResponse | Refused:
    who = chosen if isinstance(chosen, UUID) else None
    answer = ask(
        name_holders,
        lambda at: NameHolder(
            key=key_of(request), at=at, actor=desk.operator.id, medium=medium.id, customer=who, sales_point=desk.place
        ),
    )
    if isinstance(answer, Refused):
        return answer
    query = QueryDict(mutable=True)
    query["number"] = medium.number
    return redirect(f"{reverse('till:card')}?{query.urlencode()}")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
