"""Identifiers (RFC 9562) derived from what they identify, so that a repeat makes the same id.

What operations make has ids that also tell whose they are (`owned_id`, ADR 0011); what exists once for its name has
`named_id`; what never leaves a server has `derived_id`.
"""

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


def owned_id(owner: UUID, at: datetime, key: str, ordinal: int | str = 0) -> UUID:
    """Return the UUIDv8 (RFC 9562, section 5.8) of the `ordinal`-th thing that `owner` makes for the request `key` at `at`:
    same arguments, same id.

    48 bits of time as in UUIDv7, 42 bits of a SHA-256 of key and ordinal, and a tag of 32 bits: a SHA-256 of the owner and
    all that precedes. So of the ids that one owner makes, one in four thousand millions would do for another (`owns`).
    """
    chance = int.from_bytes(sha256(f"{key}\x1f{ordinal}".encode()).digest()[:6], "big") & (2**42 - 1)
    value = (milliseconds(at) & (2**48 - 1)) << 48 | 0x8 << 44 | chance >> 30 << 32 | 0x2 << 30 | chance & (2**30 - 1)
    told = value.to_bytes(12, "big")
    return UUID(bytes=told + _tag(owner, told))


def owns(owner: UUID, made: UUID) -> bool:
    """Whether `made` is an `owned_id` of this owner.

    A UUIDv7 counts as anybody's: things made before ids told whose they are have one.
    """
    told = made.bytes
    return told[6] >> 4 == 7 or (told[6] >> 4 == 8 and told[12:] == _tag(owner, told[:12]))


def _tag(owner: UUID, told: bytes) -> bytes:
    return sha256(owner.bytes + told).digest()[:4]


def first_id(at: datetime) -> UUID:
    """Return the bound between ids of things made before `at` and those made since: every `owned_id` of `at` or later
    is above it, every earlier one below. So an index on ids also finds things by the instant they were made.

    >>> at = datetime(2027, 1, 16, tzinfo=UTC)
    >>> owned_id(UUID(int=1), at.replace(year=2026), "key") < first_id(at) < owned_id(UUID(int=1), at, "key")
    True
    """
    return UUID(int=milliseconds(at) << 80)


def named_id(*names: object) -> UUID:
    """Return the timeless UUIDv8 (RFC 9562, section 5.8) of a name such as ("account", owner, "points").

    For things that exist once for their name (the points account of a ticket): whoever needs one can compute it.
    """
    number = int.from_bytes(sha256("\x1f".join(map(str, names)).encode()).digest()[:16], "big")
    return UUID(int=number & _VERSION_AND_VARIANT_MASK | (0x8 << 76) | (0x2 << 62))
