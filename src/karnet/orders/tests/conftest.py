"""Two facilities of one card with open books, tills, a ticket machine and a web shop, and a price list each."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from threading import Barrier
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import pytest
from django.apps import apps
from django.db import connection

from karnet.accounts.selectors import books_balance, discrepancies
from karnet.accounts.services import OpenBooks, open_books
from karnet.catalogue.operations import Validity
from karnet.catalogue.rules import ProductDraft, Publication, Publish
from karnet.catalogue.services import publish
from karnet.journal.founding import found_server
from karnet.journal.models import ProjectedModel
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused
from karnet.kernel.time import zone
from karnet.orders.operations import Payment, PaymentKind
from karnet.orders.requests import Card, GiveBack, OpenShift, Sale, SaleLine, Sell, ShiftOpen, TakenBack
from karnet.orders.services import give_back, open_shifts, sell
from karnet.parties.operations import facility_id, operator_id, sales_point_id, service_operator_id
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

NORTH, SOUTH = facility_id("NORTH"), facility_id("SOUTH")
TILL, TILL2 = sales_point_id(NORTH, "K1"), sales_point_id(NORTH, "K2")
WEB, MACHINE = sales_point_id(NORTH, "WEB"), sales_point_id(NORTH, "ATM")
SOUTH_TILL = sales_point_id(SOUTH, "S1")
ANNA, BEN, CARLA = operator_id(NORTH, "anna"), operator_id(NORTH, "ben"), operator_id(SOUTH, "carla")
WEB_OPERATOR, MACHINE_OPERATOR = service_operator_id(NORTH, "WEB"), service_operator_id(NORTH, "ATM")
SCHOOL = named_id("company", "PL", "5260250274")
WARSAW = zone("Europe/Warsaw")
MORNING = datetime(2026, 1, 17, 8, 0, tzinfo=WARSAW)

PRICE_LIST = (
    ProductDraft(
        code="DAY", kind="time", prices={"adult": 16000, "reduced": 15000}, vat_bp=800, deposit_minor=1000,
        validity=Validity(kind="days", days=1),
    ),
    ProductDraft(
        code="P30", kind="points", prices={"adult": 2600, "reduced": 2300}, vat_bp=800, points=30, deposit_minor=1000
    ),
    ProductDraft(
        code="FIRST", kind="time", prices={"adult": 9000}, vat_bp=800,
        validity=Validity(kind="hours", hours=4, starts="first_passage"),
    ),
    ProductDraft(
        code="SEASON", kind="time", prices={"adult": 90000}, vat_bp=800,
        validity=Validity(kind="season", first_day=date(2025, 12, 6), last_day=date(2026, 3, 29)),
    ),
    ProductDraft(code="WAX", kind="goods", prices={"adult": 999}, vat_bp=2300),
    ProductDraft(code="CARD", kind="deposit_card", prices={}, vat_bp=0, deposit_minor=1000),
)  # fmt: skip

T = TypeVar("T")


class World:
    """Short words for tests. `north` and `south` are the product versions by code."""

    def __init__(self) -> None:
        self.keys = itertools.count()
        self.north: dict[str, UUID] = {}
        self.south: dict[str, UUID] = {}
        self.shifts: dict[UUID, UUID] = {}

    def key(self, word: str = "test") -> str:
        return f"{word} {next(self.keys)}"

    def open_shift(self, sales_point: UUID = TILL, operator: UUID = ANNA, **changes: Any) -> UUID:
        given = {"key": self.key(), "at": MORNING, "float_minor": 20000, **changes}
        (opened,) = open_shifts([OpenShift(actor=operator, sales_point=sales_point, **given)])
        assert isinstance(opened, ShiftOpen)
        self.shifts[sales_point] = opened.shift
        return opened.shift

    def line(self, code: str = "DAY", *cards: str, issue: bool = True, **changes: Any) -> SaleLine:
        made = tuple(Card(number=number, chip=f"chip-{number}", issue=issue) for number in cards)
        return SaleLine(product=self.north[code], cards=made, **changes)

    def sale(self, *lines: SaleLine, pay: int | Sequence[Payment] = (), **changes: Any) -> Sell:
        payments = (cash(pay),) if isinstance(pay, int) else tuple(pay)
        given = {"key": self.key(), "at": MORNING + timedelta(hours=1), "actor": ANNA, "sales_point": TILL, **changes}
        return Sell(lines=lines, payments=payments, **given)

    def sold(self, *lines: SaleLine, pay: int | Sequence[Payment] = (), **changes: Any) -> Sale:
        (answer,) = sell([self.sale(*lines, pay=pay, **changes)])
        assert isinstance(answer, Sale), answer
        return answer

    def returning(self, order: UUID | None = None, **changes: Any) -> GiveBack:
        given = {"key": self.key(), "at": MORNING + timedelta(hours=5), "actor": ANNA, "sales_point": TILL, **changes}
        return GiveBack(order=order, **given)

    def taken_back(self, order: UUID | None = None, **changes: Any) -> TakenBack:
        (answer,) = give_back([self.returning(order, **changes)])
        assert isinstance(answer, TakenBack), answer
        return answer


def cash(amount: int, tendered: int | None = None) -> Payment:
    return Payment(kind="cash", amount=amount, tendered=tendered)


def paid(kind: PaymentKind, amount: int) -> Payment:
    return Payment(kind=kind, amount=amount)


@pytest.fixture
def world(database: None) -> World:
    """A founded server, everybody enrolled, price lists on sale; a shift of Anna's at TILL, of Carla's at SOUTH_TILL."""
    world = World()
    early = MORNING - timedelta(days=60)
    server = found_server("karnet.test/log", early)
    asked = {"at": early, "actor": server}
    for code in ("NORTH", "SOUTH"):
        enrol_facilities(
            [EnrolFacility(key=world.key(), code=code, currency="PLN", time_zone="Europe/Warsaw", **asked)]
        )
        open_books([OpenBooks(key=world.key(), facility=facility_id(code), currency="PLN", **asked)])
    points = [(NORTH, "K1", "till"), (NORTH, "K2", "till"), (NORTH, "WEB", "web"), (NORTH, "ATM", "ticket_machine")]
    for facility, code, kind in (*points, (SOUTH, "S1", "till")):
        enrol_sales_points([EnrolSalesPoint(key=world.key(), facility=facility, code=code, kind=kind, **asked)])
    for facility, code in ((NORTH, "anna"), (NORTH, "ben"), (SOUTH, "carla")):
        enrol_operators([EnrolOperator(key=world.key(), facility=facility, code=code, **asked)])
    for facility, versions in ((NORTH, world.north), (SOUTH, world.south)):
        (published,) = publish(
            [Publish(key=world.key(), facility=facility, on_sale_from=early, products=PRICE_LIST, **asked)]
        )
        assert isinstance(published, Publication), published
        versions.update(published.versions)
    save_company(SCHOOL, CompanyDetails(name="School No 1", tax_number="5260250274", address="Main Street 1"))
    world.open_shift()
    world.open_shift(SOUTH_TILL, CARLA)
    return world


def projected_tables() -> list[str]:
    """The tables that projections write."""
    return [model._meta.db_table for model in apps.get_models() if issubclass(model, ProjectedModel)]


def state() -> dict[str, str]:
    """The contents of every projected table: a refusal must leave all of it as it was."""
    found = {}
    with connection.cursor() as cursor:
        for table in (*projected_tables(), "journal_operation"):
            cursor.execute(f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t")
            found[table] = cursor.fetchone()[0]
    return found


def assert_books_balance() -> None:
    """Every unit of the ledger sums to zero, and every kept sum is that of its transfers."""
    assert set(books_balance().values()) <= {0}
    assert discrepancies() == []


def refusal(answer: object) -> str:
    assert isinstance(answer, Refused), answer
    return answer.reason


def race(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Run calls at once, each on a thread and a connection of its own; return what they returned."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        try:
            barrier.wait()
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def replaced(request: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(request, **changes)


@pytest.fixture
def django_statements() -> Callable[[], Any]:
    """Count the statements run on the connection: `with django_statements() as statements`."""

    @contextmanager
    def counting() -> Iterator[list[str]]:
        statements: list[str] = []

        def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            statements.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            yield statements

    return counting
