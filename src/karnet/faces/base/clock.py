"""The faces' clock: which one it is, the setting KARNET_CLOCK says, so that a demonstration may run a day faster.
KARNET_WALL_CLOCK names the real one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string


@cache
def _clock(path: str) -> Callable[[], datetime]:
    found: Callable[[], datetime] = import_string(path)
    return found


def wall_now() -> datetime:
    """The present moment by the real clock, however fast a demonstration runs: for what keeps people waiting or out."""
    return _clock(settings.KARNET_WALL_CLOCK)()


def now() -> datetime:
    """The present moment, aware, in UTC, by the clock that the setting names. Views ask once and pass it on."""
    return _clock(settings.KARNET_CLOCK)()
