"""Passes: registers its projections, and what its arrivals claim."""

from django.apps import AppConfig


class PassesConfig(AppConfig):
    name = "karnet.passes"
    label = "passes"

    def ready(self) -> None:
        from karnet.passes import arriving, projection  # noqa: F401 (registers claims of arrivals, and projections)
