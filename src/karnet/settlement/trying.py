"""Trying other rules over the facts of a season that was, or is (SPEC N13). Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from karnet.journal.cuts import Cut, latest_cut
from karnet.kernel.outcomes import Refused
from karnet.settlement.rules.trying import Alternative, WhatIf, side_by_side, text_of
from karnet.settlement.settling import Cumulative, cumulative

__all__ = ["Alternative", "WhatIf", "what_if"]


def what_if(
    alternatives: Sequence[Alternative],
    cut: Cut | None = None,
    *,
    at: datetime,
    agreement: UUID | None = None,
    until: datetime | None = None,
    as_of: datetime | None = None,
) -> WhatIf | Refused:
    """Return the settlement of an agreement and of each alternative to it over the same facts; arguments, defaults and
    refusals as in `settling.settle`.

    An alternative's weights and points are those of its text, whatever the passages carried; points that were drawn
    from points tickets stay drawn. Its report names its own text, so nobody can take it for a settlement.
    """
    cut = cut or latest_cut()
    actual = cumulative(cut, at=at, agreement=agreement, until=until, as_of=as_of)
    if isinstance(actual, Refused):
        return actual
    tried = []
    for alternative in alternatives:
        text = text_of(actual.text, alternative)
        found = cumulative(
            cut, at=at, agreement=actual.heading.agreement, until=until, as_of=actual.heading.as_of, instead=text
        )
        assert isinstance(found, Cumulative), "the same cut was settled a moment ago"
        tried.append((alternative.name, found.report()))
    return side_by_side(actual.report(), tried)
