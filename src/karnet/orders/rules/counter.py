"""Who may sell here, now: the sales point, its operator, its shift, and the numbers that documents get."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

import msgspec

from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import local_day
from karnet.orders.operations import Invoiced, PaidWith

UNATTENDED = frozenset(("ticket_machine", "web"))
WITHOUT_DRAWER = UNATTENDED | {"partner"}
"""Kinds of sales points where only cash needs a shift: nobody stands there, or a partner settles on account [ours]."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a sales point may sell: product codes (None = all) and minor units a local day (None = no limit)."""

    products: frozenset[str] | None = None
    limit_minor: int | None = None

    def allows(self, product: str) -> bool:
        """Tell whether a product of this code may be sold."""
        return self.products is None or product in self.products


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A sales point with what its facility decides. `service`: the operator of an unattended one; `retired_at`: when it,
    or its facility, ceased to act."""

    sales_point: UUID
    code: str
    kind: str
    facility: UUID
    facility_code: str
    currency: str
    time_zone: str
    service: UUID | None = None
    retired_at: datetime | None = None
    terms: Terms = Terms()


class RunningShift(msgspec.Struct, frozen=True, kw_only=True):
    """A shift nobody has closed."""

    id: UUID
    sales_point: UUID
    operator: UUID
    facility: UUID
    currency: str
    float_minor: int
    opened_at: datetime


class AtSalesPoint(Protocol):
    """A request made at a sales point."""

    @property
    def at(self) -> datetime: ...
    @property
    def actor(self) -> UUID: ...
    @property
    def sales_point(self) -> UUID: ...


class Invoicing(Protocol):
    """What an invoice number needs to know of a facility."""

    @property
    def facility(self) -> UUID: ...
    @property
    def facility_code(self) -> str: ...
    @property
    def time_zone(self) -> str: ...


class Counter:
    """Sales points, their operators, shifts and sequences, as the decisions of a batch so far leave them.

    Whoever has one holds the shifts (shared: none closes meanwhile) and the sequences (alone: numbers are drawn).
    `operators`: facility by operator. `sequences`: last sale by sales point. `invoices`: last number by
    (facility, year). `spent`: what was sold by (sales point, local day), where terms limit it; minor units.
    """

    def __init__(
        self,
        *,
        places: Mapping[UUID, Place],
        operators: Mapping[UUID, UUID],
        shifts: Mapping[UUID, RunningShift],
        sequences: Mapping[UUID, int] | None = None,
        invoices: Mapping[tuple[UUID, int], int] | None = None,
        spent: Mapping[tuple[UUID, date], int] | None = None,
    ) -> None:
        self.places, self.operators, self.shifts = dict(places), operators, shifts
        self.sequences = dict(sequences or {})
        self.invoices = dict(invoices or {})
        self.spent = dict(spent or {})

    def place(self, request: AtSalesPoint) -> Place | Refused:
        """Return the sales point when the actor may act there: an operator of its facility; at an unattended one, its
        own service operator (SPEC N7)."""
        place = self.places.get(request.sales_point)
        if place is None:
            return refused(Reason.UNKNOWN_SALES_POINT, sales_point=str(request.sales_point))
        if place.retired_at is not None and request.at >= place.retired_at:
            return refused(Reason.ACTOR_RETIRED, actor=str(place.sales_point), sales_point=place.code)
        if self.operators.get(request.actor) != place.facility or (place.service or request.actor) != request.actor:
            return refused(Reason.UNKNOWN_ACTOR, actor=str(request.actor), sales_point=place.code)
        return place

    def shift(self, request: AtSalesPoint, place: Place, kinds: Collection[PaidWith]) -> RunningShift | Refused | None:
        """Return the operator's open shift at the sales point, or why there must be one, or None where none is needed.

        Where somebody stands at the till every sale belongs to a shift; a ticket machine, a web shop or a partner has
        one only for cash [ours].
        """
        shift = self.shifts.get(place.sales_point)
        if shift is not None and shift.operator == request.actor:
            return shift
        if place.kind in WITHOUT_DRAWER and "cash" not in kinds:
            return None
        return refused(Reason.NO_OPEN_SHIFT, sales_point=place.code)

    def over_limit(self, place: Place, at: datetime, amount: int) -> Refused | None:
        """Return why the sales point may not sell so much more on the local day, None where it may."""
        if place.terms.limit_minor is None:
            return None
        left = place.terms.limit_minor - self.spent.get((place.sales_point, local_day(at, place.time_zone)), 0)
        return (
            None if amount <= left else refused(Reason.LIMIT_REACHED, left_minor=max(0, left), currency=place.currency)
        )

    def spend(self, place: Place, at: datetime, amount: int) -> None:
        """Note what was sold on the local day."""
        day = place.sales_point, local_day(at, place.time_zone)
        self.spent[day] = self.spent.get(day, 0) + amount

    def next_number(self, place: Place) -> tuple[str, int]:
        """Draw the next sale's number ("K1-000042") and its place among those of the sales point."""
        sequence = self.sequences.get(place.sales_point, 0) + 1
        self.sequences[place.sales_point] = sequence
        return f"{place.code}-{sequence:06d}", sequence

    def invoice(self, *, order: UUID, place: Invoicing, at: datetime, buyer: UUID) -> Invoiced:
        """Draw the next invoice number of the facility in its local year ("NORTH/2026/000007"), without gaps."""
        year = local_day(at, place.time_zone).year
        sequence = self.invoices.get((place.facility, year), 0) + 1
        self.invoices[place.facility, year] = sequence
        return Invoiced(
            order=order,
            facility=place.facility,
            number=f"{place.facility_code}/{year}/{sequence:06d}",
            year=year,
            sequence=sequence,
            buyer=buyer,
        )
