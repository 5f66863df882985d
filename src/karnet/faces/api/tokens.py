"""Tokens of devices and partners: what each reaches. The secret is the foundation's: kept as a hash, shown once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db import connection, transaction
from django.urls import get_resolver

from karnet.access.selectors import gates as all_gates
from karnet.faces.api.models import Token
from karnet.faces.api.scopes import KINDS, SCOPES
from karnet.faces.base.access import Device, routes, rule_of
from karnet.faces.base.devices import device_of, digest, issue_token, retire_token
from karnet.faces.base.models import DeviceToken
from karnet.kernel.outcomes import Refused, bad_values
from karnet.orders.services import SetTerms, set_terms
from karnet.parties.selectors import facilities, home_server, operators, sales_points

PER_MINUTE = {"device": 1200, "partner": 120}
_USED_EVERY = timedelta(minutes=1)


class NewToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token to make. None: no `gates` named = every gate of the facility; no `scopes` = those of the kind.

    `products` and `limit_minor` become the terms of its sales point (orders), which hold for everybody who sells there,
    by this token, by another or by hand; neither given = the terms stay as they are."""

    name: str
    kind: str
    scopes: tuple[str, ...] | None = None
    facility: UUID | None = None
    sales_point: UUID | None = None
    operator: UUID | None = None
    gates: tuple[UUID, ...] | None = None
    products: tuple[str, ...] | None = None
    limit_minor: int | None = None
    per_minute: int | None = None
    expires_at: datetime | None = None


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls: a token without its secret. Fields as in NewToken, resolved."""

    id: UUID
    name: str
    kind: str
    scopes: frozenset[str]
    facility: UUID | None
    sales_point: UUID | None
    operator: UUID | None
    gates: frozenset[UUID] | None
    per_minute: int
    created_at: datetime
    ends_at: datetime | None = None
    """When it was revoked, or when it will expire."""
    used_at: datetime | None = None

    def alive(self, at: datetime) -> bool:
        """Tell whether it may be used at an instant."""
        return self.ends_at is None or at < self.ends_at


class Issued(NamedTuple):
    """A new token and its text, which nobody can show again."""

    principal: Principal
    text: str


def create(new: NewToken, at: datetime) -> Issued | Refused:
    """Make a token. Refuses unknown kinds, scopes and parties, and a sales point or gate of another facility."""
    problems = _problems(new)
    if new.expires_at is not None and new.expires_at <= at:
        problems["expires_at"] = "must lie in the future"
    if problems:
        return bad_values(problems)
    scopes = new.scopes if new.scopes is not None else KINDS[new.kind]
    with transaction.atomic():
        text = issue_token(new.name, scopes, at, actor=_actor(new))
        made = device_of(text, at)
        assert made is not None, "it was made a moment ago"
        # A token that expires is one whose end is known already.
        DeviceToken.objects.filter(id=made.id).update(retired_at=new.expires_at)
        Token.objects.create(
            device_id=made.id,
            kind=new.kind,
            facility=new.facility,
            sales_point=new.sales_point,
            operator=new.operator,
            gates=list(new.gates) if new.gates is not None else None,
            per_minute=new.per_minute or PER_MINUTE[new.kind],
        )
    principal = find(text, at)
    assert principal is not None, "it was made a moment ago"
    if new.sales_point and (new.products is not None or new.limit_minor is not None):
        (held,) = set_terms(
            [
                SetTerms(
                    key=f"token:{principal.id}",
                    at=at,
                    actor=home_server(),
                    sales_point=new.sales_point,
                    products=new.products,
                    limit_minor=new.limit_minor,
                )
            ]
        )
        if isinstance(held, Refused):
            revoke(principal.id, at)
            return held
    return Issued(principal, text)


def find(text: str, at: datetime) -> Principal | None:
    """Return the token of this text, or None for one that is unknown, revoked or expired by then.

    Every call begins with it, those of gates too: one statement, without the ORM's labour.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_PRINCIPAL} WHERE d.digest = %s AND (d.retired_at IS NULL OR d.retired_at > %s)", [digest(text), at]
        )
        row = cursor.fetchone()
    return _principal(row) if row else None


def used(principal: Principal, at: datetime) -> None:
    """Note that a token is in use: once a minute at most, for people who tidy up."""
    if principal.used_at is None or abs(at - principal.used_at) >= _USED_EVERY:
        Token.objects.filter(device_id=principal.id).update(used_at=at)


def revoke(id_: UUID, at: datetime) -> bool:
    """Let a token be used no more, from now on. False for one that is unknown, or that ended before."""
    return retire_token(id_, at)


def tokens() -> list[Principal]:
    """Return every token, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_PRINCIPAL} ORDER BY d.created_at, d.id")
        return [_principal(row) for row in cursor.fetchall()]


def known_scopes() -> dict[str, str]:
    """Return every scope with its meaning: the API's, and those that pages of devices ask for."""
    rules = (rule_of(pattern.callback) for _, pattern in routes(get_resolver().url_patterns))
    pages = {rule.scope: "Open pages made for devices." for rule in rules if isinstance(rule, Device)}
    return {**pages, **SCOPES}


def _actor(new: NewToken) -> UUID | None:
    """Return whom the foundation names for a token: its only gate, else its operator."""
    return new.gates[0] if new.gates and len(new.gates) == 1 else new.operator


def _problems(new: NewToken) -> dict[str, str]:
    problems = {}
    if not 1 <= len(new.name) <= 100 or not new.name.isprintable():
        problems["name"] = "must be 1 to 100 printable characters"
    if new.kind not in KINDS:
        problems["kind"] = f"must be one of {', '.join(KINDS)}"
    known = known_scopes()
    unknown = sorted(set(new.scopes or ()) - known.keys())
    if unknown or new.scopes == ():
        problems["scopes"] = f"{', '.join(unknown) or 'none'}: no such scope; there are {', '.join(known)}"
    if new.limit_minor is not None and new.limit_minor < 0:
        problems["limit_minor"] = "must not be negative"
    if new.sales_point is None and (new.products is not None or new.limit_minor is not None):
        problems["sales_point"] = "must be named: products and limit are its terms"
    if new.per_minute is not None and not 1 <= new.per_minute <= 1_000_000:
        problems["per_minute"] = "must be 1 to 1000000"
    if not problems:
        problems = _party_problems(new)
    return problems


_OF_A_FACILITY = frozenset(("gates:scan", "gates:read", "catalogue:read", "money:read", "bands:read", "bands:charge"))
_OF_A_SALES_POINT = frozenset(
    ("sales:write", "sales:read", "money:write", "shifts:write", "bands:read", "bands:charge")
)
_OF_AN_OPERATOR = frozenset(("sales:write", "money:write", "shifts:write", "media:block", "bands:charge"))


def _party_problems(new: NewToken) -> dict[str, str]:
    problems = {}
    scopes = set(new.scopes if new.scopes is not None else KINDS[new.kind])
    facility = facilities([new.facility]).get(new.facility) if new.facility else None
    if facility is None and (new.facility or scopes & _OF_A_FACILITY):
        problems["facility"] = "must be an enrolled facility"
    if new.sales_point or scopes & _OF_A_SALES_POINT:
        point = sales_points([new.sales_point]).get(new.sales_point) if new.sales_point else None
        if point is None or point.facility != new.facility:
            problems["sales_point"] = "must be an enrolled sales point of the facility"
    if new.operator or scopes & _OF_AN_OPERATOR:
        operator = operators([new.operator]).get(new.operator) if new.operator else None
        if operator is None or operator.facility != new.facility:
            problems["operator"] = "must be an enrolled operator of the facility"
    if new.gates is not None and not set(new.gates) <= _gates_of(new.facility):
        problems["gates"] = "must be enrolled gates of the facility"
    return problems


def _gates_of(facility: UUID | None) -> set[UUID]:
    return {gate.id for gate in all_gates(facility)} if facility else set()


_PRINCIPAL = (
    "SELECT d.id, d.name, t.kind, d.scopes, t.facility, t.sales_point, t.operator, t.gates, t.per_minute,"
    " d.created_at, d.retired_at, t.used_at"
    " FROM api_token t JOIN faces_device_token d ON d.id = t.device_id"
)


def _principal(row: tuple[Any, ...]) -> Principal:
    id_, name, kind, scopes, facility, sales_point, operator, gates, *rest = row
    per_minute, created_at, ends_at, used_at = rest
    return Principal(
        id=id_,
        name=name,
        kind=kind,
        scopes=frozenset(scopes.split()),
        facility=facility,
        sales_point=sales_point,
        operator=operator,
        gates=None if gates is None else frozenset(gates),
        per_minute=per_minute,
        created_at=created_at,
        ends_at=ends_at,
        used_at=used_at,
    )
