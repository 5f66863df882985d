"""Routes of the foundation."""

from __future__ import annotations

from django.urls import URLPattern, path

from karnet.faces.base import design, offline, views

app_name = "karnet"
urlpatterns: list[URLPattern] = [
    path("", views.home, name="home"),
    path("login", views.log_in, name="log-in"),
    path("login/code", views.log_in_code, name="log-in-code"),
    path("logout", views.log_out, name="log-out"),
    path("second-factor", views.set_up_second_factor, name="second-factor"),
    path("second-factor/remove", views.remove_second_factor, name="second-factor-remove"),
    path("language", views.choose_language, name="language"),
    path("theme", views.choose_theme, name="theme"),
    path("design", design.design, name="design"),
    path("offline", offline.offline, name="offline"),
    path("worker.js", offline.worker, name="worker"),
    path("status-lines", views.status_lines, name="status-lines"),
]
