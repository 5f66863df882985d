"""What bands of another server claim: that the facility that gave them out, or took them back, is its own."""

from __future__ import annotations

from collections.abc import Sequence

from karnet.journal.rules.arrivals import Claim, Own, Place, claims
from karnet.stays.operations import BandsIssued, BandsReturned


@claims(BandsIssued)
@claims(BandsReturned)
def at_the_desk(part: BandsIssued | BandsReturned, place: Place) -> Sequence[Claim]:
    return [Own(part.facility, ("facility",))]
