"""Django's description of this face."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The REST API."""

    name = "karnet.faces.api"
    label = "api"
    default_auto_field = "django.db.models.BigAutoField"
