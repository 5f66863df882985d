"""Routes of clients: everybody may open them."""

from __future__ import annotations

from django.urls import URLPattern, path

from karnet.faces.portal import passes

app_name = "portal"
urlpatterns: list[URLPattern] = [
    path("", passes.balance, name="pass"),
]
