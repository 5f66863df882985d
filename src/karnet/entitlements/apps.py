"""Entitlements: registers its projections."""

from django.apps import AppConfig


class EntitlementsConfig(AppConfig):
    name = "karnet.entitlements"
    label = "entitlements"

    def ready(self) -> None:
        from karnet.entitlements import locking, projection  # noqa: F401 (registers projections, and locks for what arrives)
