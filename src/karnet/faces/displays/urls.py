"""Routes of gates: displays, simulator, pairing."""

from __future__ import annotations

from django.urls import URLPattern, path

from karnet.faces.displays import display, manage, shows, simulator

app_name = "displays"
urlpatterns: list[URLPattern] = [
    path("", manage.gates, name="gates"),
    path("<uuid:gate>/pair", manage.pair, name="pair"),
    path("displays/<uuid:display>", manage.change, name="change"),
    path("displays/<uuid:display>/retire", manage.retire, name="retire"),
    path("claim/<str:code>", manage.claim, name="claim"),
    path("display", display.display, name="display"),
    path("display/news", display.display_news, name="display-news"),
    path("display/scan", display.display_scan, name="display-scan"),
    path("display/slides", display.display_slides, name="display-slides"),
    path("display/slides/<uuid:slide>", display.display_picture, name="display-picture"),
    path("slides/<uuid:facility>", shows.show, name="slides"),
    path("slides/<uuid:facility>/slides.json", shows.as_file, name="slides-file"),
    path("slides/<uuid:facility>/<uuid:slide>", shows.picture, name="slide-picture"),
    path("<uuid:gate>/display", display.preview, name="preview"),
    path("<uuid:gate>/display/news", display.preview_news, name="preview-news"),
    path("simulator", simulator.simulator, name="simulator"),
    path("simulator/<uuid:gate>/tap", simulator.tap, name="tap"),
    path("simulator/<uuid:gate>/turn/<uuid:grant>", simulator.turn, name="turn"),
]
