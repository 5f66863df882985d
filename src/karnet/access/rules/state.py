"""What decisions at gates are made on, and how each changes what the next one sees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from karnet.access.operations import Gate, GateTerms, Granted, NotTaken, Passed
from karnet.entitlements.operations import Activated, DayUsed
from karnet.entitlements.rules import Holding, MediumState
from karnet.journal.operations import Operation

_replace = msgspec.structs.replace


class Terms(msgspec.Struct, frozen=True):
    """What one agreement says of a gate in [valid_from, valid_until)."""

    valid_from: datetime
    valid_until: datetime
    terms: GateTerms


class GateState(msgspec.Struct, frozen=True):
    """A gate and what agreements say of it, the agreement recorded last first."""

    gate: Gate
    terms: tuple[Terms, ...] = ()

    def terms_at(self, at: datetime) -> GateTerms | None:
        """Return the terms in force: where agreements overlap, those recorded last."""
        return next((said.terms for said in self.terms if said.valid_from <= at < said.valid_until), None)


GrantEnd = Literal["taken", "not_taken", "lapsed"]


class Grant(msgspec.Struct, frozen=True):
    """A grant given at `at`, and how it ended; None = it waits for the turn, perhaps longer than it should.

    `home`: its gate is one of this server; what became of another server's grant is that server's to tell.
    """

    granted: Granted
    at: datetime
    end: GrantEnd | None = None
    home: bool = True

    def waits(self, at: datetime) -> bool:
        """Tell whether the gate may still be turned on this grant: before `expires_at`, not at it."""
        return self.end is None and at < self.granted.expires_at


class Card(msgspec.Struct, frozen=True):
    """Everything a decision knows of one medium, read under the medium's lock.

    `passed`: its passages by gate, at least those nearer than the gate's anti-passback time to a scan that is decided.
    `grants`: those that have not ended.
    """

    medium: MediumState
    holdings: tuple[Holding, ...] = ()
    passed: Mapping[UUID, tuple[datetime, ...]] = {}
    grants: tuple[Grant, ...] = ()

    def holding(self, entitlement: UUID) -> Holding:
        return next(holding for holding in self.holdings if holding.id == entitlement)

    def expected(self, at: datetime) -> Card:
        """Return the card as it will be if every grant that waits is taken, and every one whose time is over is not.

        Limits are judged by this: two open grants must not both count on the last day of a k-of-n ticket.
        """
        card = self
        for grant in self.grants:
            granted = grant.granted
            if grant.waits(at):
                card = _used(card, granted.entitlement, 0, granted.activated, granted.day_used)
            elif grant.home:
                card = _used(card, granted.entitlement, -granted.points)
        return card


class State(msgspec.Struct, frozen=True):
    """What `decide_all` decides on: gates by id, cards by chip."""

    gates: Mapping[UUID, GateState]
    cards: Mapping[str, Card]


def after(card: Card, at: datetime, operations: Iterable[Operation]) -> Card:
    """Return the card as the next decision must see it: the fold that mirrors what the projection does to the tables."""
    for done in operations:
        if isinstance(done, Passed):
            gate = done.passage.gate
            card = _replace(card, passed={**card.passed, gate: (*card.passed.get(gate, ()), at)})
            card = _used(card, done.passage.entitlement, done.passage.points, done.activated, done.day_used)
        elif isinstance(done, Granted):
            card = _replace(card, grants=(*card.grants, Grant(done, at)))
            card = _used(card, done.entitlement, done.points)
        elif isinstance(done, NotTaken):
            ended = next(grant for grant in card.grants if grant.granted.grant == done.grant)
            card = _replace(card, grants=tuple(grant for grant in card.grants if grant is not ended))
            card = _used(card, ended.granted.entitlement, -ended.granted.points)
    return card


def _used(
    card: Card, entitlement: UUID, points: int, activated: Activated | None = None, day_used: DayUsed | None = None
) -> Card:
    """Return the card after a use of one of its entitlements; negative points were given back."""
    if not (points or activated or day_used):
        return card
    changed = [
        _holding_used(holding, points, activated, day_used) if holding.id == entitlement else holding
        for holding in card.holdings
    ]
    return _replace(card, holdings=tuple(changed))


def _holding_used(holding: Holding, points: int, activated: Activated | None, day_used: DayUsed | None) -> Holding:
    if points:
        holding = _replace(holding, available=holding.available - points)
    if activated and not holding.activated:
        holding = _replace(holding, activated=True, valid_from=activated.valid_from, valid_until=activated.valid_until)
    if day_used and day_used.day not in holding.days_used:
        holding = _replace(holding, days_used=tuple(sorted((*holding.days_used, day_used.day))))
    return holding
