"""Settlement: registers its projections."""

from django.apps import AppConfig


class SettlementConfig(AppConfig):
    name = "karnet.settlement"
    label = "settlement"

    def ready(self) -> None:
        from karnet.settlement import arriving, projection  # noqa: F401 (registers claims of arrivals, and projections)
