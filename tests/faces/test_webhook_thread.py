"""The worker's thread that sends webhooks: by the real clock, and it ends when the worker does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from uuid import UUID

import pytest
from django.test.utils import override_settings

from karnet.faces.api.models import Delivery
from karnet.faces.api.webhooks.signing import verify
from karnet.faces.api.webhooks.subscriptions import Subscribed, subscribe
from karnet.journal.founding import found_server
from karnet.wiring import clock
from karnet.wiring.serve.telling import subscribers_told

pytestmark = pytest.mark.database


class Log:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def info(self, message: str) -> None:
        self.said.append(message)

    warning = error = info


@pytest.fixture
def heard() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]], threading.Event]]:
    messages: list[tuple[dict[str, str], bytes]] = []
    came = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            messages.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()
            came.set()

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    with override_settings(KARNET_WEBHOOKS_TO_LOOPBACK=True):
        yield f"http://127.0.0.1:{server.server_port}/", messages, came
    server.shutdown()
    server.server_close()


def test_the_worker_sends_what_is_due_and_ends_when_told(heard: Any) -> None:
    url, messages, came = heard
    found_server("karnet.test/log", clock.now())
    made = subscribe(url, ["sale.made"], clock.now())
    assert isinstance(made, Subscribed)
    Delivery.objects.create(
        id=UUID(int=7),
        webhook_id=made.subscription.id,
        index=0,
        event="sale.made",
        body=b'{"type":"sale.made"}',
        next_at=clock.now(),
    )
    log = Log()
    with subscribers_told(log):  # type: ignore[arg-type]
        assert came.wait(30), log.said
    assert not [thread for thread in threading.enumerate() if thread.name == "webhooks"]
    ((headers, body),) = messages
    assert verify(made.secret, headers, body, int(clock.now().timestamp())) == str(UUID(int=7))
    assert Delivery.objects.get().state == "delivered"
    assert log.said == []
