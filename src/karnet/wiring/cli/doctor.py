"""`karnet doctor`."""

from __future__ import annotations

import click

from karnet.wiring import clock
from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import Session, karnet_command
from karnet.wiring.doctor import Check, examine


@karnet_command(
    examples="""
    karnet doctor
    karnet doctor --json | jq '.checks[] | select(.ok | not)'
    karnet doctor --no-start            do not try to start a stopped database
    """
)
@click.option("--start/--no-start", default=True, help="Start a stopped database for the trial, then stop it.")
@click.pass_obj
def command(session: Session, start: bool) -> Exit:
    """Check the installation and say what to fix.

    Ends with 0 if all is well, with 1 if something has to be fixed.
    """
    checks = examine(session.data, now=clock.now(), trial_start=start, progress=session.say)
    sound = all(check.ok for check in checks)
    session.answer({"ok": sound, "checks": checks}, "\n".join(map(_line, checks)))
    return Exit.OK if sound else Exit.REFUSED


def _line(check: Check) -> str:
    mark = click.style("✓", fg="green") if check.ok else click.style("✗", fg="red", bold=True)
    line = f"{mark} {check.name:<20} {_indented(check.what)}"
    return line if check.ok else f"{line}\n  {'':<20} {click.style('→', bold=True)} {_indented(check.do)}"


def _indented(text: str) -> str:
    return text.replace("\n", "\n" + " " * 23)
