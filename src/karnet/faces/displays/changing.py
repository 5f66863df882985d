"""The reader of a section of lockers: which locker, where it stands, and how many are free."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from django.utils.translation import gettext as _

from karnet.lockers.requests import LockerGivenUp, LockerShown
from karnet.lockers.rules.state import LockerState
from karnet.lockers.selectors import plan

CELL = 10
"""The width of a locker on the plan, in units of its drawing."""


class Cell(NamedTuple):
    """A locker on the plan; `mine`: the one that the band has."""

    x: int
    y: int
    number: str
    mine: bool
    id: UUID


class Aisle(NamedTuple):
    """An aisle on the plan: its number, and where its name stands."""

    number: int
    y: int


class Plan(NamedTuple):
    """A section drawn from the front, aisle under aisle, the top row above. `arrow`: the middle of the locker."""

    width: int
    height: int
    cells: tuple[Cell, ...]
    aisles: tuple[Aisle, ...]
    arrow: tuple[int, int] | None


def word(answer: LockerShown | LockerGivenUp) -> str:
    """Return what is read from afar."""
    return answer.number if isinstance(answer, LockerShown) else _("Thank you")


def sentence(answer: LockerShown | LockerGivenUp) -> str:
    """Return what is read close by."""
    if isinstance(answer, LockerGivenUp):
        return _("Locker %(number)s is free again.") % {"number": answer.number}
    where = _("Aisle %(aisle)s, place %(position)s, row %(row)s from below.") % {
        "aisle": answer.aisle,
        "position": answer.position,
        "row": answer.row,
    }
    told = _("This is your locker.") if answer.new else _("Your locker opens.")
    return f"{told} {where}"


def plan_of(section: UUID, mine: UUID) -> Plan:
    """Return the plan of a section with one locker pointed at."""
    return drawn((seen.locker for seen in plan(section)), mine)


def drawn(lockers: Iterable[LockerState], mine: UUID | None = None) -> Plan:
    """Return lockers drawn; units of the drawing, `CELL` a locker."""
    every = list(lockers)
    rows = {
        aisle: max(one.row for one in every if one.aisle == aisle) for aisle in sorted({one.aisle for one in every})
    }
    top, aisles = {}, []
    y = 0
    for aisle, count in rows.items():
        top[aisle] = y
        aisles.append(Aisle(aisle, y + count * CELL // 2))
        y += (count + 1) * CELL
    cells = tuple(
        Cell(
            one.position * CELL, top[one.aisle] + (rows[one.aisle] - one.row) * CELL, one.number, one.id == mine, one.id
        )
        for one in every
    )
    arrow = next(((cell.x + CELL // 2, cell.y + CELL // 2) for cell in cells if cell.mine), None)
    width = max((cell.x for cell in cells), default=0) + CELL
    return Plan(width, max(y - CELL, CELL), cells, tuple(aisles), arrow)
