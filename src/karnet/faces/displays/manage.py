"""Gates and their displays, for staff; managers pair displays, set them and retire them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import segno
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from karnet.access.selectors import gates as all_gates
from karnet.faces.base.access import allow, public
from karnet.faces.base.clock import now, wall_now
from karnet.faces.base.context import LANGUAGES as LANGUAGE_NAMES
from karnet.faces.base.devices import remember
from karnet.faces.base.guard import role_of
from karnet.faces.base.roles import STAFF, Role
from karnet.faces.displays import pairing
from karnet.faces.displays.screens import screen_of
from karnet.parties.selectors import all_facilities, names

USUAL = ("en", "pl", "de")


@allow(*STAFF)
@require_safe
def gates(request: HttpRequest) -> HttpResponse:
    """List the gates with their displays."""
    role = role_of(request)
    shown = {
        "places": _places(),
        "may_pair": role is Role.MANAGER,
        "may_simulate": role in (Role.SUPERVISOR, Role.MANAGER, Role.AUDITOR),
    }
    return render(request, "displays/gates.html", shown)


@allow(Role.MANAGER)
@require_http_methods(["GET", "HEAD", "POST"])
def pair(request: HttpRequest, gate: UUID) -> HttpResponse:
    """Ask how a new display is set, then show the address that makes a device this display."""
    screen = screen_of(gate, USUAL)
    if screen is None:
        return HttpResponse(status=404)
    if request.method != "POST":
        return _settings_page(request, {"screen": screen, "chosen": USUAL, "reads": False, "kind": "gate"})
    chosen, reads, kind = _asked(request)
    try:
        code = pairing.offer(gate, chosen, reads=reads, at=wall_now(), kind=kind)
    except ValueError:
        return _settings_page(
            request, {"screen": screen, "chosen": chosen, "reads": reads, "kind": kind, "wrong": True}
        )
    address = request.build_absolute_uri(reverse("displays:claim", args=[code]))
    picture = segno.make(address, error="m").svg_data_uri(scale=6, border=3, dark="#000", light="#fff")
    minutes = int(pairing.CODE_LASTS.total_seconds() // 60)
    shown = {"screen": screen, "address": address, "picture": picture, "minutes": minutes}
    return render(request, "displays/offered.html", shown)


@allow(Role.MANAGER)
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, display: UUID) -> HttpResponse:
    """Change how a display is set; it follows within a second."""
    found = next((one for one in pairing.displays(now()) if one.id == display), None)
    screen = screen_of(found.gate, found.languages) if found else None
    if found is None or screen is None:
        return HttpResponse(status=404)
    shown = {"screen": screen, "chosen": found.languages, "reads": found.reads, "kind": found.kind, "display": found}
    if request.method != "POST":
        return _settings_page(request, shown)
    chosen, reads, kind = _asked(request)
    try:
        pairing.change(display, chosen, reads=reads, kind=kind)
    except ValueError:
        return _settings_page(request, {**shown, "chosen": chosen, "reads": reads, "kind": kind, "wrong": True})
    messages.success(request, _("The display is set."))
    return redirect("displays:gates")


@allow(Role.MANAGER)
@require_POST
def retire(request: HttpRequest, display: UUID) -> HttpResponse:
    """Let a display show nothing any more."""
    pairing.retire(display, now())
    messages.success(request, _("The display is retired."))
    return redirect("displays:gates")


@public
@require_http_methods(["GET", "HEAD", "POST"])
def claim(request: HttpRequest, code: str) -> HttpResponse:
    """Make the device that opens this address a display. Asks first: a link that is only looked at pairs nothing."""
    offered = pairing.offered(code, wall_now())
    screen = screen_of(offered.gate, offered.languages) if offered else None
    if screen is None:
        return render(request, "displays/claim.html", {}, status=404)
    if request.method != "POST":
        return render(request, "displays/claim.html", {"screen": screen})
    name = _("Display of %(gate)s, %(facility)s") % {"gate": screen.gate_name, "facility": screen.facility_name}
    token = pairing.claim(code, name, wall_now())
    if token is None:
        return render(request, "displays/claim.html", {}, status=404)
    response = HttpResponseRedirect(reverse("displays:display"))
    remember(response, token, secure=request.is_secure())
    return response


def _asked(request: HttpRequest) -> tuple[list[str], bool, str]:
    chosen = [request.POST.get(f"language_{place}", "") for place in (1, 2, 3)]
    return chosen, request.POST.get("reads") == "on", request.POST.get("kind", "gate")


def _settings_page(request: HttpRequest, shown: dict[str, Any]) -> HttpResponse:
    chosen = list(zip((_("First, the largest"), _("Second"), _("Third")), shown.pop("chosen"), strict=True))
    kinds = (
        ("gate", _("The gate, on the whole screen")),
        ("split", _("The gate on one half, slides on the other")),
        ("info", _("An info point: tells of bands, lets nobody through")),
    )
    shown |= {"places": chosen, "languages": LANGUAGE_NAMES, "kinds": kinds}
    return render(request, "displays/settings.html", shown, status=422 if shown.get("wrong") else 200)


def _places() -> list[dict[str, Any]]:
    """Return facilities with gates, gates with displays."""
    found, displays = all_gates(), pairing.displays(now())
    said = names([*(gate.id for gate in found), *(gate.facility for gate in found)])
    return [
        {
            "id": facility.id,
            "name": said.get(facility.id, facility.code),
            "gates": [
                {
                    "gate": gate,
                    "name": said.get(gate.id, gate.code),
                    "displays": [display for display in displays if display.gate == gate.id],
                }
                for gate in found
                if gate.facility == facility.id
            ],
        }
        for facility in all_facilities()
        if any(gate.facility == facility.id for gate in found)
    ]
