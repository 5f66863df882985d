"""The foundation of the faces as a Django application."""

from django.apps import AppConfig


class BaseConfig(AppConfig):
    name = "karnet.faces.base"
    label = "faces"

    def ready(self) -> None:
        """Say at the tills when the record is not being sealed."""
        from karnet.faces.base.status_lines import register, sealing

        register("sealing", sealing)
