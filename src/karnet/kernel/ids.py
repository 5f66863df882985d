"""Identifiers: UUIDv7 (RFC 9562, section 5.7) derived from what they identify, so that a repeat makes the same id."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VERSION_AND_VARIANT_MASK = ~((0xF << 76) | (0x3 << 62))
_VERSION_7_VARIANT_10 = (0x7 << 76) | (0x2 << 62)


def milliseconds(at: datetime) -> int:
    """Return whole milliseconds since 1970 of an aware instant."""
    delta = at - _EPOCH
    return delta.days * 86_400_000 + delta.seconds * 1000 + delta.microseconds // 1000


def derived_id(at: datetime, key: str, ordinal: int | str = 0) -> UUID:
    """Return the UUIDv7 of the thing made `ordinal`-th by the request `key` at `at`: same arguments, same id.

    The 48 time bits are `at` in milliseconds; the other 74 are a SHA-256 of key and ordinal, so that effects of a
    request stay idempotent after the request itself has been pruned (DESIGN, rules of the mechanism).
    """
    chance = int.from_bytes(sha256(f"{key}\x1f{ordinal}".encode()).digest()[:10], "big")
    value = (milliseconds(at) & (2**48 - 1)) << 80 | chance
    return UUID(int=value & _VERSION_AND_VARIANT_MASK | _VERSION_7_VARIANT_10)


def first_id(at: datetime) -> UUID:
    """Return the bound between ids of things made before `at` and those made since: every `derived_id` of `at` or later
    is above it, every earlier one below. So an index on ids also finds things by the instant they were made.

    >>> at = datetime(2027, 1, 16, tzinfo=UTC)
    >>> derived_id(at.replace(year=2026), "key") < first_id(at) < derived_id(at, "key")
    True
    """
    return UUID(int=milliseconds(at) << 80)


def named_id(*names: object) -> UUID:
    """Return the timeless UUIDv8 (RFC 9562, section 5.8) of a name such as ("account", owner, "points").

    For things that exist once for their name (the points account of a ticket): whoever needs one can compute it.
    """
    number = int.from_bytes(sha256("\x1f".join(map(str, names)).encode()).digest()[:16], "big")
    return UUID(int=number & _VERSION_AND_VARIANT_MASK | (0x8 << 76) | (0x2 << 62))
