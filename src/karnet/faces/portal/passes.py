"""What is on a pass: shown to whoever has its number and its code."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from karnet.faces.base import lockout
from karnet.faces.base.access import public
from karnet.faces.base.clock import now, wall_now
from karnet.faces.base.views import client_address
from karnet.faces.portal.words import LineShown, kind_name, purse_name, shown
from karnet.passes.codes import passes_with_code
from karnet.passes.selectors import PassView, passes, statement


class Look(forms.Form):
    """The number printed on the card, and the code of the slip."""

    number = forms.CharField(max_length=64, label=gettext_lazy("Number on the card"))
    code = forms.CharField(
        max_length=12,
        label=gettext_lazy("Code"),
        help_text=gettext_lazy("Six digits, on the slip that came with the pass"),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )


@public
@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def balance(request: HttpRequest) -> HttpResponse:
    """Ask for number and code; show what is on the pass. Changes nothing, and keeps nobody signed in."""
    form = Look(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "portal/pass.html", {"form": form}, status=422 if request.method == "POST" else 200)
    number, code = form.cleaned_data["number"].strip(), form.cleaned_data["code"].replace(" ", "")
    name, address = f"pass {number}", client_address(request)
    if not lockout.may_try(name, address, wall_now()):
        minutes = int(lockout.WINDOW.total_seconds() // 60)
        form.add_error(None, _("Too many tries. Wait %(minutes)s minutes, or ask at the till.") % {"minutes": minutes})
        return render(request, "portal/pass.html", {"form": form}, status=429)
    found = passes_with_code(number, code)
    if not found:
        form.add_error(
            None, _("Number and code do not belong together. Check both, or ask at the till for a new code.")
        )
        return render(request, "portal/pass.html", {"form": form}, status=422)
    lockout.succeeded(name, address)
    at = now()
    seen = [_told(view) for view in passes(found, at).values()]
    return render(request, "portal/pass.html", {"form": Look(), "passes": seen, "at": at})


def _told(view: PassView) -> dict[str, Any]:
    lines: list[LineShown] = [shown(line, view) for line in reversed(statement(view.id, limit=100))]
    return {
        "view": view,
        "name": kind_name(view.kind),
        "money": [(purse_name(purse), purse.available) for purse in view.purses if purse.unit == "money"],
        "credits": [(purse_name(purse), purse.available) for purse in view.purses if purse.unit == "credits"],
        "held": sum(purse.held for purse in view.purses if purse.unit == "money"),
        "lines": lines,
    }
