"""Canonical JSON: one value, one sequence of bytes (a subset of RFC 8785, JCS).

The subset: object keys are ASCII, numbers are integers within ±(2**53 - 1), no floats. Inside it the rules of RFC 8785
(keys sorted by UTF-16 code units, shortest escapes, UTF-8) and the order used here (keys sorted by code point) agree.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

MAX_INTEGER = 2**53 - 1

_encoder = msgspec.json.Encoder(order="sorted")
_long_integer = re.compile(rb"[:,\[]-?(\d{16,})(?=[,\]}])")
T = TypeVar("T")


class NotCanonical(ValueError):
    """The bytes are JSON, but not the one canonical form of their value; the message says where they differ."""


def encode(value: Any) -> bytes:
    """Return the canonical bytes of a value (struct, dict, list, str, int, bool, None, UUID, aware datetime).

    Raises NotCanonical for an integer outside ±(2**53 - 1), which other readers would round, and for text that is not
    Unicode (a lone surrogate).
    """
    try:
        data = _encoder.encode(value)
    except UnicodeEncodeError as error:
        raise NotCanonical(f"text that is not Unicode: {error.reason}") from None
    if _long_integer.search(data):
        _check(msgspec.json.decode(data), "$")
    return data


def decode(data: bytes) -> Any:
    """Return the plain value of canonical bytes; raise NotCanonical when they are not its one canonical form."""
    try:
        value = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise NotCanonical(f"not JSON: {error}") from None
    _check(value, "$")
    again = _encoder.encode(value)
    if again != data:
        at = next(
            (i for i, (a, b) in enumerate(zip(again, data, strict=False)) if a != b),
            min(len(again), len(data)),
        )
        raise NotCanonical(f"differs from its canonical form at byte {at}: expected {again[at : at + 20]!r}")
    return value


def _check(value: Any, where: str) -> None:
    if isinstance(value, float):
        raise NotCanonical(f"{where}: floats are not allowed")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > MAX_INTEGER:
        raise NotCanonical(f"{where}: integer outside ±(2**53 - 1)")
    if isinstance(value, dict):
        for key, item in value.items():
            if not key.isascii():
                raise NotCanonical(f"{where}: key {key!r} is not ASCII")
            _check(item, f"{where}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check(item, f"{where}[{index}]")
