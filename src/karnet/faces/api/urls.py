"""Routes of the API. Every view goes through one door, which turns away what no endpoint should have to look at."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import URLPattern, path, re_path
from django.utils.translation import gettext as _

from karnet.faces.api.application import api
from karnet.faces.api.problems import Problem
from karnet.faces.base.access import public

MAX_BODY = 256 * 1024
"""The largest batch is well below."""

View = Callable[..., HttpResponse]


@functools.cache
def _document() -> bytes:
    return msgspec.json.encode(api.get_openapi_schema(path_prefix="api/v1/"))


def openapi(request: HttpRequest) -> HttpResponse:
    """The OpenAPI 3.1 document."""
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET"])
    return HttpResponse(_document(), content_type="application/json")


def nowhere(request: HttpRequest, **named: Any) -> HttpResponse:
    """Whatever else is asked for below the API."""
    return Problem(404, "not_found", _("There is nothing at this address. See /api/v1/openapi.json.")).response()


def door(view: View) -> View:
    """Wrap a view: bodies that are too large or not JSON are turned away unread, and every error is a problem."""

    @public
    @functools.wraps(view, updated=())
    def through(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        problem = _unfit(request)
        if problem is not None:
            return problem.response()
        response = view(request, *arguments, **named)
        if response.status_code == 405:
            allowed = response["Allow"]
            return Problem(
                405,
                "method_not_allowed",
                _("This address answers %(allowed)s only.") % {"allowed": allowed},
                headers={"Allow": allowed},
            ).response()
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    through.csrf_exempt = True  # type: ignore[attr-defined]  # A token in a header cannot be sent by another site.
    return through


def _unfit(request: HttpRequest) -> Problem | None:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isascii() or not length.isdecimal():
        return Problem(400, "unreadable", _("The length of the body is not a number."))
    if int(length[:20]) > MAX_BODY:
        return Problem(
            413, "too_large", _("The body is larger than %(bytes)s bytes. Send smaller batches.") % {"bytes": MAX_BODY}
        )
    if int(length) and request.content_type != "application/json":
        return Problem(415, "not_json", _("Send the body as application/json."))
    return None


_views: list[URLPattern] = [
    path("openapi.json", openapi, name="openapi"),
    *(pattern for pattern in api.urls[0] if isinstance(pattern, URLPattern) and pattern.name not in ("api-root",)),
    re_path(r"^", nowhere, name="nowhere"),
]
urlpatterns = [URLPattern(p.pattern, door(p.callback), p.default_args, p.name) for p in _views]
app_name = "api"
