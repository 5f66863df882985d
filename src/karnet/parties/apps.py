"""Parties: registers its projections."""

from django.apps import AppConfig


class PartiesConfig(AppConfig):
    name = "karnet.parties"
    label = "parties"

    def ready(self) -> None:
        from karnet.parties import arriving, projection  # noqa: F401 (registers claims of arrivals, and projections)
