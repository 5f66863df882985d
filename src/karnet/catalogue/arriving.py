"""What a price list of another server claims: that the facility is its own."""

from __future__ import annotations

from collections.abc import Sequence

from karnet.catalogue.operations import Published
from karnet.journal.rules.arrivals import Claim, Own, Place, claims


@claims(Published)
def published(part: Published, place: Place) -> Sequence[Claim]:
    return [Own(part.facility, ("facility",))]
