"""Loyalty: registers its projections."""

from django.apps import AppConfig


class LoyaltyConfig(AppConfig):
    name = "karnet.loyalty"
    label = "loyalty"

    def ready(self) -> None:
        from karnet.loyalty import arriving, projection  # noqa: F401 (registers claims of arrivals, and projections)
