"""`karnet serve`."""

from __future__ import annotations

import click

from karnet.wiring.cli.frame import Session, karnet_group


@karnet_group(
    invoke_without_command=True,
    examples="""
    karnet serve                        everything; prints `ready http://…` when it answers
    karnet serve --data ./shop          another installation beside it (give it another port)
    KARNET_HTTP_PORT=8080 karnet serve
    karnet serve sealer                 one process alone, for systemd or a container
    """,
)
@click.pass_context
def command(context: click.Context) -> None:
    """Run the server: web, worker, sealer, and the embedded PostgreSQL, until Ctrl-C.

    What dies is started again. What cannot work (a port that is taken, a log that may not sign) says why and keeps
    nobody else from working. Ctrl-C or SIGTERM stops everything in order; a second one stops it at once.
    """
    if context.invoked_subcommand is not None:
        return
    from karnet.wiring.serve.supervisor import supervise
    from karnet.wiring.standby import refuse_standby

    session = context.ensure_object(Session)
    refuse_standby(session.installation())

    def ready(address: str) -> None:
        session.line({"ready": address}, f"ready {address}")

    supervise(session.installation(), ready)


@command.command(examples="karnet serve web")
@click.pass_obj
def web(session: Session) -> None:
    """Answer HTTP: the log's tiles, /health, a page."""
    from karnet.wiring.serve.processes import run_web

    run_web(session.installation())


@command.command(examples="karnet serve worker")
@click.pass_obj
def worker(session: Session) -> None:
    """Do what is due by the clock: end grants that nobody used."""
    from karnet.wiring.serve.processes import run_worker

    run_worker(session.installation())


@command.command(examples="karnet serve sealer")
@click.pass_obj
def sealer(session: Session) -> None:
    """Seal what was recorded, at most 100 ms later."""
    from karnet.wiring.serve.processes import run_sealer

    run_sealer(session.installation())


@command.command(examples="karnet serve hub --node 2")
@click.option("--node", type=click.IntRange(1), default=1, show_default=True, help="Which line of federation.listen.")
@click.pass_obj
def hub(session: Session, node: int) -> None:
    """Answer the members of the common card over HTTPS: one node of the hub."""
    from karnet.wiring.serve.hub import run_hub_node

    run_hub_node(session.installation(), node)


@command.command(examples="karnet serve relay")
@click.pass_obj
def relay(session: Session) -> None:
    """Send what was sealed here to the common card's hub, fetch and apply what others sealed."""
    from karnet.wiring.serve.relay import run_relay

    run_relay(session.installation())


@command.command(examples="karnet serve standby --data /mnt/other/karnet")
@click.pass_obj
def standby(session: Session) -> None:
    """Run a standby: its PostgreSQL follows the primary, and its checkpoint file what reaches it."""
    from karnet.wiring.serve.standby import run_standby

    run_standby(session.installation())
