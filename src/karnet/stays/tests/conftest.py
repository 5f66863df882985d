"""A pool with a till, a restaurant, zones with gates at their borders, and tariffs of the golden cases."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import psycopg
import pytest
from django.db import connection, transaction

from karnet.access.operations import gate_id
from karnet.access.requests import EnrolGate
from karnet.access.services import enrol_gates
from karnet.accounts.services import OpenBooks, open_books
from karnet.catalogue.rules import ProductDraft, Publication, Publish, PublishTariff
from karnet.catalogue.services import publish
from karnet.catalogue.tariffs import TariffInForce, publish_tariffs
from karnet.journal.flight import in_one_flight
from karnet.journal.founding import found_server
from karnet.journal.projection import project
from karnet.journal.selectors import entries_after
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused
from karnet.kernel.time import zone
from karnet.orders.operations import Payment
from karnet.orders.requests import OpenShift, ShiftOpen
from karnet.orders.services import open_shifts
from karnet.orders.tests.conftest import assert_books_balance, projected_tables, race, state
from karnet.parties.operations import facility_id, operator_id, sales_point_id
from karnet.parties.services import (
    CompanyDetails,
    EnrolFacility,
    EnrolOperator,
    EnrolSalesPoint,
    enrol_facilities,
    enrol_operators,
    enrol_sales_points,
    save_company,
)
from karnet.stays.bills import bills
from karnet.stays.requests import (
    Band,
    Border,
    Enter,
    Entered,
    Furnish,
    HouseRules,
    Let,
    Read,
    Ready,
    Settle,
    StaysSettled,
)
from karnet.stays.services import enter, furnish, read, settle
from karnet.tariffs.model import Band as TariffBand
from karnet.tariffs.model import Clock, Package, Tariff, from_json

__all__ = ["assert_books_balance", "race", "state"]

POOL = facility_id("POOL")
TILL, BAR = sales_point_id(POOL, "K1"), sales_point_id(POOL, "BAR")
ANNA, BEN = operator_id(POOL, "anna"), operator_id(POOL, "ben")
SCHOOL = named_id("company", "PL", "5260250274")
WARSAW = zone("Europe/Warsaw")
EARLY = datetime(2025, 3, 1, 8, tzinfo=WARSAW)
NOON = datetime(2026, 1, 19, 12, tzinfo=WARSAW)
GOLDEN = json.loads((Path(__file__).parents[4] / "scenarios" / "tariffs" / "golden.json").read_text())
GATES = {
    "in": Border(gate=gate_id(POOL, "in"), into="pool"),
    "to-sauna": Border(gate=gate_id(POOL, "to-sauna"), out_of="pool", into="sauna"),
    "to-pool": Border(gate=gate_id(POOL, "to-pool"), out_of="sauna", into="pool"),
    "to-restaurant": Border(gate=gate_id(POOL, "to-restaurant"), out_of="pool", into="restaurant"),
    "lone": Border(gate=gate_id(POOL, "lone"), role="both_ways", out_of="pool", into="gym"),
    "stop": Border(gate=gate_id(POOL, "stop"), role="time_stop", out_of="pool", into="pool"),
    "out": Border(gate=gate_id(POOL, "out"), out_of="pool", keeps_band=True),
    "door": Border(gate=gate_id(POOL, "door"), out_of="pool"),
}
T = TypeVar("T")


def pool_tariff(**changes: Any) -> Tariff:
    """1 h for 18.00, then 0.30 a full minute; the sauna 0.50 a full minute on top."""
    given: dict[str, Any] = {
        "code": "pool", "currency": "PLN", "time_zone": "Europe/Warsaw", "categories": ("adult", "child"),
        "zones": ("pool", "sauna", "gym", "restaurant"),
        "clocks": (
            Clock(code="pool", zones=("pool", "gym"), unit_s=60, bands=(_any(30, 20),)),
            Clock(code="sauna", zones=("sauna",), unit_s=60, on_top=True, bands=(_any(50, 50),)),
        ),
        "packages": (Package(code="1h", included_s={"pool": 3600}, bands=(_any(1800, 1200),)),),
        **changes,
    }  # fmt: skip
    return Tariff(**given)


def _any(adult: int, child: int) -> TariffBand:
    return TariffBand(code="any", prices={"adult": adult, "child": child})


class World:
    """Short words for tests. `goods`: product versions by code."""

    def __init__(self) -> None:
        self.keys = itertools.count()
        self.goods: dict[str, UUID] = {}

    def key(self, word: str = "test") -> str:
        return f"{word} {next(self.keys)}"

    def enters(self, *bands: Band | str, pay: int | Sequence[Payment] = (), **changes: Any) -> Entered | Refused:
        return enter([self.entry(*bands, pay=pay, **changes)])[0]

    def entry(self, *bands: Band | str, pay: int | Sequence[Payment] = (), **changes: Any) -> Enter:
        given: dict[str, Any] = {"key": self.key(), "at": NOON, "actor": ANNA, "sales_point": TILL, "tariff": "pool"}
        wanted = tuple(Band(number=band, package="1h") if isinstance(band, str) else band for band in bands)
        return Enter(bands=wanted, payments=paid(pay), **(given | changes))

    def came(self, *bands: Band | str, **changes: Any) -> Entered:
        answer = self.enters(*bands, **changes)
        assert isinstance(answer, Entered), answer
        return answer

    def reads(self, gate: str, chip: str, at: datetime | int, **changes: Any) -> Let | Refused:
        return read([self.reading(gate, chip, at, **changes)])[0]

    def reading(self, gate: str, chip: str, at: datetime | int, **changes: Any) -> Read:
        id_ = gate_id(POOL, gate)
        return Read(key=self.key(), at=when(at), actor=id_, gate=id_, chip=chip, **changes)

    def passes(self, gate: str, chip: str, at: datetime | int) -> Let:
        answer = self.reads(gate, chip, at)
        assert isinstance(answer, Let), answer
        return answer

    def settles(self, *stays: UUID, at: datetime | int, pay: int | Sequence[Payment] = (), **changes: Any) -> Any:
        given: dict[str, Any] = {"key": self.key(), "actor": ANNA, "sales_point": TILL, **changes}
        return settle([Settle(at=when(at), stays=stays, payments=paid(pay), **given)])[0]

    def settled(self, *stays: UUID, at: datetime | int, **changes: Any) -> StaysSettled:
        answer = self.settles(*stays, at=at, **changes)
        assert isinstance(answer, StaysSettled), answer
        return answer

    def owed(self, stay: UUID, at: datetime | int) -> int:
        return bills([stay], when(at))[stay].owed_minor

    def total(self, stay: UUID, at: datetime | int) -> int:
        return bills([stay], when(at))[stay].bill.total_minor


def when(at: datetime | int) -> datetime:
    """An instant, or minutes after NOON."""
    return at if isinstance(at, datetime) else NOON + timedelta(minutes=at)


def paid(amount: int | Iterable[Payment]) -> tuple[Payment, ...]:
    if isinstance(amount, int):
        return (Payment(kind="cash", amount=amount),) if amount else ()
    return tuple(amount)


def refusal(answer: object) -> str:
    assert isinstance(answer, Refused), answer
    return answer.reason


@pytest.fixture
def world(database: None) -> World:
    """A founded server, a furnished pool with tariffs "pool" and those of the golden cases; Anna's shift at the till."""
    world = World()
    server = found_server("karnet.test/log", EARLY)
    asked: Any = {"at": EARLY, "actor": server}
    enrol_facilities([EnrolFacility(key="pool", code="POOL", currency="PLN", time_zone="Europe/Warsaw", **asked)])
    open_books([OpenBooks(key="books", facility=POOL, currency="PLN", **asked)])
    for code in ("K1", "BAR"):
        enrol_sales_points([EnrolSalesPoint(key=world.key(), facility=POOL, code=code, kind="till", **asked)])
    for code in ("anna", "ben"):
        enrol_operators([EnrolOperator(key=world.key(), facility=POOL, code=code, **asked)])
    enrol_gates([EnrolGate(key=f"gate {code}", facility=POOL, code=code, **asked) for code in GATES])
    tariffs = {"pool": pool_tariff()}
    tariffs |= {case["tariff"]["code"]: from_json(json.dumps(case["tariff"])) for case in GOLDEN}
    zones = {code: None for tariff in tariffs.values() for code in tariff.zones}
    furnished = Furnish(
        key="furnish", facility=POOL, zones=zones, borders=tuple(GATES.values()), rules=house(), **asked
    )
    assert isinstance(furnish([furnished])[0], Ready)
    for code, tariff in tariffs.items():
        (made,) = publish_tariffs(
            [PublishTariff(key=f"tariff {code}", facility=POOL, in_force_from=EARLY, tariff=tariff, **asked)]
        )
        assert isinstance(made, TariffInForce), made
    goods = (
        ProductDraft(code="SOUP", kind="goods", prices={"adult": 1500}, vat_bp=800),
        ProductDraft(code="MASSAGE", kind="goods", prices={"adult": 9000}, vat_bp=2300),
    )
    (published,) = publish([Publish(key="goods", facility=POOL, on_sale_from=EARLY, products=goods, **asked)])
    assert isinstance(published, Publication), published
    world.goods.update(published.versions)
    save_company(SCHOOL, CompanyDetails(name="School No 1", tax_number="5260250274", address="Main Street 1"))
    (opened,) = open_shifts([OpenShift(key="shift", at=EARLY, actor=ANNA, sales_point=TILL, float_minor=20000)])
    assert isinstance(opened, ShiftOpen), opened
    return world


def house(**changes: Any) -> HouseRules:
    return HouseRules(**({"vat_bp": 800, "on_top_vat_bp": 2300, "lost_band_minor": 5000} | changes))


def set_house(world: World, **changes: Any) -> None:
    (answer,) = furnish(
        [Furnish(key=world.key(), at=NOON - timedelta(hours=1), actor=ANNA, facility=POOL, rules=house(**changes))]
    )
    assert isinstance(answer, Ready), answer


def capacity(world: World, **zones: int | None) -> Ready | Refused:
    return furnish(
        [Furnish(key=world.key(), at=NOON - timedelta(hours=1), actor=ANNA, facility=POOL, zones=dict(zones))]
    )[0]


def assert_rebuilt_alike(superuser: psycopg.Connection, size: int = 7) -> None:
    """The journal replayed into empty tables fills them as they are."""
    before = state()
    superuser.execute("SET session_replication_role = replica")
    for table in projected_tables():
        superuser.execute(f'DELETE FROM "{table}"')
    assert state() != before
    entries = iter(list(entries_after(0)))
    while batch := list(islice(entries, size)):
        with transaction.atomic(), in_one_flight(connection) as send:
            send("SELECT set_config('karnet.recording', 'on', true)", [])
            project(send, batch)
    assert state() == before


def changed(request: T, **changes: Any) -> T:
    return msgspec.structs.replace(request, **changes)  # type: ignore[type-var]
