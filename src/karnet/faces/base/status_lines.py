"""Status lines: what whoever works at a counter should know of the machinery while selling goes on.

Any part of the system registers a source when its application is ready; the till shows the lines of all of them above
every page and asks again every few seconds.

    register("hub", hub_lines)      # def hub_lines(at, where) -> [StatusLine("warn", _("Link to the hub down since …"))]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec
import structlog
from django.db import DatabaseError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from karnet.faces.base.clock import now
from karnet.faces.base.words import moment
from karnet.federation.status import link_down
from karnet.journal.selectors import progress
from karnet.parties.selectors import facilities, operators

LATE = timedelta(minutes=5)
"""The sealer takes seconds. What waits this long waits for somebody to look."""

_log = structlog.get_logger()


class StatusLine(msgspec.Struct, frozen=True):
    """One line: how bad it is, and a sentence or two in the reader's language: what is so, since when, what to do."""

    kind: Literal["info", "warn", "bad"]
    text: str


Source = Callable[[datetime, str], Iterable[StatusLine]]
"""Gives lines for an instant (by the faces' clock) and the time zone for the times in them; cheap, and asked often."""

OfFacility = Callable[[datetime, str, UUID | None], Iterable[StatusLine]]
"""Gives lines for whoever works at a facility; None: for all of them."""

_sources: dict[str, OfFacility] = {}


def register(name: str, source: Source) -> None:
    """Show what a source has to say from now on. A name registered again replaces its source."""
    _sources[name] = lambda at, zone, facility: source(at, zone)


def register_of_facility(name: str, source: OfFacility) -> None:
    """Show what a source has to say to the people of each facility from now on."""
    _sources[name] = source


def status_lines(zone: str, facility: UUID | None = None) -> list[StatusLine]:
    """Return the lines of all sources, by the sources' names. One that fails is passed over: no till stops for it."""
    at, lines = now(), []
    for name in sorted(_sources):
        try:
            with transaction.atomic():
                lines += list(_sources[name](at, zone, facility))
        except (DatabaseError, OSError, LookupError, ValueError) as error:
            _log.warning("a source of status lines failed", source=name, error=str(error))
    return lines


def lines_for(request: HttpRequest) -> list[StatusLine]:
    """Return the lines for whoever is signed in, by the wall clock of their facility."""
    operator_id = getattr(request.user, "operator_id", None)
    operator = operators([operator_id]).get(operator_id) if operator_id else None
    if operator is None:
        return status_lines("UTC")
    return status_lines(facilities([operator.facility])[operator.facility].time_zone, operator.facility)


def sealing(at: datetime, zone: str) -> list[StatusLine]:
    """Say when the record has not been sealed for minutes. Selling never waits for it."""
    far = progress()
    oldest = far.oldest_unsealed_at
    if oldest is None or at - oldest <= LATE:
        return []
    told = _("Since %(time)s the record is not being sealed (%(n)s waiting). Go on selling; tell your manager.")
    return [StatusLine("warn", told % {"time": moment(oldest, zone, "time"), "n": far.unsealed})]


def hub(at: datetime, zone: str) -> list[StatusLine]:
    """Say since when the hub of the common card does not answer. Selling and admitting never wait for it."""
    down = link_down()
    if down is None:
        return []
    told = _(
        "The link to the hub has been down since %(time)s. Go on selling; cards sold elsewhere since then may not be "
        "known here yet."
    )
    return [StatusLine("warn", told % {"time": moment(down.since, zone, "time")})]
