"""What a run knows while it plays: ids of names, facilities' currencies and zones, and what earlier lines came to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from karnet.access.operations import gate_id
from karnet.kernel.decimals import BadDecimal
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import zone
from karnet.orders.requests import Sale
from karnet.parties.operations import facility_id, operator_id, sales_point_id, service_operator_id
from karnet.parties.selectors import EnrolledFacility, all_facilities
from karnet.wiring.installation import Installation
from karnet.wiring.play.amounts import Money, minor_units
from karnet.wiring.play.reading import Line

Fields = dict[str, Any]
Answer = Fields | Refused
"""What a line came to: the fields of its outcome, or why not."""

Act = Callable[["Stage", Sequence[Line]], list[Answer]]
"""Plays a batch of lines of one kind; answers in their order."""


class Stage:
    """The state of one run. Names are looked up, never guessed: a name nobody has leads to the service's own refusal."""

    def __init__(self, installation: Installation, server: UUID) -> None:
        self.installation, self.server = installation, server
        self.shifts: dict[tuple[UUID, UUID], UUID] = {}
        self.sales: dict[int, Sale] = {}
        self.grants: dict[int, UUID] = {}
        self.stays: dict[str, UUID] = {}
        self.tabs: dict[str, UUID] = {}
        self._facilities: dict[str, EnrolledFacility] = {}
        self._names: dict[str, str] = {}
        self._ids: dict[tuple[object, str], UUID] = {}

    def facility(self, code: str) -> UUID:
        """Return the id that a facility with this code has."""
        return self._named(facility_id(code), code)

    def sales_point(self, place: str) -> UUID:
        """Return the id of "A/till-1"."""
        return self._placed(place, sales_point_id)

    def operator(self, place: str) -> UUID:
        """Return the id of "A/anna"."""
        return self._placed(place, operator_id)

    def seller(self, sales_point: str, operator: str | None) -> UUID:
        """Return who sells: the operator, or where nobody stands the sales point's service operator."""
        if operator is not None:
            return self.operator(operator)
        facility, code = sales_point.split("/")
        return service_operator_id(facility_id(facility), code)

    def gate(self, place: str) -> UUID:
        """Return the id of the gate "A/k1"."""
        return self._placed(place, gate_id)

    def name(self, id_: UUID | str | int) -> str | int:
        """Return the name under which this run knows an id (a UUID, also as text), else what was given, as text."""
        return self._names.get(str(id_), id_ if isinstance(id_, int) else str(id_))

    def enrolled(self, code: str) -> EnrolledFacility | Refused:
        """Return what is known of the facility with this code."""
        if code not in self._facilities:
            self._facilities = {facility.code: facility for facility in all_facilities()}
            for facility in self._facilities.values():
                self._named(facility.id, facility.code)
        return self._facilities.get(code) or refused(Reason.UNKNOWN_FACILITY, facility=code)

    def currency(self, code: str) -> str:
        """Return a facility's currency. Raises Unplayable where there is no such facility."""
        facility = self.enrolled(code)
        if isinstance(facility, Refused):
            raise Unplayable(facility)
        return facility.currency

    def minor(self, amount: str | int, code: str, field: str) -> int:
        """Return an amount of a facility in minor units. Raises Unplayable."""
        try:
            return minor_units(amount, self.currency(code))
        except BadDecimal as error:
            raise Unplayable(refused(Reason.BAD_VALUE, field=field, problem=str(error))) from None

    def money(self, minor: int, code: str) -> Money:
        """Return an amount of a facility as outcomes show it."""
        return Money(minor, self.currency(code))

    def wall(self, at: datetime, code: str) -> str:
        """Return an instant by the wall clock of a facility, as outcomes show it."""
        facility = self.enrolled(code)
        local = at if isinstance(facility, Refused) else at.astimezone(zone(facility.time_zone))
        return local.isoformat()

    def _placed(self, place: str, derive: Callable[[UUID, str], UUID]) -> UUID:
        id_ = self._ids.get((derive, place))
        if id_ is None:
            facility, code = place.split("/")
            id_ = self._ids[derive, place] = self._named(derive(facility_id(facility), code), place)
        return id_

    def _named(self, id_: UUID, name: str) -> UUID:
        self._names[str(id_)] = name
        return id_


class Unplayable(Exception):
    """A line cannot be put to a service; what it came to is the refusal."""

    def __init__(self, refusal: Refused) -> None:
        super().__init__(str(refusal.reason))
        self.refusal = refusal


def facility_of(place: str) -> str:
    """Return the facility code of "A/till-1"."""
    return place.split("/")[0]
