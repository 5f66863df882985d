"""What bands and bundles of another server claim: that the facility that gave out, took back or let in is its own."""

from __future__ import annotations

from collections.abc import Sequence

from karnet.journal.rules.arrivals import Claim, Own, Place, claims
from karnet.stays.operations import BandsIssued, BandsReturned, BundlesUsed


@claims(BandsIssued)
@claims(BandsReturned)
@claims(BundlesUsed)
def at_the_desk(part: BandsIssued | BandsReturned | BundlesUsed, place: Place) -> Sequence[Claim]:
    return [Own(part.facility, ("facility",))]
