"""The foundation of the faces as a Django application."""

from django.apps import AppConfig


class BaseConfig(AppConfig):
    name = "karnet.faces.base"
    label = "faces"
