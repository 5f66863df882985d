"""Expected refusals are values (STYLE, Outcomes). Every reason can be put into words in five languages."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from karnet.kernel.reasons import Reason

Fact = str | int


class Refused(msgspec.Struct, frozen=True, tag="refused", omit_defaults=True):
    """A decision not to do what was asked: nothing was changed.

    `facts` fill the sentence for people (amounts in minor units, instants as ISO 8601 in UTC, codes).
    """

    reason: Reason
    facts: dict[str, Fact] = {}


def refused(reason: Reason, **facts: Fact) -> Refused:
    """Return a refusal; keyword arguments become its facts."""
    return Refused(reason, facts)


def bad_values(problems: Mapping[str, str]) -> Refused:
    """Return the refusal of a request with values at fault: path of each field ("products[0].prices.adult") to what is
    wrong with it, in English. Its fact `field` names them all; every path is a fact of its own, too."""
    return Refused(Reason.BAD_VALUE, {"field": ", ".join(problems), **problems})
