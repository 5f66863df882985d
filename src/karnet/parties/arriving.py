"""What enrolments of another server claim: that facilities are its own, and ids are those of their codes."""

from __future__ import annotations

from collections.abc import Sequence

from karnet.journal.rules.arrivals import Claim, Own, Place, Wrong, claims
from karnet.parties.operations import Facility, Operator, SalesPoint, facility_id, operator_id, sales_point_id


@claims(Facility)
def facility(part: Facility, place: Place) -> Sequence[Claim]:
    return [Own(part.id, ("facility",)), *_named(part.id == facility_id(part.code), part.code)]


@claims(SalesPoint)
def sales_point(part: SalesPoint, place: Place) -> Sequence[Claim]:
    service = [] if part.operator is None else [Own(part.operator, ("operator",))]
    own = Own(part.id, ("sales_point",), under=part.facility)
    return [own, *service, *_named(part.id == sales_point_id(part.facility, part.code), part.code)]


@claims(Operator)
def operator(part: Operator, place: Place) -> Sequence[Claim]:
    own = [Own(part.id, ("operator",)), Own(part.facility, ("facility",))]
    return [*own, *_named(part.id == operator_id(part.facility, part.code), part.code)]


def _named(right: bool, code: str) -> Sequence[Claim]:
    return [] if right else [Wrong("wrong_id", f"the id of {code!r} is not that of its code")]
