"""Errors for programs: problem details (RFC 9457)."""

from __future__ import annotations

import msgspec
from django.http import HttpResponse


def problem(status: int, title: str, detail: str, **more: str | int) -> HttpResponse:
    """Return an error as application/problem+json: what is wrong (`title`) and what to do (`detail`), in English."""
    body = {"type": "about:blank", "status": status, "title": title, "detail": detail, **more}
    response = HttpResponse(msgspec.json.encode(body), status=status, content_type="application/problem+json")
    response["Cache-Control"] = "no-store"
    return response
