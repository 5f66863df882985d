"""What agreements of another server claim: a member signs in the log of its own server, and nobody sets terms for others."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from karnet.journal.rules.arrivals import Claim, Made, Own, Place, Wrong, claims
from karnet.settlement.operations import AgreementProposed, AgreementPublished, AgreementSigned, Closed
from karnet.settlement.rules.agreements import agreement_id, canonical_text


@claims(AgreementPublished)
def published(part: AgreementPublished, place: Place) -> Sequence[Claim]:
    """One server publishes for its own facilities alone: the prices of others need their signatures (SPEC N8)."""
    return [*_text(part), *(Own(member, ("facility",)) for member in part.text.members)]


@claims(AgreementProposed)
def proposed(part: AgreementProposed, place: Place) -> Sequence[Claim]:
    return _text(part)


@claims(AgreementSigned)
def signed(part: AgreementSigned, place: Place) -> Sequence[Claim]:
    own = Own(part.member, ("facility",))
    right = part.agreement == agreement_id(part.sha256)
    return [own] if right else [own, Wrong("wrong_text", f"agreement {part.agreement} is not the one of that text")]


@claims(Closed)
def closed(part: Closed, place: Place) -> Sequence[Claim]:
    return [Made(part.id)]


def _text(part: AgreementPublished | AgreementProposed) -> Sequence[Claim]:
    digest = sha256(canonical_text(part.text)).hexdigest()
    right = part.sha256 == digest and part.id == agreement_id(digest)
    return [] if right else [Wrong("wrong_text", f"agreement {part.id} is not the one of its text")]
