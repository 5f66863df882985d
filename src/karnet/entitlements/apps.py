"""Entitlements: registers its projections."""

from django.apps import AppConfig


class EntitlementsConfig(AppConfig):
    name = "karnet.entitlements"
    label = "entitlements"

    def ready(self) -> None:
        from karnet.entitlements import arriving, locking, projection  # noqa: F401 (they register what they do)
