"""Reading lockers: plans of sections, who is where, what a band has, who had a locker."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from django.db import connection

from karnet.entitlements.rules import medium_id
from karnet.entitlements.selectors import media
from karnet.lockers.holding import LOCKER, SECTION, USE, locker_of, section_of, sections_of, use_of
from karnet.lockers.rules.state import LockerState, SectionState

State = Literal["free", "taken", "blocked"]


class LockerHeld(NamedTuple):
    """What locker a band has, or, in a static section, belongs to (`static`; `use` is None then).

    `exit_waits`: an exit refuses the band until the locker is given up.
    """

    section: str
    number: str
    locker: UUID
    use: UUID | None
    since: datetime | None
    exit_waits: bool
    static: bool
    hook: str


class Hook(NamedTuple):
    """Where a marked band hangs, and the locker it opens. `blocked`: do not give it out."""

    section: str
    number: str
    hook: str
    blocked: bool


class LockerSeen(NamedTuple):
    """A locker on the plan. `medium`, `band`, `since`, `party`: who has it."""

    locker: LockerState
    state: State
    medium: UUID | None = None
    band: str = ""
    since: datetime | None = None
    party: UUID | None = None


class SectionSeen(NamedTuple):
    """A section with its figures; `full`: nobody can be given a locker there."""

    section: SectionState
    lockers: int
    taken: int
    blocked: int

    @property
    def free(self) -> int:
        """How many lockers can be given."""
        return self.lockers - self.taken - self.blocked


class Used(NamedTuple):
    """A time with a locker, or (`opened`) an opening by staff: `what` is how it ended, or the reason."""

    at: datetime
    until: datetime | None
    medium: UUID | None
    band: str
    what: str
    opened: bool = False
    actor: UUID | None = None


def lockers_of(bands: Collection[UUID]) -> dict[UUID, LockerHeld]:
    """Return the locker of each medium that has one, or belongs to one."""
    wanted = list(bands)
    found: dict[UUID, LockerHeld] = {}
    for row in _rows(f"{_HELD} WHERE l.medium = ANY(%b::uuid[])", [wanted]):
        found[row[0]] = LockerHeld(row[3], row[2], row[1], None, None, False, True, row[5])
    for row in _rows(f"{_USED} WHERE u.medium = ANY(%b::uuid[]) AND u.freed_at IS NULL", [wanted]):
        found[row[0]] = LockerHeld(row[3], row[2], row[1], row[5], row[6], row[4], False, row[7])
    return found


_SETTING = (
    "CROSS JOIN LATERAL (SELECT mode, exit_waits FROM lockers_section_setting WHERE section = s.id"
    " ORDER BY at DESC, number DESC LIMIT 1) t"
)
_HELD = (
    "SELECT l.medium, l.id, l.number, s.code, t.exit_waits, l.hook FROM lockers_locker l"
    f" JOIN lockers_section s ON s.id = l.section_id {_SETTING}"
)
_USED = (
    "SELECT u.medium, l.id, l.number, s.code, t.exit_waits, u.id, u.at, l.hook FROM lockers_use u"
    f" JOIN lockers_locker l ON l.id = u.locker JOIN lockers_section s ON s.id = l.section_id {_SETTING}"
)


def hooks(numbers: Collection[str]) -> dict[str, Hook]:
    """Return where bands with these printed numbers hang (static sections); other bands are left out."""
    ids = {medium_id(number): number for number in numbers}
    rows = _rows(
        "SELECT l.medium, s.code, l.number, l.hook, EXISTS (SELECT 1 FROM lockers_block b WHERE b.locker = l.id"
        " AND b.lifted_at IS NULL) FROM lockers_locker l JOIN lockers_section s ON s.id = l.section_id"
        " WHERE l.medium = ANY(%b::uuid[])",
        [list(ids)],
    )
    return {ids[medium]: Hook(code, number, hook or number, blocked) for medium, code, number, hook, blocked in rows}


def marked_bands(numbers: Collection[str]) -> set[UUID]:
    """Return the lockers that bands with these printed numbers belong to."""
    wanted = [medium_id(number) for number in numbers]
    return {row[0] for row in _rows("SELECT id FROM lockers_locker WHERE medium = ANY(%b::uuid[])", [wanted])}


def sections(facility: UUID | None = None) -> list[SectionSeen]:
    """Return sections with their figures, by code; of one facility, or of all. Marked bands count as taken while given out."""
    where, parameters = ("WHERE s.facility_id = %s", [facility]) if facility else ("", [])
    found = [section_of(row) for row in _rows(f"{SECTION} {where} ORDER BY s.facility_id, s.code", parameters)]
    seen = []
    for section in found:
        plan_ = plan(section.id)
        states = [locker.state for locker in plan_]
        seen.append(SectionSeen(section, len(plan_), states.count("taken"), states.count("blocked")))
    return seen


def section(id_: UUID) -> SectionState | None:
    """Return a section, None where there is none of this id."""
    rows = _rows(f"{SECTION} WHERE s.id = %s", [id_])
    return section_of(rows[0]) if rows else None


def section_at(reader: UUID) -> SectionState | None:
    """Return the section that a reader serves, None for any other reader or gate."""
    return section(served) if (served := sections_of([reader])[reader]) != reader else None


def openings(section: UUID, since: datetime) -> list[tuple[UUID, UUID, str, datetime]]:
    """Return which lockers of a section staff opened since an instant: opening, locker, its number, when; the earliest first.
    The controller of the doors asks for them."""
    return [
        (row[0], row[1], row[2], row[3])
        for row in _rows(
            "SELECT o.id, l.id, l.number, o.at FROM lockers_locker l JOIN lockers_opening o ON o.locker = l.id"
            " WHERE l.section_id = %s AND o.at >= %s ORDER BY o.at, o.id",
            [section, since],
        )
    ]


def plan(section: UUID) -> list[LockerSeen]:
    """Return the lockers of a section with who has them now, aisle by aisle. A blocked one that somebody has is taken."""
    places = [
        locker_of(row)
        for row in _rows(f"{LOCKER} WHERE l.section_id = %s ORDER BY l.aisle, l.position, l.row", [section])
    ]
    uses = {
        use.locker: use for use in map(use_of, _rows(f"{USE} WHERE u.section = %s AND u.freed_at IS NULL", [section]))
    }
    known = media({use.medium for use in uses.values()} | {p.medium for p in places if p.medium is not None})
    seen = []
    for place in places:
        use = uses.get(place.id)
        band = known.get(use.medium if use else place.medium) if use or place.medium else None  # type: ignore[arg-type]
        if use is not None:
            number = band.number if band else ""
            seen.append(LockerSeen(place, "taken", use.medium, number, use.since, use.party))
        elif band is not None and band.state == "in_use":
            seen.append(LockerSeen(place, "taken", band.id, band.number, band.state_at))
        else:
            seen.append(LockerSeen(place, "blocked" if place.block else "free"))
    return seen


def locker(id_: UUID) -> tuple[SectionState, LockerSeen] | None:
    """Return a locker as it is now, with its section; None where there is none of this id."""
    rows = _rows("SELECT section_id FROM lockers_locker WHERE id = %s", [id_])
    known = section(rows[0][0]) if rows else None
    if known is None:
        return None
    return known, next(seen for seen in plan(known.id) if seen.locker.id == id_)


def has_lockers(facility: UUID) -> bool:
    """Return whether a facility has sections of lockers."""
    return bool(_rows("SELECT 1 FROM lockers_section WHERE facility_id = %s LIMIT 1", [facility]))


def history(locker: UUID, limit: int = 50) -> list[Used]:
    """Return who had a locker and when staff opened it, the latest first."""
    rows = _rows(
        "(SELECT at, freed_at, medium, how, false, NULL::uuid FROM lockers_use WHERE locker = %s ORDER BY at DESC LIMIT %s)"
        " UNION ALL (SELECT o.at, NULL, u.medium, o.reason, true, o.actor FROM lockers_opening o"
        " LEFT JOIN lockers_use u ON u.id = o.use WHERE o.locker = %s ORDER BY o.at DESC LIMIT %s)"
        " ORDER BY 1 DESC LIMIT %s",
        [locker, limit, locker, limit, limit],
    )
    known = media({row[2] for row in rows if row[2] is not None})
    return [
        Used(at, until, medium, known[medium].number if medium in known else "", what or "", opened, actor)
        for at, until, medium, what, opened, actor in rows
    ]


def find(facility: UUID, text: str) -> list[tuple[UUID, str, str]]:
    """Return lockers (id, section code, number) of a facility that bear this number, or that a band of this number or chip has."""
    return [
        (row[0], row[1], row[2])
        for row in _rows(
            "SELECT l.id, s.code, l.number FROM lockers_locker l JOIN lockers_section s ON s.id = l.section_id"
            " WHERE s.facility_id = %s AND (l.number = %s OR l.medium = %s OR l.id IN (SELECT u.locker FROM lockers_use u"
            " WHERE u.medium = %s AND u.freed_at IS NULL)) ORDER BY s.code, l.number",
            [facility, text, medium_id(text), medium_id(text)],
        )
    ]


def _rows(sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
