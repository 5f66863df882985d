"""A settlement in plain values for tests: facilities A, B, C, … are places 0, 1, 2, …"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from karnet.kernel.ids import named_id
from karnet.settlement.rules.division import DivisionRule, UnusedRule, Visit
from karnet.settlement.rules.report import FacilityLine, Heading, Place, Report, build_report
from karnet.settlement.rules.totals import Priced, Terms, Ticket, Totals

NOW = datetime(2027, 1, 17, 18, 0, tzinfo=UTC)
SEASON_END = datetime(2027, 4, 5, 22, 0, tzinfo=UTC)
PLACES = tuple(Place(named_id("facility", code), code) for code in "ABCDE")
A, B, C, D, E = range(5)
DAY, POINTS = "day", "points30"


def terms(
    *,
    division: DivisionRule = "weighted_passages",
    unused: UnusedRule = "seller",
    weights: tuple[int, ...] = (1, 1, 1),
    **more: Any,
) -> Terms:
    """An agreement of A, B, C: a day ticket at 160.00, 30 points at 26.00."""
    prices = {(DAY, "adult"): Priced(16000, 800), (POINTS, "adult"): Priced(2600, 800)}
    return Terms("PLN", prices, division, unused, SEASON_END, dict(enumerate(weights)), **more)


def day_ticket(price: int = 16000, *, seller: int = A, voided: bool = False, ended: bool = False) -> Ticket:
    return Ticket(seller, DAY, "adult", "time", "PLN", price, 0, ended, voided)


def points_ticket(price: int = 2600, *, seller: int = A, voided: bool = False, ended: bool = False) -> Ticket:
    return Ticket(seller, POINTS, "adult", "points", "PLN", price, 30, ended, voided)


def passages(place: int, *weights: str) -> Visit:
    """Passages at a place, one for each weight ("1.50")."""
    millionths = sum(int(weight.replace(".", "")) * 10_000 for weight in weights)
    return Visit(place, len(weights), 0, millionths)


def points(place: int, *drawn: int) -> Visit:
    """Passages at a place, each drawing points."""
    return Visit(place, len(drawn), sum(drawn), len(drawn) * 1_000_000)


def report_of(totals: Totals, members: int = 3) -> Report:
    """The report over totals, A, B, C being the members."""
    return build_report(heading(members), PLACES, totals.result())


def heading(members: int = 3) -> Heading:
    return Heading(
        agreement=UUID(int=7),
        agreement_sha256="00" * 32,
        season="2026/27",
        currency="PLN",
        members=frozenset(place.facility for place in PLACES[:members]),
        cut={"karnet.test/log": 100},
        since=None,
        until=None,
        as_of=NOW,
    )


def line(report: Report, code: str) -> FacilityLine:
    return next(line for line in report.facilities if line.code == code)
