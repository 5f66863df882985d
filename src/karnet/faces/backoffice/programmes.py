"""Benefit programmes: whose cards a facility takes, which package their issuer pays, and stopping it (SPEC S17)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from karnet.catalogue.tariffs import tariffs_in_force
from karnet.faces.backoffice.frame import (
    MANAGES,
    READS_PASSES,
    Place,
    actor_of,
    facilities,
    instant_of,
    page,
    request_key,
    sent_again,
)
from karnet.faces.backoffice.pass_kinds import SECTION, chosen_place, may_change
from karnet.faces.backoffice.pass_sheet import rate
from karnet.faces.backoffice.pass_words import kind_name
from karnet.faces.backoffice.product_form import LANGUAGES
from karnet.faces.base.access import allow
from karnet.faces.base.clock import now
from karnet.faces.base.stay_words import category_name
from karnet.faces.base.words import money, refusal
from karnet.kernel.decimals import BadDecimal, scaled
from karnet.kernel.outcomes import Refused
from karnet.parties.finding import companies_called
from karnet.parties.selectors import companies
from karnet.passes import benefits
from karnet.passes.kinds import Programme
from karnet.passes.requests import SetProgrammes
from karnet.passes.services import set_programmes

MOST_COMPANIES = 200


class ProgrammeForm(forms.Form):
    """The terms of a programme."""

    code = forms.RegexField(
        r"^[A-Za-z0-9][A-Za-z0-9._-]{0,23}$", label=_("Code"), help_text=_("What tills and lists call it: FIT.")
    )
    package = forms.ChoiceField(label=_("Package that the issuer pays"))
    vat = forms.CharField(label=_("VAT in per cent"), initial="8")
    issuer = forms.ChoiceField(
        label=_("Issuer"), required=False, help_text=_("To whom the month's list goes. The till writes companies down.")
    )

    def __init__(
        self, *arguments: Any, packages: dict[str, str], known: bool, issuer: UUID | None, **named: Any
    ) -> None:
        super().__init__(*arguments, **named)
        for language, name in LANGUAGES:
            self.fields[f"name_{language}"] = forms.CharField(
                label=_("Name") if language == "en" else name, required=language == "en", max_length=200
            )
        if known:
            self.fields["code"].widget.attrs["readonly"] = True
        package, company = self.fields["package"], self.fields["issuer"]
        assert isinstance(package, forms.ChoiceField)
        assert isinstance(company, forms.ChoiceField)
        package.choices = list(packages.items())
        company.choices = [("", _("not written down")), *_companies(issuer)]

    @property
    def name_fields(self) -> list[forms.BoundField]:
        return [self[f"name_{language}"] for language, _name in LANGUAGES]

    def clean_vat(self) -> int:
        try:
            value: int = scaled(self.cleaned_data["vat"].strip().replace(",", "."), 2)
        except BadDecimal:
            raise forms.ValidationError(gettext("Write a number such as 8 or 10.50.")) from None
        if value > 10_000:
            raise forms.ValidationError(gettext("VAT must be 0 to 100 %."))
        return value

    def programme(self, before: Programme | None) -> Programme:
        """Return the programme that was typed."""
        data = self.cleaned_data
        return Programme(
            code=before.code if before else data["code"],
            package=data["package"],
            names={one: data[f"name_{one}"] for one, _name in LANGUAGES if data[f"name_{one}"]},
            vat_bp=data["vat"],
            issuer=UUID(data["issuer"]) if data["issuer"] else None,
            stopped=before.stopped if before else False,
        )


def _companies(chosen: UUID | None) -> list[tuple[str, str]]:
    known = [(str(id_), f"{name} ({number})") for id_, name, number in companies_called("", MOST_COMPANIES)]
    if chosen is not None and str(chosen) not in dict(known):
        known += [(str(id_), one.name) for id_, one in companies([chosen]).items()]
    return known


@allow(*READS_PASSES)
@require_safe
def programmes(request: HttpRequest) -> HttpResponse:
    """Show whose benefit cards a facility takes, at what price, and whose no more."""
    places = facilities()
    chosen = chosen_place(request, places, lambda place: bool(benefits.programmes([place.id])))
    held = list(benefits.programmes([chosen.id]).values()) if chosen else []
    issuers = companies({one.issuer for one in held if one.issuer})
    prices = _packages(chosen) if chosen else {}
    shown = [
        {
            "programme": one,
            "name": kind_name(one),
            "price": prices.get(one.package, ""),
            "issuer": issuers[one.issuer].name if one.issuer in issuers else "",
        }
        for one in sorted(held, key=lambda one: (one.stopped, one.code))
    ]
    context = {
        "places": places,
        "chosen": chosen,
        "shown": shown,
        "packages": prices,
        "may_change": may_change(request),
    }
    return page(request, "programmes.html", SECTION, context)


@allow(*MANAGES)
@require_http_methods(["GET", "HEAD", "POST"])
def programme(request: HttpRequest, facility: UUID, code: str = "") -> HttpResponse:
    """Take a programme's cards (a new one without a code), or change its terms. POST with `stop`: "yes" takes its cards no
    more, "no" takes them again."""
    place = next((one for one in facilities() if one.id == facility), None)
    before = benefits.programmes([facility]).get((facility, code)) if place else None
    if place is None or (code and before is None):
        raise Http404
    packages = _packages(place)
    if before and before.package not in packages:
        packages[before.package] = gettext("no tariff in force has it")
    choices = {one: f"{one}: {price}" for one, price in packages.items()}
    settings: dict[str, Any] = {"packages": choices, "known": bool(code), "issuer": before.issuer if before else None}
    form = ProgrammeForm(initial=_values(before) if before else None, **settings)
    problem = ""
    if request.method == "POST":
        stop = request.POST.get("stop")
        if not (stop and before):
            form = ProgrammeForm(request.POST, **settings)
        if stop and before:
            problem = _set(request, place, msgspec.structs.replace(before, stopped=stop == "yes"))
        elif form.is_valid():
            made = form.programme(before)
            taken = (facility, made.code) in benefits.programmes([facility])
            if not code and taken and not sent_again(request):
                form.add_error("code", gettext("There is a programme with this code already: change that one."))
            else:
                problem = _set(request, place, made)
        if not problem and not form.errors:
            messages.success(request, gettext("Saved. Tills keep to it from now on."))
            return redirect(f"{reverse('office:programmes')}?facility={place.code}")
    context = {
        "facility": place,
        "form": form,
        "before": before,
        "problem": problem,
        "packages": packages,
        "may_change": may_change(request),
    }
    return page(request, "programme.html", SECTION, context, status=422 if problem or form.errors else 200)


def _set(request: HttpRequest, place: Place, made: Programme) -> str:
    """Record the terms; return what was refused, "" where nothing was."""
    actor = actor_of(request)
    if actor is None:
        return gettext("Your log-in belongs to no operator, and terms name who set them.")
    asked = SetProgrammes(
        key=request_key(request), at=instant_of(request), actor=actor, facility=place.id, programmes=(made,)
    )
    (answer,) = set_programmes([asked])
    return refusal(answer, place.time_zone) if isinstance(answer, Refused) else ""


def _packages(place: Place) -> dict[str, str]:
    """Return the packages of the tariffs in force, and what they cost each category: "25.00, children 18.00–20.00"."""
    found: dict[str, str] = {}
    for version in tariffs_in_force(place.id, now()).values():
        for package in version.tariff.packages:
            prices: dict[str, list[int]] = {}
            for band in package.bands:
                for category, amount in band.prices.items():
                    prices.setdefault(category, []).append(amount)
            said = ", ".join(f"{category_name(one)} {_span(amounts, place)}" for one, amounts in prices.items())
            found[package.code] = f"{found[package.code]}; {said}" if package.code in found else said
    return found


def _span(amounts: list[int], place: Place) -> str:
    low, high = money(min(amounts), place), money(max(amounts), place)
    return low if low == high else f"{low}–{high}"


def _values(before: Programme) -> dict[str, Any]:
    return {
        "code": before.code,
        "package": before.package,
        "vat": rate(before.vat_bp),
        "issuer": str(before.issuer) if before.issuer else "",
        **{f"name_{language}": name for language, name in before.names.items()},
    }
