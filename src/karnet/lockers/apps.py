"""Lockers: registers its projections."""

from django.apps import AppConfig


class LockersConfig(AppConfig):
    name = "karnet.lockers"
    label = "lockers"

    def ready(self) -> None:
        from karnet.lockers import projection  # noqa: F401 (registers projections)
