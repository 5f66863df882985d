"""Catalogue: registers its projections."""

from django.apps import AppConfig


class CatalogueConfig(AppConfig):
    name = "karnet.catalogue"
    label = "catalogue"

    def ready(self) -> None:
        from karnet.catalogue import arriving, projection  # noqa: F401 (registers claims of arrivals, and projections)
