"""What membership facts of other servers claim (journal.rules.arrivals).

That only the hub says who takes part is held by the tables: what anybody else says points at no hub (models.Hub).
"""

from __future__ import annotations

from collections.abc import Iterable

from karnet.federation.operations import ActRefused, KeyAnnounced, KeyVouched
from karnet.journal.rules.arrivals import Claim, Made, Own, Place, Wrong, claims


@claims(KeyAnnounced)
def announces_its_own(part: KeyAnnounced, place: Place) -> Iterable[Claim]:
    """A log announces its own key, nobody else's."""
    if part.log != place.log.name:
        yield Wrong("key_of_another", f"{place.log.name} announces a key of {part.log}")


@claims(KeyVouched)
def vouches_itself(part: KeyVouched, place: Place) -> Iterable[Claim]:
    """A member vouches in its own name."""
    if part.voucher != place.log.name:
        yield Wrong("voucher_of_another", f"{place.log.name} vouches in the name of {part.voucher}")


@claims(ActRefused)
def refused_at_its_own_till(part: ActRefused, place: Place) -> Iterable[Claim]:
    """Whoever could not do it stood at a till of their own."""
    yield Made(part.id)
    yield Own(part.facility, ("facility",))
    yield Own(part.sales_point, ("sales_point",), under=part.facility)
    yield Own(part.operator, ("operator",))
