"""The processes themselves, each in the foreground until it is told to end."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event

from karnet.wiring import clock
from karnet.wiring.boot import boot, prepare
from karnet.wiring.doctor import listener
from karnet.wiring.installation import Installation
from karnet.wiring.postgres import Role
from karnet.wiring.problem import InstallationProblem
from karnet.wiring.serve.ending import Ending, end_with_supervisor
from karnet.wiring.serve.keeping import database_kept
from karnet.wiring.serve.logs import Logger, start_logging
from karnet.wiring.serve.passes import PassesKept
from karnet.wiring.serve.printing import papers_printed
from karnet.wiring.serve.report import Presence, State
from karnet.wiring.serve.rewarding import Rewarding
from karnet.wiring.serve.telling import subscribers_told

TABLES_BEHIND = "tables-behind"
_LAPSE_EVERY_S = 2.0
_RETRY_S = 1.0
# Scans that wait together are committed together, so as many must be able to wait (measured: bench/results). Each thread
# has a database connection of its own; the server has a hundred.
_WEB_THREADS = 32
_WEB_STOP_S = 8


def run_web(installation: Installation) -> None:
    """Answer HTTP until told to end. Raises InstallationProblem, for a port that is taken in particular."""
    with process(installation, "web") as (presence, _, log):
        http = installation.config.http
        guard = reserve(http.host, http.port, f"KARNET_HTTP_PORT or {installation.config_file}")
        try:
            presence.say(State.RUNNING)
            log.info(f"web answers at {url(installation)}")
            _serve(installation)
        finally:
            guard.close()


def run_sealer(installation: Installation) -> None:
    """Seal until told to end. Raises InstallationProblem where a person has to decide (journal.guard)."""
    with process(installation, "sealer") as (presence, ending, log):
        check_tables(installation)
        from karnet.journal.sealing import Altered
        from karnet.wiring import sealing

        def waiting(reason: str) -> None:
            presence.say(State.WAITING, what=reason)
            log.warning(reason)

        try:
            sealing.run_sealer(installation, ending.event, waiting, sealing=lambda: presence.say(State.RUNNING))
        except Altered as error:
            raise InstallationProblem(
                "log-altered", f"Nothing is sealed any more: {error}.", "Run `karnet journal verify`: it says where."
            ) from error


def run_worker(installation: Installation) -> None:
    """Do what is due by the clock until told to end: end grants that nobody used, give rewards, look after passes, send
    webhooks, print."""
    with process(installation, "worker") as (presence, ending, log):
        check_tables(installation)
        presence.say(State.RUNNING)
        with subscribers_told(log), papers_printed(log):
            rewarding, passes = Rewarding(installation), PassesKept(installation)
            _work(lambda: lapse_grants(installation) + rewarding.due() + passes.due(), ending.event, presence, log)


def lapse_grants(installation: Installation) -> int:
    """End the grants whose time is over; return how many were. Asks first, so that nothing due writes nothing."""
    from karnet.access.requests import Lapse, Lapsed
    from karnet.access.selectors import grants_to_lapse
    from karnet.access.services import lapse_grants as lapse
    from karnet.journal.founding import server_id

    count = 0
    while grants_to_lapse(at := clock.business_now(), 1):
        (answer,) = lapse([Lapse(key=f"lapse:{at.isoformat()}", at=at, actor=server_id(installation.name))])
        if not isinstance(answer, Lapsed):
            raise InstallationProblem(
                "not-founded", f"The log refused the worker: {answer.reason}.", "Run `karnet init`, then start again."
            )
        count += answer.grants
    return count


def _work(job: Callable[[], int], stop: Event, presence: Presence, log: Logger) -> None:
    from django.db import DatabaseError, InterfaceError, connection

    told = ""
    while not stop.is_set():
        try:
            job()
        except (DatabaseError, InterfaceError) as error:
            connection.close()
            reason = f"the database is away: {str(error).strip()}"
            if reason != told:
                log.warning(reason)
                presence.say(State.WAITING, what=reason)
            told = reason
            stop.wait(_RETRY_S)
            continue
        if told:
            log.info("the database is back")
            presence.say(State.RUNNING)
            told = ""
        stop.wait(_LAPSE_EVERY_S)


def url(installation: Installation) -> str:
    """Where a program on this machine reaches the web process."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(installation.config.http.host, installation.config.http.host)  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{installation.config.http.port}"


@contextmanager
def process(installation: Installation, role: str) -> Iterator[tuple[Presence, Ending, Logger]]:
    """One process of an installation: its log, its hold on its role, the database, and the wish to end."""
    log = start_logging(installation, role)
    with Presence(installation, role) as presence:
        supervised = end_with_supervisor()
        ending = Ending()

        def moved() -> None:
            log.warning("the database has another address now; starting again with it")
            os.kill(os.getpid(), signal.SIGTERM)

        # The supervisor says already what PostgreSQL is waited for.
        with database_kept(installation, log, progress=None if supervised else log.info, moved=moved):
            ending.install()
            yield presence, ending, log


def check_tables(installation: Installation) -> None:
    """Raise InstallationProblem unless the tables are those of this version and the log is founded (`karnet init`)."""
    boot(installation, Role.APP)
    from django.db import connection

    from karnet.journal.cuts import latest_cut
    from karnet.wiring.database import are_tables_behind

    sound = not are_tables_behind() and latest_cut().sizes
    connection.close()
    if not sound:
        raise InstallationProblem(
            TABLES_BEHIND,
            f"The tables in the database of {installation.path} are not those of this version of Karnet.",
            "Run `karnet init`: it keeps everything and brings them up to date.",
        )


def reserve(host: str, port: int, setting: str) -> socket.socket:
    """Make sure that the port is ours alone, and keep it so. Raises InstallationProblem.

    The HTTP server's workers share the port among themselves (SO_REUSEPORT), and so would those of another server of
    this user: a socket that shares it but never listens makes every other's check fail. `setting`: where it is chosen.
    """
    holder = listener(host, port)
    if holder is None:
        guard = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        guard.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_REUSEPORT", socket.SO_REUSEADDR), 1)
        try:
            guard.bind((host, port))
            return guard
        except OSError as error:
            guard.close()
            holder = str(error.strerror)
    raise InstallationProblem(
        "http-port-taken",
        f"Karnet cannot listen on port {port} of {host}: {holder}.",
        f"Stop the program that has it, or choose another port: {setting}.",
    )


def _serve(installation: Installation) -> None:
    import multiprocessing

    from granian import Granian
    from granian.constants import Interfaces

    http = installation.config.http
    names = ["127.0.0.1", "localhost", "[::1]", http.host, socket.gethostname()]
    prepare(installation)  # For the workers. This process needs no Django itself.
    os.environ.setdefault("KARNET_ALLOWED_HOSTS", ",".join(dict.fromkeys(names)))
    # A fork would copy our threads' locks in whatever state they are.
    multiprocessing.set_start_method("spawn", force=True)
    Granian(
        "karnet.wiring.web.wsgi:application",
        address=http.host,
        port=http.port,
        interface=Interfaces.WSGI,
        blocking_threads=_WEB_THREADS,
        workers_kill_timeout=_WEB_STOP_S,
        websockets=False,
        log_enabled=False,
    ).serve()
