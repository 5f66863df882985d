"""The middleware that holds route rules: before a view runs, whoever asks must be allowed to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url

from karnet.faces.base import access, devices
from karnet.faces.base.clock import now
from karnet.faces.base.errors import not_paired
from karnet.faces.base.problems import problem
from karnet.faces.base.roles import Role

_log = structlog.get_logger()


class RouteRules:
    """Refuses every request that the route's rule does not permit, and every route without a rule."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], arguments: list[Any], named: dict[str, Any]
    ) -> HttpResponse | None:
        rule = access.rule_of(view)
        if rule is None:
            _log.error("a route without a rule was asked for", path=request.path)
            raise PermissionDenied
        if isinstance(rule, access.Device):
            return _check_device(request, rule)
        if isinstance(rule, access.Public | access.ByToken):
            return None
        role = role_of(request)
        if access.permits(rule, role, request.method or ""):
            return None
        if role is None:
            return _to_log_in(request)
        raise PermissionDenied


def role_of(request: HttpRequest) -> Role | None:
    """Return the role of whoever is signed in, None for who is not."""
    user = request.user
    return Role(user.role) if user.is_authenticated else None


def _to_log_in(request: HttpRequest) -> HttpResponse:
    """Send to the log-in page and back again; a script's partial request makes the whole page go there."""
    partial = request.headers.get("HX-Request") == "true"
    where = request.headers.get("HX-Current-URL", "") if partial else request.get_full_path()
    where = where if request.method in access.SAFE_METHODS or partial else ""
    target = resolve_url(settings.LOGIN_URL) + (f"?{urlencode({'next': where})}" if where not in ("", "/") else "")
    if partial:
        return HttpResponse(status=401, headers={"HX-Redirect": target})
    return HttpResponseRedirect(target)


def _check_device(request: HttpRequest, rule: access.Device) -> HttpResponse | None:
    token, by_header = devices.token_in(request)
    found = devices.device_of(token, now()) if token else None
    if found is None:
        by_hand = not by_header and request.method == "GET" and "text/html" in request.headers.get("Accept", "")
        response = (
            not_paired(request)
            if by_hand
            else problem(401, "A device token is needed.", "Send it as Authorization: Bearer <token>.")
        )
        response["WWW-Authenticate"] = 'Bearer realm="karnet"'
        return response
    if rule.scope not in found.scopes:
        return problem(403, "This token may not do that.", f"Issue a token with the scope {rule.scope!r}.")
    request.device = found  # type: ignore[attr-defined]
    # Another site can make a browser send a cookie, but no header of ours.
    request._dont_enforce_csrf_checks = by_header  # type: ignore[attr-defined]
    return None
