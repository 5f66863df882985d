"""Calendars that tariffs refer to, resolved to days before a tariff is published: the engine never asks a library."""

from __future__ import annotations

from collections.abc import Iterable

import holidays

from karnet.tariffs.model import DateRange


class UnknownCountry(ValueError):
    """There is no calendar of that country or region; the message says what to give instead."""


def public_holidays(country: str, years: Iterable[int], region: str = "") -> tuple[DateRange, ...]:
    """Return the public holidays of a country (ISO 3166-1, "PL") and perhaps a region (ISO 3166-2 after the dash, "BY"
    for Bavaria), in order. Raises UnknownCountry.

    >>> [str(days.first) for days in public_holidays("PL", [2026])][:3]
    ['2026-01-01', '2026-01-06', '2026-04-05']
    """
    wanted = list(years)
    try:
        found = holidays.country_holidays(country, subdiv=region or None, years=wanted)
    except NotImplementedError:
        raise UnknownCountry(
            f"no holidays known for {country!r}{f' with region {region!r}' if region else ''}; use codes such as PL, or DE with BY"
        ) from None
    return tuple(DateRange(first=day, last=day) for day in sorted(found) if day.year in wanted)
