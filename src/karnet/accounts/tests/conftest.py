"""A founded server with one facility whose books are open, and an operation that carries any ledger parts."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from django.db import connection, transaction

from karnet.accounts import selectors
from karnet.accounts.operations import (
    AccountOpened,
    ReservationEnded,
    Reserved,
    Transfer,
    house_account,
)
from karnet.accounts.rules import Book
from karnet.accounts.services import OpenBooks, Opened, open_books, overdrawn
from karnet.journal.founding import found_server
from karnet.journal.operations import Operation, Part, operation
from karnet.journal.sealing import run_hooks
from karnet.journal.transaction import Outcome, Transaction, transact
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused
from karnet.parties.operations import facility_id
from karnet.parties.services import EnrolFacility, enrol_facilities

AT = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
NORTH = facility_id("NORTH")
CASH = house_account(NORTH, "card_payments", "PLN")
REVENUE = house_account(NORTH, "revenue", "PLN")
ISSUED = house_account(NORTH, "points_issued", "points")
TAKEN = house_account(NORTH, "points_taken", "points")


@operation("test.ledger")
class LedgerTest(Operation, frozen=True, kw_only=True):
    """Carries any ledger parts, as sales and passages do."""

    accounts: tuple[AccountOpened, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    reserved: tuple[Reserved, ...] = ()
    ended: tuple[ReservationEnded, ...] = ()

    def parts(self) -> Iterable[Part]:
        return (*self.accounts, *self.transfers, *self.reserved, *self.ended)


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """Record `body`; `checked`: let the rule refuse first, as services do. `locked`: accounts to lock before."""

    key: str
    at: datetime
    actor: UUID
    body: LedgerTest
    checked: bool = False


class Done(msgspec.Struct, frozen=True, tag="done"):
    pass


def record(requests: Sequence[Ask]) -> list[Done | Refused]:
    return transact(requests, _record, answers=Done, refuse=overdrawn)


def _record(tx: Transaction[Ask, Done]) -> None:
    sides = {t.source for r in tx.fresh for t in (*r.body.transfers, *r.body.reserved)}
    sides |= {t.target for r in tx.fresh for t in r.body.transfers} | {e.source for r in tx.fresh for e in r.body.ended}
    selectors.lock(sides)
    book = Book(selectors.balances(sides))
    for request in tx.fresh:
        refusal = book.take(request.body.parts()) if request.checked else None
        tx.record([Outcome(request, refusal or Done(), () if refusal else (request.body,))])


_keys = itertools.count()


class Ledger:
    """Short words for tests."""

    def __init__(self, server: UUID) -> None:
        self.server = server

    def ask(self, *parts: Part, checked: bool = False, key: str = "") -> Ask:
        def of(kind: type) -> tuple[Part, ...]:
            return tuple(part for part in parts if isinstance(part, kind))

        transfers = tuple(msgspec.structs.replace(t, n=n) for n, t in enumerate(of(Transfer)))
        body = LedgerTest(
            accounts=of(AccountOpened), transfers=transfers, reserved=of(Reserved), ended=of(ReservationEnded)
        )
        return Ask(key=key or f"ledger {next(_keys)}", at=AT, actor=self.server, body=body, checked=checked)

    def record(self, *parts: Part, checked: bool = False) -> Done | Refused:
        return record([self.ask(*parts, checked=checked)])[0]

    def points(self, name: str, points: int = 0) -> UUID:
        """Open a points account that cannot be overdrawn, with this many points on it."""
        account = named_id("test account", name)
        parts: list[Part] = [AccountOpened(id=account, owner=account, purpose="points", unit="points", overdraft=0)]
        if points:
            parts.append(Transfer(source=ISSUED, target=account, amount=points, unit="points"))
        assert self.record(*parts) == Done()
        return account

    def balance(self, account: UUID) -> int:
        return selectors.balances([account])[account].balance

    def fold(self, numbers: Sequence[int] | None = None) -> None:
        """Fold as the sealer does: in its own transaction, the projected tables open."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('karnet.recording', 'on', true)")
            if numbers is None:
                cursor.execute("SELECT number FROM journal_operation")
                numbers = [number for (number,) in cursor.fetchall()]
            run_hooks(cursor, list(numbers))


@pytest.fixture
def server(database: None) -> UUID:
    server = found_server("karnet.test/log", AT)
    enrol_facilities(
        [EnrolFacility(key="north", at=AT, actor=server, code="NORTH", currency="PLN", time_zone="Europe/Warsaw")]
    )
    return server


@pytest.fixture
def ledger(server: UUID) -> Ledger:
    (answer,) = open_books([OpenBooks(key="books", at=AT, actor=server, facility=NORTH, currency="PLN")])
    assert isinstance(answer, Opened)
    return Ledger(server)
