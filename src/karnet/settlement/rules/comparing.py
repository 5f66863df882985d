"""The differences of two agreements' texts, as people read them before they sign: what changes from what to what.

Structured, so that every face can put it into words of its language: a change names its subject by a code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from karnet.settlement.rules.drafts import Draft, DraftPrice

Subject = Literal[
    "season", "currency", "time_zone", "first_day", "last_day", "replaces",
    "member", "partner",
    "price", "vat", "product_division", "bundle_part",
    "points", "weight",
    "division", "floor", "unused", "deposit", "unreturned", "overdrawn", "second_payout", "bonus",
    "limit_refund", "limit_replacements",
]  # fmt: skip
_PLAIN: tuple[Subject, ...] = (
    "season", "currency", "time_zone", "first_day", "last_day", "division", "floor", "unused", "deposit", "unreturned",
    "overdrawn", "second_payout", "bonus", "replaces",
)  # fmt: skip


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference. `name`: of what ("day adult", "A/lift", a member's code; "" for the text as a whole). `old` and
    `new` as the drafts write them; None where there was, or is, none."""

    subject: Subject
    name: str
    old: str | None
    new: str | None


def differences(old: Draft, new: Draft) -> tuple[Change, ...]:
    """Return every difference of two texts; none, if and only if they are the same agreement."""
    found = [
        *_plain(old, new),
        *_named("member", _set(old.members), _set(new.members)),
        *_named("partner", _set(old.partners), _set(new.partners)),
        *_prices(old, new),
        *_gates(old, new),
        *_named("limit_refund", {"": old.limits.refund}, {"": new.limits.refund}),
        *_named("limit_replacements", {"": str(old.limits.replacements)}, {"": str(new.limits.replacements)}),
    ]
    return tuple(found)


def _plain(old: Draft, new: Draft) -> Iterator[Change]:
    for subject in _PLAIN:
        yield from _named(subject, {"": str(getattr(old, subject))}, {"": str(getattr(new, subject))})


def _set(codes: tuple[str, ...]) -> dict[str, str]:
    return {code: code for code in codes}


def _prices(old: Draft, new: Draft) -> Iterator[Change]:
    before, after = _by_product(old), _by_product(new)
    yield from _named("price", _of(before, lambda p: p.price), _of(after, lambda p: p.price))
    yield from _named("vat", _of(before, lambda p: p.vat), _of(after, lambda p: p.vat))
    yield from _named("product_division", _of(before, lambda p: p.division), _of(after, lambda p: p.division))
    yield from _named("bundle_part", _parts(before), _parts(after))


def _by_product(draft: Draft) -> dict[str, DraftPrice]:
    return {f"{price.product} {price.category}": price for price in draft.prices}


def _of(prices: Mapping[str, DraftPrice], get: object) -> dict[str, str]:
    assert callable(get)
    return {name: str(value) for name, price in prices.items() if (value := get(price)) is not None}


def _parts(prices: Mapping[str, DraftPrice]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for name, price in prices.items():
        for part in price.parts:
            found.setdefault(f"{name}, {part.facility}", []).append(f"{part.amount} ({part.vat} %)")
    return {name: ", ".join(sorted(amounts)) for name, amounts in found.items()}


def _gates(old: Draft, new: Draft) -> Iterator[Change]:
    for subject, get in (("points", lambda terms: str(terms.points)), ("weight", lambda terms: terms.weight)):
        before = {gate: get(terms) for gate, terms in old.gates.items()}
        after = {gate: get(terms) for gate, terms in new.gates.items()}
        yield from _named("points" if subject == "points" else "weight", before, after)


def _named(subject: Subject, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield Change(subject=subject, name=name, old=old.get(name), new=new.get(name))
