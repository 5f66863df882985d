"""Orders: registers its projections."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "karnet.orders"
    label = "orders"

    def ready(self) -> None:
        from karnet.orders import arriving, projection  # noqa: F401 (registers claims of arrivals, and projections)
