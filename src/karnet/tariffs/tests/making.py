"""Short ways to write tariffs and stays in tests. Times are those of 19 January 2026, a Monday, in Warsaw."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from karnet.tariffs.model import Band, Clock, Tariff
from karnet.tariffs.stays import Move, Stay

WARSAW = ZoneInfo("Europe/Warsaw")


def at(wall: str, day: str = "2026-01-19") -> datetime:
    return datetime.fromisoformat(f"{day}T{wall}").replace(tzinfo=WARSAW)


def band(price: int = 100, code: str = "any", **more: Any) -> Band:
    return Band(code=code, prices={"adult": price}, **more)


def clock(*bands: Band, **more: Any) -> Clock:
    return Clock(**{"code": "pool", "unit_s": 60, "bands": bands or (band(),)} | more)


def tariff(*clocks: Clock, **more: Any) -> Tariff:
    base = {"code": "test", "currency": "PLN", "time_zone": "Europe/Warsaw", "categories": ("adult",)}
    return Tariff(**base | {"zones": ("pool", "sauna"), "clocks": clocks or (clock(),)} | more)


def stay(*moves: tuple[str, str], ended: str, **more: Any) -> Stay:
    found = tuple(Move(at=at(wall), zone=zone) for wall, zone in moves)
    return Stay(**{"category": "adult", "moves": found, "ended": at(ended)} | more)
