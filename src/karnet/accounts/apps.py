"""Accounts: registers its projections."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "karnet.accounts"
    label = "accounts"

    def ready(self) -> None:
        from karnet.accounts import arriving, projection  # noqa: F401 (registers claims of arrivals, and projections)
