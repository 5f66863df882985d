"""A small season played through the real services: facilities A, B, C, their tills, gates and price lists."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from karnet.access.services import EnrolGate, Scan, Verdict, admit, enrol_gates
from karnet.accounts.services import OpenBooks, open_books
from karnet.catalogue.operations import Validity
from karnet.catalogue.services import ProductDraft, Publication, Publish, publish
from karnet.journal.cuts import Cut, latest_cut
from karnet.journal.founding import found_server
from karnet.journal.sealing import Sealer
from karnet.journal.tlog.note import SignatureType, SigningKey
from karnet.kernel.ids import named_id
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
from karnet.settlement.rules.report import FacilityLine, Report
from karnet.settlement.services import Close, PublishAgreement, PublishedAgreement, close, publish_agreements, settle

ZONE = "Europe/Warsaw"
NAME = "karnet.test/log"
FOUNDED = datetime(2026, 11, 1, 8, tzinfo=UTC)
DAY = datetime(2027, 1, 16, 8, tzinfo=UTC)
KEY = SigningKey(NAME, SignatureType.ED25519, b"\x07" * 32)
WEIGHTS = {"A": "1.00", "B": "1.50", "C": "2.25"}
POINTS = {"A": 3, "B": 2, "C": 1}


def draft(**changes: Any) -> str:
    """An agreement of A, B, C for the winter as JSON: one gate each, the weights and points of SPEC N-a and N-b."""
    agreed: dict[str, Any] = {
        "season": "2026/27",
        "currency": "PLN",
        "time_zone": ZONE,
        "first_day": "2026-12-01",
        "last_day": "2027-04-05",
        "members": ["A", "B", "C"],
        "prices": [
            {"product": "day", "price": "160.00", "vat": "8"},
            {"product": "day", "category": "reduced", "price": "150.00", "vat": "8"},
            {"product": "points30", "price": "26.00", "vat": "8"},
        ],
        "gates": {f"{code}/lift": {"points": POINTS[code], "weight": WEIGHTS[code]} for code in "ABC"},
        "deposit": "10.00",
    }
    return json.dumps({**agreed, **changes})


class Season:
    """Short words for tests. Every facility sells `day`, `points30`, `points-for-ever` and its own `local` ticket."""

    def __init__(self, codes: str = "ABC") -> None:
        self._keys = itertools.count()
        self._cards = itertools.count(1001)
        self.server = found_server(NAME, FOUNDED)
        asked = {"at": FOUNDED, "actor": self.server}
        for code in codes:
            facility = facility_id(code)
            self._done(
                enrol_facilities([EnrolFacility(key=self.key(), code=code, currency="PLN", time_zone=ZONE, **asked)])
            )
            self._done(open_books([OpenBooks(key=self.key(), facility=facility, currency="PLN", **asked)]))
            self._done(enrol_operators([EnrolOperator(key=self.key(), facility=facility, code="anna", **asked)]))
            self._done(
                enrol_sales_points(
                    [EnrolSalesPoint(key=self.key(), facility=facility, code="till", kind="till", **asked)]
                )
            )
            self._done(
                enrol_gates([EnrolGate(key=self.key(), facility=facility, code="lift", reports_turn=False, **asked)])
            )
            shift = OpenShift(
                key=self.key(),
                at=FOUNDED,
                actor=operator_id(facility, "anna"),
                sales_point=sales_point_id(facility, "till"),
            )
            self._done(open_shifts([shift]))
        self.products = {code: self._price_list(code) for code in codes}

    def _price_list(self, code: str) -> dict[str, UUID]:
        day = Validity(kind="days", days=1)
        season = Validity(kind="season", first_day=date(2026, 12, 1), last_day=date(2027, 4, 5))
        prices = {"adult": 16000, "reduced": 15000}
        drafts = (
            ProductDraft(code="day", kind="time", prices=prices, vat_bp=800, validity=day, deposit_minor=1000),
            ProductDraft(
                code="points30", kind="points", prices={"adult": 2600}, vat_bp=800, points=30, validity=season
            ),
            ProductDraft(code="points-for-ever", kind="points", prices={"adult": 1000}, vat_bp=800, points=20),
            ProductDraft(code=f"local-{code}", kind="time", prices={"adult": 9000}, vat_bp=800, validity=day),
        )
        request = Publish(
            key=self.key(),
            at=FOUNDED,
            actor=self.server,
            facility=facility_id(code),
            on_sale_from=FOUNDED,
            products=drafts,
        )
        (published,) = publish([request])
        assert isinstance(published, Publication), published
        return published.versions

    def key(self) -> str:
        return f"season {next(self._keys)}"

    @staticmethod
    def _done(answers: list[Any]) -> None:
        assert not any(hasattr(answer, "reason") for answer in answers), answers

    def agree(self, text: str | None = None) -> PublishedAgreement:
        answer = self.publish(text or draft())
        assert isinstance(answer, PublishedAgreement), answer
        return answer

    def publish(self, text: str) -> Any:
        return publish_agreements([PublishAgreement(key=self.key(), at=FOUNDED, actor=self.server, text=text)])[0]

    def sell(
        self,
        product: str,
        *,
        seller: str = "A",
        at: datetime = DAY,
        price: int | None = None,
        category: str = "adult",
        cards: int = 1,
    ) -> Sale:
        """Sell tickets on new cards; their numbers are `self.numbers` afterwards."""
        self.numbers = [str(next(self._cards)) for _ in range(cards)]
        version = self.products[seller][f"local-{seller}" if product == "local" else product]
        list_price = {
            "day": {"adult": 16000, "reduced": 15000}[category],
            "points30": 2600,
            "points-for-ever": 1000,
            "local": 9000,
        }[product]
        deposit = 1000 if product == "day" else 0
        amount = cards * ((list_price if price is None else price) + deposit)
        request = Sell(
            key=self.key(),
            at=at,
            actor=operator_id(facility_id(seller), "anna"),
            sales_point=sales_point_id(facility_id(seller), "till"),
            lines=(
                SaleLine(
                    product=version,
                    category=category,
                    cards=tuple(Card(number=number, issue=True) for number in self.numbers),
                    unit_price=price,
                ),
            ),
            payments=(Payment(kind="card", amount=amount),) if amount else (),
        )
        (sale,) = sell([request])
        assert isinstance(sale, Sale), sale
        return sale

    def pass_gates(self, visits: str, *, number: str | None = None, at: datetime = DAY) -> None:
        """Go through lifts with the last card sold: "AAB" is twice A's, once B's; a passage every ten minutes."""
        for n, code in enumerate(visits):
            gate = named_id("gate", facility_id(code), "lift")
            when = at + timedelta(minutes=10 * (n + 1))
            chip = number or self.numbers[0]
            (verdict,) = admit([Scan(key=self.key(), at=when, actor=gate, gate=gate, chip=chip)])
            assert isinstance(verdict, Verdict), verdict

    def hand_in(self, number: str, *, facility: str, at: datetime = DAY) -> Any:
        return self._give_back(facility, at, cards=(number,))

    def return_order(self, order: UUID, *, facility: str, at: datetime = DAY) -> Any:
        return self._give_back(facility, at, order=order)

    def _give_back(self, facility: str, at: datetime, **what: Any) -> Any:
        request = GiveBack(
            key=self.key(),
            at=at,
            actor=operator_id(facility_id(facility), "anna"),
            sales_point=sales_point_id(facility_id(facility), "till"),
            refund_kind="card",
            **what,
        )
        (answer,) = give_back([request])
        self._done([answer])
        return answer

    def seal(self) -> Cut:
        with Sealer(KEY, clock=lambda: DAY, witness=lambda *_: None) as sealer:
            sealer.seal_all()
        return latest_cut()

    def settle(self, cut: Cut | None = None, **asked: Any) -> Report:
        report = settle(cut or self.seal(), at=DAY, **asked)
        assert isinstance(report, Report), report
        return report

    def close(self, cut: Cut | None = None, *, at: datetime = DAY, **asked: Any) -> Any:
        cut = cut or self.seal()
        return close([Close(key=self.key(), at=at, actor=self.server, cut=cut.sizes, **asked)])[0]


def row(report: Report, code: str) -> FacilityLine:
    return next(line for line in report.facilities if line.code == code)
