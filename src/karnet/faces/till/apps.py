"""The till as a Django application."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from karnet.faces.base.entrances import Entrance, register
from karnet.faces.base.roles import STAFF, Role


class TillConfig(AppConfig):
    name = "karnet.faces.till"
    label = "till"

    def ready(self) -> None:
        """Offer the till on the home page, and let printers say above its pages what they need."""
        from karnet.faces.base.status_lines import register_of_facility
        from karnet.faces.till.printing import printer_lines

        register_of_facility("printers", printer_lines)
        register(
            Entrance(
                route="till:home",
                title=_("Till"),
                text=_("Sell, top up, take back"),
                icon="till",
                roles=frozenset(STAFF),
                order=10,
            )
        )
        register(
            Entrance(
                route="till:partner",
                title=_("Partner till"),
                text=_("Sell to your guests, on account"),
                icon="till",
                roles=frozenset({Role.PARTNER}),
                order=11,
            )
        )
