"""The clients' portal as a Django application."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "karnet.faces.portal"
    label = "portal"
