"""Log-ins to look around the demo with: one of each role, and a till of one's own.

One password for all of them, made by chance once and kept with the installation's secrets.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from karnet.orders.selectors import terms
from karnet.orders.services import SetTerms, set_terms
from karnet.parties.operations import facility_id, operator_id, sales_point_id
from karnet.parties.selectors import facilities
from karnet.parties.services import (
    AddUser,
    EnrolOperator,
    EnrolSalesPoint,
    add_user,
    enrol_operators,
    enrol_sales_points,
)
from karnet.wiring.demo import pool
from karnet.wiring.files import write_atomically
from karnet.wiring.installation import Installation

FACILITY, TILL, HOTEL = "kopa", "till-4", "hotel"
STAFF = {
    "cashier": "zofia",
    "supervisor": "marek",
    "manager": "irena",
    "accountant": "olga",
    "auditor": "piotr",
    "partner": "hotel",
}
SWIMS = "iwona"
"""The cashier at the pool."""
HOTEL_SELLS, HOTEL_LIMIT = ("day", "days-2", "hours-4", "map", "points-30"), 300_000
"""What the hotel's reception may sell, and how much of it a day (3,000.00)."""
_FILE = "demo-password"


class LogIn(msgspec.Struct, frozen=True):
    """Who may log in, as what."""

    username: str
    role: str


def ensure_log_ins(installation: Installation, server: UUID, at: datetime) -> tuple[list[LogIn], str]:
    """Make the log-ins, their operators and the till they may use, as far as they are missing; return them and their
    password."""
    password = _password(installation)
    facility = facility_id(FACILITY)
    enrol_sales_points(
        [
            EnrolSalesPoint(
                key="demo:till", at=at, actor=server, facility=facility, code=TILL, kind="till", name="Till 4"
            )
        ]
    )
    enrol_sales_points(
        [
            EnrolSalesPoint(
                key="demo:sales-point-hotel",
                at=at,
                actor=server,
                facility=facility,
                code=HOTEL,
                kind="partner",
                name="Hotel Tatry",
            )
        ]
    )
    hotel = sales_point_id(facility, HOTEL)
    if hotel not in terms([hotel]):
        set_terms(
            [
                SetTerms(
                    key="demo:terms",
                    at=at,
                    actor=server,
                    sales_point=hotel,
                    products=HOTEL_SELLS,
                    limit_minor=HOTEL_LIMIT,
                )
            ]
        )
    for role, username in STAFF.items():
        asked = EnrolOperator(
            key=f"demo:{username}", at=at, actor=server, facility=facility, code=username, name=username.title()
        )
        enrol_operators([asked])
        whom, where = operator_id(facility, username), hotel if role == "partner" else None
        add_user(AddUser(username=username, role=role, password=password, operator=whom, sales_point=where))
    made = [LogIn(username, role) for role, username in STAFF.items()]
    return [*made, *_at_the_pool(server, at, password)], password


def _at_the_pool(server: UUID, at: datetime, password: str) -> list[LogIn]:
    """Make a cashier for the pool, with a till of her own; nobody where the demo has no pool."""
    facility = facility_id(pool.POOL)
    if facility not in facilities([facility]):
        return []
    asked: dict[str, Any] = {"at": at, "actor": server, "facility": facility}
    enrol_sales_points([EnrolSalesPoint(key="demo:till-pool", code="till-3", kind="till", name="Pool till 3", **asked)])
    enrol_operators([EnrolOperator(key=f"demo:{SWIMS}", code=SWIMS, name=SWIMS.title(), **asked)])
    add_user(AddUser(username=SWIMS, role="cashier", password=password, operator=operator_id(facility, SWIMS)))
    return [LogIn(SWIMS, "cashier at the pool")]


def _password(installation: Installation) -> str:
    file = installation.path / _FILE
    if not file.exists():
        words = secrets.token_urlsafe(9)
        write_atomically(file, words.encode(), mode=0o600)
    return file.read_text(encoding="utf-8").strip()
