"""Small worlds for tests of rules: a gate, a card, what is on it. Times are hours of one winter day, in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from karnet.access.operations import Gate, GateTerms
from karnet.access.requests import Scan
from karnet.access.rules import Card, GateState, State, Terms
from karnet.catalogue.operations import Validity
from karnet.entitlements.rules import Holding, MediumState
from karnet.kernel.ids import named_id

ZONE = "Europe/Warsaw"
DAY = date(2026, 1, 15)
SEASON = Validity(kind="season")


def at(hour: int, minute: int = 0, second: int = 0, *, day: date = DAY) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=UTC)


def facility(name: str = "north") -> UUID:
    return named_id("facility", name)


def gate(name: str = "lift", *, place: str = "north", **changes: Any) -> Gate:
    given: dict[str, Any] = {"direction": "in", "passback_s": 300, "reports_turn": False, "grant_s": 15, **changes}
    return Gate(id=named_id("gate", place, name), facility=facility(place), code=name, **given)


def with_terms(of: Gate, points: int = 3, weight: int = 1_000_000) -> GateState:
    season = (datetime(2025, 12, 1, tzinfo=UTC), datetime(2026, 4, 15, tzinfo=UTC))
    return GateState(of, (Terms(*season, GateTerms(gate=of.id, points=points, weight=weight)),))


def holding(name: str, kind: str, **changes: Any) -> Holding:
    given: dict[str, Any] = {
        "validity": SEASON,
        "sold_at": at(6),
        "valid_from": at(6),
        "facility": facility("north"),
        "activated": True,
        **changes,
    }
    return Holding(
        id=named_id("entitlement", name), medium=named_id("medium", "1"), product=named_id("product", name),
        product_code=name.upper(), kind=kind, category="adult", currency="PLN", price=16000, time_zone=ZONE, **given,
    )  # fmt: skip


def day_ticket(name: str = "day", **changes: Any) -> Holding:
    given = {"validity": Validity(kind="days", days=1), "valid_from": at(0) - timedelta(hours=1), **changes}
    return holding(name, "time", **{"valid_until": at(23), **given})


def days_ticket(name: str = "3of5", **changes: Any) -> Holding:
    """Three days out of five from the day before."""
    given = {
        "validity": Validity(kind="days_within", days=3, within_days=5),
        "valid_from": at(23, day=date(2026, 1, 13)),
        "valid_until": at(23, day=date(2026, 1, 18)),
    }
    return holding(name, "time", **{**given, **changes})


def unstarted_ticket(name: str = "first", **changes: Any) -> Holding:
    """Four hours from the first passage."""
    given = {"validity": Validity(kind="hours", hours=4, starts="first_passage"), "valid_from": None}
    return holding(name, "time", **{**given, "activated": False, **changes})


def points_ticket(name: str = "points", available: int = 30, **changes: Any) -> Holding:
    return holding(name, "points", **{"points": 30, "available": available, **changes})


def medium(number: str = "1", **changes: Any) -> MediumState:
    given: dict[str, Any] = {"state": "in_use", **changes}
    return MediumState(id=named_id("medium", number), number=number, chip=f"chip-{number}", kind="card", **given)


def card(*holdings: Holding, **changes: Any) -> Card:
    return Card(changes.pop("medium", medium()), holdings, **changes)


def scan(when: datetime, key: str = "s1", *, of: Gate | None = None, chip: str = "chip-1") -> Scan:
    of = of or gate()
    return Scan(key=key, at=when, actor=of.id, gate=of.id, chip=chip)


def state(gates: list[GateState], *cards: Card) -> State:
    return State({known.gate.id: known for known in gates}, {known.medium.chip: known for known in cards})
