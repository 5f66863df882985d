"""Django's description of this part."""

from django.apps import AppConfig


class DevicesConfig(AppConfig):
    """Printers and their queues."""

    name = "karnet.devices"
    label = "devices"
    default_auto_field = "django.db.models.BigAutoField"
