"""What books of another server claim: that whoever took money, charged, or keeps books is its own."""

from __future__ import annotations

from collections.abc import Sequence

from karnet.accounts.operations import BooksOpened, MoneyDrawn, MoneyLoaded, PointsCharged
from karnet.journal.rules.arrivals import Claim, Own, Place, claims


@claims(BooksOpened)
def books_opened(part: BooksOpened, place: Place) -> Sequence[Claim]:
    return [Own(part.facility, ("facility",))]


@claims(MoneyLoaded)
@claims(MoneyDrawn)
@claims(PointsCharged)
def dealt(part: MoneyLoaded | MoneyDrawn | PointsCharged, place: Place) -> Sequence[Claim]:
    return [Own(part.facility, ("facility",))]
