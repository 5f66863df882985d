"""What the hub does of itself about keys: it confirms those that members announced in their own logs."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from karnet.federation import selectors, services
from karnet.federation.requests import ConfirmKey, MemberAnswer
from karnet.federation.rules import server_of


def confirm_announced(home: str, at: datetime) -> int:
    """At the hub `home`: let every key sign that a member announced and nobody confirmed yet; return how many.

    Elsewhere nothing. Safe to repeat: a key is one request, whoever asks.
    """
    waiting = selectors.unconfirmed()
    if not waiting or selectors.hub() != home:
        return 0
    asked = [
        ConfirmKey(key=request_key("confirm-key", log, vkey), at=at, actor=server_of(home), log=log, vkey=vkey)
        for log, vkey in waiting
    ]
    return sum(isinstance(services.confirm_key(request), MemberAnswer) for request in asked)


def request_key(what: str, *about: str) -> str:
    """Return the key of a request about a key, the same for whoever asks it again."""
    return f"{what}:{sha256(' '.join(about).encode()).hexdigest()[:32]}"
