"""Security headers. Pages hold no inline script or style, so the policy allows none (CSP level 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse

POLICY: dict[str, tuple[str, ...]] = {
    "default-src": ("'none'",),
    "script-src": ("'self'",),
    "style-src": ("'self'",),
    "img-src": ("'self'", "data:"),
    "font-src": ("'self'",),
    "connect-src": ("'self'",),
    "media-src": ("'self'",),
    "manifest-src": ("'self'",),
    "frame-src": ("'self'",),
    "form-action": ("'self'",),
    "frame-ancestors": ("'none'",),
    "base-uri": ("'none'",),
}

_ATTRIBUTE = "karnet_policy"
ViewT = TypeVar("ViewT", bound=Callable[..., Any])


def content_policy(**sources: tuple[str, ...]) -> Callable[[ViewT], ViewT]:
    """Let the pages of one view do more: `@content_policy(img_src=("https://…",))` adds sources to a directive.

    Nobody adds 'unsafe-inline': a test looks for it.
    """

    def decorate(view: ViewT) -> ViewT:
        setattr(view, _ATTRIBUTE, {name.replace("_", "-"): added for name, added in sources.items()})
        return view

    return decorate


class SecurityHeaders:
    """Adds the content security policy and what else tells browsers to be careful."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        added: dict[str, tuple[str, ...]] = getattr(request, _ATTRIBUTE, {})
        response.headers.setdefault("Content-Security-Policy", policy(added))
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
        if "text/html" in response.get("Content-Type", ""):
            # Pages show money and people: no cache keeps them.
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], arguments: list[Any], named: dict[str, Any]
    ) -> None:
        setattr(request, _ATTRIBUTE, getattr(view, _ATTRIBUTE, {}))


def policy(added: dict[str, tuple[str, ...]]) -> str:
    """Return the header's value: the house policy with sources added to some directives."""
    merged = {**POLICY}
    for name, sources in added.items():
        present = tuple(source for source in merged.get(name, ()) if source != "'none'")
        merged[name] = (*present, *sources)
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in merged.items())
