"""From an installation to a connected Django: the settings read what is put into the environment here."""

from __future__ import annotations

import gc
import os

from karnet.wiring.installation import Installation
from karnet.wiring.postgres import Role, dsn


def boot(installation: Installation, role: Role = Role.APP, database: str | None = None) -> None:
    """Set Django up on `installation`, connecting as `role`. Child processes inherit the environment.

    Called again with another role or database, it closes the connection and connects anew.
    """
    prepare(installation, role, database)
    import django
    from django.apps import apps
    from django.conf import settings

    if not apps.ready:
        django.setup()
        # What is loaded now stays for good: collections need not walk it again and again (measured at the gates).
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        return
    from django.db import connections

    from karnet.wiring.settings import database as described

    connections["default"].close()
    del connections["default"]
    settings.DATABASES["default"] = described(os.environ["KARNET_DSN"])
    connections.settings = connections.configure_settings(settings.DATABASES)


def prepare(installation: Installation, role: Role = Role.APP, database: str | None = None) -> None:
    """Put into the environment what the settings read, for child processes; Django itself is not touched."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "karnet.wiring.settings"
    os.environ["KARNET_DATA"] = str(installation.path)
    os.environ["KARNET_DSN"] = dsn(installation, role, database)
    os.environ["KARNET_SECRET_KEY"] = installation.secret_key
