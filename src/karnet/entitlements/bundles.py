"""Stays that bundles include, as decisions see them (SPEC N11). Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import day_end, day_start, local_day


class Included(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle's stays at a facility: `times` in all, of which `used` have begun. Fields as in IncludedStay.

    `card`: the printed number of the medium that the bundle is on, `usable` where it is neither blocked nor handed back.
    `opens`, `closes`: when one may begin, None = no bound: from the start of the day on which the ticket starts to the end
    of the day on which it ends [ours], so that who skied four hours may swim in the evening; `time_zone` is theirs.
    """

    entitlement: UUID
    medium: UUID
    card: str
    product: UUID
    product_code: str
    category: str
    facility: UUID
    tariff: str
    package: str
    prepaid_minor: int
    times: int
    used: int
    time_zone: str
    opens: datetime | None = None
    closes: datetime | None = None
    voided: bool = False
    usable: bool = True


def days_of(opens: datetime | None, closes: datetime | None, zone: str) -> tuple[datetime | None, datetime | None]:
    """Return the whole days of a span [opens, closes), open ends kept."""
    last = closes - timedelta(milliseconds=1) if closes else None
    return (
        day_start(local_day(opens, zone), zone) if opens else None,
        day_end(local_day(last, zone), zone) if last else None,
    )


def not_now(included: Included, at: datetime) -> Refused | None:
    """Return why none of a bundle's stays may begin at `at`, or None: void, blocked, too early, too late, all begun."""
    if included.voided:
        return refused(Reason.ENTITLEMENT_VOID, entitlement=str(included.entitlement))
    if not included.usable:
        return refused(Reason.MEDIUM_BLOCKED, number=included.card)
    if included.opens is not None and at < included.opens:
        return refused(Reason.NOT_YET_VALID, valid_from=_iso(included.opens), time_zone=included.time_zone)
    if included.closes is not None and at >= included.closes:
        return refused(Reason.EXPIRED, valid_until=_iso(included.closes), time_zone=included.time_zone)
    if included.used >= included.times:
        return refused(Reason.NO_STAY_INCLUDED, number=included.card)
    return None


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
