"""Gates, their terms, grants and passages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from karnet.accounts.operations import ReservationEnded, Reserved, Transfer
from karnet.entitlements.operations import Activated, DayUsed
from karnet.journal.operations import ActorEnrolled, Operation, Part, operation
from karnet.kernel.ids import named_id

Direction = Literal["in", "out"]

WEIGHT_UNITS = 1_000_000
"""Weights are exact decimals of at most six places, kept as whole millionths."""


class Gate(Part, frozen=True, kw_only=True):
    """A gate of a facility; its id is that of its device actor. `passback_s`: seconds before one medium may pass it
    again. `reports_turn`: it tells whether the turn was taken; if not, a grant counts as taken. `grant_s`: how long a
    grant waits for the turn."""

    id: UUID
    facility: UUID
    code: str
    direction: Direction
    passback_s: int = 0
    reports_turn: bool = True
    grant_s: int = 15


class GateTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a passage through a gate takes and weighs, by agreement (SPEC N8, N9)."""

    gate: UUID
    points: int
    weight: int


class Passage(Part, frozen=True, kw_only=True):
    """One taken turn of a gate. `points` drawn, `weight` in millionths, both as the agreement had them.

    `id` is the grant's id where there was a grant, so that one grant can be taken at most once.
    """

    id: UUID
    gate: UUID
    facility: UUID
    medium: UUID
    entitlement: UUID
    direction: Direction
    points: int
    weight: int


@operation("access.gate_enrolled")
class GateEnrolled(Operation, frozen=True, kw_only=True):
    actor: ActorEnrolled
    gate: Gate

    def parts(self) -> Iterable[Part]:
        return (self.actor, self.gate)


@operation("access.terms_set")
class TermsSet(Operation, frozen=True, kw_only=True):
    """The gate terms of an agreement, from an instant on. `agreement` is the agreement's id. `signatures`: how many
    have to sign it (TermsSigned) before gates go by it."""

    agreement: UUID
    valid_from: datetime
    valid_until: datetime
    terms: tuple[GateTerms, ...]
    signatures: int = 0


class TermsSigned(Part, frozen=True, kw_only=True):
    """A member signed the agreement: one signature fewer is missing."""

    agreement: UUID
    member: UUID


@operation("access.granted")
class Granted(Operation, frozen=True, kw_only=True):
    """A gate was released and waits for the turn; what the turn will cost is reserved. The grant's id is `grant`.

    `by` is the code of the preference by which the entitlement was chosen (candidates.Preference).
    `activated` and `day_used` are promises: they are recorded when the turn is taken, as they were decided here.
    """

    grant: UUID
    gate: UUID
    facility: UUID
    medium: UUID
    entitlement: UUID
    direction: Direction
    points: int
    weight: int
    expires_at: datetime
    by: str
    reserved: Reserved | None = None
    activated: Activated | None = None
    day_used: DayUsed | None = None

    def parts(self) -> Iterable[Part]:
        return (self.reserved,) if self.reserved else ()


@operation("access.taken")
class Taken(Operation, frozen=True, kw_only=True):
    """The turn was taken: what was reserved is drawn, the passage is on the record.

    Where the grant had lapsed before the gate reported the turn, `ended` is missing: the points are drawn anew.
    """

    grant: UUID
    passage: Passage
    ended: ReservationEnded | None = None
    transfers: tuple[Transfer, ...] = ()
    activated: Activated | None = None
    day_used: DayUsed | None = None

    def parts(self) -> Iterable[Part]:
        optional = (self.ended, self.activated, self.day_used)
        return (self.passage, *(part for part in optional if part), *self.transfers)


@operation("access.not_taken")
class NotTaken(Operation, frozen=True, kw_only=True):
    """Nobody went through: reported by the gate, or the grant lapsed. What was reserved is free again."""

    grant: UUID
    lapsed: bool = False
    ended: ReservationEnded | None = None

    def parts(self) -> Iterable[Part]:
        return (self.ended,) if self.ended else ()


@operation("access.passed")
class Passed(Operation, frozen=True, kw_only=True):
    """A passage through a gate that cannot report the turn: granted, taken and charged at once."""

    passage: Passage
    transfers: tuple[Transfer, ...] = ()
    activated: Activated | None = None
    day_used: DayUsed | None = None

    def parts(self) -> Iterable[Part]:
        optional = (self.activated, self.day_used)
        return (self.passage, *(part for part in optional if part), *self.transfers)


def gate_id(facility: UUID, code: str) -> UUID:
    """Return the id of a facility's gate with this code."""
    return named_id("gate", facility, code)
