"""What media and tickets of another server claim: that whoever sold, gave out or took back is its own (SPEC N7),
and that the tickets, deposits and blocks it makes have ids of its making."""

from __future__ import annotations

from collections.abc import Sequence

from karnet.entitlements.operations import (
    Blocked,
    DepositReturned,
    DepositTaken,
    EntitlementIssued,
    HolderNamed,
    IncludedStayUsed,
    MediumBlocked,
    MediumIssued,
    MediumReturned,
    Replaced,
    ReplacedAlone,
    Unblocked,
)
from karnet.entitlements.rules import medium_id
from karnet.journal.rules.arrivals import Claim, Made, Own, Place, Wrong, claims


@claims(EntitlementIssued)
def entitlement_issued(part: EntitlementIssued, place: Place) -> Sequence[Claim]:
    seller = Own(part.sales_point, ("sales_point",), under=part.facility)
    return [Own(part.facility, ("facility",)), seller, Own(part.operator, ("operator",)), Made(part.id)]


@claims(MediumIssued)
def medium_issued(part: MediumIssued, place: Place) -> Sequence[Claim]:
    if part.id != medium_id(part.number):
        return [Wrong("wrong_id", f"the id of medium {part.number!r} is not that of its number")]
    return [Own(part.facility, ("facility",))]


@claims(MediumReturned)
@claims(DepositTaken)
@claims(DepositReturned)
@claims(ReplacedAlone)
def over_the_counter(
    part: MediumReturned | DepositTaken | DepositReturned | ReplacedAlone, place: Place
) -> Sequence[Claim]:
    own = Own(part.facility, ("facility",))
    return [own, Made(part.id)] if isinstance(part, DepositTaken) else [own]


@claims(IncludedStayUsed)
def included_stay_used(part: IncludedStayUsed, place: Place) -> Sequence[Claim]:
    return [Own(part.facility, ("facility",))]


@claims(MediumBlocked)
def medium_blocked(part: MediumBlocked, place: Place) -> Sequence[Claim]:
    return [Made(part.block)]


@claims(Blocked)
@claims(Unblocked)
@claims(HolderNamed)
def at_a_till(part: Blocked | Unblocked | HolderNamed, place: Place) -> Sequence[Claim]:
    return [] if part.sales_point is None else [Own(part.sales_point, ("sales_point",))]


@claims(Replaced)
def replaced(part: Replaced, place: Place) -> Sequence[Claim]:
    return [Own(part.sales_point, ("sales_point",))]
