"""What is done while something is killed: an operator is enrolled, a card sold, shown at two gates, topped up, blocked.

Every request follows from the name of its story alone, so that asking again is asking the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from karnet.access.operations import gate_id
from karnet.access.services import EnrolGate, Scan, Turn, Verdict, admit, enrol_gates, turn
from karnet.accounts.selectors import balances
from karnet.accounts.services import OpenBooks, open_books
from karnet.catalogue.operations import Validity
from karnet.catalogue.selectors import on_sale
from karnet.catalogue.services import ProductDraft, Publish, publish
from karnet.entitlements.requests import Block
from karnet.entitlements.rules import medium_id, points_account
from karnet.entitlements.services import block
from karnet.journal.founding import found_server, server_id
from karnet.journal.requests import id_made_by
from karnet.kernel.outcomes import Refused
from karnet.orders.operations import Payment
from karnet.orders.requests import Card, OpenShift, SaleLine, Sell, TopUp
from karnet.orders.services import open_shifts, sell, top_up
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

NAME = "karnet.test/log"
MORNING = datetime(2026, 1, 17, 8, 0, tzinfo=UTC)
CODE = "D"
HOME = facility_id(CODE)
TILL = sales_point_id(HOME, "till")
ANNA = operator_id(HOME, "anna")
LIFT, TURNSTILE = gate_id(HOME, "lift"), gate_id(HOME, "turnstile")
PRICE, DEPOSIT, POINTS = 2600, 1000, 30
TAKEN = 3 + 2

Step = Callable[[Sequence[Any]], Any]


def furnish() -> None:
    """Found the log and enrol everything that stories need."""
    server = found_server(NAME, MORNING)
    keys = iter(range(100))

    def asked(actor: UUID = server) -> dict[str, Any]:
        return {"key": f"furnish:{next(keys)}", "at": MORNING, "actor": actor}

    season = Validity(kind="season", first_day=date(2025, 12, 1), last_day=date(2026, 4, 12))
    product = ProductDraft(
        code="points", kind="points", names={"en": "Points"}, prices={"adult": PRICE}, vat_bp=800, points=POINTS,
        validity=season, deposit_minor=DEPOSIT,
    )  # fmt: skip
    agreement = {
        "season": "2026",
        "currency": "PLN",
        "time_zone": "Europe/Warsaw",
        "first_day": "2025-12-01",
        "last_day": "2026-04-12",
        "members": [CODE],
        "prices": [{"product": "points", "category": "adult", "price": "26.00", "vat": "8"}],
        "gates": {f"{CODE}/lift": {"points": 3, "weight": "1"}, f"{CODE}/turnstile": {"points": 2, "weight": "1"}},
    }
    text = msgspec.json.encode(agreement).decode()
    for answers in (
        enrol_facilities([EnrolFacility(**asked(), code=CODE, currency="PLN", time_zone="Europe/Warsaw")]),
        open_books([OpenBooks(**asked(), facility=HOME, currency="PLN")]),
        enrol_sales_points([EnrolSalesPoint(**asked(), facility=HOME, code="till", kind="till")]),
        enrol_operators([EnrolOperator(**asked(), facility=HOME, code="anna")]),
        enrol_gates([EnrolGate(**asked(), facility=HOME, code="lift", reports_turn=False)]),
        enrol_gates([EnrolGate(**asked(), facility=HOME, code="turnstile")]),
        publish([Publish(**asked(), facility=HOME, on_sale_from=MORNING, products=(product,))]),
        publish_agreements([PublishAgreement(**asked(), text=text)]),
        open_shifts([OpenShift(**asked(ANNA), sales_point=TILL)]),
    ):
        assert not any(isinstance(answer, Refused) for answer in answers), answers


def product() -> UUID:
    return on_sale(HOME, ["points"], MORNING)["points"].product.id


def keys(name: str) -> list[str]:
    return [f"{name}:{ordinal}" for ordinal in range(7)]


def tell(name: str, sold: UUID) -> Iterator[Any]:
    """Ask for the steps of the story, one after the other, and yield each answer as it is given."""
    key = iter(keys(name))
    minute = iter(range(60))

    def asked(actor: UUID) -> dict[str, Any]:
        return {"key": next(key), "at": MORNING + timedelta(minutes=next(minute)), "actor": actor}

    card = Card(number=name, issue=True)
    cash = Payment(kind="cash", amount=PRICE + DEPOSIT)
    more = Payment(kind="cash", amount=PRICE)
    server = server_id(NAME)
    yield _one(enrol_operators([EnrolOperator(**asked(server), facility=HOME, code=name, name="somebody")]))
    line = SaleLine(product=sold, cards=(card,))
    yield _one(sell([Sell(**asked(ANNA), sales_point=TILL, lines=(line,), payments=(cash,))]))
    yield _one(admit([Scan(**asked(LIFT), gate=LIFT, chip=name)]))
    granted = _one(admit([Scan(**asked(TURNSTILE), gate=TURNSTILE, chip=name)]))
    yield granted
    assert isinstance(granted, Verdict)
    report = {**asked(TURNSTILE), "at": MORNING + timedelta(minutes=3, seconds=2)}
    yield _one(turn([Turn(**report, grant=granted.id, taken=True)]))
    yield _one(top_up([TopUp(**asked(ANNA), sales_point=TILL, number=name, product=sold, payments=(more,))]))
    yield _one(block([Block(**asked(ANNA), medium=medium_id(name), code="lost", sales_point=TILL)]))


def _one(answers: Sequence[Any]) -> Any:
    (answer,) = answers
    assert not isinstance(answer, Refused), answer
    return answer


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What the tables hold of one story."""

    operations: tuple[int, ...]
    requests: int
    media: int
    blocks: int
    entitlements: int
    passages: int
    grants: int
    orders: int
    points: int


WHOLE = State(
    operations=(1,) * 7, requests=7, media=1, blocks=1, entitlements=2, passages=2, grants=1, orders=2,
    points=2 * POINTS - TAKEN,
)  # fmt: skip


def state(name: str) -> State:
    """Return what the tables hold of a story."""
    medium = medium_id(name)
    instants = [MORNING + timedelta(minutes=m) for m in range(4)]
    instants += [MORNING + timedelta(minutes=3, seconds=2)] + [MORNING + timedelta(minutes=m) for m in (5, 6)]
    actors = (server_id(NAME), ANNA, LIFT, TURNSTILE)
    ids = [
        [id_made_by(server_id(NAME), actor, at, key, n) for actor in actors for n in range(3)]
        for at, key in zip(instants, keys(name), strict=True)
    ]
    tickets = [row[0] for row in _rows("SELECT id FROM entitlements_entitlement WHERE medium_id = %s", medium)]
    held = balances([points_account(ticket) for ticket in tickets])
    return State(
        operations=tuple(_count("journal_operation WHERE id = ANY(%s)", each) for each in ids),
        requests=_count("journal_request WHERE key = ANY(%s)", keys(name)),
        media=_count("entitlements_medium WHERE id = %s", medium),
        blocks=_count("entitlements_block WHERE medium_id = %s", medium),
        entitlements=len(tickets),
        passages=_count("access_passage WHERE medium = %s", medium),
        grants=_count("access_grant WHERE medium = %s", medium),
        orders=_count(
            "orders_order WHERE id IN (SELECT order_id FROM orders_line WHERE entitlement = ANY(%s))", tickets
        ),
        points=sum(balance.balance for balance in held.values()),
    )


def _count(where: str, parameter: Any) -> int:
    return int(_rows(f"SELECT count(*) FROM {where}", parameter)[0][0])


def _rows(sql: str, parameter: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [parameter])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
