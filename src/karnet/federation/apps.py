"""Federation: registers its projections."""

from django.apps import AppConfig


class FederationConfig(AppConfig):
    name = "karnet.federation"
    label = "federation"

    def ready(self) -> None:
        from karnet.federation import arriving, projection  # noqa: F401 (registers projections and claims)
