"""What gates of another server claim: that they are its own."""

from __future__ import annotations

from collections.abc import Sequence

from karnet.access.operations import Gate, Granted, Passage
from karnet.journal.rules.arrivals import Claim, Own, Place, claims


@claims(Passage)
@claims(Granted)
def at_a_gate(part: Passage | Granted, place: Place) -> Sequence[Claim]:
    return [Own(part.facility, ("facility",)), Own(part.gate, ("device",), under=part.facility)]


@claims(Gate)
def gate(part: Gate, place: Place) -> Sequence[Claim]:
    return [Own(part.facility, ("facility",)), Own(part.id, ("device",), under=part.facility)]
