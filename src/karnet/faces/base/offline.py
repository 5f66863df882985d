"""A lost connection: the service worker, and the page it shows instead of the browser's own."""

from __future__ import annotations

from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from karnet.faces.base.access import public

_WORKER = Path(__file__).parent / "static" / "karnet" / "worker.js"


@public
@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker, at the top of the site: it answers for the pages below its own address only."""
    # Browsers ask for it now and then to see whether it changed.
    return HttpResponse(
        _WORKER.read_bytes(), content_type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-cache"}
    )


@public
@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """The page that stands in for any other, in the language of the screens of this browser."""
    return render(request, "karnet/offline.html", {"language": get_language() or "en"})
