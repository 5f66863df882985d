"""The slides of a facility, for managers: added in a form or from a file, put in order, taken off."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from karnet.faces.base.access import allow
from karnet.faces.base.clock import now
from karnet.faces.base.context import LANGUAGES
from karnet.faces.base.roles import STAFF, Role
from karnet.faces.displays import slides
from karnet.faces.displays.slides import SlideSaid
from karnet.parties.selectors import facilities, names

KINDS = (
    ("words", gettext_lazy("Own words")),
    ("picture", gettext_lazy("Own picture")),
    ("image", gettext_lazy("Picture from an address")),
    ("page", gettext_lazy("Page from an address")),
)
WEEKDAYS = (
    ("0", gettext_lazy("Mon")), ("1", gettext_lazy("Tue")), ("2", gettext_lazy("Wed")), ("3", gettext_lazy("Thu")),
    ("4", gettext_lazy("Fri")), ("5", gettext_lazy("Sat")), ("6", gettext_lazy("Sun")),
)  # fmt: skip


class SlideForm(forms.Form):
    """A slide. Words are asked for in every language that displays speak."""

    kind = forms.ChoiceField(label=gettext_lazy("What it shows"), choices=KINDS)
    picture = forms.FileField(label=gettext_lazy("Picture: PNG, JPEG, WebP or GIF, up to 4 MB"), required=False)
    address = forms.CharField(label=gettext_lazy("Address: https://…"), max_length=500, required=False)
    seconds = forms.IntegerField(label=gettext_lazy("Seconds at a time"), min_value=2, max_value=600, initial=10)
    weekdays = forms.MultipleChoiceField(
        label=gettext_lazy("Only on"), choices=WEEKDAYS, required=False, widget=forms.CheckboxSelectMultiple
    )
    begins = forms.TimeField(label=gettext_lazy("From, such as 08:00"), required=False)
    ends = forms.TimeField(label=gettext_lazy("Until, such as 20:00"), required=False)
    first_day = forms.DateField(
        label=gettext_lazy("First day"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    last_day = forms.DateField(
        label=gettext_lazy("Last day"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def said(self, post: Any) -> SlideSaid:
        """Return the slide that a valid form says."""
        given = self.cleaned_data
        begins, ends = given["begins"], given["ends"]
        return SlideSaid(
            kind=given["kind"],
            title={code: text for code, _name in LANGUAGES if (text := post.get(f"title_{code}", "").strip()[:100])},
            text={code: text for code, _name in LANGUAGES if (text := post.get(f"text_{code}", "").strip()[:400])},
            address=given["address"].strip(),
            seconds=given["seconds"],
            weekdays=tuple(int(day) for day in given["weekdays"]),
            from_minute=begins.hour * 60 + begins.minute if begins else 0,
            until_minute=(ends.hour * 60 + ends.minute if ends else 0) or slides.DAY_MINUTES,
            first_day=given["first_day"],
            last_day=given["last_day"],
        )


@allow(Role.MANAGER)
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, facility: UUID) -> HttpResponse:
    """The slides of a facility: listed, added, moved, taken off, loaded from a file."""
    place = facilities([facility]).get(facility)
    if place is None:
        return HttpResponse(status=404)
    form = SlideForm()
    if request.method == "POST":
        done = request.POST.get("do", "add")
        if done == "add":
            form = SlideForm(request.POST, request.FILES)
            if _added(request, facility, form):
                messages.success(request, _("The slide is in the show."))
                return redirect("displays:slides", facility)
        elif done == "load":
            told = _loaded(request, facility)
            if told:
                form.add_error(None, told)
            else:
                messages.success(request, _("The slides are in the show."))
                return redirect("displays:slides", facility)
        else:
            _changed(facility, done, request.POST.get("slide", ""))
            return redirect("displays:slides", facility)
    at, listed = now(), slides.slides_of(facility)
    context = {
        "form": form, "facility": place, "name": names([facility]).get(facility, place.code), "languages": LANGUAGES,
        "slides": [_row(id_, said, slides.in_force(said, at, place.time_zone)) for id_, said in listed],
    }  # fmt: skip
    return render(request, "displays/show.html", context, status=422 if form.errors else 200)


@allow(*STAFF)
@require_safe
def picture(request: HttpRequest, facility: UUID, slide: UUID) -> HttpResponse:
    """A slide's own picture, for staff."""
    return slides.picture(slide, facility)


@allow(Role.MANAGER)
@require_safe
def as_file(request: HttpRequest, facility: UUID) -> HttpResponse:
    """The show as a file: what another facility, or the same one next season, loads. Own pictures stay behind."""
    said = [one for _id, one in slides.slides_of(facility) if one.kind != "picture"]
    written = msgspec.json.format(msgspec.json.encode(said), indent=2)
    headers = {"Content-Disposition": 'attachment; filename="slides.json"'}
    return HttpResponse(written, content_type="application/json", headers=headers)


def _added(request: HttpRequest, facility: UUID, form: SlideForm) -> bool:
    if not form.is_valid():
        return False
    said, sent = form.said(request.POST), form.cleaned_data["picture"]
    data = sent.read(slides.LARGEST_PICTURE + 1) if sent else b""
    if said.kind == "picture" and (not slides.picture_type(data) or len(data) > slides.LARGEST_PICTURE):
        form.add_error("picture", _("Choose a picture: PNG, JPEG, WebP or GIF, up to 4 MB."))
    for field in slides.problems(said):
        form.add_error(*_worded(field))
    if form.errors:
        return False
    slides.save(facility, [said], data or None)
    return True


def _worded(field: str) -> tuple[str | None, str]:
    told: dict[str, tuple[str | None, str]] = {
        "title": (None, _("Write a title or a text in one language at least.")),
        "address": ("address", _("Write an address that begins with https://.")),
        "until_minute": ("ends", _("It must end after it begins, on the same day.")),
        "last_day": ("last_day", _("The last day lies before the first.")),
    }
    return told.get(field, (None, field))


def _loaded(request: HttpRequest, facility: UUID) -> str:
    """Add the slides of a file; return what is wrong with it, "" for nothing."""
    sent = request.FILES.get("file")
    data = sent.read(1_000_000) if sent else b""
    try:
        said = msgspec.json.decode(data, type=list[SlideSaid])
    except msgspec.DecodeError as error:
        return _("This is no file of slides: %(why)s") % {"why": error}
    wrong = next(((n, found) for n, one in enumerate(said, 1) if (found := slides.problems(one))), None)
    if wrong is not None or any(one.kind == "picture" for one in said):
        number, fields = wrong or (0, {"kind": "picture"})
        return _("Slide %(n)s of the file does not fit: %(fields)s.") % {"n": number, "fields": ", ".join(fields)}
    slides.save(facility, said)
    return ""


def _changed(facility: UUID, done: str, slide: str) -> None:
    try:
        id_ = UUID(slide)
    except ValueError:
        return
    if done == "discard":
        slides.discard(facility, id_)
    else:
        slides.move(facility, id_, -1 if done == "up" else 1)


def _row(id_: UUID, said: SlideSaid, on: bool) -> dict[str, Any]:
    days = ", ".join(str(dict(WEEKDAYS)[str(day)]) for day in said.weekdays)
    return {
        "id": id_, "said": said, "kind": dict(KINDS)[said.kind], "on": on,
        "name": next(iter((*said.title.values(), *said.text.values(), said.address)), ""),
        "when": " · ".join(part for part in (days, _hours(said), _days(said.first_day, said.last_day)) if part),
    }  # fmt: skip


def _hours(said: SlideSaid) -> str:
    if (said.from_minute, said.until_minute) == (0, slides.DAY_MINUTES):
        return ""
    return "–".join(f"{minute // 60}:{minute % 60:02d}" for minute in (said.from_minute, said.until_minute))


def _days(first: date | None, last: date | None) -> str:
    return f"{first or '…'} – {last or '…'}" if first or last else ""
