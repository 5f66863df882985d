"""Servers of one card: each a database of its own, a log of its own, sealed with a key of its own.

`with north:` connects Django to that server. `carry` takes what is sealed from one to another, as the relay does.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import psycopg
import pytest
from conftest import empty_tables
from django.conf import settings
from django.db import connection, connections

from karnet.access.operations import GateTerms, TermsSet, gate_id
from karnet.access.services import EnrolGate, Scan, Verdict, admit, enrol_gates
from karnet.accounts.services import OpenBooks, open_books
from karnet.catalogue.operations import Validity
from karnet.catalogue.rules import ProductDraft, Publication, Publish
from karnet.catalogue.services import publish
from karnet.journal import arrivals
from karnet.journal.applying import apply_all
from karnet.journal.arrivals import HeldLog
from karnet.journal.founding import found_server
from karnet.journal.log_tables import LogTables
from karnet.journal.operations import Operation, entry_head, scope_of
from karnet.journal.sealing import Sealer
from karnet.journal.tlog.checkpoint import open_checkpoint
from karnet.journal.tlog.merkle import leaf_hashes
from karnet.journal.tlog.note import SignatureType, SigningKey
from karnet.journal.tlog.tiles import TileBuilder
from karnet.journal.transaction import Outcome, Transaction, transact
from karnet.kernel.ids import named_id
from karnet.kernel.time import zone
from karnet.orders.operations import Payment
from karnet.orders.requests import Card, GiveBack, OpenShift, Sale, SaleLine, Sell
from karnet.orders.services import give_back, open_shifts, sell
from karnet.parties.operations import facility_id, operator_id, sales_point_id
from karnet.parties.services import (
    EnrolFacility,
    EnrolOperator,
    EnrolSalesPoint,
    enrol_facilities,
    enrol_operators,
    enrol_sales_points,
)
from karnet.wiring.postgres import Role, create_database, dsn
from karnet.wiring.settings import database as connection_settings

MORNING = datetime(2026, 1, 17, 8, 0, tzinfo=zone("Europe/Warsaw"))
EARLY = MORNING - timedelta(days=60)

PRICE_LIST = (
    ProductDraft(
        code="DAY", kind="time", prices={"adult": 16000}, vat_bp=800, deposit_minor=1000,
        validity=Validity(kind="days", days=1),
    ),
    ProductDraft(code="P10", kind="points", prices={"adult": 2000}, vat_bp=800, points=10, deposit_minor=1000),
    ProductDraft(
        code="FIRST", kind="time", prices={"adult": 9000}, vat_bp=800,
        validity=Validity(kind="hours", hours=4, starts="first_passage"),
    ),
    ProductDraft(
        code="2OF3", kind="time", prices={"adult": 24000}, vat_bp=800,
        validity=Validity(kind="days_within", days=2, within_days=3),
    ),
)  # fmt: skip


class Do:
    """A request that records operations as they are (attacks, and what no service does)."""

    def __init__(self, key: str, at: datetime, actor: UUID, operations: Sequence[Operation]) -> None:
        self.key, self.at, self.actor, self.operations = key, at, actor, operations


class Server:
    """A server, and short words for what happens at it. Facility, till K1, operator anna, gate G1 (3 points)."""

    def __init__(self, installation: Any, name: str) -> None:
        self.name = f"{name.lower()}.test/log"
        self.code = name
        self._installation, self._database = installation, f"karnet_card_{name.lower()}"
        create_database(installation, self._database, "karnet_template")
        self.superuser = dsn(installation, Role.SUPERUSER, self._database)
        self.key = SigningKey(self.name, SignatureType.ED25519, sha256(self.name.encode()).digest())
        self.vkey = self.key.verifier.format()
        self._keys = itertools.count()
        self._before: list[Any] = []

    def __enter__(self) -> Server:
        self._before.append(settings.DATABASES["default"])
        self._connect(connection_settings(dsn(self._installation, Role.APP, self._database)))
        return self

    def __exit__(self, *_: object) -> None:
        self._connect(self._before.pop())

    def _connect(self, to: Any) -> None:
        connections["default"].close()
        del connections["default"]
        settings.DATABASES["default"] = to
        connections.settings = connections.configure_settings(settings.DATABASES)

    def empty(self) -> None:
        """Take every row out."""
        with self:
            empty_tables(self.superuser)

    def asked(self, actor: UUID | None = None, at: datetime = EARLY) -> dict[str, Any]:
        """Key, instant and actor of the next request."""
        return {"key": f"{self.code} {next(self._keys)}", "at": at, "actor": actor or self.server}

    def open(self) -> None:
        """Found the log; enrol a facility with a till, its operator and a gate; publish; open a shift."""
        self.facility = facility_id(self.code)
        self.till = sales_point_id(self.facility, "K1")
        self.anna = operator_id(self.facility, "anna")
        self.gate = gate_id(self.facility, "G1")
        with self:
            self.server = found_server(self.name, EARLY)
            where = {"code": self.code, "currency": "PLN", "time_zone": "Europe/Warsaw"}
            enrol_facilities([EnrolFacility(**self.asked(), **where)])
            open_books([OpenBooks(**self.asked(), facility=self.facility, currency="PLN")])
            enrol_sales_points([EnrolSalesPoint(**self.asked(), facility=self.facility, code="K1", kind="till")])
            enrol_operators([EnrolOperator(**self.asked(), facility=self.facility, code="anna")])
            gate = {"facility": self.facility, "code": "G1", "passback_s": 0, "reports_turn": False}
            enrol_gates([EnrolGate(**self.asked(), **gate)])
            terms = (GateTerms(gate=self.gate, points=3, weight=1_000_000),)
            span = {"valid_from": EARLY, "valid_until": EARLY + timedelta(days=365)}
            self.do(TermsSet(agreement=named_id("agreement", self.code), terms=terms, **span))
            (done,) = publish(
                [Publish(**self.asked(), facility=self.facility, on_sale_from=EARLY, products=PRICE_LIST)]
            )
            assert isinstance(done, Publication), done
            self.products = done.versions
            open_shifts([OpenShift(**self.asked(self.anna, MORNING), sales_point=self.till, float_minor=20000)])

    def do(self, *operations: Operation, actor: UUID | None = None, at: datetime = EARLY) -> None:
        """Record operations as they are."""

        def body(tx: Transaction[Any, Any]) -> None:
            tx.record([Outcome(request, True, operations) for request in tx.fresh])

        from karnet.access.tests.conftest import Do as Recording

        (answer,) = transact([Recording(**self.asked(actor, at), operations=())], body, answers=bool)
        assert answer is True, answer

    def sold(self, code: str, number: str, *, issue: bool = True, minutes: int = 60, **card: Any) -> Sale:
        """Sell one ticket on a card."""
        price = {p.code: p for p in PRICE_LIST}[code]
        line = SaleLine(product=self.products[code], cards=(Card(number=number, issue=issue, **card),))
        pay = price.prices["adult"] + (price.deposit_minor if issue else 0)
        asked = self.asked(self.anna, MORNING + timedelta(minutes=minutes))
        payments = (Payment(kind="cash", amount=pay),)
        (sale,) = sell([Sell(**asked, sales_point=self.till, lines=(line,), payments=payments)])
        assert isinstance(sale, Sale), sale
        return sale

    def scan(self, chip: str, minutes: float = 120) -> Verdict:
        """Hold a card to the gate."""
        at = MORNING + timedelta(minutes=minutes)
        (verdict,) = admit([Scan(**self.asked(self.gate, at), gate=self.gate, chip=chip)])
        return verdict

    def give_back(self, number: str | None = None, *, order: UUID | None = None, minutes: int = 300) -> Any:
        """Hand in a card, or return an order."""
        cards = (number,) if number else ()
        asked = self.asked(self.anna, MORNING + timedelta(minutes=minutes))
        return give_back([GiveBack(**asked, sales_point=self.till, order=order, cards=cards)])[0]

    def seal(self) -> int:
        """Seal all there is."""
        wait_for_the_horizon()
        with Sealer(self.key, clock=lambda: MORNING, witness=lambda at, note: None) as sealer:
            return sealer.seal_all()

    def held(self, other: Server) -> HeldLog:
        """How the other's log is held here."""
        return arrivals.held_logs()[other.name]


def wait_for_the_horizon() -> None:
    """Wait until no transaction of another database on this server holds the sealer back."""
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                "SELECT count(*) FROM journal_operation WHERE transaction >= pg_snapshot_xmin(pg_current_snapshot())"
            )
            if cursor.fetchone() == (0,):
                return


def carry(source: Server, target: Server, *, of: Server | None = None, apply: bool = True, most: int = 10**9) -> int:
    """Seal at `source`, bring its entries (or those it holds `of` another) to `target`, and apply; return how many."""
    origin = of or source
    with source:
        if origin is source:
            source.seal()
    with target:
        arrivals.join_log(origin.name, origin.vkey, MORNING)
        have = arrivals.held_logs()[origin.name].size
    with source, connection.cursor() as cursor:
        number = arrivals.origin_of(cursor, origin.name, 1)
        size = min(LogTables(cursor, number).size() or 0, have + most)
        notes = {stored.size: stored.note for stored in LogTables(cursor, number).notes(above=have)}
        kept = arrivals.kept_entries(origin.name, have, size - have)
    with target:
        if kept:
            note = notes[min(size_ for size_ in notes if size_ >= size)]
            deliver(origin, have, [k.data for k in kept], [k.content for k in kept if k.content is not None], note)
        if apply:
            apply_all(lambda: MORNING)
    return len(kept)


def deliver(origin: Server, first: int, entries: Sequence[bytes], contents: Sequence[bytes], note: bytes) -> None:
    """Keep verified entries at the server that Django is connected to."""
    checkpoint = open_checkpoint(note, origin=origin.name, log_keys=[origin.key.verifier]).checkpoint
    with connection.cursor() as cursor:
        tables = LogTables(cursor, arrivals.origin_of(cursor, origin.name))
        builder = TileBuilder.resume(first, tables.tile)
    tiles = builder.append(leaf_hashes(entries))
    if builder.size == checkpoint.size:
        assert builder.root() == checkpoint.root
    arrivals.receive(
        origin.name,
        first,
        entries,
        {sha256(content).digest(): content for content in contents},
        tiles,
        note=note,
        noted=checkpoint.size,
        note_root=checkpoint.root,
        at=MORNING,
    )


def facts(server: Server, *, without_house: bool = True) -> dict[str, list[str]]:
    """Every projected row at a server, made comparable: origins by their server, numbers by the index in their log.

    What house operations did is left out (`without_house`): it is told to nobody else.
    """
    from django.apps import apps

    from karnet.journal.models import ProjectedModel

    found: dict[str, list[str]] = {}
    with server, connection.cursor() as cursor:
        cursor.execute(_POSITIONS)
        places = {number: (str(origin), index, kind) for number, origin, index, kind in cursor.fetchall()}
        cursor.execute("SELECT id, server FROM journal_origin")
        servers = {number: str(uuid) for number, uuid in cursor.fetchall()}
        for model in apps.get_models():
            if issubclass(model, ProjectedModel) and not model._meta.abstract:
                table = model._meta.db_table
                cursor.execute(f'SELECT to_jsonb(t)::text FROM "{table}" t')
                rows = [_comparable(row, places, servers) for (row,) in cursor.fetchall()]
                found[table] = sorted(str(row) for row in rows if row is not None)
    return found


_POSITIONS = """
SELECT o.number, g.server, e.index, o.kind FROM journal_operation o JOIN journal_origin g ON g.id = o.origin_id
LEFT JOIN journal_entry e ON e.operation_id = o.number
"""


def _comparable(text: str, places: dict[int, Any], servers: dict[int, str]) -> dict[str, Any] | None:
    import json

    row: dict[str, Any] = json.loads(text)
    for name, value in list(row.items()):
        if value is None:
            continue
        if name == "origin" or name.endswith(("_origin", "origin_id")):
            row[name] = servers[value]
        elif (name == "number" and isinstance(value, int)) or (name.endswith("_number") and isinstance(value, int)):
            row[name] = places[value][:2]
            if scope_of(places[value][2]) == "house":
                return None
    return row


@pytest.fixture(scope="session")
def three(installation: object, database_clone: str) -> dict[str, Server]:
    """Three empty databases of this worker."""
    return {name: Server(installation, name) for name in ("NORTH", "SOUTH", "HUB")}


@pytest.fixture
def servers(three: dict[str, Server]) -> Iterator[dict[str, Server]]:
    """Three servers: NORTH and SOUTH with a facility each, and a HUB."""
    for server in three.values():
        server.open()
    yield three
    for server in three.values():
        server.empty()


@pytest.fixture
def north(servers: dict[str, Server]) -> Server:
    return servers["NORTH"]


@pytest.fixture
def south(servers: dict[str, Server]) -> Server:
    return servers["SOUTH"]


@pytest.fixture
def hub(servers: dict[str, Server]) -> Server:
    return servers["HUB"]


def superuser(server: Server) -> psycopg.Connection:
    """A connection that no right stops."""
    return psycopg.connect(server.superuser, autocommit=True)


def entry_kinds(server: Server, name: str) -> list[str]:
    """The kinds of the entries of a log as held at a server, in their order."""
    with server:
        return [entry_head(kept.data).kind for kept in arrivals.kept_entries(name, 0, 100_000)]
