"""Slides beside the messages of split displays: own words and pictures, other people's pages and pictures, each with the days
and hours when it is shown (SPEC S13). House data: nothing is decided on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid4

import msgspec
from django.db import transaction
from django.http import Http404, HttpResponse

from karnet.faces.displays.models import Slide
from karnet.kernel.time import zone

DAY_MINUTES = 1440
MOST = 200
PICTURES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp", b"GIF8": "image/gif"}
"""Kinds of own pictures, by how their bytes begin."""
LARGEST_PICTURE = 4_000_000


class SlideSaid(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A slide as data: what a file holds, and what the form makes.

    `kind`: "words" (`title`, `text` by language), "picture" (own, uploaded), "image" or "page" (somebody else's, at the https
    `address`). `weekdays`: 0 = Monday, none = every day; minutes of the day count from midnight.
    """

    kind: Literal["words", "picture", "image", "page"] = "words"
    title: dict[str, str] = {}
    text: dict[str, str] = {}
    address: str = ""
    seconds: int = 10
    weekdays: tuple[int, ...] = ()
    from_minute: int = 0
    until_minute: int = DAY_MINUTES
    first_day: date | None = None
    last_day: date | None = None


class Shown(NamedTuple):
    """A slide on a display: its words in the display's languages, one after another."""

    id: UUID
    kind: str
    title: list[tuple[str, str]]
    text: list[tuple[str, str]]
    address: str
    seconds: int


def problems(said: SlideSaid) -> dict[str, str]:
    """Return what is wrong with a slide, by field."""
    found = {}
    if said.kind == "words" and not any(said.title.values()) and not any(said.text.values()):
        found["title"] = "words"
    if said.kind in ("image", "page") and not said.address.startswith("https://"):
        found["address"] = "https"
    if not 2 <= said.seconds <= 600:
        found["seconds"] = "2 to 600"
    if any(not 0 <= day <= 6 for day in said.weekdays):
        found["weekdays"] = "0 to 6"
    if not 0 <= said.from_minute < said.until_minute <= DAY_MINUTES:
        found["until_minute"] = "after the beginning, within the day"
    if said.first_day and said.last_day and said.last_day < said.first_day:
        found["last_day"] = "not before the first"
    return found


def in_force(said: SlideSaid, at: datetime, time_zone: str) -> bool:
    """Return whether a slide is shown at an instant, by the facility's wall clock."""
    local = at.astimezone(zone(time_zone))
    minute = local.hour * 60 + local.minute
    return (
        (not said.weekdays or local.weekday() in said.weekdays)
        and said.from_minute <= minute < said.until_minute
        and (said.first_day is None or local.date() >= said.first_day)
        and (said.last_day is None or local.date() <= said.last_day)
    )


def save(facility: UUID, slides: Sequence[SlideSaid], picture: bytes | None = None) -> None:
    """Add slides after those that are there. `picture`: of the one that has an own one."""
    with transaction.atomic():
        last = max((slide.place for slide in _of(facility)), default=-1)
        for n, said in enumerate(slides, last + 1):
            fields = msgspec.structs.asdict(said) | {"weekdays": list(said.weekdays)}
            own = picture if said.kind == "picture" else None
            Slide.objects.create(
                id=uuid4(),
                facility=facility,
                place=n,
                picture=own,
                picture_type=picture_type(own or b"") or "",
                **fields,
            )


def picture_type(data: bytes) -> str | None:
    """Return the media type of a picture by its bytes, None for what is none of ours."""
    return next((kind for start, kind in PICTURES.items() if data.startswith(start)), None)


def discard(facility: UUID, slide: UUID) -> None:
    """Show a slide no more."""
    Slide.objects.filter(facility=facility, id=slide).delete()


def move(facility: UUID, slide: UUID, by: int) -> None:
    """Move a slide up (-1) or down (1) in the order."""
    with transaction.atomic():
        order = [one.id for one in _of(facility)]
        if slide not in order:
            return
        at = order.index(slide)
        to = min(max(at + by, 0), len(order) - 1)
        order.insert(to, order.pop(at))
        for place, id_ in enumerate(order):
            Slide.objects.filter(id=id_).update(place=place)


def slides_of(facility: UUID) -> list[tuple[UUID, SlideSaid]]:
    """Return a facility's slides, in their order."""
    return [(row.id, _said(row)) for row in _of(facility)]


def shown(facility: UUID, time_zone: str, at: datetime, languages: Iterable[str]) -> list[Shown]:
    """Return the slides of the moment, in their order, in these languages."""
    spoken = list(languages)
    return [
        Shown(
            id=id_,
            kind=said.kind,
            title=_in(said.title, spoken),
            text=_in(said.text, spoken),
            address=said.address,
            seconds=said.seconds,
        )
        for id_, said in slides_of(facility)
        if in_force(said, at, time_zone)
    ]


def picture(slide: UUID, facility: UUID) -> HttpResponse:
    """Answer with the own picture of a slide. Raises Http404 for another facility's."""
    row = Slide.objects.filter(id=slide, facility=facility, picture__isnull=False).first()
    if row is None or row.picture is None:
        raise Http404
    headers = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(bytes(row.picture), content_type=row.picture_type, headers=headers)


def _of(facility: UUID) -> list[Slide]:
    return list(Slide.objects.filter(facility=facility).defer("picture").order_by("place", "id")[:MOST])


def _said(row: Slide) -> SlideSaid:
    given: dict[str, Any] = {name: getattr(row, name) for name in SlideSaid.__struct_fields__}
    return SlideSaid(**given | {"weekdays": tuple(row.weekdays)})


def _in(words: Mapping[str, str], languages: Sequence[str]) -> list[tuple[str, str]]:
    """Return words in these languages; in English, or any, where none of them is there."""
    found = [(one, words[one]) for one in languages if words.get(one)]
    if found:
        return found
    return [(one, text) for one, text in sorted(words.items(), key=lambda item: item[0] != "en") if text][:1]
