"""Stays: registers its projections, and what its arrivals claim."""

from django.apps import AppConfig


class StaysConfig(AppConfig):
    name = "karnet.stays"
    label = "stays"

    def ready(self) -> None:
        from karnet.stays import arriving, projection  # noqa: F401 (registers claims of arrivals, and projections)
