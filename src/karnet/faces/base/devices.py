"""Tokens of devices and partners. The database keeps a digest only; the token itself is shown once, when it is issued."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection
from datetime import datetime
from uuid import UUID, uuid4

import msgspec
from django.http import HttpRequest, HttpResponse

from karnet.faces.base.models import DeviceToken

COOKIE = "karnet_device"
"""Where a browser on a device (a gate display) keeps its token."""

_PREFIX = "knt_"
_SCOPE = re.compile(r"[a-z][a-z0-9_.:-]{0,31}")
_COOKIE_AGE_S = 400 * 24 * 3600  # The longest that browsers keep one.


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device or partner that showed its token. `actor` is whom its operations name (a gate, a sales point, an
    operator), None for one that only reads."""

    id: UUID
    name: str
    scopes: frozenset[str]
    actor: UUID | None = None
    retired_at: datetime | None = None


def issue_token(name: str, scopes: Collection[str], at: datetime, actor: UUID | None = None) -> str:
    """Make a token and return it, the only time anybody sees it. Raises ValueError for a scope that is no word."""
    wrong = [scope for scope in scopes if not _SCOPE.fullmatch(scope)]
    if wrong or not scopes:
        raise ValueError(f"a scope is a short word in lower case: {wrong or 'none given'}")
    token = _PREFIX + secrets.token_urlsafe(32)
    DeviceToken.objects.create(
        id=uuid4(),
        name=name[:100],
        digest=digest(token),
        scopes=" ".join(sorted(set(scopes))),
        actor_id=actor,
        created_at=at,
    )
    return token


def retire_token(id: UUID, at: datetime) -> bool:  # noqa: A002
    """Let a token open nothing any more. Returns whether it did until now."""
    return bool(DeviceToken.objects.filter(id=id).exclude(retired_at__lte=at).update(retired_at=at))


def all_devices() -> list[Device]:
    """Return every token's device, retired ones included, by name."""
    return [_device(row) for row in DeviceToken.objects.order_by("name", "created_at")]


def device_of(token: str, at: datetime) -> Device | None:
    """Return whose token this is, None for one that is unknown or retired by then."""
    if not token.startswith(_PREFIX):
        return None
    row = DeviceToken.objects.filter(digest=digest(token)).first()
    return None if row is None or (row.retired_at and row.retired_at <= at) else _device(row)


def token_in(request: HttpRequest) -> tuple[str, bool]:
    """Return the token that a request carries ("" for none), and whether it came in the header."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip(), True
    return request.COOKIES.get(COOKIE, ""), False


def remember(response: HttpResponse, token: str, secure: bool) -> None:
    """Let the browser of a device keep its token."""
    response.set_cookie(COOKIE, token, max_age=_COOKIE_AGE_S, secure=secure, httponly=True, samesite="Strict")


def _device(row: DeviceToken) -> Device:
    return Device(
        id=row.id,
        name=row.name,
        scopes=frozenset(row.scopes.split()),
        actor=row.actor_id,
        retired_at=row.retired_at,
    )


def digest(token: str) -> bytes:
    """Return what the database keeps of a token."""
    # 256 random bits cannot be guessed, so a fast hash is enough; a slow one would burden every request.
    return hashlib.sha256(token.encode()).digest()
