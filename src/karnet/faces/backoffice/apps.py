"""Django's description of this face."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from karnet.faces.base.entrances import Entrance, register
from karnet.faces.base.roles import Role


class BackofficeConfig(AppConfig):
    """The back office."""

    name = "karnet.faces.backoffice"
    label = "backoffice"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        register(
            Entrance(
                route="office:today",
                title=_("Today"),
                text=_("Passages, sales, refusals, the record"),
                icon="chart",
                roles=frozenset({Role.SUPERVISOR, Role.MANAGER}),
                order=40,
                main_for=frozenset({Role.MANAGER, Role.AUDITOR}),
            )
        )
        register(
            Entrance(
                route="office:settlement",
                title=_("Settlement"),
                text=_("Who owes whom, closings, exports"),
                icon="money",
                roles=frozenset({Role.ACCOUNTANT, Role.MANAGER}),
                order=41,
            )
        )
