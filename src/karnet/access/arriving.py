"""What gates of another server claim: that they are its own, that the grants they end and the passages they report are
its own, and that nobody sets terms for gates of others but in an agreement."""

from __future__ import annotations

from collections.abc import Sequence

from karnet.access.operations import Gate, Granted, NotTaken, Passage, Taken, TermsSet, gate_id
from karnet.journal.operations import Part
from karnet.journal.rules.arrivals import Claim, Made, Own, Place, Wrong, claims, claims_as_a_whole


@claims(Passage)
@claims(Granted)
def at_a_gate(part: Passage | Granted, place: Place) -> Sequence[Claim]:
    made = part.grant if isinstance(part, Granted) else part.id
    return [Own(part.facility, ("facility",)), Own(part.gate, ("device",), under=part.facility), Made(made)]


@claims(Taken)
@claims(NotTaken)
def turned(part: Taken | NotTaken, place: Place) -> Sequence[Claim]:
    """A grant ends where it was given: its gate waits for the turn."""
    return [Made(part.grant)]


@claims(Gate)
def gate(part: Gate, place: Place) -> Sequence[Claim]:
    own = [Own(part.facility, ("facility",)), Own(part.id, ("device",), under=part.facility)]
    return own if part.id == gate_id(part.facility, part.code) else [*own, Wrong("wrong_id", f"gate {part.id}")]


@claims(TermsSet)
def terms_set(part: TermsSet, place: Place) -> Sequence[Claim]:
    """What waits for no signature binds one's own gates only (SPEC N8)."""
    return [] if part.signatures else [Own(terms.gate, ("device",)) for terms in part.terms]


@claims_as_a_whole
def terms_to_sign(parts: Sequence[Part], place: Place) -> Sequence[Claim]:
    """Terms that wait for signatures are those of a text, and come with it."""
    alone = isinstance(parts[0], TermsSet) and parts[0].signatures
    return [Wrong("wrong_terms", "terms to sign, and no text that says them")] if alone else ()
