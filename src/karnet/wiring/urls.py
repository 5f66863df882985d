"""What the web process answers."""

from __future__ import annotations

from django.urls import URLPattern, path

from karnet.wiring.web import log_views, views

urlpatterns: list[URLPattern] = [
    path("", views.index),
    path("health", views.health),
    path("checkpoint", log_views.checkpoint),
    path("tile/<path:path>", log_views.tile),
]
