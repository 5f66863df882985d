"""In whose name a facility does what other servers ask for: an unattended sales point of its own (docs/federation.md)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from karnet.federation import homes
from karnet.journal.selectors import asked_at
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant
from karnet.parties.operations import facility_id, sales_point_id, service_operator_id
from karnet.parties.selectors import home_server, sales_points
from karnet.parties.services import EnrolSalesPoint, enrol_sales_points

COUNTER = "card-asks"
"""The code of the unattended sales point in whose name a facility does what other servers asked for."""


def counter_of(facility: str, now: datetime) -> tuple[UUID, UUID] | Refused:
    """Return the sales point and the service operator of this facility of ours that answer for asks; enrol them once."""
    place = facility_id(facility)
    if homes.home_of(facility) != homes.home_log():
        return refused(Reason.HOME_ONLY, facility=facility)
    point, operator = sales_point_id(place, COUNTER), service_operator_id(place, COUNTER)
    if homes.log_of_all({point, operator}) is None:
        key = f"ask-counter:{facility}"
        enrol = EnrolSalesPoint(
            key=key,
            at=first_asked(key, now),
            actor=home_server(),
            facility=place,
            code=COUNTER,
            kind="web",
        )
        (enrolled,) = enrol_sales_points([enrol])
        if isinstance(enrolled, Refused) and enrolled.reason is not Reason.ALREADY_EXISTS:
            return enrolled
    return point, operator


def first_asked(key: str, now: datetime) -> datetime:
    """Return when a request was made first: our clock decides, and a repeat is the same request under that instant."""
    return instant(asked_at([key]).get(key, now))


def asks_for_itself(log: str, operator: UUID, sales_point: UUID, facility: UUID | None = None) -> Refused | None:
    """Return why a server may not ask in these actors' names, None where its own log enrolled them all, and the sales
    point belongs to the facility."""
    named: Collection[UUID] = {operator, sales_point, facility or sales_point}
    if homes.log_of_all(named) != log:
        return refused(Reason.UNKNOWN_ACTOR, actor=str(operator))
    if facility is not None and sales_points([sales_point])[sales_point].facility != facility:
        return refused(Reason.UNKNOWN_SALES_POINT, sales_point=str(sales_point))
    return None
