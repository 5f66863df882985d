"""A node of the hub: HTTPS for members alone, on a port of its own. Any number of nodes serve one database."""

from __future__ import annotations

import multiprocessing
import os
from datetime import datetime

from karnet.wiring import clock
from karnet.wiring.boot import prepare
from karnet.wiring.card_keys import certificate_file, certificate_key_file, ensure_certificate
from karnet.wiring.installation import Installation
from karnet.wiring.problem import InstallationProblem

THREADS = 80
"""One for each member that waits for news (server.MAX_WAITING), and some for those that send."""
_STOP_S = 5


def place_of(installation: Installation, node: int) -> tuple[str, int]:
    """Return host and port of a node, counted from 1. Raises InstallationProblem for one that is not configured."""
    federation = installation.config.federation
    if federation.role != "hub" or not 1 <= node <= len(federation.listen):
        raise InstallationProblem(
            "no-such-node",
            f"{installation.config_file} configures no hub node {node}.",
            "Make this server a hub with `karnet hub init`; federation.listen names the nodes.",
        )
    host, _, port = federation.listen[node - 1].rpartition(":")
    return host.strip("[]"), int(port)


def serve_node(installation: Installation, node: int, at: datetime) -> None:
    """Answer members until told to end (signals are the HTTP server's)."""
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces

    host, port = place_of(installation, node)
    ensure_certificate(installation, [host], at)
    prepare(installation)
    os.environ["KARNET_HUB_NODE"] = str(node)
    multiprocessing.set_start_method("spawn", force=True)
    Granian(
        "karnet.wiring.web.hub:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        blocking_threads=THREADS,
        backpressure=2 * THREADS,
        workers_kill_timeout=_STOP_S,
        websockets=False,
        log_enabled=False,
        ssl_cert=certificate_file(installation),
        ssl_key=certificate_key_file(installation),
    ).serve()


def run_hub_node(installation: Installation, node: int) -> None:
    """Run a node in the foreground until told to end. Raises InstallationProblem."""
    from karnet.wiring.serve.processes import check_tables, process, reserve

    host, port = place_of(installation, node)
    with process(installation, f"hub-{node}") as (presence, _, log):
        guard = reserve(host, port, f"federation.listen in {installation.config_file}")
        try:
            check_tables(installation)
            from karnet.wiring.serve.report import State

            presence.say(State.RUNNING)
            log.info(f"hub node {node} answers members at https://{host}:{port}")
            serve_node(installation, node, clock.now())
        finally:
            guard.close()
