"""Who calls: a bearer token with the scope an endpoint asks for, not too often."""

from __future__ import annotations

import math

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.security import HttpBearer

from karnet.faces.api import tokens
from karnet.faces.api.limits import Rate
from karnet.faces.api.problems import Problem
from karnet.faces.api.scopes import SCOPES
from karnet.faces.api.tokens import Principal
from karnet.faces.base import clock

GUESSES_PER_MINUTE = 60
RATE, GUESSES = Rate(), Rate()


class TokenAuth(HttpBearer):
    """Lets a request in whose token is alive and has the scope; `request.auth` is its Principal then."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        assert scope in SCOPES, scope
        self.scope = scope
        self.queries: frozenset[str] = frozenset()
        """The query parameters that the endpoint knows: a misspelt one must not be passed over."""

    def authenticate(self, request: HttpRequest, token: str) -> Principal:
        """Return who calls. Raises Problem: 401 for no living token, 403 without the scope, 429 when too often."""
        at = clock.now()
        principal = tokens.find(token, at)
        if principal is None:
            wait = GUESSES.wait_s(request.META.get("REMOTE_ADDR", ""), GUESSES_PER_MINUTE)
            raise too_often(wait) if wait else unauthenticated(_("This token is unknown, revoked or expired."))
        if wait := RATE.wait_s(principal.id, principal.per_minute):
            raise too_often(wait)
        if self.scope not in principal.scopes:
            raise Problem(
                403,
                "missing_scope",
                _("This token has not the scope %(scope)s. Ask whoever made it for one that has.")
                % {"scope": self.scope},
                facts={"scope": self.scope},
                headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{self.scope}"'},
            )
        if unknown := sorted(set(request.GET) - self.queries):
            errors = [{"field": name[:100], "problem": _("is no parameter of this endpoint")} for name in unknown[:20]]
            raise Problem(422, "bad_value", _("There are parameters that this endpoint does not know."), errors=errors)
        tokens.used(principal, at)
        return principal


def unauthenticated(detail: str) -> Problem:
    """Return the problem of a caller whom we do not know."""
    return Problem(401, "unauthenticated", detail, headers={"WWW-Authenticate": 'Bearer realm="karnet"'})


def too_often(wait_s: float) -> Problem:
    """Return the problem of a caller who must wait."""
    seconds = max(1, math.ceil(wait_s))
    return Problem(
        429,
        "rate_limited",
        _("Too many requests. Try again in %(seconds)s s.") % {"seconds": seconds},
        facts={"wait_s": seconds},
        headers={"Retry-After": str(seconds)},
    )
