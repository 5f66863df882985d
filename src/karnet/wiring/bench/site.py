"""The site as people use it: `karnet serve` in processes of its own, on the installation that is measured."""

from __future__ import annotations

import io
import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from karnet.wiring import clock
from karnet.wiring.clock import Show
from karnet.wiring.files import write_atomically
from karnet.wiring.installation import Installation

_STOP_MAY_TAKE_S = 40
_running: dict[Path, str] = {}
"""The addresses of sites that this process has started, by their installations."""


@contextmanager
def serving(installation: Installation, at: datetime) -> Iterator[str]:
    """Run the site (web, worker, sealer) within the block and give its address, once it answers.

    Its business clock is set to `at` and runs as fast as life: what is measured lies in the world's season. Inside of
    another such block the site that runs already is used.
    """
    file = _show(installation, at)
    if installation.path in _running:
        yield _running[installation.path]
        return
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "karnet.wiring.cli", "serve", "--json", "--data", str(installation.path)],
        env={**_environment(installation), clock.SHOW: str(file), "KARNET_HTTP_PORT": str(_free_port())},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said: list[str] = []
    assert process.stdout is not None
    assert process.stderr is not None
    # Somebody has to listen, or a full pipe would stop the server.
    threading.Thread(target=said.extend, args=(process.stderr,), daemon=True).start()
    try:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"karnet serve did not start:\n{''.join(said)}")
        _running[installation.path] = str(msgspec.json.decode(line)["ready"])
        yield _running[installation.path]
    finally:
        _running.pop(installation.path, None)
        process.terminate()
        try:
            process.wait(_STOP_MAY_TAKE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


@contextmanager
def answering_here(installation: Installation, at: datetime) -> Iterator[Callable[[str, bytes, str], bytes]]:
    """Answer POSTs in this process (path, JSON, token → body), as the web process does, to be profiled."""
    from django.core.wsgi import get_wsgi_application

    os.environ[clock.SHOW] = str(_show(installation, at))
    application = get_wsgi_application()

    def post(path: str, body: bytes, token: str) -> bytes:
        said: list[str] = []
        asked = {
            "REQUEST_METHOD": "POST", "PATH_INFO": path, "SERVER_NAME": "localhost", "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost", "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "application/json",
            "HTTP_AUTHORIZATION": f"Bearer {token}", "HTTP_IDEMPOTENCY_KEY": secrets.token_hex(8),
        }  # fmt: skip

        def start(status: str, headers: Any, error: Any = None, /) -> Callable[[bytes], object]:
            said.append(status)
            return said.append  # type: ignore[return-value]

        content = b"".join(application(asked, start))
        if said != ["200 OK"]:
            raise RuntimeError(f"{path} answered {said}: {content[:2000]!r}")
        return content

    try:
        yield post
    finally:
        del os.environ[clock.SHOW]


def _show(installation: Installation, at: datetime) -> Path:
    """Write down at what time the site's clock stands; return the file."""
    file = installation.run_dir / "bench-time.json"
    write_atomically(file, msgspec.json.encode(Show(starts=at, since=clock.now(), speed=1.0)))
    return file


def _environment(installation: Installation) -> dict[str, str]:
    """Return ours without what this process set for its own connection, with the database that is measured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KARNET_", "DJANGO_"))}
    return kept if installation.database_url is None else {**kept, "DATABASE_URL": installation.database_url}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
