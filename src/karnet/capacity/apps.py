"""Capacity: registers its projections."""

from django.apps import AppConfig


class CapacityConfig(AppConfig):
    name = "karnet.capacity"
    label = "capacity"

    def ready(self) -> None:
        from karnet.capacity import projection  # noqa: F401 (registers projections)
