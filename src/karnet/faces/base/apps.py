"""The foundation of the faces as a Django application."""

from django.apps import AppConfig


class BaseConfig(AppConfig):
    name = "karnet.faces.base"
    label = "faces"

    def ready(self) -> None:
        """Say at the tills when the record is not being sealed, and when the hub is away."""
        from karnet.faces.base.status_lines import hub, register, sealing

        register("hub", hub)
        register("sealing", sealing)
