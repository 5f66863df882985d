"""The gate simulator: a shelf of cards, a gate, a tap, a turn. What it does is real: points are taken."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from karnet.access.selectors import gates
from karnet.catalogue.selectors import product_versions
from karnet.entitlements.rules import Holding, MediumState
from karnet.entitlements.selectors import holdings, last_sold_media, media, media_by_number
from karnet.faces.base.access import allow
from karnet.faces.base.clock import now
from karnet.faces.base.roles import Role
from karnet.faces.base.stay_words import zone_name
from karnet.faces.base.words import language, moment, money, refusal
from karnet.faces.displays import news, scanning, words
from karnet.faces.displays.screens import Screen, chosen_languages, mark_of, render_scene, screen_of
from karnet.kernel.outcomes import Refused
from karnet.parties.selectors import all_facilities, names
from karnet.stays.bills import Standing, standings
from karnet.stays.selectors import borders, latest_stays, stays_on

SHELF = 24


class OnCard(NamedTuple):
    """A card on the shelf: its number, its tickets in a line, and the category to check, if any."""

    number: str
    tickets: str
    category: str


@allow(Role.SUPERVISOR, Role.MANAGER)
@require_safe
def simulator(request: HttpRequest) -> HttpResponse:
    """Show the shelf and the gate that the address names, else the first one."""
    choices = _choices()
    if not choices:
        return render(request, "displays/simulator.html", {"choices": choices})
    known = {str(gate["id"]) for place in choices for gate in place["gates"]}
    asked = request.GET.get("gate", "")
    screen = _screen(request, UUID(asked) if asked in known else choices[0]["gates"][0]["id"])
    languages = ",".join(screen.languages)
    at = now()
    border = borders([screen.gate.id]).get(screen.gate.id)
    shown = {
        "choices": choices,
        "screen": screen,
        "border": border[1] if border else screen.section,
        "cards": _bands(screen, at) if border or screen.section else _shelf(last_sold_media(SHELF), screen),
        "news": reverse("displays:preview-news", args=[screen.gate.id]) + f"?languages={languages}",
        "mark": mark_of(screen, at),
    }
    return render(request, "displays/simulator.html", shown)


@allow(Role.SUPERVISOR, Role.MANAGER)
@require_POST
def tap(request: HttpRequest, gate: UUID) -> HttpResponse:
    """Hold a card to the gate's reader: by the number printed on it; a number nobody knows is read as a chip."""
    screen = _screen(request, gate)
    number, key = request.POST.get("number", "").strip(), request.POST.get("key", "")
    if not 0 < len(number) <= scanning.MAX_CHIP or not 0 < len(key) <= scanning.MAX_KEY:
        return HttpResponse(status=422)
    medium = media_by_number([number]).get(number)
    actor: UUID = request.user.operator_id or gate  # type: ignore[union-attr]
    scene = scanning.scan(screen.gate, medium.chip if medium else number, key=key, at=now(), actor=actor)
    return HttpResponse(
        render_scene(screen, scene)
        + render_to_string("displays/turning.html", {"screen": screen, "scene": scene, "number": number}, request)
        + (_band_again(screen, medium) if screen.section or borders([gate]) else _card_again(screen, medium))
    )


@allow(Role.SUPERVISOR, Role.MANAGER)
@require_POST
def turn(request: HttpRequest, gate: UUID, grant: UUID) -> HttpResponse:
    """Turn the gate's bars, or leave without turning them."""
    screen = _screen(request, gate)
    number, key = request.POST.get("number", ""), request.POST.get("key", "")
    if not 0 < len(key) <= scanning.MAX_KEY:
        return HttpResponse(status=422)
    at = now()
    answer = scanning.report(screen.gate, grant, taken=request.POST.get("taken") == "yes", key=key, at=at)
    told = refusal(answer, screen.facility, now()) if isinstance(answer, Refused) else ""
    scene = news.latest(gate, at)
    return HttpResponse(
        (render_scene(screen, scene) if scene else "")
        + render_to_string("displays/turning.html", {"screen": screen, "told": told}, request)
        + _card_again(screen, media_by_number([number]).get(number))
    )


def _screen(request: HttpRequest, gate: UUID) -> Screen:
    screen = screen_of(gate, chosen_languages(request, language()))
    if screen is None:
        raise Http404
    return screen


def _choices() -> list[dict[str, Any]]:
    """Return the facilities that have gates, each with them."""
    found = gates()
    said = names([*(gate.id for gate in found), *(gate.facility for gate in found)])
    places = [
        {
            "name": said.get(facility.id, facility.code),
            "gates": [
                {"id": gate.id, "name": said.get(gate.id, gate.code)} for gate in found if gate.facility == facility.id
            ],
        }
        for facility in all_facilities()
    ]
    return [place for place in places if place["gates"]]


def _bands(screen: Screen, at: datetime) -> list[OnCard]:
    """Return the bands of who came last: where they are, what it costs so far."""
    people = latest_stays(screen.facility.id, SHELF)
    worn, known = media([person.medium for person in people]), standings([person.stay for person in people], at)
    return [_band(worn[person.medium], person.category, known.get(person.stay)) for person in people]


def _band(medium: MediumState, category: str, standing: Standing | None) -> OnCard:
    if standing is None:
        return OnCard(medium.number, _("no stay"), "")
    spent = money(standing.spent_minor, standing.currency)
    where = zone_name(standing.zone) if standing.zone else _("not inside")
    return OnCard(medium.number, f"{where}, {spent}", words.category(category) if category != "adult" else "")


def _band_again(screen: Screen, medium: MediumState | None) -> str:
    """Return where a band is now, to stand in the place of what the shelf said."""
    if medium is None:
        return ""
    on = stays_on([medium.id]).get(medium.id)
    known = standings([on[0]], now()).get(on[0]) if on else None
    return render_to_string("displays/card_line.html", {"card": _band(medium, "adult", known), "again": True})


def _shelf(shown: list[MediumState], screen: Screen) -> list[OnCard]:
    held = holdings([medium.id for medium in shown])
    versions = product_versions({holding.product for tickets in held.values() for holding in tickets})
    said = {id_: version.product.names.get(language()) for id_, version in versions.items()}
    return [_on_card(medium, held[medium.id], said, screen) for medium in shown]


def _on_card(medium: MediumState, held: list[Holding], names: Mapping[UUID, str | None], screen: Screen) -> OnCard:
    alive = [holding for holding in held if not holding.voided]
    tickets = [_ticket(holding, names.get(holding.product) or holding.product_code, screen) for holding in alive]
    said = tickets or [_("no ticket")]
    if medium.blocks:
        said.insert(0, _("blocked"))
    reduced = next((holding.category for holding in alive if holding.category != "adult"), "")
    return OnCard(medium.number, ", ".join(said), words.category(reduced))


def _ticket(holding: Holding, name: str, screen: Screen) -> str:
    if holding.kind == "points":
        return _("%(product)s: %(left)s left") % {"product": name, "left": holding.available}
    if holding.valid_until is None:
        return name
    until = moment(holding.valid_until, screen.facility)
    return _("%(product)s until %(until)s") % {"product": name, "until": until}


def _card_again(screen: Screen, medium: MediumState | None) -> str:
    """Return what is on a card now, to stand in the place of what the shelf said."""
    if medium is None:
        return ""
    card = _shelf([medium], screen)[0]
    return render_to_string("displays/card_line.html", {"card": card, "again": True})
