"""Addresses of the lockers, within the till's."""

from django.urls import URLPattern, path

from karnet.faces.till.lockers import views

urlpatterns: list[URLPattern] = [
    path("", views.home, name="lockers"),
    path("<uuid:locker>", views.one, name="locker"),
    path("<uuid:locker>/do", views.act, name="locker-do"),
]
