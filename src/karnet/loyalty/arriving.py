"""What loyalty of another server claims: rules and rewards of its own facilities only."""

from __future__ import annotations

from collections.abc import Sequence

from karnet.journal.rules.arrivals import Claim, Own, Place, claims
from karnet.loyalty.operations import RightGiven, RulesPublished


@claims(RulesPublished)
@claims(RightGiven)
def given(part: RulesPublished | RightGiven, place: Place) -> Sequence[Claim]:
    return [Own(part.facility, ("facility",))]
