"""What the web process answers. Every route has a rule (docs/faces.md); a test fails for one that has none."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from karnet.faces.base.access import allow, public
from karnet.faces.base.roles import Role
from karnet.wiring.web import log_views, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("karnet.faces.base.urls")),
    path("till/", include("karnet.faces.till.urls")),
    path("api/v1/", include("karnet.faces.api.urls")),
    path("gates/", include("karnet.faces.displays.urls")),
    path("pass/", include("karnet.faces.portal.urls")),
    path("office/", include("karnet.faces.backoffice.urls")),
    path("status", views.status),
    path("health", public(views.health)),
    path("checkpoint", public(log_views.checkpoint)),
    path("tile/entries/<path:path>", allow(Role.MANAGER, Role.ACCOUNTANT)(log_views.entries)),
    path("tile/<path:path>", public(log_views.tile)),
]
handler400 = "karnet.faces.base.errors.bad_request"
handler403 = "karnet.faces.base.errors.forbidden"
handler404 = "karnet.faces.base.errors.not_found"
handler500 = "karnet.faces.base.errors.broken"
