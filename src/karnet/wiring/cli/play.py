"""`karnet play`."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import Session, karnet_command

if TYPE_CHECKING:
    from karnet.wiring.play.player import Outcome
    from karnet.wiring.play.reading import Line, Problem

MOST_TOLD = 200
"""Mistakes and complaints beyond this many help nobody."""


@karnet_command(
    examples="""
    karnet play scenarios/golden/n-a.jsonl
    karnet play --check day.jsonl                  only look for mistakes in the file
    karnet demo --write - | karnet play -          play what another program writes
    karnet play day.jsonl | jq -c 'select(.ok | not)'
    """
)
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path, allow_dash=True))
@click.option("--check", is_flag=True, help="Read and check the whole file; play nothing.")
@click.option("--strict", is_flag=True, help="A step that is refused without expecting it is a failure, too.")
@click.pass_obj
def command(session: Session, file: Path, check: bool, strict: bool) -> Exit:
    """Play a scenario through the services: a step a line in, an outcome a line out, in JSON.

    FILE is in JSON Lines; - reads standard input. The whole file is checked before the first step is played. Playing
    it again changes nothing: what was played answers as it did. Ends with 1 if an expectation is not met, with 2 if the
    file has mistakes. The steps are described in docs/scenarios.md, and as a JSON Schema in docs/scenarios.schema.json.
    """
    from karnet.wiring.play.reading import BadScenario, read

    try:
        with closing(_opened(file)) as source:
            lines = read(source)
    except OSError as error:
        raise click.BadParameter(f"{file}: {error.strerror or error}", param_hint="FILE") from error
    except BadScenario as bad:
        return _cannot_play(session, file, bad.problems)
    if check:
        session.say(f"{len(lines)} steps, no mistakes found")
        return Exit.OK
    return _play(session, lines, strict)


def _opened(file: Path) -> BinaryIO:
    return sys.stdin.buffer if str(file) == "-" else file.open("rb")


def _cannot_play(session: Session, file: Path, problems: list[Problem]) -> Exit:
    what = f"{file} has {len(problems)} mistake(s); nothing was played."
    if session.json:
        told = {"code": "bad-scenario", "what": what, "do": "Correct the lines and play it again."}
        session.answer({"problem": told, "lines": problems}, "")
        return Exit.USAGE
    for problem in problems[:MOST_TOLD]:
        click.echo(f"{file}: {problem}", err=True)
    click.echo(what, err=True)
    return Exit.USAGE


def _play(session: Session, lines: list[Line], strict: bool) -> Exit:
    with session.database() as installation:
        from karnet.wiring.play.player import play
        from karnet.wiring.play.progress import bar
        from karnet.wiring.play.staging import staged

        tally = Tally()
        stage = staged(installation)
        with bar(len(lines), show=sys.stderr.isatty()) as advance:
            for outcome in play(stage, lines):
                _print(outcome.written())
                tally.count(outcome, strict=strict)
                advance(outcome)
    for complaint in tally.complaints:
        click.echo(complaint, err=True)
    session.say(str(tally))
    return Exit.REFUSED if tally.failed else Exit.OK


def _print(line: bytes) -> None:
    if sys.stdout.isatty():
        print(line.decode())  # through sys.stdout, which keeps it above the progress bar
    else:
        sys.stdout.buffer.write(line + b"\n")


class Tally:
    """Counts outcomes; `complaints` are the expectations that were not met, in words."""

    def __init__(self) -> None:
        self.steps = self.refused = self.failed = 0
        self.complaints: list[str] = []

    def count(self, outcome: Outcome, *, strict: bool) -> None:
        """Take in an outcome. With `strict`, a refusal that nothing expects is a failure."""
        told = [str(failure) for failure in outcome.failed]
        if strict and not outcome.ok and outcome.line.step.expect is None:
            told = [f"refused: {outcome.fields['refused']} {outcome.fields['facts']}"]
        self.steps += 1
        self.refused += not outcome.ok
        self.failed += bool(told)
        self.complaints += [f"line {outcome.line.number}: {each}" for each in told][: MOST_TOLD - len(self.complaints)]

    def __str__(self) -> str:
        return f"{self.steps} steps, {self.refused} refused, {self.failed} not as expected"
