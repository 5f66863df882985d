"""Stays: registers its projections."""

from django.apps import AppConfig


class StaysConfig(AppConfig):
    name = "karnet.stays"
    label = "stays"

    def ready(self) -> None:
        from karnet.stays import projection  # noqa: F401 (registers projections)
