"""What a price list or tariff of another server claims: that the facility is its own."""

from __future__ import annotations

from collections.abc import Sequence

from karnet.catalogue.operations import Published, TariffPublished
from karnet.journal.rules.arrivals import Claim, Own, Place, claims


@claims(Published)
@claims(TariffPublished)
def published(part: Published | TariffPublished, place: Place) -> Sequence[Claim]:
    return [Own(part.facility, ("facility",))]
