"""Access: registers its projections."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "karnet.access"
    label = "access"

    def ready(self) -> None:
        from karnet.access import arriving, projection  # noqa: F401 (registers claims of arrivals, and projections)
