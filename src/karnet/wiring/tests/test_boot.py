"""Django is connected to the installation that is meant, as the role that is meant."""

from __future__ import annotations

import subprocess
import sys

from karnet.wiring.installation import Installation
from karnet.wiring.postgres import running

_PROGRAM = """
import sys
from pathlib import Path
from karnet.wiring.boot import boot
from karnet.wiring.installation import Installation
from karnet.wiring.postgres import Role
installation = Installation.load(Path(sys.argv[1]))
for role in (Role.OWNER, Role.APP, Role.READ):
    boot(installation, role)
    from django.conf import settings
    from django.db import connection
    assert settings.SECRET_KEY == installation.secret_key
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        print(cursor.fetchone()[0])
"""


def test_one_process_can_be_connected_as_one_role_after_another(made: Installation) -> None:
    with running(made, fsync=False):
        answer = subprocess.run(
            [sys.executable, "-c", _PROGRAM, made.path], capture_output=True, text=True, check=False
        )
    assert answer.stdout.split() == ["karnet_owner", "karnet_app", "karnet_read"], answer.stderr
