"""A web server in a process of its own, on a test database: `python -m tests.faces.serving DATA DATABASE PORT`."""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path


def main(data: str, database: str, port: str) -> None:
    """Serve the site until told to end."""
    from granian import Granian
    from granian.constants import Interfaces

    from karnet.wiring.boot import prepare
    from karnet.wiring.installation import Installation
    from karnet.wiring.postgres import Role

    prepare(Installation.load(Path(data), environment={}), Role.APP, database)
    os.environ["KARNET_ALLOWED_HOSTS"] = "127.0.0.1,localhost"
    multiprocessing.set_start_method("spawn", force=True)
    Granian(
        "karnet.wiring.web.wsgi:application",
        address="127.0.0.1",
        port=int(port),
        interface=Interfaces.WSGI,
        blocking_threads=4,
        websockets=False,
        log_enabled=False,
    ).serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
