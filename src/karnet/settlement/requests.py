"""What is asked of settlement, and what it answers."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec


class PublishAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """Put an agreement into force. `text`: the draft as JSON (docs of `rules.drafts.Draft`)."""

    key: str
    at: datetime
    actor: UUID
    text: str


class PublishedAgreement(msgspec.Struct, frozen=True, kw_only=True, tag="agreement_published"):
    """The agreement is in force over [valid_from, valid_until). `sha256` (hex) is that of its canonical text, from
    which `id` is derived."""

    id: UUID
    sha256: str
    valid_from: datetime
    valid_until: datetime


class ProposeAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """Propose a text to the members for their signatures (SPEC N9). `text`: the draft as JSON (`rules.drafts.Draft`)."""

    key: str
    at: datetime
    actor: UUID
    text: str


class ProposedAgreement(msgspec.Struct, frozen=True, kw_only=True, tag="agreement_proposed"):
    """The text can be signed; it is in force over [valid_from, valid_until) when all `members` have."""

    id: UUID
    sha256: str
    valid_from: datetime
    valid_until: datetime
    members: tuple[UUID, ...]


class SignAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """Sign a text for a member facility. The actor is its manager; `sha256` (hex) is that of the text they read."""

    key: str
    at: datetime
    actor: UUID
    agreement: UUID
    facility: UUID
    sha256: str


class SignedAgreement(msgspec.Struct, frozen=True, kw_only=True, tag="agreement_signed"):
    """Signed. `missing`: codes of the members whose signature is still awaited; none, and it is in force."""

    agreement: UUID
    facility: UUID
    missing: tuple[str, ...]


class Close(msgspec.Struct, frozen=True, kw_only=True):
    """Close a period of an agreement (None: the one in force at `at`).

    `cut`: tree sizes by log (None: everything sealed now). `until`: facts that happened before this instant count
    (None: everything in the cut); what arrives later appears as a correction in the next period.
    """

    key: str
    at: datetime
    actor: UUID
    agreement: UUID | None = None
    cut: dict[str, int] | None = None
    until: datetime | None = None


class ClosedPeriod(msgspec.Struct, frozen=True, kw_only=True, tag="period_closed"):
    """The period is closed. `report_sha256` (hex): digest of the cumulative report over the cut."""

    id: UUID
    agreement: UUID
    sequence: int
    period_end: datetime
    cut: dict[str, int]
    report_sha256: str
