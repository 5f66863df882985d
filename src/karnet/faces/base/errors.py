"""Error pages: what happened and what to do. They ask no database, so they work when nothing else does."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from karnet.faces.base.context import THEME_COOKIE, THEMES
from karnet.faces.base.problems import problem


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """400: the request made no sense."""
    return _page(request, 400, "Bad request", _("This request made no sense"), _("Go back and try again."))


def forbidden(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """403: the role may not do that."""
    what = _("Your log-in may not do this")
    return _page(request, 403, "Forbidden", what, _("Ask a colleague who may, or log in as somebody else."))


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form did not come from a page of ours, or the session ended meanwhile."""
    what = _("This form is too old")
    return _page(request, 403, "Forbidden", what, _("Nothing was done. Go back, reload the page and try again."))


def not_paired(request: HttpRequest) -> HttpResponse:
    """401: a screen for devices was opened by one that nobody paired, or that was retired."""
    what = _("This screen is not paired yet")
    do = _(
        "A manager opens Gates, Pair a display, on another screen, and then the address or QR code shown there on this one."
    )
    return _page(request, 401, "A device token is needed", what, do)


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """404: nothing is there."""
    what = _("There is no such page")
    return _page(request, 404, "Not found", what, _("Check the address, or start from the first page."))


def broken(request: HttpRequest) -> HttpResponse:
    """500: our fault."""
    what = _("Something went wrong here")
    do = _("The request was not carried out as a whole. Try again; if it fails again, tell whoever runs this server.")
    return _page(request, 500, "Internal server error", what, do)


def _page(request: HttpRequest, status: int, title: str, what: str, do: str) -> HttpResponse:
    if not _wants_a_page(request):
        return problem(status, title, do)
    theme = request.COOKIES.get(THEME_COOKIE, "auto")
    text = render_to_string(
        "karnet/error.html",
        {
            "status": status,
            "what": what,
            "do": do,
            "theme": theme if theme in THEMES else "auto",
            "language": _language(),
        },
    )
    return HttpResponse(text, status=status)


def _wants_a_page(request: HttpRequest) -> bool:
    return not request.path.startswith("/api/") and request.accepts("text/html")


def _language() -> str:
    from django.utils.translation import get_language

    return get_language() or "en"
