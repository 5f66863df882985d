"""Amounts, instants and refusals in the words of whoever reads them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Protocol

from django.utils.translation import get_language

from karnet.kernel.outcomes import Refused
from karnet.kernel.reason_words import DAYS, amount, words
from karnet.kernel.time import zone


class Place(Protocol):
    """What has a currency and a time zone: a facility."""

    @property
    def currency(self) -> str: ...
    @property
    def time_zone(self) -> str: ...


def language() -> str:
    """Return the language of the screen being made: two letters, one of those we speak."""
    spoken = (get_language() or "en")[:2]
    return spoken if spoken in DAYS else "en"


def money(amount_minor: int, where: Place | str) -> str:
    """Return an amount in words: "1 234,50 PLN". `where`: a currency, or a facility that has one."""
    return amount(amount_minor, where if isinstance(where, str) else where.currency, language())


def moment(at: datetime, where: Place | str, shape: str = "") -> str:
    """Return an instant by the wall clock of a zone or facility. `shape`: "" day and time, "time", "day", "seconds"."""
    local = at.astimezone(zone(where if isinstance(where, str) else where.time_zone))
    day = DAYS[language()]
    shapes = {"": f"{day} %H:%M", "day": day, "time": "%H:%M", "seconds": f"{day} %H:%M:%S"}
    return local.strftime(shapes[shape])


def day(when: date) -> str:
    """Return a calendar day as the reader writes it."""
    return when.strftime(DAYS[language()])


def refusal(refused: Refused, where: Place | str = "UTC", at: datetime | None = None) -> str:
    """Return a refusal as a sentence: what happened and what to do. `where`: the zone or facility for its times; `at`:
    when it is read (times of that day are told without the day)."""
    return words(refused, language(), where if isinstance(where, str) else where.time_zone, at)
