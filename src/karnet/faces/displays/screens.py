"""The component that shows a gate: what its template needs, for a paired display, a preview and the simulator alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from karnet.access.operations import Gate
from karnet.access.selectors import gates
from karnet.faces.base.words import moment
from karnet.faces.displays import news, words
from karnet.faces.displays.changing import plan_of
from karnet.faces.displays.pairing import LANGUAGES
from karnet.faces.displays.scenes import Scene
from karnet.lockers.requests import LockerShown
from karnet.lockers.rules.state import SectionState
from karnet.lockers.selectors import section_at
from karnet.parties.selectors import EnrolledFacility, facilities, names


@dataclass(frozen=True)
class Screen:
    """A gate as it is shown: in these languages, the first one the largest. `settings`: a display that was made with
    others loads itself anew."""

    gate: Gate
    facility: EnrolledFacility
    gate_name: str
    facility_name: str
    languages: Sequence[str]
    reads: bool = False
    section: SectionState | None = None
    """The section of lockers that the gate is the reader of."""
    kind: str = "gate"
    """`gate`: the whole screen; `split`: half of it, slides on the other; `info`: tells of bands and lets nobody through."""

    @property
    def settings(self) -> str:
        return (
            ",".join(self.languages)
            + (" reads" if self.reads else "")
            + ("" if self.kind == "gate" else f" {self.kind}")
        )

    @property
    def idle(self) -> list[words.Line]:
        if self.kind == "info":
            return words.info_point(self.languages)
        return words.changing_room(self.languages) if self.section else words.idle(self.languages)

    @property
    def giving_up(self) -> list[words.Line]:
        return words.giving_up(self.languages)

    @property
    def lost(self) -> list[words.Line]:
        return words.lost(self.languages)

    @property
    def offline(self) -> list[words.Line]:
        return words.offline(self.languages)

    @property
    def unpaired(self) -> list[words.Line]:
        return words.unpaired(self.languages)


def screen_of(gate: UUID, languages: Sequence[str], *, reads: bool = False, kind: str = "gate") -> Screen | None:
    """Return the screen of a gate, None for an unknown one."""
    found = next((one for one in gates() if one.id == gate), None)
    if found is None:
        return None
    said = names([found.id, found.facility])
    facility = facilities([found.facility])[found.facility]
    return Screen(
        gate=found,
        facility=facility,
        gate_name=said.get(found.id, found.code),
        facility_name=said.get(found.facility, facility.code),
        languages=tuple(languages),
        reads=reads,
        kind=kind,
        section=section_at(gate),
    )


def mark_of(screen: Screen, at: datetime) -> str:
    """Return the mark of what happened last, which a screen that is opened now does not show any more."""
    scene = news.latest(screen.gate.id, at)
    return scene.mark if scene else ""


def render_scene(screen: Screen, scene: Scene) -> str:
    """Return a scene as a piece of HTML."""
    zone = screen.facility.time_zone
    shown = scene.locker if isinstance(scene.locker, LockerShown) else None
    return render_to_string(
        "displays/locker.html" if shown else "displays/scene.html",
        {
            "scene": scene,
            "plan": plan_of(screen.section.id, shown.locker) if screen.section and shown else None,
            "lines": words.lines(scene, screen.languages, zone),
            "figures": words.figures(scene, screen.languages, zone),
            "light": words.light(scene, screen.languages[0]),
        },
    )


def tell(request: HttpRequest, screen: Screen, at: datetime) -> HttpResponse:
    """Answer a display that asks for news: a scene, or 204 when it shows the last one already."""
    scene = news.latest(screen.gate.id, at)
    if scene is None or scene.mark == request.GET.get("mark", ""):
        response = HttpResponse(status=204)
    else:
        response = HttpResponse(render_scene(screen, scene))
    response["X-Karnet-Clock"] = moment(at, screen.facility, "time")
    response["X-Karnet-Settings"] = screen.settings
    response["Cache-Control"] = "no-store"
    return response


def chosen_languages(request: HttpRequest, spoken: str) -> list[str]:
    """Return the three languages that an address asks for, else the reader's own and two others."""
    asked = [one for one in request.GET.get("languages", "").split(",") if one in LANGUAGES]
    return list(dict.fromkeys((*asked, spoken, "en", "pl", "de")))[:3]
