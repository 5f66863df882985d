"""What gates ask of access, and what they are answered."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from karnet.access.operations import Direction


class EnrolGate(msgspec.Struct, frozen=True, kw_only=True):
    """Put a gate into service. Its id is `named_id("gate", facility, code)`; it is an actor from then on.

    `direction` "in" or "out"; `passback_s`, `grant_s`: whole seconds; `reports_turn`: it tells whether the turn was taken.
    `name`: what people call it, kept beside the journal (`parties.services.rename` changes it).
    """

    key: str
    at: datetime
    actor: UUID
    facility: UUID
    code: str
    direction: Direction = "in"
    passback_s: int = 0
    reports_turn: bool = True
    grant_s: int = 15
    name: str = ""


class Enrolled(msgspec.Struct, frozen=True, kw_only=True, tag="enrolled"):
    """The gate is in service under this id."""

    id: UUID


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """A medium was read at a gate. `chip` is what the reader read; `actor` is who asks, most often the gate itself."""

    key: str
    at: datetime
    actor: UUID
    gate: UUID
    chip: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="admitted"):
    """Come in. `id` is the passage's id; where `expires_at` is set it is a grant's, which waits until then for the turn.

    `by` says what was used (candidates.Preference, as a code), `points` what it took, `points_left` what a points
    ticket still has. `category` lets a gate show staff a light for reduced tickets.
    """

    id: UUID
    medium: UUID
    entitlement: UUID
    product_code: str
    category: str
    by: str
    points: int = 0
    points_left: int | None = None
    valid_until: datetime | None = None
    expires_at: datetime | None = None


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A gate reports what became of a grant: somebody went through (`taken`), or nobody did."""

    key: str
    at: datetime
    actor: UUID
    grant: UUID
    taken: bool


class Turned(msgspec.Struct, frozen=True, kw_only=True, tag="turned"):
    """The report is on the record. `points`: drawn."""

    grant: UUID
    taken: bool
    points: int


class Lapse(msgspec.Struct, frozen=True, kw_only=True):
    """End the grants whose time is over at `at`, the oldest first, at most `limit` of them."""

    key: str
    at: datetime
    actor: UUID
    limit: int = 256


class Lapsed(msgspec.Struct, frozen=True, kw_only=True, tag="lapsed"):
    """How many grants were ended; as many as the limit means there may be more."""

    grants: int
