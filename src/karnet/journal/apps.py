"""Journal: registers its projection."""

from django.apps import AppConfig


class JournalConfig(AppConfig):
    name = "karnet.journal"
    label = "journal"

    def ready(self) -> None:
        from karnet.journal import actors  # noqa: F401 (registers projections)
