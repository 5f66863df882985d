"""Views of whom the invoice is for: a company, found or written down with its tax number checked, or a person."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from karnet.faces.base.looking import looking
from karnet.faces.till import carts
from karnet.faces.till.customers import saved_customer
from karnet.faces.till.desk import Desk, in_shift
from karnet.faces.till.pool import arrivals
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused
from karnet.parties.finding import companies_called
from karnet.parties.invoicing import private_buyer_id, save_private_buyer
from karnet.parties.people import CustomerDetails, customers
from karnet.parties.persons import country_of
from karnet.parties.selectors import companies
from karnet.parties.services import CompanyDetails, save_company

SHOWN = 12


class CompanyForm(forms.Form):
    """What an invoice says of whoever pays. The tax number is checked by parties."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    tax_number = forms.CharField(label=gettext_lazy("Tax number (NIP)"), max_length=32)
    address = forms.CharField(label=gettext_lazy("Address"), max_length=400)
    country = forms.CharField(
        label=gettext_lazy("Country"), max_length=2, min_length=2, initial="PL", help_text=gettext_lazy("Two letters")
    )


class PersonForm(forms.Form):
    """What an invoice says of a person: name and address. With a phone, whoever is known already is not written twice."""

    surname = forms.CharField(label=gettext_lazy("Surname"), max_length=100)
    given_name = forms.CharField(label=gettext_lazy("First name"), max_length=100, required=False)
    phone = forms.CharField(label=gettext_lazy("Phone"), max_length=32, required=False)
    person_address = forms.CharField(label=gettext_lazy("Address"), max_length=400)


@require_http_methods(["GET", "HEAD", "POST"])
@in_shift
def buyer(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Choose whom the invoice is for: a company, a person, or nobody."""
    cart = carts.load(request)
    form, person = CompanyForm(initial={"country": "PL"}), PersonForm(initial=_known_person(request, cart))
    if request.method == "POST":
        done = request.POST.get("do", "")
        if done == "none":
            return _chosen(request, cart, None)
        if done == "choose":
            company = _uuid(request.POST.get("company", ""))
            if company is not None and companies([company]):
                return _chosen(request, cart, company)
        elif done == "new":
            form = CompanyForm(request.POST)
            company = _saved(form)
            if company is not None:
                return _chosen(request, cart, company)
        elif done == "person":
            person = PersonForm(request.POST)
            company = _saved_person(request, desk, cart, person)
            if company is not None:
                return _chosen(request, cart, company)
    searched = request.GET.get("q", "").strip()[:100]
    context = {
        "desk": desk, "cart": cart, "form": form, "person": person, "searched": searched,
        "found": list(companies([id_ for id_, _name, _number in companies_called(searched, SHOWN)]).items()),
        "order": _uuid(request.GET.get("order", "")), "for_pool": request.GET.get("for") == "pool",
    }  # fmt: skip
    return render(request, "till/buyer.html", context, status=422 if request.method == "POST" else 200)


def _saved(form: CompanyForm) -> UUID | None:
    if not form.is_valid():
        return None
    details = CompanyDetails(**form.cleaned_data)
    # One company per country and tax number: writing it down again corrects it.
    number = re.sub(r"[\s.-]", "", details.tax_number).upper().removeprefix(details.country.upper())
    company = named_id("company", details.country.upper(), number)
    answer = save_company(company, details)
    if isinstance(answer, Refused):
        wrong: dict[str, Any] = {
            "name": _("Write the name."),
            "address": _("Write the address."),
            "country": _("Write the two letters of the country, such as PL."),
            "tax_number": _("This is no valid tax number: a NIP has ten digits, and the last one checks the others."),
        }
        for field in wrong.keys() & answer.facts.keys():
            form.add_error(field, wrong[field])
        return None
    return company


def _known_person(request: HttpRequest, cart: carts.Cart) -> dict[str, str]:
    """Return what the form starts with: the customer of the sale, and the address of their last invoice."""
    known = customers([cart.customer], looking(request)).get(cart.customer) if cart.customer else None
    if known is None or known.erased_at is not None:
        return {}
    before = companies([private_buyer_id(known.id)]).get(private_buyer_id(known.id))
    return {
        "surname": known.details.surname, "given_name": known.details.given_name, "phone": known.details.phone,
        "person_address": before.address if before else "",
    }  # fmt: skip


def _saved_person(request: HttpRequest, desk: Desk, cart: carts.Cart, form: PersonForm) -> UUID | None:
    """Save the customer and what their invoice says; they are the customer of the sale from then on."""
    if not form.is_valid():
        return None
    address, details = form.cleaned_data.pop("person_address"), CustomerDetails(**form.cleaned_data)
    customer = saved_customer(request, desk, form, details, known=cart.customer)
    if customer is None:
        return None
    invoiced = CompanyDetails(
        name=details.name, tax_number="", address=address, country=country_of(desk.facility.time_zone) or "PL"
    )
    answer = save_private_buyer(customer, invoiced)
    if isinstance(answer, Refused):
        form.add_error("person_address", _("Write the address."))
        return None
    cart.customer = customer
    return answer.id


def _chosen(request: HttpRequest, cart: carts.Cart, company: UUID | None) -> HttpResponse:
    if request.GET.get("for") == "pool":
        coming = arrivals.load(request)
        coming.buyer = company
        coming.changed()
        arrivals.save(request, coming)
        return redirect("till:pool")
    cart.buyer = company
    if not cart.sold:
        cart.changed()
    carts.save(request, cart)
    order = _uuid(request.GET.get("order", ""))
    return redirect("till:order", order) if order else redirect("till:home")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
