"""The sample network: three facilities of one card, and the steps that set it up.

Prices are those of a real area: day ticket 160.00 / 150.00, 7 days 905.00, 30 points 26.00 / 23.00, card deposit 10.00;
lifts take 3, 2 and 1 points and may be passed again after 5, 3 and 1.5 minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from karnet.kernel.decimals import money
from karnet.wiring.demo.names import called
from karnet.wiring.play.steps import Agree, EnrolFacility, EnrolGate, EnrolOperator, EnrolSalesPoint, Publish, Step
from karnet.wiring.play.words import AgreedPrice, Buyer, GateTerms, Product, SalesPointKind, Validity

TIME_ZONE = "Europe/Warsaw"
ZONE = ZoneInfo(TIME_ZONE)
CURRENCY = "PLN"
DEPOSIT = 1000
SEASON_FROM, SEASON_UNTIL = (12, 1), (4, 12)


class Lift(msgspec.Struct, frozen=True, kw_only=True):
    """A lift behind one gate. `interval_s`: seconds between two people at full capacity. `round_s`: riding up and
    skiing down to its gate again, without waiting."""

    gate: str
    name: str
    points: int
    weight: str
    passback_s: int
    interval_s: float
    round_s: int
    reports_turn: bool = True

    @property
    def facility(self) -> str:
        return self.gate.split("/")[0]


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """A sales point with whoever serves there, if anybody does; `sale_s`: seconds a sale takes."""

    code: str
    kind: SalesPointKind
    operator: str | None = None
    sale_s: int = 35

    @property
    def facility(self) -> str:
        return self.code.split("/")[0]

    @property
    def clerk(self) -> str:
        """Who serves at an attended desk."""
        assert self.operator is not None
        return self.operator

    @property
    def has_drawer(self) -> bool:
        """Tell whether cash is taken and paid out there."""
        return self.kind in ("till", "reception")


FACILITIES = {"jawor": "Jawor", "kopa": "Kopa", "polana": "Polana"}
COMPANIES = {
    "jawor": Buyer(name="Jawor Ski sp. z o.o.", tax_number="1002001004", address="ul. Stokowa 1, 34-999 Jawor"),
    "kopa": Buyer(name="Kolej Kopa S.A.", tax_number="1003001006", address="ul. Szczytowa 7, 34-998 Kopa"),
    "polana": Buyer(name="Polana Narty sp. z o.o.", tax_number="1004001008", address="ul. Leśna 3, 34-997 Polana"),
}
"""Invented, as are their tax numbers; only the check digits are right."""

LIFTS = (
    Lift(gate="kopa/chair", name="Kopa chairlift", points=3, weight="2.25", passback_s=300, interval_s=1.6, round_s=960),
    Lift(gate="kopa/summit", name="Summit tow", points=2, weight="1.50", passback_s=180, interval_s=3.5, round_s=600),
    Lift(gate="polana/chair", name="Polana chairlift", points=2, weight="1.50", passback_s=180, interval_s=2, round_s=720),
    Lift(gate="polana/tow", name="Polana tow", points=1, weight="1.00", passback_s=90, interval_s=4, round_s=390),
    Lift(gate="jawor/tow-1", name="Jawor tow 1", points=1, weight="1.00", passback_s=90, interval_s=4, round_s=330),
    Lift(gate="jawor/tow-2", name="Jawor tow 2", points=1, weight="1.00", passback_s=90, interval_s=4, round_s=330),
    Lift(
        gate="jawor/carpet", name="Magic carpet", points=1, weight="1.00", passback_s=90, interval_s=5, round_s=270,
        reports_turn=False,
    ),
)  # fmt: skip

EXITS = {"jawor": "jawor/exit"}
"""Where the way out is counted, by facility: at the valley station of Jawor everybody who leaves passes a gate."""

DESKS = (
    Desk(code="kopa/till-1", kind="till", operator="kopa/anna"),
    Desk(code="kopa/till-2", kind="till", operator="kopa/bartek"),
    Desk(code="kopa/till-3", kind="till", operator="kopa/celina"),
    Desk(code="kopa/machine", kind="ticket_machine", sale_s=50),
    Desk(code="kopa/web", kind="web", sale_s=1),
    Desk(code="polana/till-1", kind="till", operator="polana/darek"),
    Desk(code="polana/till-2", kind="till", operator="polana/ewa"),
    Desk(code="polana/guest-house", kind="partner", operator="polana/felicja", sale_s=60),
    Desk(code="jawor/till-1", kind="till", operator="jawor/grzegorz"),
    Desk(code="jawor/rental", kind="reception", operator="jawor/hania", sale_s=50),
)


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A product of the common card: agreed prices in grosz by category."""

    code: str
    name: str
    adult: int
    reduced: int
    points: int = 0
    validity: Validity | None = None
    facilities: tuple[str, ...] = ()


def _days(days: int) -> Validity:
    return Validity(kind="days", days=days, starts="first_passage" if days > 1 else "sale")


def _hours(hours: int) -> Validity:
    return Validity(kind="hours", hours=hours, starts="first_passage")


TICKETS = {
    ticket.code: ticket
    for ticket in (
        Ticket(code="points-30", name="30 points", adult=2600, reduced=2300, points=30),
        Ticket(code="points-60", name="60 points", adult=5000, reduced=4400, points=60),
        Ticket(code="hours-2", name="2 hours", adult=9000, reduced=8000, validity=_hours(2)),
        Ticket(code="hours-4", name="4 hours", adult=13000, reduced=12000, validity=_hours(4)),
        Ticket(code="day", name="Day ticket", adult=16000, reduced=15000, validity=_days(1)),
        Ticket(code="days-2", name="2 days", adult=30500, reduced=28500, validity=_days(2)),
        Ticket(code="days-7", name="7 days", adult=90500, reduced=84500, validity=_days(7)),
        Ticket(
            code="days-5-of-7", name="5 days of 7", adult=71000, reduced=66000,
            validity=Validity(kind="days_within", days=5, within_days=7, starts="first_passage"),
        ),
        Ticket(code="season", name="Season pass", adult=240000, reduced=210000),
        Ticket(
            code="training", name="Training slope, 2 hours", adult=4500, reduced=4000, validity=_hours(2),
            facilities=("jawor",),
        ),
    )
}  # fmt: skip

GOODS = {"goggles": 6900, "mulled-wine": 1800, "map": 500}

# A facility may sell dearer or cheaper than agreed (SPEC N8): the difference stays with it.
_LOCAL = {"kopa": {"day": 500, "hours-4": 500}, "jawor": {"day": -500, "hours-2": -300}}


def price(facility: str, product: str, category: str) -> int:
    """Return what a facility asks for a product, in grosz."""
    if product in GOODS:
        return GOODS[product]
    ticket = TICKETS[product]
    agreed = ticket.adult if category == "adult" else ticket.reduced
    return agreed + _LOCAL.get(facility, {}).get(product, 0)


def season(day: date) -> tuple[date, date]:
    """Return the first and last day of the season that a winter day belongs to."""
    year = day.year if day.month >= SEASON_FROM[0] else day.year - 1
    return date(year, *SEASON_FROM), date(year + 1, *SEASON_UNTIL)


def season_code(day: date) -> str:
    """Return the season's code, such as "2025-26"."""
    first, last = season(day)
    return f"{first.year}-{last.year % 100:02d}"


def instant(day: date, wall: time) -> datetime:
    """Return a wall time of the network as an instant."""
    return datetime.combine(day, wall, ZONE)


def setup(day: date) -> Iterator[Step]:
    """Yield the steps that make the network. They happen before the season, so that every day's scenario has the same."""
    first, last = season(day)
    at = instant(first - timedelta(days=7), time(9))
    for code, name in FACILITIES.items():
        yield EnrolFacility(
            at=at,
            facility=code,
            currency=CURRENCY,
            time_zone=TIME_ZONE,
            name=name,
            company=COMPANIES[code],
            expect=OK,
        )
    for desk in DESKS:
        yield EnrolSalesPoint(at=at, sales_point=desk.code, kind=desk.kind, expect=OK)
        if desk.operator is not None:
            yield EnrolOperator(at=at, operator=desk.operator, name=desk.operator.split("/")[1].title(), expect=OK)
    for lift in LIFTS:
        yield EnrolGate(
            at=at, gate=lift.gate, name=lift.name, passback_s=lift.passback_s, reports_turn=lift.reports_turn, expect=OK
        )  # fmt: skip
    for gate in EXITS.values():
        yield EnrolGate(at=at, gate=gate, direction="out", reports_turn=False, name="Jawor, way out", expect=OK)
    for code in FACILITIES:
        yield Publish(at=at, facility=code, products=_price_list(code, first, last), expect=OK)
    yield Agree(
        at=at,
        season=season_code(day),
        first_day=first,
        last_day=last,
        currency=CURRENCY,
        time_zone=TIME_ZONE,
        members=tuple(FACILITIES),
        prices=tuple(
            AgreedPrice(product=ticket.code, category=category, price=as_text(amount))
            for ticket in TICKETS.values()
            for category, amount in (("adult", ticket.adult), ("reduced", ticket.reduced))
        ),
        gates={lift.gate: GateTerms(points=lift.points, weight=lift.weight) for lift in LIFTS},
        deposit=as_text(DEPOSIT),
        expect=OK,
    )


OK = {"ok": True}


def _price_list(facility: str, first: date, last: date) -> tuple[Product, ...]:
    season_long = Validity(kind="season", first_day=first, last_day=last)
    tickets = [
        Product(
            code=ticket.code,
            kind="points" if ticket.points else "time",
            names=called(ticket.name),
            prices={category: as_text(price(facility, ticket.code, category)) for category in ("adult", "reduced")},
            points=ticket.points,
            validity=ticket.validity or season_long,
            deposit=as_text(DEPOSIT),
            facilities=ticket.facilities,
        )
        for ticket in TICKETS.values()
    ]
    goods = [
        Product(
            code=code,
            kind="goods",
            names=called(code.replace("-", " ").capitalize()),
            vat="23",
            prices={"adult": as_text(amount)},
        )
        for code, amount in GOODS.items()
    ]
    return (*tickets, *goods)


def as_text(minor: int) -> str:
    return money(minor, CURRENCY)
