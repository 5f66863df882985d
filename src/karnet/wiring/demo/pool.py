"""The sample pool: Zdrój, beside the ski area, on the same server and the same card. Its zones, tariff, and who is there.

A pool complex with a leisure pool, a lap pool, saunas, a machine room and somebody else's restaurant. Invented; prices are
of the size that such places ask: one hour 34.00, two hours 52.00, then 0.45 a minute, saunas 0.60 a minute on top.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta

from karnet.tariffs.model import Band, Caps, Clock, Package, Pause, Rounding, Tariff
from karnet.wiring.demo import network
from karnet.wiring.demo.network import CURRENCY, OK, TIME_ZONE
from karnet.wiring.play.steps import EnrolFacility, EnrolGate, EnrolOperator, EnrolSalesPoint, Publish, Step
from karnet.wiring.play.steps_lockers import FurnishLockers, Grid, Section
from karnet.wiring.play.steps_stays import Furnish, Leads, PublishTariff, StayRules
from karnet.wiring.play.words import Buyer, Product

POOL, NAME = "zdroj", "Zdrój"
COMPANY = Buyer(name="Termy Zdrój sp. z o.o.", tax_number="1006001018", address="ul. Zdrojowa 5, 34-996 Zdrój")
"""Invented, as is the tax number; only the check digit is right."""

TILL, DESK, BISTRO = f"{POOL}/till-1", f"{POOL}/till-2", f"{POOL}/bistro"
CLERKS = {TILL: f"{POOL}/iga", DESK: f"{POOL}/jan"}
COOK = f"{POOL}/kuba"
ZONES = {"leisure": 260, "lap": 90, "sauna": 70, "machines": 30, "restaurant": 110, "*": 420}
"""Capacities in heads. In the order of the walls: everything begins and ends in the leisure pool's hall."""

GATES = {
    "in": Leads(into="leisure"),
    "out": Leads(out_of="leisure", keeps_band=True),
    "lap": Leads(role="both_ways", out_of="leisure", into="lap"),
    "sauna-in": Leads(out_of="leisure", into="sauna"),
    "sauna-out": Leads(out_of="sauna", into="leisure"),
    "machines": Leads(role="both_ways", out_of="leisure", into="machines"),
    "restaurant": Leads(role="both_ways", out_of="leisure", into="restaurant"),
    "stop": Leads(role="time_stop", out_of="leisure", into="leisure"),
}
CHANGING = ("a", "b")
"""Sections of lockers in the changing rooms behind the entrance: two aisles of a hundred each."""

_NAMES = {
    "in": "Pool entrance", "out": "Pool exit", "lap": "Lap pool reader", "sauna-in": "Saunas, in", "sauna-out": "Saunas, out",
    "machines": "Machine room reader", "restaurant": "Restaurant reader", "stop": "Time stop at the till",
}  # fmt: skip
WAYS = {"lap": ("lap", "lap"), "sauna": ("sauna-in", "sauna-out"), "machines": ("machines", "machines"),
        "restaurant": ("restaurant", "restaurant")}  # fmt: skip
"""Readers on the way into a zone and back to the leisure pool."""

GOODS = {"goggles-swim": 4900, "towel": 1500}
DISHES = {"zurek": 1890, "pierogi": 2690, "tea": 900, "cake": 1590}


def _prices(adult: int, child: int) -> dict[str, int]:
    return {"adult": adult, "child": child}


def _bands(weekday: tuple[int, int], weekend: tuple[int, int]) -> tuple[Band, ...]:
    return (
        Band(code="weekend", weekdays=(5, 6), prices=_prices(*weekend)),
        Band(code="weekday", prices=_prices(*weekday)),
    )


TARIFF = Tariff(
    code="pool",
    currency=CURRENCY,
    time_zone=TIME_ZONE,
    categories=("adult", "child"),
    zones=("leisure", "lap", "sauna", "machines", "restaurant"),
    clocks=(
        Clock(
            code="water",
            zones=("leisure", "lap", "machines", "restaurant"),
            pauses=(Pause(zone="restaurant", at_most_s=1800),),
            unit_s=60,
            bands=_bands((45, 35), (55, 45)),
            caps=Caps(day=_prices(9500, 7500)),
        ),
        Clock(code="sauna", zones=("sauna",), unit_s=60, on_top=True, bands=_bands((60, 60), (70, 70))),
    ),
    packages=(
        Package(code="1h", included_s={"water": 3600}, bands=_bands((3400, 2700), (3900, 3100))),
        Package(code="2h", included_s={"water": 7200}, bands=_bands((5200, 4200), (5900, 4800))),
        Package(code="day", included_s={"water": 16 * 3600}, bands=_bands((8900, 6900), (9900, 7900))),
    ),
    rounding=Rounding(step_minor=10),
    stop_hold_s=600,
)


def setup(day: date) -> Iterator[Step]:
    """Yield the steps that make the pool. They happen before the season, as the network's."""
    first, _last = network.season(day)
    at = network.instant(first - timedelta(days=7), time(9))
    yield EnrolFacility(
        at=at, facility=POOL, currency=CURRENCY, time_zone=TIME_ZONE, name=NAME, company=COMPANY, expect=OK
    )
    for place in CLERKS:
        yield EnrolSalesPoint(at=at, sales_point=place, kind="till", expect=OK)
    yield EnrolSalesPoint(at=at, sales_point=BISTRO, kind="partner", expect=OK)
    for operator in (*CLERKS.values(), COOK):
        yield EnrolOperator(at=at, operator=operator, name=operator.split("/")[1].title(), expect=OK)
    for code, leads in GATES.items():
        out = leads.role == "way" and not leads.into
        yield EnrolGate(
            at=at, gate=f"{POOL}/{code}", name=_NAMES[code], direction="out" if out else "in", reports_turn=False,
            expect=OK,
        )  # fmt: skip
    yield Publish(at=at, facility=POOL, products=tuple(map(_product, GOODS.items())), expect=OK)
    yield Furnish(
        at=at, facility=POOL, zones=dict(ZONES), gates={f"{POOL}/{code}": leads for code, leads in GATES.items()},
        rules=StayRules(exit_grace_s=900, vat="8", on_top_vat="8", lost_band="50.00"), expect=OK,
    )  # fmt: skip
    yield PublishTariff(at=at, facility=POOL, tariff=TARIFF, expect=OK)
    for code in CHANGING:
        yield EnrolGate(
            at=at, gate=f"{POOL}/lockers-{code}", name=f"Lockers {code.upper()}", reports_turn=False, expect=OK
        )
    sections = tuple(
        Section(
            code=code.upper(),
            grid=Grid(aisles=2, positions=50, rows=2, first=first),
            readers=(f"{POOL}/lockers-{code}",),
        )
        for code, first in zip(CHANGING, (101, 301), strict=True)
    )
    yield FurnishLockers(at=at, facility=POOL, sections=sections, expect={"added": 400})


def _product(item: tuple[str, int]) -> Product:
    code, amount = item
    names = {"goggles-swim": "Swimming goggles", "towel": "Towel"}
    return Product(
        code=code, kind="goods", names={"en": names[code]}, vat="23", prices={"adult": network.as_text(amount)}
    )
