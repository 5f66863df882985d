"""In the changing room: who has come in touches the reader of a section, and is given a locker near their own people."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from karnet.kernel.outcomes import Refused
from karnet.lockers.requests import LockerGivenUp, LockerShown, Touch
from karnet.lockers.rules.touching import Party
from karnet.lockers.services import touch
from karnet.orders.selectors import rows


def touch_lockers(requests: Sequence[Touch]) -> list[LockerShown | LockerGivenUp | Refused]:
    """Decide bands held to readers of lockers (`lockers.services.touch`), of people whose stay goes on at that facility.

    Who is on one tab gets lockers together. Locks the media, then the sections.
    """
    return touch(requests, parties)


def parties(media: Collection[UUID]) -> Mapping[UUID, Party]:
    """Return the tab of the stay that goes on on each of these media, and how many stays of it go on."""
    found = rows(
        "SELECT s.medium, s.tab, s.facility_id, (SELECT count(*)::int FROM stays_stay o WHERE o.tab = s.tab"
        " AND o.ended_at IS NULL) FROM stays_stay s WHERE s.medium = ANY(%b::uuid[]) AND s.ended_at IS NULL",
        [list(media)],
    )
    return {medium: Party(tab, size, facility) for medium, tab, facility, size in found}
