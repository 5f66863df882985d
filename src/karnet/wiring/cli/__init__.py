"""The command line: `karnet …`. Each command is a module of this package, imported when it is called."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

import click
import msgspec

from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import LazyGroup, Session
from karnet.wiring.problem import InstallationProblem

_COMMANDS = {
    "demo": "A ski day on three facilities, then the settlement and the proof.",
    "init": "Make an installation: configuration, keys, database.",
    "serve": "Run the server: web, workers, sealer, relay.",
    "standby": "Copies of the database that take over.",
    "backup": "Back the installation up.",
    "restore": "Make an installation from a backup.",
    "doctor": "Check the installation and say what to fix.",
    "user": "Create and manage log-ins.",
    "token": "Tokens of devices and partners for the API.",
    "webhook": "Who is told of sales, passages, blocks, closings.",
    "printer": "Printers, and what waits at them.",
    "device": "Run simulated printers.",
    "play": "Play scenarios through the real services.",
    "hub": "Make this server the hub of a common card.",
    "federation": "The common card: inviting, joining, watching.",
    "settlement": "Compute, close and compare settlements.",
    "tariffs": "What other prices for stays would bring in.",
    "loyalty": "Rewards for use and top-ups.",
    "passes": "Electronic passes and benefit cards.",
    "journal": "Verify, export and recover the journal.",
    "rebuild": "Replay the journal into empty tables and compare.",
    "sql": "Open psql on the installation's database.",
    "bench": "Measure, beside a yardstick of the same run.",
    "version": "Show the versions of Karnet and what it runs on.",
}


@click.command(
    cls=LazyGroup,
    lazy={name: (f"karnet.wiring.cli.{name}", help_text) for name, help_text in _COMMANDS.items()},
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    examples="""
    karnet init --data ./shop           make an installation in ./shop
    karnet --data ./shop doctor         check it
    KARNET_DATA=./shop karnet sql       look into its database
    """,
)
def root() -> None:
    """Karnet: one system for places that many people visit."""


def main() -> None:
    """The entry point of the `karnet` program."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code. Tells every problem in words; tracebacks only with KARNET_DEBUG."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)  # So that a terminated command closes what it opened, as Ctrl-C does.
    # Known before parsing, so that a command line that cannot be parsed is answered in JSON, too.
    session = Session(json="--json" in arguments)
    output = sys.stdout
    try:
        code = root.main(list(arguments), prog_name="karnet", standalone_mode=False, obj=session)
        sys.stdout.flush()
    except InstallationProblem as problem:
        _debug()
        _tell(session, problem.code, problem.what, problem.do)
        return Exit.INSTALLATION
    except click.ClickException as error:
        if session.json:
            _tell(session, "usage", error.format_message(), "See `karnet --help`.")
        else:
            error.show()
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        _tell(session, "interrupted", "Interrupted.", "What was finished stays; run the command again for the rest.")
        return Exit.INTERRUPTED
    except BrokenPipeError:  # The reader of a pipe has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except SystemExit as end:
        if sys.stdout is not output:  # click has met the broken pipe first and put a wrapper in its place.
            return Exit.OK
        return end.code if isinstance(end.code, int) else Exit.OK if end.code is None else Exit.REFUSED
    except Exception as fault:
        _debug()
        _tell(
            session,
            "fault",
            f"A fault in Karnet: {type(fault).__name__}: {fault}",
            "Run it again with KARNET_DEBUG=1 and report what it prints. `karnet doctor` may know more.",
        )
        return Exit.FAULT
    return code if isinstance(code, int) else Exit.OK


def _debug() -> None:
    if os.environ.get("KARNET_DEBUG") == "1":
        raise  # The exception that the calling handler of `run` is about to put into words.


def _tell(session: Session, code: str, what: str, do: str) -> None:
    if session.json:
        click.echo(msgspec.json.encode({"problem": {"code": code, "what": what, "do": do}}))
    else:
        click.echo(f"{click.style('karnet:', fg='red')} {what}\n{click.style('→', bold=True)} {do}", err=True)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
