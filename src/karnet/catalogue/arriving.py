"""What a price list or tariff of another server claims: that the facility is its own, and the versions are."""

from __future__ import annotations

from collections.abc import Sequence

from karnet.catalogue.operations import Published, TariffPublished
from karnet.journal.rules.arrivals import Claim, Made, Own, Place, claims


@claims(Published)
@claims(TariffPublished)
def published(part: Published | TariffPublished, place: Place) -> Sequence[Claim]:
    versions = [part.id] if isinstance(part, TariffPublished) else [product.id for product in part.products]
    return [Own(part.facility, ("facility",)), *map(Made, versions)]
