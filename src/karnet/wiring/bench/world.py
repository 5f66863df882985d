"""The world that is measured: three facilities, cards with day and points tickets, a season of passages.

Everything in it is made by the services, in durable batches, as it would be in life; only there is more of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from karnet.wiring.installation import Installation

OPENING = datetime(2026, 1, 17, 7, 0, tzinfo=UTC)
FACILITIES = ("a", "b", "c")
GATES_EACH = 5
ZONE = "Europe/Warsaw"
SEASON = (date(2025, 12, 1), date(2026, 4, 12))
PASSWORD = "a benchmark of one evening"  # noqa: S105 (of an installation that is removed afterwards)


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured: `passages` of a whole season, `cards` they are spread over; `seconds` for each part that
    is a matter of time alone; how many `gates` ask at once, one number after the other, and how many `tills`."""

    passages: int = 10_000_000
    cards: int = 40_000
    seconds: float = 3.0
    gates: tuple[int, ...] = (4, 16, 48)
    tills: int = 4


class World:
    """A network on an installation whose database runs and to which Django is connected as the application."""

    def __init__(self, installation: Installation, say: Callable[[str], None], size: Size | None = None) -> None:
        self.installation, self.say, self.size = installation, say, size or Size()
        self._at = OPENING
        self._key = self._card = 0
        self._chips: list[str] = []
        self._gates: list[UUID] = []
        self._clerks: dict[str, UUID] = {}
        self._passages = 0
        self._enrol()

    # -- the network -------------------------------------------------------------------------------------------------

    def _enrol(self) -> None:
        from karnet.access.services import EnrolGate, enrol_gates
        from karnet.accounts.services import OpenBooks, open_books
        from karnet.journal.founding import found_server
        from karnet.parties import services as parties

        self.server = server = found_server(self.installation.name, OPENING)
        places = [
            parties.EnrolFacility(**self._asked(server), code=code, currency="PLN", time_zone=ZONE)
            for code in FACILITIES
        ]
        self.facilities = [answer.id for answer in _all_answered(parties.enrol_facilities(places))]
        _all_answered(
            open_books([OpenBooks(**self._asked(server), facility=f, currency="PLN") for f in self.facilities])
        )
        home = self.facilities[0]
        till = parties.EnrolSalesPoint(**self._asked(server), facility=home, code="till", kind="till")
        self.sales_point = _all_answered(parties.enrol_sales_points([till]))[0].id
        cashier = parties.EnrolOperator(**self._asked(server), facility=home, code="op")
        self.operator = _all_answered(parties.enrol_operators([cashier]))[0].id
        for facility in self.facilities:
            asked = [
                EnrolGate(**self._asked(server), facility=facility, code=f"g{n}", passback_s=60, reports_turn=False)
                for n in range(GATES_EACH)
            ]
            self._gates += [answer.id for answer in _all_answered(enrol_gates(asked))]
        self._publish(home)

    def _publish(self, home: UUID) -> None:
        from karnet.catalogue.operations import Validity
        from karnet.catalogue.selectors import on_sale
        from karnet.catalogue.services import ProductDraft, Publish, publish
        from karnet.orders.services import OpenShift, open_shifts
        from karnet.settlement.services import PublishAgreement, publish_agreements

        first, last = SEASON
        season = Validity(kind="season", first_day=first, last_day=last)
        products = (
            ProductDraft(code="season", kind="time", names={"en": "Season"}, prices={"adult": 240000}, vat_bp=800, validity=season),
            ProductDraft(
                code="points", kind="points", names={"en": "Points"}, prices={"adult": 260000}, vat_bp=800,
                points=100_000, validity=season, deposit_minor=1000,
            ),
        )  # fmt: skip
        asked = Publish(**self._asked(self.server), facility=home, on_sale_from=OPENING, products=products)
        _all_answered(publish([asked]))
        found = on_sale(home, ["season", "points"], OPENING)
        self._products = {code: version.product for code, version in found.items()}
        text = {
            "season": "2026",
            "currency": "PLN",
            "time_zone": ZONE,
            "first_day": first.isoformat(),
            "last_day": last.isoformat(),
            "members": list(FACILITIES),
            "prices": [
                {"product": code, "category": "adult", "price": price, "vat": "8"}
                for code, price in (("season", "2400.00"), ("points", "2600.00"))
            ],
            "gates": {
                f"{code}/g{n}": {"points": 1 + n % 3, "weight": ("1.00", "1.50", "2.25")[n % 3]}
                for code in FACILITIES
                for n in range(GATES_EACH)
            },
        }
        agreement = PublishAgreement(**self._asked(self.server), text=msgspec.json.encode(text).decode())
        _all_answered(publish_agreements([agreement]))
        (shift,) = _all_answered(open_shifts([OpenShift(**self._asked(self.operator), sales_point=self.sales_point)]))
        self.shift = shift.shift

    def _asked(self, actor: UUID, at: datetime | None = None) -> dict[str, Any]:
        self._key += 1
        return {"key": f"bench:{self._key}", "at": at or self._at, "actor": actor}

    # -- people at screens -------------------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """The world's time: nothing in it has happened later."""
        return self._at

    def go_on(self, span: timedelta) -> None:
        """Let time pass."""
        self._at += span

    def clerk(self, name: str, role: str) -> UUID:
        """See to it that there is an operator with a log-in of this name (its password: PASSWORD); return its id."""
        from karnet.parties import services as parties

        if name not in self._clerks:
            asked = parties.EnrolOperator(**self._asked(self.server), facility=self.facilities[0], code=name)
            self._clerks[name] = _all_answered(parties.enrol_operators([asked]))[0].id
            new = parties.AddUser(username=name, role=role, password=PASSWORD, operator=self._clerks[name])
            _all_answered([parties.add_user(new)])
        return self._clerks[name]

    def counter(self, code: str) -> UUID:
        """See to it that there is a till of this code; return its id."""
        from karnet.parties import services as parties

        asked = parties.EnrolSalesPoint(**self._asked(self.server), facility=self.facilities[0], code=code, kind="till")
        return UUID(str(_all_answered(parties.enrol_sales_points([asked]))[0].id))

    # -- sales -------------------------------------------------------------------------------------------------------

    def sales(self, count: int) -> list[Any]:
        """Return that many sales, each of a new card with a ticket: three season tickets to one points ticket."""
        from karnet.orders.operations import Payment
        from karnet.orders.requests import Card, SaleLine
        from karnet.orders.services import Sell

        asked = []
        for _ in range(count):
            self._card += 1
            product = self._products["points" if self._card % 4 == 0 else "season"]
            number = f"{self._card:08d}"
            line = SaleLine(product=product.id, cards=(Card(number=number, issue=True),))
            paid = Payment(kind="cash", amount=product.prices["adult"] + product.deposit_minor)
            asked.append(
                Sell(**self._asked(self.operator), sales_point=self.sales_point, lines=(line,), payments=(paid,))
            )
        return asked

    def sold(self, answers: Sequence[Any]) -> None:
        """Take note of cards sold; fail if one sale was refused."""
        _all_answered(answers)
        self._chips += [f"{len(self._chips) + 1 + n:08d}" for n in range(len(answers))]

    def cards(self, count: int) -> None:
        """See to it that at least that many cards are sold."""
        from karnet.orders.services import sell

        while len(self._chips) < count:
            self.sold(sell(self.sales(min(256, count - len(self._chips)))))

    def sell_something(self) -> None:
        """See to it that the day has some sales and passages to show."""
        from karnet.access.services import admit

        self.cards(256)
        self.admitted(admit(list(self.scans(256))))

    # -- passages ----------------------------------------------------------------------------------------------------

    def scans(self, count: int) -> Iterator[Any]:
        """Yield scans of one card after another, each time at the next gate, none inside a passback time."""
        from karnet.access.services import Scan

        self.cards(min(2048, self.size.cards))
        for _ in range(count):
            self._passages += 1
            card = self._passages % len(self._chips)
            if card == 0:
                self._at += timedelta(seconds=90)
            gate = self._gates[(self._passages // len(self._chips) + card) % len(self._gates)]
            yield Scan(**self._asked(gate), gate=gate, chip=self._chips[card])

    def admitted(self, answers: Sequence[Any]) -> None:
        """Fail if one scan was refused: then the figure would be of something else."""
        _all_answered(answers)

    @property
    def chips(self) -> list[str]:
        """What readers read of the cards that were sold."""
        return list(self._chips)

    @property
    def gates(self) -> list[list[UUID]]:
        """The gates of each facility."""
        return [self._gates[n : n + GATES_EACH] for n in range(0, len(self._gates), GATES_EACH)]

    def old_card_scans(self, count: int) -> list[Any]:
        """Return scans of one card through which 5,000 passages have gone already (on a fresh clock of its own)."""
        from karnet.access.services import Scan, admit

        self.cards(1)
        at = OPENING + timedelta(days=30)
        asked = []
        for n in range(5000 + count):
            at += timedelta(seconds=61)
            gate = self._gates[n % len(self._gates)]
            asked.append(Scan(**self._asked(gate, at), gate=gate, chip=self._chips[0]))
        for start in range(0, 5000, 500):
            self.admitted(admit(asked[start : start + 500]))
        return asked[5000:]

    def grow_to(self, passages: int) -> int:
        """Admit until there are that many passages, on as many cards as `size` says; seal; return how many there are."""
        from karnet.access.services import admit

        self.cards(self.size.cards)
        said = time.monotonic()
        while (present := self.count("access_passage")) < passages:
            left = min(passages - present, 100_000)
            scans = self.scans(left)
            while batch := [scan for scan, _ in zip(scans, range(1024), strict=False)]:
                self.admitted(admit(batch))
            with self.sealer() as sealer:
                sealer.seal_all()
            if time.monotonic() - said > 10:
                said = time.monotonic()
                self.say(f"{self.count('access_passage'):,} passages of {passages:,}")
        return present

    # -- the record --------------------------------------------------------------------------------------------------

    def sealer(self) -> Any:
        from karnet.wiring.sealing import sealer_for

        return sealer_for(self.installation)

    def verify(self) -> tuple[int, float]:
        """Verify the journal as `karnet journal verify` does; return entries and seconds."""
        from karnet.journal.verification import verify_home
        from karnet.wiring.checkpoint_file import CheckpointFile
        from karnet.wiring.log_keys import own_keys

        began = time.perf_counter()
        witnessed = CheckpointFile(self.installation.checkpoints_file).read()
        found = verify_home(own_keys(self.installation), witnessed)
        seconds = time.perf_counter() - began
        assert found.sound, found.faults
        return found.size, seconds

    def rebuild(self) -> tuple[int, float]:
        """Replay and compare as `karnet rebuild --check` does; return operations and seconds."""
        from karnet.journal.rebuilding import check

        began = time.perf_counter()
        found = check()
        seconds = time.perf_counter() - began
        assert found.sound, found
        return found.operations, seconds

    def settle(self) -> None:
        """Settle the season over everything sealed."""
        from karnet.kernel.outcomes import Refused
        from karnet.settlement.settling import settle

        report = settle(at=OPENING)
        assert not isinstance(report, Refused), report

    def bare_scan(self) -> None:
        """Sum the passages per ticket and facility in SQL, as the yardstick of a settlement."""
        self._query(
            "SELECT count(*), sum(s) FROM (SELECT entitlement, facility, sum(weight) AS s FROM access_passage"
            " WHERE direction = 'in' GROUP BY 1, 2) AS t"
        )

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        return int(self._query(f"SELECT count(*) FROM {table}")[0])

    def spilled_mb(self) -> int:
        """Return how much this database has put into temporary files so far, MiB: what did not fit working memory."""
        self._query("SELECT pg_stat_force_next_flush()::text")
        asked = "SELECT coalesce(sum(temp_bytes), 0) FROM pg_stat_database WHERE datname = current_database()"
        return int(self._query(asked)[0]) // 2**20

    def _query(self, sql: str) -> tuple[Any, ...]:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(sql)
            row: tuple[Any, ...] = cursor.fetchone()
        return row


def _all_answered(answers: Sequence[Any]) -> Sequence[Any]:
    from karnet.kernel.outcomes import Refused

    for answer in answers:
        if isinstance(answer, Refused):
            raise RuntimeError(f"the benchmark's world was refused: {answer}")
    return answers
