"""Agreements: published, or proposed and signed by every member; which of them are in force (SPEC N8, N9).

An agreement is in force when every member's manager has signed its exact text. It follows from signed entries alone, so
everybody who holds the same cut agrees on it. Of two complete texts for the same days the one completed first counts,
unless the later one says that it replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import msgspec

from karnet.kernel import canonical
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import day_end, day_start
from karnet.settlement.operations import Agreement, AgreementProposed, AgreementPublished, AgreementSigned
from karnet.settlement.requests import ProposedAgreement, PublishedAgreement, SignAgreement, SignedAgreement
from karnet.settlement.rules.drafts import Facts, Standing, resolve


class TextFact(msgspec.Struct, frozen=True, kw_only=True):
    """A text that was published or proposed, and when each member signed it. A published one needs no signatures."""

    id: UUID
    sha256: str
    text: Agreement
    valid_from: datetime
    valid_until: datetime
    at: datetime
    published: bool
    signed: Mapping[UUID, datetime]

    @property
    def missing(self) -> tuple[UUID, ...]:
        """Members who have not signed yet."""
        return () if self.published else tuple(member for member in self.text.members if member not in self.signed)

    @property
    def completed_at(self) -> datetime | None:
        """When the last of the members signed; None while one is missing."""
        if self.published:
            return self.at
        return None if self.missing else max(self.signed[member] for member in self.text.members)


class InForce(msgspec.Struct, frozen=True):
    """An agreement in force over [valid_from, valid_until): until its last day, or until another replaces it."""

    fact: TextFact
    valid_from: datetime
    valid_until: datetime


def in_force(texts: Iterable[TextFact]) -> list[InForce]:
    """Return the agreements in force, in the order of their times; no two overlap.

    Taken in the order in which they were completed (then by id, but what is replaced comes before what replaces it),
    each is in force unless it overlaps one that is, which it does not replace.
    """
    complete = {text.id: text for text in texts if text.completed_at is not None}
    found: dict[UUID, InForce] = {}
    for id_, text in sorted(complete.items(), key=lambda pair: _place_in_time(pair[1], complete)):
        replaced = found.get(text.text.replaces) if text.text.replaces else None
        if replaced is not None and not replaced.valid_from < text.valid_from:
            continue
        others = [one for one in found.values() if one is not replaced]
        if any(one.valid_from < text.valid_until and text.valid_from < one.valid_until for one in others):
            continue
        if replaced is not None:
            end = min(replaced.valid_until, text.valid_from)
            found[replaced.fact.id] = msgspec.structs.replace(replaced, valid_until=end)
        found[id_] = InForce(text, text.valid_from, text.valid_until)
    return sorted(found.values(), key=lambda one: one.valid_from)


def _place_in_time(text: TextFact, complete: Mapping[UUID, TextFact]) -> tuple[datetime, int, UUID]:
    """Return what orders complete texts: when it was completed, and all that it replaces; how many those are; its id."""
    at, chain, one = text.completed_at, 0, text
    while one.text.replaces is not None and one.text.replaces in complete:
        one = complete[one.text.replaces]
        chain += 1
        at = max(at, one.completed_at) if at and one.completed_at else at
    assert at is not None
    return at, chain, text.id


def standing(texts: Sequence[TextFact]) -> list[Standing]:
    """Return what a new text is checked against: every text there is, those in force with the times they have."""
    now = {one.fact.id: one for one in in_force(texts)}
    return [
        Standing(
            text.id,
            text.text.season,
            text.valid_from,
            now[text.id].valid_until if text.id in now else text.valid_until,
            text.sha256,
            frozenset(text.text.members),
            text.id in now,
        )
        for text in texts
    ]


def canonical_text(agreement: Agreement) -> bytes:
    """Return the exact text of an agreement: these bytes are hashed, and signed where many must sign."""
    return canonical.encode(agreement)


def agreement_id(digest: str) -> UUID:
    """Return the id of the agreement whose canonical text has this SHA-256 (hex)."""
    return named_id("agreement", digest)


def decide_agreement(text: str, facts: Facts) -> tuple[PublishedAgreement | Refused, tuple[AgreementPublished, ...]]:
    """Return the answer to publishing a draft, and the operation to record unless it is refused.

    Only a server that runs the facilities of all members may publish for them: NEEDS_SIGNATURES.
    """
    made = _made(text, facts)
    if isinstance(made, Refused):
        return made, ()
    agreement, operation = made
    elsewhere = [f.code for f in facts.facilities.values() if f.id in agreement.members and f.server != facts.home]
    if elsewhere:
        return refused(Reason.NEEDS_SIGNATURES, members=", ".join(sorted(elsewhere))), ()
    answer = PublishedAgreement(
        id=operation.id, sha256=operation.sha256, valid_from=operation.valid_from, valid_until=operation.valid_until
    )
    return answer, (operation,)


def decide_proposal(text: str, facts: Facts) -> tuple[ProposedAgreement | Refused, tuple[AgreementProposed, ...]]:
    """Return the answer to proposing a draft to its members, and the operation to record unless it is refused."""
    made = _made(text, facts)
    if isinstance(made, Refused):
        return made, ()
    agreement, published = made
    operation = AgreementProposed(**msgspec.structs.asdict(published))
    answer = ProposedAgreement(
        id=operation.id,
        sha256=operation.sha256,
        valid_from=operation.valid_from,
        valid_until=operation.valid_until,
        members=agreement.members,
    )
    return answer, (operation,)


def _made(text: str, facts: Facts) -> tuple[Agreement, AgreementPublished] | Refused:
    agreement = resolve(text, facts)
    if isinstance(agreement, Refused):
        return agreement
    digest = sha256(canonical_text(agreement)).hexdigest()
    operation = AgreementPublished(
        id=agreement_id(digest),
        sha256=digest,
        text=agreement,
        valid_from=day_start(agreement.first_day, agreement.time_zone),
        valid_until=day_end(agreement.last_day, agreement.time_zone),
    )
    for other in facts.agreements:
        if other.id == operation.id:
            return refused(Reason.ALREADY_EXISTS, code=other.season)
    return _overlapping(operation, facts.agreements) or (agreement, operation)


def _overlapping(made: AgreementPublished | TextFact, agreements: Iterable[Standing]) -> Refused | None:
    for other in agreements:
        if not other.in_force or other.id == made.id:
            continue
        if other.id == made.text.replaces and other.valid_from < made.valid_from:
            continue
        if other.valid_from < made.valid_until and made.valid_from < other.valid_until:
            return overlaps(other)
    return None


def overlaps(other: Standing) -> Refused:
    """Return the refusal of an agreement that would be in force beside another."""
    return refused(
        Reason.AGREEMENT_OVERLAPS,
        season=other.season,
        valid_from=other.valid_from.isoformat().replace("+00:00", "Z"),
        until=other.valid_until.isoformat().replace("+00:00", "Z"),
    )


class Signer(msgspec.Struct, frozen=True):
    """Who signs: the facility of the actor, whether that facility belongs to this server, and whether the actor is a
    manager of it by the log-ins of this server."""

    facility: UUID | None
    at_home: bool
    manager: bool


def decide_signature(
    request: SignAgreement, texts: Sequence[TextFact], signer: Signer, codes: Mapping[UUID, str]
) -> tuple[SignedAgreement | Refused, tuple[AgreementSigned, ...]]:
    """Return the answer to signing a text for a member, and the operation to record unless it is refused.

    Refuses NO_AGREEMENT for an unknown text, TEXT_DIFFERS where the digest is not that of the text (what was read is not
    what would be signed), NOT_A_MEMBER, NOT_A_MANAGER, ALREADY_SIGNED, AGREEMENT_OVERLAPS where another text is in force
    for some of its days.
    """
    text = next((one for one in texts if one.id == request.agreement), None)
    if text is None:
        return refused(Reason.NO_AGREEMENT), ()
    if text.sha256 != request.sha256:
        return refused(Reason.TEXT_DIFFERS, sha256=text.sha256), ()
    if request.facility not in text.text.members:
        return refused(Reason.NOT_A_MEMBER, season=text.text.season), ()
    if signer.facility != request.facility or not signer.at_home or not signer.manager:
        return refused(Reason.NOT_A_MANAGER, facility=codes.get(request.facility, "")), ()
    if request.facility in text.signed or text.published:
        return refused(Reason.ALREADY_SIGNED, facility=codes.get(request.facility, "")), ()
    refusal = _overlapping(text, standing(texts))
    if refusal is not None:
        return refusal, ()
    left = tuple(codes.get(member, "") for member in text.missing if member != request.facility)
    answer = SignedAgreement(agreement=text.id, facility=request.facility, missing=left)
    return answer, (AgreementSigned(agreement=text.id, member=request.facility, sha256=text.sha256),)
