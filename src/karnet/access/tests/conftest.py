"""A founded server with two facilities, their gates under terms, and cards with tickets on them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from django.db import connection

from karnet.access.operations import Direction, GateTerms, TermsSet, gate_id
from karnet.access.services import EnrolGate, Enrolled, Scan, Turn, Verdict, admit, enrol_gates, turn
from karnet.access.tests.small import ZONE, at
from karnet.accounts.operations import AccountOpened, Transfer, house_account
from karnet.accounts.services import OpenBooks, open_books
from karnet.catalogue.operations import Product, Published, Validity
from karnet.entitlements.operations import EntitlementIssued, MediumBlocked, MediumIssued
from karnet.entitlements.rules import medium_id, points_account
from karnet.journal.founding import found_server
from karnet.journal.operations import Operation, Part, operation
from karnet.journal.transaction import Outcome, Transaction, transact
from karnet.kernel.ids import derived_id, named_id
from karnet.kernel.outcomes import Refused
from karnet.parties.operations import facility_id, operator_id, sales_point_id
from karnet.parties.services import (
    EnrolFacility,
    EnrolOperator,
    EnrolSalesPoint,
    enrol_facilities,
    enrol_operators,
    enrol_sales_points,
)

NORTH, SOUTH = facility_id("NORTH"), facility_id("SOUTH")
MORNING = at(6)
SEASON = Validity(kind="season")


@operation("test.put_on_card")
class PutOnCard(Operation, frozen=True, kw_only=True):
    """Carries what a sale carries for gates: media, tickets and their points."""

    media: tuple[MediumIssued, ...] = ()
    tickets: tuple[EntitlementIssued, ...] = ()
    accounts: tuple[AccountOpened, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    blocks: tuple[MediumBlocked, ...] = ()

    def parts(self) -> Iterable[Part]:
        return (*self.media, *self.tickets, *self.accounts, *self.transfers, *self.blocks)


class Do(msgspec.Struct, frozen=True, kw_only=True):
    """Record operations as they are."""

    key: str
    at: datetime
    actor: UUID
    operations: tuple[Any, ...]


class Done(msgspec.Struct, frozen=True, tag="done"):
    pass


def _do(tx: Transaction[Do, Done]) -> None:
    tx.record([Outcome(request, Done(), request.operations) for request in tx.fresh])


class World:
    """Short words for tests. Gates: LIFT (3 points, weight 1), FREE (no points), TURNSTILE (reports the turn), EXIT."""

    def __init__(self, server: UUID) -> None:
        self.server = server
        self._keys = itertools.count()

    def key(self) -> str:
        return f"test {next(self._keys)}"

    def do(self, *operations: Operation) -> None:
        request = Do(key=self.key(), at=MORNING, actor=self.server, operations=operations)
        assert transact([request], _do, answers=Done) == [Done()]

    def gate(
        self,
        code: str,
        *,
        facility: UUID = NORTH,
        direction: Direction = "in",
        points: int | None = 3,
        weight: int = 1_000_000,
        **changes: Any,
    ) -> UUID:
        given = {"passback_s": 300, "reports_turn": False, **changes}
        request = EnrolGate(
            key=self.key(), at=MORNING, actor=self.server, facility=facility, code=code, direction=direction, **given
        )
        assert enrol_gates([request]) == [Enrolled(id=gate_id(facility, code))]
        if points is not None:
            self.terms(gate_id(facility, code), points, weight)
        return gate_id(facility, code)

    def terms(self, gate: UUID, points: int, weight: int = 1_000_000, *, since: datetime = MORNING) -> None:
        said = GateTerms(gate=gate, points=points, weight=weight)
        agreement = named_id("agreement", self.key())
        until = since + timedelta(days=90)
        self.do(TermsSet(agreement=agreement, valid_from=since, valid_until=until, terms=(said,)))

    def card(self, number: str, *, points: Sequence[int] = (), days: int = 0, **ticket: Any) -> UUID:
        """Issue a card with points tickets of so many points each, and a time ticket of so many days if any."""
        medium = MediumIssued(id=medium_id(number), number=number, chip=f"chip-{number}", kind="card", facility=NORTH)
        tickets = [self._ticket(f"{number}-p{n}", medium.id, "points", points=p) for n, p in enumerate(points)]
        if days:
            validity = Validity(kind="days", days=days)
            given = {"validity": validity, "valid_until": MORNING + timedelta(days=days), **ticket}
            tickets.append(self._ticket(f"{number}-t", medium.id, "time", **given))
        paid = [t for t in tickets if t.points]
        self.do(
            PutOnCard(
                media=(medium,),
                tickets=tuple(tickets),
                accounts=tuple(
                    AccountOpened(id=points_account(t.id), owner=t.id, purpose="points", unit="points", overdraft=0)
                    for t in paid
                ),
                transfers=tuple(
                    Transfer(
                        source=house_account(NORTH, "points_issued", "points"),
                        target=points_account(t.id), amount=t.points, unit="points", n=n,
                    )
                    for n, t in enumerate(paid)
                ),
            )
        )  # fmt: skip
        return medium.id

    def _ticket(self, name: str, medium: UUID, kind: Any, **changes: Any) -> EntitlementIssued:
        given = {"valid_from": MORNING, "validity": SEASON, **changes}
        return EntitlementIssued(
            id=derived_id(MORNING, name), medium=medium, product=named_id("product", "P"), product_code="P", kind=kind,
            category="adult", operator=operator_id(NORTH, "anna"), sales_point=sales_point_id(NORTH, "till"),
            facility=NORTH, currency="PLN", price=2600, list_price=2600, time_zone=ZONE, **given,
        )  # fmt: skip

    def block(self, medium: UUID) -> None:
        self.do(PutOnCard(blocks=(MediumBlocked(block=named_id("block", medium), medium=medium, code="lost"),)))

    def scan(self, gate: UUID, number: str, when: datetime = at(10), key: str = "") -> Scan:  # noqa: B008
        return Scan(key=key or self.key(), at=when, actor=gate, gate=gate, chip=f"chip-{number}")

    def admit(self, gate: UUID, number: str, when: datetime = at(10)) -> Verdict | Refused:  # noqa: B008
        return admit([self.scan(gate, number, when)])[0]

    def turn(self, gate: UUID, grant: UUID, when: datetime = at(10, 0, 5), *, taken: bool = True) -> Any:  # noqa: B008
        return turn([Turn(key=self.key(), at=when, actor=gate, grant=grant, taken=taken)])[0]


@pytest.fixture
def world(database: None) -> World:
    server = found_server("karnet.test/log", MORNING)
    for code in ("NORTH", "SOUTH"):
        asked = {"at": MORNING, "actor": server}
        facility = facility_id(code)
        enrol_facilities([EnrolFacility(key=code, code=code, currency="PLN", time_zone=ZONE, **asked)])
        open_books([OpenBooks(key=f"books {code}", facility=facility, currency="PLN", **asked)])
    enrol_operators([EnrolOperator(key="anna", facility=NORTH, code="anna", **asked)])
    enrol_sales_points([EnrolSalesPoint(key="till", facility=NORTH, code="till", kind="till", **asked)])
    made = World(server)
    product = Product(
        id=named_id("product", "P"), code="P", kind="points", names={}, prices={"adult": 2600}, vat_bp=800
    )
    made.do(Published(facility=NORTH, currency="PLN", on_sale_from=MORNING, products=(product,)))
    return made


def tables() -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table a decision at a gate may change, the request table aside."""
    names = [
        "access_grant", "access_passage", "accounts_account", "accounts_transfer", "accounts_reservation",
        "accounts_reservation_end", "accounts_unfolded", "entitlements_entitlement", "entitlements_day",
        "entitlements_medium", "journal_operation",
    ]  # fmt: skip
    with connection.cursor() as cursor:
        found = {}
        for name in names:
            cursor.execute(f"SELECT t::text FROM {name} t ORDER BY 1")
            found[name] = cursor.fetchall()
        return found
