"""Which server this is."""

from __future__ import annotations

from functools import cache

from karnet.journal.models import Origin
from karnet.journal.recording import HOME


def server_name() -> str:
    """Return the permanent name of this server's log, "Karnet" before it is founded."""
    try:
        return _name()
    except Origin.DoesNotExist:
        return "Karnet"


@cache
def _name() -> str:
    name: str = Origin.objects.get(id=HOME).name
    return name
