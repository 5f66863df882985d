"""What-if: other rules over the same facts, side by side with the agreement's own; who wins and who loses (SPEC N13)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from karnet.settlement.operations import Agreement
from karnet.settlement.rules.division import DivisionRule, UnusedRule
from karnet.settlement.rules.report import Report


class Alternative(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Rules to try instead of the agreement's; what is None stays. `text`: another text as a whole, weights, points and
    prices included, for the same members' passages. `name` is what people call it."""

    name: str
    division: DivisionRule | None = None
    unused: UnusedRule | None = None
    floor_bp: int | None = None
    text: Agreement | None = None


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What one facility would have of an alternative: `income` is what it ends up with (earned, deferred, and what it is
    owed besides), `change` that less its income by the agreement. Minor units; the changes of all add up to zero."""

    code: str
    income: int
    change: int


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """An alternative with its report and what it does to each facility, in the order of codes."""

    name: str
    report: Report
    effects: tuple[Effect, ...]

    @property
    def moved(self) -> int:
        """How much money would go to others than by the agreement, minor units."""
        return sum(effect.change for effect in self.effects if effect.change > 0)


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """The settlement by the agreement, and by each alternative over the same facts."""

    actual: Report
    tried: tuple[Tried, ...]


def text_of(text: Agreement, alternative: Alternative) -> Agreement:
    """Return the text that an alternative to `text` means."""
    changed = alternative.text or text
    if alternative.division is not None:
        # The rule that is tried is tried on every product, also on those that have one of their own.
        prices = tuple(msgspec.structs.replace(price, division=None) for price in changed.prices)
        changed = msgspec.structs.replace(changed, division=alternative.division, prices=prices)
    if alternative.unused is not None:
        changed = msgspec.structs.replace(changed, unused=alternative.unused)
    if alternative.floor_bp is not None:
        changed = msgspec.structs.replace(changed, floor_bp=alternative.floor_bp)
    return changed


def side_by_side(actual: Report, tried: Sequence[tuple[str, Report]]) -> WhatIf:
    """Return reports of alternatives beside the agreement's own."""
    return WhatIf(actual=actual, tried=tuple(_tried(actual, name, report) for name, report in tried))


def _tried(actual: Report, name: str, report: Report) -> Tried:
    before = {line.code: income(actual, line.code) for line in actual.facilities}
    after = {line.code: income(report, line.code) for line in report.facilities}
    effects = tuple(
        Effect(code=code, income=after.get(code, 0), change=after.get(code, 0) - before.get(code, 0))
        for code in sorted({*before, *after})
    )
    return Tried(name=name, report=report, effects=effects)


def income(report: Report, code: str) -> int:
    """Return what a facility (code) ends up with: what visitors paid it, and what the others pay it, or it them."""
    return sum(line.collected + line.local + line.balance for line in report.facilities if line.code == code)
