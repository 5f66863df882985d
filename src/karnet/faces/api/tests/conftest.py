"""Two facilities with a till, a partner's reception, gates and an agreement; tokens; a client that speaks JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import override_settings

from karnet.access.operations import gate_id
from karnet.access.services import EnrolGate, enrol_gates
from karnet.accounts.services import OpenBooks, open_books
from karnet.catalogue.operations import Validity
from karnet.catalogue.rules import ProductDraft, Publish
from karnet.catalogue.services import publish
from karnet.faces.api import authentication, tokens
from karnet.faces.api.scopes import SCOPES
from karnet.journal.founding import found_server
from karnet.journal.models import Operation
from karnet.journal.sealing import Sealer
from karnet.journal.tlog.note import SignatureType, SigningKey
from karnet.kernel.outcomes import Refused
from karnet.orders.services import OpenShift, open_shifts
from karnet.parties.operations import facility_id, operator_id, sales_point_id
from karnet.parties.services import (
    EnrolFacility,
    EnrolOperator,
    EnrolSalesPoint,
    enrol_facilities,
    enrol_operators,
    enrol_sales_points,
)
from karnet.settlement.services import PublishAgreement, publish_agreements

NORTH, SOUTH = facility_id("NORTH"), facility_id("SOUTH")
HOTEL, SOUTH_TILL = sales_point_id(NORTH, "HOTEL"), sales_point_id(SOUTH, "K1")
RENATA, CARLA = operator_id(NORTH, "renata"), operator_id(SOUTH, "carla")
LIFT, TURNSTILE, SOUTH_LIFT = gate_id(NORTH, "lift"), gate_id(NORTH, "turnstile"), gate_id(SOUTH, "lift")
NAME = "karnet.test/log"
KEY = SigningKey(NAME, SignatureType.ED25519, b"\x07" * 32)
NOW = datetime(2026, 1, 17, 9, 0, tzinfo=UTC)
"""When the tests happen; `Clock.at` moves on."""


class Clock:
    """The faces' clock in these tests."""

    at = NOW

    @classmethod
    def now(cls) -> datetime:
        return cls.at


def clock() -> datetime:
    return Clock.now()


DRAFT = {
    "season": "2025-26",
    "currency": "PLN",
    "time_zone": "Europe/Warsaw",
    "first_day": "2025-12-01",
    "last_day": "2026-04-05",
    "members": ["NORTH", "SOUTH"],
    "prices": [
        {"product": "DAY", "price": "160.00", "vat": "8"},
        {"product": "P30", "price": "26.00", "vat": "8"},
    ],
    "gates": {
        "NORTH/lift": {"points": 3, "weight": "1"},
        "NORTH/turnstile": {"points": 2, "weight": "1"},
        "SOUTH/lift": {"points": 1, "weight": "2"},
    },
    "deposit": "10.00",
}
PRODUCTS = (
    ProductDraft(
        code="DAY", kind="time", prices={"adult": 16000}, vat_bp=800, deposit_minor=1000,
        validity=Validity(kind="days", days=1),
    ),
    ProductDraft(code="P30", kind="points", prices={"adult": 2600}, vat_bp=800, points=30, deposit_minor=1000),
    ProductDraft(code="WAX", kind="goods", prices={"adult": 999}, vat_bp=2300),
)  # fmt: skip


class Api:
    """A caller with a token."""

    def __init__(self, text: str = "", **headers: str) -> None:
        self.client, self.text = Client(SERVER_NAME="localhost"), text
        self.headers = {**({"Authorization": f"Bearer {text}"} if text else {}), **headers}

    def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> HttpResponse:
        return self.client.get(f"/api/v1{path}", query, headers={**self.headers, **headers})

    def post(self, path: str, body: Any, key: str | None = None, **headers: str) -> HttpResponse:
        return self._send("post", path, body, key, headers)

    def delete(self, path: str, key: str | None = None, **headers: str) -> HttpResponse:
        return self._send("delete", path, None, key, headers)

    def _send(self, method: str, path: str, body: Any, key: str | None, headers: dict[str, str]) -> HttpResponse:
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        given = {**self.headers, "Idempotency-Key": str(uuid4()) if key is None else key, **headers}
        return getattr(self.client, method)(f"/api/v1{path}", data, content_type="application/json", headers=given)


class World:
    """Short words for tests."""

    def token(self, kind: str = "partner", **changes: Any) -> tuple[tokens.Principal, Api]:
        given: dict[str, Any] = {
            "name": "test",
            "kind": kind,
            "scopes": tuple(SCOPES),
            "facility": NORTH,
            "sales_point": HOTEL,
            "operator": RENATA,
            **changes,
        }
        issued = tokens.create(tokens.NewToken(**given), Clock.at)
        assert not isinstance(issued, Refused), issued
        return issued.principal, Api(issued.text)

    def south(self, **changes: Any) -> tuple[tokens.Principal, Api]:
        return self.token(facility=SOUTH, sales_point=SOUTH_TILL, operator=CARLA, **changes)


def sale(*numbers: str, product: str = "DAY", pay: int | None = None) -> dict[str, Any]:
    """A sale of a ticket on new cards, paid by card; prices of PRODUCTS."""
    prices = {"DAY": 17000, "P30": 3600}
    return {
        "lines": [{"product": product, "cards": [{"number": n, "chip": f"chip-{n}", "issue": True} for n in numbers]}],
        "payments": [{"kind": "card", "amount_minor": prices[product] * len(numbers) if pay is None else pay}],
    }


def recorded() -> int:
    """How many operations the journal holds: a refusal adds none."""
    return Operation.objects.count()


def seal() -> None:
    """Seal everything that is recorded."""
    with Sealer(KEY, clock=lambda: Clock.at, witness=lambda *_: None) as sealer:
        sealer.seal_all()


@pytest.fixture
def world(database: None) -> Iterator[World]:
    """The network, founded; the clock stands at NOW."""
    Clock.at = NOW
    authentication.RATE.clear()
    authentication.GUESSES.clear()
    early = NOW - timedelta(days=40)
    server = found_server(NAME, early)
    asked: dict[str, Any] = {"at": early, "actor": server}
    keys = iter(range(100))

    def done(answers: list[Any]) -> None:
        assert not isinstance(answers[0], Refused), answers

    for code, facility in (("NORTH", NORTH), ("SOUTH", SOUTH)):
        zone = {"currency": "PLN", "time_zone": "Europe/Warsaw"}
        done(enrol_facilities([EnrolFacility(key=f"{next(keys)}", code=code, **zone, **asked)]))
        done(open_books([OpenBooks(key=f"{next(keys)}", facility=facility, currency="PLN", **asked)]))
        done(publish([Publish(key=f"{next(keys)}", facility=facility, on_sale_from=early, products=PRODUCTS, **asked)]))
    for facility, code, operator in ((NORTH, "HOTEL", "renata"), (SOUTH, "K1", "carla")):
        done(
            enrol_sales_points(
                [EnrolSalesPoint(key=f"{next(keys)}", facility=facility, code=code, kind="reception", **asked)]
            )
        )
        done(enrol_operators([EnrolOperator(key=f"{next(keys)}", facility=facility, code=operator, **asked)]))
    for facility, code, reports in ((NORTH, "lift", False), (NORTH, "turnstile", True), (SOUTH, "lift", False)):
        done(
            enrol_gates(
                [
                    EnrolGate(
                        key=f"{next(keys)}", facility=facility, code=code, passback_s=300, reports_turn=reports, **asked
                    )
                ]
            )
        )
    done(publish_agreements([PublishAgreement(key=f"{next(keys)}", text=json.dumps(DRAFT), **asked)]))
    for point, operator in ((HOTEL, RENATA), (SOUTH_TILL, CARLA)):
        done(open_shifts([OpenShift(key=f"{next(keys)}", at=NOW, actor=operator, sales_point=point)]))
    with override_settings(KARNET_CLOCK=f"{__name__}.clock"):
        yield World()
    connection.close()


def ids(response: HttpResponse, name: str) -> list[UUID]:
    return [UUID(value) for value in response.json()[name]]
