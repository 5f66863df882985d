"""The application of a hub node, loaded by the HTTP server in a process of its own."""

from __future__ import annotations

import os
import threading

from karnet.wiring import clock
from karnet.wiring.boot import boot
from karnet.wiring.card_keys import cosigner_key
from karnet.wiring.installation import Installation
from karnet.wiring.serve.logs import start_logging
from karnet.wiring.web.parent import end_with_parent

end_with_parent()
_installation = Installation.load()
start_logging(_installation, f"hub-{os.environ.get('KARNET_HUB_NODE', '1')}")
boot(_installation)

from karnet.federation.asks import PostgresAskBook  # noqa: E402 (needs Django, which `boot` has just set up)
from karnet.federation.core.answering import Hub  # noqa: E402
from karnet.federation.http.news import News  # noqa: E402
from karnet.federation.http.server import HubNode  # noqa: E402
from karnet.federation.store import PostgresStore  # noqa: E402

_cosigner = cosigner_key(_installation)
_news = News()
threading.Thread(target=_news.listen, name="news", daemon=True).start()
application = HubNode(
    _installation.name,
    Hub(_cosigner, book=PostgresAskBook()),
    PostgresStore(_installation.name, clock.now),
    _news,
    cosigner=_cosigner.verifier.format(),
    clock=clock.now,
)
