"""Candidates: the rights on a medium that may open a gate, and what each would take. Pure: values in, values out.

Every right that can open a gate is a *candidate*. It is asked one question, `judge(attempt)`, and answers `Usable`
(what the passage would take) or `Refused` (why not). `rules.resolve` then takes the candidate that is cheapest for the
visitor, by the order of `Preference`, or reports the refusal that helps most. No other place decides who comes in.

To let a new kind of right open gates (a booking, a multipack, a stay, a coach claim):

1. write a frozen struct with `judge`: everything it needs is in its fields and the attempt, never in a clock or table;
2. give it its place in `Preference`, and its refusals theirs in `rules.HELPFUL`;
3. let `selectors.cards` read its facts under the medium's lock, and `candidates` below yield it;
4. let `Usable` carry what its passage records, `rules` put that into the operation, and `rules.after` fold it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Protocol
from uuid import UUID

import msgspec

from karnet.access.operations import Gate, GateTerms
from karnet.entitlements.operations import Activated, DayUsed
from karnet.entitlements.rules import Holding, activation, day_use, unusable
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """Someone wants to go through a gate at an instant. `terms`: what the agreement in force then says of the gate."""

    gate: Gate
    terms: GateTerms | None
    at: datetime


class Preference(IntEnum):
    """Which usable right goes first: the lower takes less from the visitor [ours; SPEC is silent].

    The names are codes that displays show ("new_day": "day 3 of 5"). Ties: what ends first, then what was sold first.
    """

    RUNNING = 1  # a time ticket that runs already: nothing is used up
    SAME_DAY = 2  # a k-of-n ticket whose day is counted already
    FREE = 3  # a points ticket at a gate that takes no points
    NEW_DAY = 4  # a k-of-n ticket: one more of its days
    FIRST_PASSAGE = 5  # a ticket whose validity would start now
    POINTS = 6  # points


class Usable(msgspec.Struct, frozen=True, kw_only=True):
    """A right that opens the gate, and what the passage takes: `points`, a first passage, a day of a k-of-n ticket."""

    entitlement: UUID
    preference: Preference
    until: datetime | None
    sold_at: datetime
    points: int = 0
    activated: Activated | None = None
    day_used: DayUsed | None = None

    @property
    def rank(self) -> tuple[Preference, bool, datetime, datetime, UUID]:
        """Sort key: the smallest is used."""
        return self.preference, self.until is None, self.until or self.sold_at, self.sold_at, self.entitlement


class Candidate(Protocol):
    """A right that may open gates."""

    def judge(self, attempt: Attempt) -> Usable | Refused:
        """Return what a passage now would take, or why there can be none. Must not depend on other candidates."""


class TimeTicket(msgspec.Struct, frozen=True):
    """A right that opens gates while it lasts: hours, days, k of n days, season (SPEC N12).

    `holding` is what is on the record; `expected` the same with what open grants have promised: limits are judged by
    what is expected, effects follow from the record (the turn that was promised may never be taken).
    """

    holding: Holding
    expected: Holding

    def judge(self, attempt: Attempt) -> Usable | Refused:
        why = _place(self.holding, attempt) or unusable(self.expected, attempt.at)
        if why is not None:
            return why
        return Usable(
            entitlement=self.holding.id,
            preference=self._preference(attempt.at),
            until=self.expected.valid_until,
            sold_at=self.holding.sold_at,
            activated=activation(self.holding, attempt.at),
            day_used=day_use(self.holding, attempt.at),
        )

    def _preference(self, at: datetime) -> Preference:
        if self.expected.valid_from is None:
            return Preference.FIRST_PASSAGE
        if self.expected.validity.kind != "days_within":
            return Preference.RUNNING
        return Preference.SAME_DAY if day_use(self.expected, at) is None else Preference.NEW_DAY


class PointsTicket(msgspec.Struct, frozen=True):
    """A right that pays with points: each passage takes what the agreement in force says of the gate (SPEC N9).

    Several people may pass on one points card, one after the other (each after the gate's anti-passback time).
    """

    holding: Holding
    expected: Holding

    def judge(self, attempt: Attempt) -> Usable | Refused:
        why = _place(self.holding, attempt) or unusable(self.expected, attempt.at)
        if why is not None:
            return why
        # Without terms nobody has said what the passage costs: guessing would be settled as if it were agreed.
        if attempt.terms is None:
            return refused(Reason.NO_TERMS, gate=attempt.gate.code)
        needed, available = attempt.terms.points, self.expected.available
        if available < needed:
            return refused(Reason.NOT_ENOUGH_POINTS, available=available, needed=needed)
        return Usable(
            entitlement=self.holding.id,
            preference=Preference.POINTS if needed else Preference.FREE,
            until=self.expected.valid_until,
            sold_at=self.holding.sold_at,
            points=needed,
            activated=activation(self.holding, attempt.at),
        )


def candidates(recorded: Sequence[Holding], expected: Sequence[Holding]) -> Iterator[Candidate]:
    """Yield every candidate on a medium, from its holdings as recorded and as open grants lead to expect."""
    for holding, to_be in zip(recorded, expected, strict=True):
        yield PointsTicket(holding, to_be) if holding.kind == "points" else TimeTicket(holding, to_be)


def _place(holding: Holding, attempt: Attempt) -> Refused | None:
    """Return why a ticket opens nothing at this place.

    A ticket that names facilities opens theirs. One that names none opens every gate that has terms, and those of the
    facility that sold it, agreement or not: a single gym needs no agreement with itself [ours].
    """
    facility = attempt.gate.facility
    if holding.facilities:
        return None if facility in holding.facilities else refused(Reason.NOT_VALID_HERE)
    if attempt.terms is None and facility != holding.facility:
        return refused(Reason.NO_TERMS, gate=attempt.gate.code)
    return None
