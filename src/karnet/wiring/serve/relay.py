"""The relay process: sends what this server sealed, fetches and applies what others sealed, pulls the archive daily."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from karnet.wiring import clock
from karnet.wiring.card_keys import cosigner_key, hub_link
from karnet.wiring.installation import Installation
from karnet.wiring.log_keys import signing_key
from karnet.wiring.problem import InstallationProblem
from karnet.wiring.serve.logs import Logger
from karnet.wiring.serve.processes import check_tables, process
from karnet.wiring.serve.report import State

if TYPE_CHECKING:
    from karnet.federation.relay import Relay

_ENDS_WITHIN_S = 10.0
_LOOK_AT_CLOCK_S, _ARCHIVE_AGAIN_S = 30.0, 300.0


def run_relay(installation: Installation) -> None:
    """Relay until told to end. Raises InstallationProblem for a server that takes part in no common card."""
    role = installation.config.federation.role
    if role == "none":
        raise InstallationProblem(
            "no-common-card",
            f"{installation.config_file} gives this server no part in a common card.",
            "Run `karnet hub init` or `karnet federation join` first.",
        )
    with process(installation, "relay") as (presence, ending, log):
        check_tables(installation)
        from karnet.federation.http.news import News
        from karnet.federation.relay import Relay
        from karnet.federation.store import PostgresStore

        news = News()
        relay = Relay(
            PostgresStore(installation.name, clock.now), news, clock=clock.now, stop=ending.event, say=log.warning
        )
        work = [relay.run_applier]
        if role == "member":
            work += _lanes(installation, relay)
            work.append(lambda: _archive(installation, ending.event, log))
        presence.say(State.RUNNING)
        with news.heard():
            threads = [threading.Thread(target=one, name=f"relay-{n}", daemon=True) for n, one in enumerate(work)]
            for thread in threads:
                thread.start()
            ending.event.wait()
            news.tell()
            # A lane may be waiting for the hub's news: what it would have brought, the next start fetches.
            for thread in threads:
                thread.join(_ENDS_WITHIN_S if thread is threads[0] else 0.2)


def _archive(installation: Installation, stop: threading.Event, log: Logger) -> None:
    """Pull the archive when it is due, once a day; try again every few minutes where the hub does not answer."""
    from django.db import DatabaseError, InterfaceError, connection

    from karnet.federation.peers import last_archive_pull
    from karnet.wiring.archive import due, pull_archive

    while not stop.wait(_LOOK_AT_CLOCK_S):
        try:
            if due(clock.now(), installation.config.federation.archive_at, last_archive_pull()):
                pulled = pull_archive(installation, clock.now)
                log.info(f"archive pulled: {pulled.cut}") if pulled.sound else log.error(f"archive: {pulled.what}")
        except (InstallationProblem, DatabaseError, InterfaceError) as problem:
            connection.close()
            log.warning(f"archive pull: {str(problem).strip()}")
            stop.wait(_ARCHIVE_AGAIN_S)


def _lanes(installation: Installation, relay: Relay) -> list[Callable[[], None]]:
    from karnet.federation.away import answer_ask
    from karnet.federation.core.relaying import Inbound, Outbound
    from karnet.federation.http.client import HubClient

    link = hub_link(installation)
    jitter = random.SystemRandom().random
    outbound = Outbound(link.addresses, jitter, hub=link.hub)
    inbound = Inbound(
        link.addresses,
        jitter,
        hub=link.hub,
        cosigner=cosigner_key(installation),
        answer=lambda asked: answer_ask(asked, installation.name, clock.now()),
    )
    # Connections of their own: the one waits for news while the other sends.
    calls = [HubClient(link.certificate, link.token).call for _ in range(3)]
    return [
        lambda: relay.run_lane(outbound, calls[0], link.hub),
        lambda: relay.run_lane(inbound, calls[1], link.hub),
        lambda: relay.run_asks(link.addresses, calls[2], signing_key(installation)),
    ]
