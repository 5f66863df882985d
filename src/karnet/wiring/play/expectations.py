"""Comparing an outcome with what a step expects of it: every field named must be there and equal; others do not matter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from karnet.kernel.decimals import BadDecimal, signed
from karnet.wiring.play.amounts import Money

_MISSING = object()
_MAX_PLACES = 6


class Failure(msgspec.Struct, frozen=True):
    """A field of an outcome that is not as expected. `field` is a path such as `net.A`."""

    field: str
    expected: Any
    got: Any

    def __str__(self) -> str:
        return f"{self.field}: expected {_shown(self.expected)}, got {_shown(self.got)}"


def failures(expected: Mapping[str, Any], outcome: Mapping[str, Any]) -> list[Failure]:
    """Return the fields in which an outcome is not as expected.

    Objects are compared field by field, only those that `expected` names; null also matches a field that is absent.
    Lists must have the same length. Money matches decimal text of the same value, or a whole number of minor units.
    """
    return list(_compare("", expected, outcome))


def _compare(path: str, expected: Any, got: Any) -> Iterator[Failure]:
    if isinstance(expected, Mapping) and isinstance(got, Mapping):
        for name, value in expected.items():
            yield from _compare(f"{path}.{name}" if path else name, value, got.get(name, _MISSING))
    elif isinstance(expected, list) and isinstance(got, list | tuple) and len(expected) == len(got):
        for place, (one, other) in enumerate(zip(expected, got, strict=True)):
            yield from _compare(f"{path}[{place}]", one, other)
    elif not _equal(expected, got):
        yield Failure(path, expected, None if got is _MISSING else got)


def _equal(expected: Any, got: Any) -> bool:
    if expected is None:
        return got is None or got is _MISSING
    if isinstance(got, Money):
        return _same_money(expected, got)
    # True == 1 in Python, but not to somebody who reads a scenario.
    return isinstance(expected, bool) == isinstance(got, bool) and bool(expected == got)


def _same_money(expected: Any, got: Money) -> bool:
    if isinstance(expected, int) and not isinstance(expected, bool):
        return expected == got.minor
    try:
        return isinstance(expected, str) and signed(expected, _MAX_PLACES) == signed(got, _MAX_PLACES)
    except BadDecimal:
        return False


def _shown(value: Any) -> str:
    return "nothing" if value is None else msgspec.json.encode(value, enc_hook=str).decode()
