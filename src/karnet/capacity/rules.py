"""Who may claim what. Pure: a `Book` is what a batch decides about, folded from one decision to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from karnet.capacity.operations import AllotmentKind, Claimed, Released
from karnet.capacity.requests import Want
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason

MAX_SECTIONS = 200
MAX_QUANTITY = 100_000


class ResourceState(msgspec.Struct, frozen=True, kw_only=True):
    """What can be claimed, on a line of sections."""

    id: UUID
    facility: UUID
    kind: str
    sections: int


class AllotmentState(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a resource (its own allotment has its id and no parent)."""

    id: UUID
    resource: UUID
    parent: UUID | None
    code: str
    kind: AllotmentKind


class UnitState(msgspec.Struct, frozen=True, kw_only=True):
    """A numbered unit and the allotment it belongs to."""

    id: UUID
    resource: UUID
    number: str
    allotment: UUID


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """An allotment on one section: how much there is, booked, and held."""

    capacity: int
    taken: int = 0
    held: int = 0

    @property
    def free(self) -> int:
        """How much may still be claimed."""
        return self.capacity - self.taken - self.held


class ClaimState(msgspec.Struct, frozen=True, kw_only=True):
    """A live claim; `held_until`: it is a hold."""

    id: UUID
    resource: UUID
    allotment: UUID
    first: int
    until: int
    quantity: int
    unit: UUID | None = None
    counted: tuple[UUID, ...] = ()
    holder: UUID | None = None
    held_until: datetime | None = None

    def overlaps(self, first: int, until: int) -> bool:
        """Whether it is on one of the sections [first, until)."""
        return self.first < until and first < self.until


class Book:
    """Resources, allotments, units, rooms and live claims, as the decisions of a batch so far leave them.

    Only what the batch asked to be locked is in it (`claiming.lock_book`). `dropped`: holds that a decision turned into
    bookings, to be deleted before the bookings are inserted.
    """

    def __init__(
        self,
        *,
        resources: Mapping[UUID, ResourceState],
        allotments: Mapping[UUID, AllotmentState],
        units: Mapping[UUID, UnitState],
        rooms: Mapping[tuple[UUID, int], Room],
        claims: Iterable[ClaimState],
    ) -> None:
        self.resources, self.allotments, self.units = resources, allotments, units
        self.rooms = dict(rooms)
        self.claims: dict[UUID, ClaimState] = {}
        self.dropped: list[ClaimState] = []
        self._on: dict[UUID, list[ClaimState]] = {}
        for claim in claims:
            self._put(claim)

    def path(self, allotment: UUID) -> tuple[UUID, ...]:
        """Return the allotments a claim counts in: from its own up to the first that is a share, or the resource's own."""
        found = []
        place: UUID | None = allotment
        while place is not None:
            state = self.allotments[place]
            found.append(place)
            place = state.parent if state.kind == "limit" else None
        return tuple(found)

    def take(self, resource: UUID, want: Want, name: Callable[[], UUID]) -> tuple[Claimed, ...] | Refused:
        """Claim what is wanted, all or nothing; `name` makes the ids. One claim a unit, or one for a quantity.

        Refuses an allotment or unit that is not the resource's, a span off its line, a taken unit, and more than there is
        room for, naming how much is left.
        """
        known = self.resources.get(resource)
        if known is None:
            return refused(Reason.UNKNOWN_RESOURCE)
        allotment = self.allotments.get(want.allotment)
        if allotment is None or allotment.resource != resource:
            return refused(Reason.UNKNOWN_ALLOTMENT, allotment=str(want.allotment))
        if problems := dict(_problems(want, known)):
            return bad_values(problems)
        path = self.path(want.allotment)
        for unit in want.units:
            if (blocked := self._unit_taken(unit, path[-1], want)) is not None:
                return blocked
        quantity = len(want.units) or want.quantity
        counted = tuple(place for place in path if (place, want.first) in self.rooms)
        if not want.units and path[-1] not in counted:
            return bad_values({"quantity": "this resource has numbered units: choose some"})
        left = min((self.left(place, want.first, want.until) for place in counted), default=quantity)
        if left < quantity:
            return refused(Reason.NO_ROOM_LEFT, left=max(left, 0))
        made = [
            ClaimState(
                id=name(), resource=resource, allotment=want.allotment, first=want.first, until=want.until, unit=unit,
                quantity=1 if unit else want.quantity, counted=counted, holder=want.holder,
            )
            for unit in want.units or (None,)
        ]  # fmt: skip
        for claim in made:
            self._put(claim)
            self._count(claim, claim.quantity)
        return tuple(map(_claimed, made))

    def left(self, allotment: UUID, first: int, until: int) -> int:
        """Return how much may still be claimed on every one of sections [first, until) of an allotment."""
        return min(self.rooms[allotment, section].free for section in range(first, until))

    def confirm(self, resource: UUID, holds: Sequence[UUID]) -> tuple[Claimed, ...] | Refused:
        """Turn holds into bookings under their ids. One that is over is refused, although nobody may have come since."""
        found = [self.claims.get(id_) for id_ in holds]
        if len(set(holds)) != len(holds) or any(
            c is None or c.held_until is None or c.resource != resource for c in found
        ):
            return refused(Reason.HOLD_ENDED)
        confirmed = [claim for claim in found if claim is not None]
        for claim in confirmed:
            self.dropped.append(claim)
            self._remove(claim)
            self._put(msgspec.structs.replace(claim, held_until=None))
            self._count(claim, -claim.quantity, held=True)
            self._count(claim, claim.quantity)
        return tuple(map(_claimed, confirmed))

    def release(self, resource: UUID, claims: Sequence[UUID]) -> tuple[Released, ...] | Refused:
        """End bookings, all or nothing."""
        found = [self.claims.get(id_) for id_ in claims]
        if len(set(claims)) != len(claims) or any(
            c is None or c.held_until is not None or c.resource != resource for c in found
        ):
            return refused(Reason.UNKNOWN_CLAIM)
        ended = [claim for claim in found if claim is not None]
        for claim in ended:
            self._remove(claim)
            self._count(claim, -claim.quantity)
        return tuple(
            Released(id=c.id, first=c.first, until=c.until, quantity=c.quantity, counted=c.counted) for c in ended
        )

    def hold(self, claims: Iterable[Claimed], until: datetime) -> list[ClaimState]:
        """Turn what `take` just claimed into holds until an instant."""
        held = []
        for claim in claims:
            state = self.claims[claim.id]
            self._remove(state)
            held.append(msgspec.structs.replace(state, held_until=until))
            self._put(held[-1])
            self._count(state, -state.quantity)
            self._count(state, state.quantity, held=True)
        return held

    def forget(self, claims: Iterable[Claimed]) -> None:
        """Undo what `take` just claimed, because the request it is for is refused."""
        for claim in claims:
            state = self.claims[claim.id]
            self._remove(state)
            self._count(state, -state.quantity)

    def _unit_taken(self, id_: UUID, share: UUID, want: Want) -> Refused | None:
        unit = self.units.get(id_)
        if unit is None or unit.allotment != share:
            return refused(Reason.UNKNOWN_PLACE, place=unit.number if unit else str(id_))
        if any(claim.overlaps(want.first, want.until) for claim in self._on.get(id_, ())):
            return refused(Reason.PLACE_TAKEN, place=unit.number)
        return None

    def _put(self, claim: ClaimState) -> None:
        self.claims[claim.id] = claim
        if claim.unit is not None:
            self._on.setdefault(claim.unit, []).append(claim)

    def _remove(self, claim: ClaimState) -> None:
        del self.claims[claim.id]
        if claim.unit is not None:
            self._on[claim.unit].remove(claim)

    def _count(self, claim: ClaimState, by: int, *, held: bool = False) -> None:
        for allotment in claim.counted:
            for section in range(claim.first, claim.until):
                room = self.rooms[allotment, section]
                sums = {"held": room.held + by} if held else {"taken": room.taken + by}
                self.rooms[allotment, section] = msgspec.structs.replace(room, **sums)


def _problems(want: Want, resource: ResourceState) -> Iterable[tuple[str, str]]:
    if not 0 <= want.first < want.until <= resource.sections:
        yield "until", f"must be a span within sections 0 to {resource.sections}"
    if bool(want.units) == bool(want.quantity):
        yield "quantity", "name units, or a quantity, one of them"
    if not 0 <= want.quantity <= MAX_QUANTITY:
        yield "quantity", f"must be 1 to {MAX_QUANTITY}"
    if len(set(want.units)) != len(want.units):
        yield "units", "a unit is named twice"


def _claimed(claim: ClaimState) -> Claimed:
    return Claimed(
        id=claim.id, resource=claim.resource, allotment=claim.allotment, first=claim.first, until=claim.until,
        quantity=claim.quantity, unit=claim.unit, counted=claim.counted, holder=claim.holder,
    )  # fmt: skip
