"""Gate displays as a Django application."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from karnet.faces.base.entrances import Entrance, register
from karnet.faces.base.roles import STAFF, Role


class DisplaysConfig(AppConfig):
    name = "karnet.faces.displays"
    label = "displays"

    def ready(self) -> None:
        register(
            Entrance(
                route="displays:gates",
                title=_("Gates"),
                text=_("Displays at the gates; try cards at a gate"),
                icon="gate",
                roles=frozenset((*STAFF, Role.AUDITOR)),
                order=30,
            )
        )
