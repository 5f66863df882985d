"""Who looks at people's data: whoever is signed in, now. Every look is noted (docs/decisions/0007)."""

from __future__ import annotations

from django.http import HttpRequest

from karnet.faces.base.clock import now
from karnet.parties.people import Looking


def looking(request: HttpRequest) -> Looking:
    """Return who looks. To be used behind a route rule: somebody is signed in."""
    return Looking(by=request.user.get_username(), at=now())
