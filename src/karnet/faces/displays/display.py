"""The display at the gate, for a paired device; and the same as a preview for staff."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from karnet.faces.base.access import allow, device
from karnet.faces.base.clock import now
from karnet.faces.base.devices import Device
from karnet.faces.base.headers import content_policy
from karnet.faces.base.roles import STAFF
from karnet.faces.base.words import language
from karnet.faces.displays import info, scanning, slides
from karnet.faces.displays.pairing import SCOPE, display_of
from karnet.faces.displays.screens import Screen, chosen_languages, mark_of, render_scene, screen_of, tell


@content_policy(img_src=("https:",), frame_src=("https:",))  # Other people's slides.
@device(SCOPE)
@require_safe
def display(request: HttpRequest) -> HttpResponse:
    """Show the gate of the device that asks."""
    screen = _own(request)
    scan = reverse("displays:display-scan") if screen.reads else ""
    return _page(request, screen, reverse("displays:display-news"), scan)


@device(SCOPE)
@require_safe
def display_news(request: HttpRequest) -> HttpResponse:
    """Tell the device what is new at its gate."""
    return tell(request, _own(request), now())


@device(SCOPE)
@require_POST
def display_scan(request: HttpRequest) -> HttpResponse:
    """Ask about a medium that the device's own reader has read; the answer is the scene to show."""
    screen, chip, key = _own(request), request.POST.get("chip", "").strip(), request.POST.get("key", "")
    if not screen.reads or not 0 < len(chip) <= scanning.MAX_CHIP or not 0 < len(key) <= scanning.MAX_KEY:
        return HttpResponse(status=400)
    if screen.kind == "info":
        return HttpResponse(render_scene(screen, info.look(screen.facility.id, chip, now())))
    give_up = request.POST.get("give_up") == "yes"
    scene = scanning.scan(screen.gate, chip, key=key, at=now(), actor=screen.gate.id, give_up=give_up)
    return HttpResponse(render_scene(screen, scene))


@device(SCOPE)
@require_safe
def display_slides(request: HttpRequest) -> HttpResponse:
    """The slides beside the messages, those of the moment."""
    screen = _own(request)
    shown = slides.shown(screen.facility.id, screen.facility.time_zone, now(), screen.languages)
    return render(request, "displays/slides.html", {"slides": shown})


@device(SCOPE)
@require_safe
def display_picture(request: HttpRequest, slide: UUID) -> HttpResponse:
    """A picture of a slide of the device's own facility."""
    return slides.picture(slide, _own(request).facility.id)


@allow(*STAFF)
@require_safe
def preview(request: HttpRequest, gate: UUID) -> HttpResponse:
    """Show a gate's display to staff. `?languages=it,de,en` says in which languages; `?kind=info` how an info point rests."""
    screen = _any(request, gate, kind="info" if request.GET.get("kind") == "info" else "gate")
    news = reverse("displays:preview-news", args=[gate]) + f"?languages={','.join(screen.languages)}"
    return _page(request, screen, news, "")


@allow(*STAFF)
@require_safe
def preview_news(request: HttpRequest, gate: UUID) -> HttpResponse:
    """Tell a preview what is new at the gate."""
    return tell(request, _any(request, gate), now())


def _own(request: HttpRequest) -> Screen:
    asking: Device = request.device  # type: ignore[attr-defined]
    settings = display_of(asking.id)
    screen = (
        screen_of(settings.gate, settings.languages, reads=settings.reads, kind=settings.kind) if settings else None
    )
    if screen is None:
        raise Http404
    return screen


def _any(request: HttpRequest, gate: UUID, kind: str = "gate") -> Screen:
    screen = screen_of(gate, chosen_languages(request, language()), kind=kind)
    if screen is None:
        raise Http404
    return screen


def _page(request: HttpRequest, screen: Screen, news: str, scan: str) -> HttpResponse:
    show = reverse("displays:display-slides") if screen.kind == "split" else ""
    shown = {"screen": screen, "news": news, "scan": scan, "mark": mark_of(screen, now()), "slides": show}
    return render(request, "displays/display.html", shown)
