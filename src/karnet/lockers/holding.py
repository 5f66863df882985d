"""Locking sections and reading what is decided about them. For the bodies of slices above, too: a band that comes back.

    lockers = holding.lock(media=…)          # after the media; sections by id
    operations = keeping.free_bands(media, lockers)

Everything happens inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from karnet.journal.flight import in_one_flight
from karnet.lockers.rules.state import Lockers, LockerState, SectionState, UseState


def lock(*, places: Collection[UUID] = (), media: Collection[UUID] = (), lockers: Collection[UUID] = ()) -> Lockers:
    """Lock the sections that readers serve (`places`; a section itself will do), that media have lockers in, and that lockers
    are in; return them with what they hold: all lockers of the sections of `places`, else those asked for.

    Lock the media first. Three flights, however much was ever assigned.
    """
    serves = sections_of(places) if places else {}
    with in_one_flight(connection) as send:
        found = send(_SECTIONS_ABOUT, [list(serves.values()), list(media), list(media), list(lockers)])
    about = sorted({row[0] for row in found.rows()})
    if not about:
        return Lockers(readers=serves)
    with in_one_flight(connection) as send:
        send("SELECT 1 FROM lockers_section WHERE id = ANY(%b::uuid[]) ORDER BY id FOR NO KEY UPDATE", [about])
    return _read(serves, about, list(media), list(lockers))


_SECTIONS_ABOUT = """
SELECT id FROM lockers_section WHERE id = ANY(%b::uuid[])
UNION SELECT section FROM lockers_use WHERE medium = ANY(%b::uuid[]) AND freed_at IS NULL
UNION SELECT section_id FROM lockers_locker WHERE medium = ANY(%b::uuid[])
UNION SELECT section_id FROM lockers_locker WHERE id = ANY(%b::uuid[])
"""


def sections_of(places: Collection[UUID]) -> dict[UUID, UUID]:
    """Return the section that each reader serves; a section's id stands for itself."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (reader) reader, section FROM lockers_reader WHERE reader = ANY(%b::uuid[])"
            " ORDER BY reader, at DESC, number DESC",
            [list(places)],
        )
        served: dict[UUID, UUID] = dict(cursor.fetchall())
    return {place: served.get(place, place) for place in places}


def _read(serves: Mapping[UUID, UUID], about: Sequence[UUID], media: list[UUID], lockers: list[UUID]) -> Lockers:
    whole = list(set(serves.values()))
    with in_one_flight(connection) as send:
        sections = send(_SECTIONS, [list(about)])
        spare = send(_SPARE, [list(about)]) if whole else None
        places = send(f"{LOCKER} WHERE {_WANTED}", [whole, media, media, lockers])
        uses = send(
            f"{USE} WHERE u.freed_at IS NULL AND (u.section = ANY(%b::uuid[]) OR u.medium = ANY(%b::uuid[])"
            " OR u.locker = ANY(%b::uuid[]))",
            [whole, media, lockers],
        )
    return Lockers(
        sections=[section_of(row) for row in sections.rows()],
        lockers=[locker_of(row) for row in places.rows()],
        uses=[use_of(row) for row in uses.rows()],
        readers=serves,
        spare=dict(spare.rows()) if spare is not None else {},
    )


SECTION = (
    "SELECT s.id, s.facility_id, s.code, t.mode, t.exit_waits FROM lockers_section s CROSS JOIN LATERAL (SELECT mode,"
    " exit_waits FROM lockers_section_setting WHERE section = s.id ORDER BY at DESC, number DESC LIMIT 1) t"
)
# All sections of the facilities: who finds one full is told of another.
_SECTIONS = f"{SECTION} WHERE s.facility_id IN (SELECT facility_id FROM lockers_section WHERE id = ANY(%b::uuid[])) ORDER BY s.code"
_SPARE = """
SELECT l.section_id, count(*)::int FROM lockers_locker l
WHERE l.section_id IN (SELECT id FROM lockers_section WHERE facility_id IN
    (SELECT facility_id FROM lockers_section WHERE id = ANY(%b::uuid[])))
  AND NOT EXISTS (SELECT 1 FROM lockers_use u WHERE u.section = l.section_id AND u.locker = l.id AND u.freed_at IS NULL)
  AND NOT EXISTS (SELECT 1 FROM lockers_block b WHERE b.locker = l.id AND b.lifted_at IS NULL)
GROUP BY 1
"""
LOCKER = (
    "SELECT l.id, l.section_id, l.number, l.aisle, l.position, l.row, l.medium, l.band, l.hook, b.id, b.reason"
    " FROM lockers_locker l LEFT JOIN lockers_block b ON b.locker = l.id AND b.lifted_at IS NULL"
)
_WANTED = (
    "l.section_id = ANY(%b::uuid[]) OR l.medium = ANY(%b::uuid[]) OR l.id IN (SELECT locker FROM lockers_use"
    " WHERE medium = ANY(%b::uuid[]) AND freed_at IS NULL) OR l.id = ANY(%b::uuid[])"
)
USE = "SELECT u.id, u.locker, u.section, u.medium, u.issue, u.at, u.party FROM lockers_use u"


def section_of(row: Sequence[Any]) -> SectionState:
    """Return the section in a row of `SECTION`."""
    return SectionState(id=row[0], facility=row[1], code=row[2], mode=row[3], exit_waits=row[4])


def locker_of(row: Sequence[Any]) -> LockerState:
    """Return the locker in a row of `LOCKER`."""
    return LockerState(
        id=row[0], section=row[1], number=row[2], aisle=row[3], position=row[4], row=row[5], medium=row[6], band=row[7],
        hook=row[8], block=row[9], block_reason=row[10],
    )  # fmt: skip


def use_of(row: Sequence[Any]) -> UseState:
    """Return the use in a row of `USE`."""
    return UseState(id=row[0], locker=row[1], section=row[2], medium=row[3], issue=row[4], since=row[5], party=row[6])
