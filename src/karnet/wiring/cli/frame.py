"""What all `karnet` commands share: where the installation is, how answers are printed, and lazy loading.

A command module is `karnet.wiring.cli.<name>` and defines `command`, made with `karnet_command` or `karnet_group`.
It takes the `Session` with `@click.pass_obj` and may return an `Exit`; None means OK. Groups and commands accept --data and --json in any position.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import msgspec

from karnet.wiring.cli import exits
from karnet.wiring.installation import Installation


@dataclass
class Session:
    """One invocation of `karnet`."""

    data: Path | None = None
    json: bool = False

    def installation(self) -> Installation:
        """The installation meant by --data, KARNET_DATA or the default. Raises InstallationProblem."""
        return Installation.load(self.data)

    def say(self, message: str) -> None:
        """Progress, for people: on standard error, so that standard output stays the answer alone."""
        click.echo(click.style(f"· {message}", dim=True), err=True)

    def answer(self, value: object, text: str) -> None:
        """The answer: `value` as one JSON document with --json, else `text`."""
        if self.json:
            click.echo(msgspec.json.format(msgspec.json.encode(value)))
        else:
            click.echo(text)

    def line(self, value: object, text: str) -> None:
        """One line of an answer that comes bit by bit, written at once: compact JSON with --json, else `text`."""
        click.echo(msgspec.json.encode(value).decode() if self.json else text)

    @contextmanager
    def database(self, role: str = "karnet_app") -> Iterator[Installation]:
        """The database is up and Django is connected to it as `role` (a `postgres.Role`) within the block."""
        # Django and psycopg take a moment to import, and --help must not wait for them.
        from karnet.wiring.boot import boot
        from karnet.wiring.postgres import Role, running

        installation = self.installation()
        with running(installation, progress=self.say):
            boot(installation, Role(role))
            yield installation


def _set_data(context: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        context.ensure_object(Session).data = value


def _set_json(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Session).json = True


def _shared_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--data"],
            type=click.Path(path_type=Path),
            metavar="DIR",
            callback=_set_data,
            expose_value=False,
            is_eager=True,
            help="The installation's data directory (default: KARNET_DATA, or the usual place).",
        ),
        click.Option(
            ["--json"],
            is_flag=True,
            callback=_set_json,
            expose_value=False,
            is_eager=True,
            help="Answer with one JSON document on standard output.",
        ),
    ]


class _Shared(click.Command):
    """A command with the shared options and, after its help, examples printed as they are written."""

    def __init__(self, *arguments: Any, examples: str = "", **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.params.extend(_shared_options())
        self.examples = examples

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples.strip().splitlines():
                    formatter.write(f"  {line.strip()}\n")
        if context.parent is None:
            formatter.write(f"\nExit codes:\n{exits.table()}\n")


class KarnetCommand(_Shared):
    """A leaf command."""


class KarnetGroup(_Shared, click.Group):
    """A group whose subcommands are of the same kinds."""

    command_class = KarnetCommand
    group_class = type


class LazyGroup(KarnetGroup):
    """A group whose commands are imported when they are called. `lazy` maps a name to its module and short help.

    A name whose module does not exist is neither listed nor found.
    """

    def __init__(self, *arguments: Any, lazy: Mapping[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.lazy = {name: entry for name, entry in lazy.items() if importlib.util.find_spec(entry[0])}

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self.lazy)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.lazy:
            return None
        command = importlib.import_module(self.lazy[name][0]).command
        assert isinstance(command, click.Command), f"{self.lazy[name][0]} defines no command"
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_text) for name, (_, help_text) in self.lazy.items()])


def karnet_command(*, examples: str, **options: Any) -> Callable[[Callable[..., Any]], KarnetCommand]:
    """Declare a command; `examples` are shown in its help, one a line."""
    return click.command(cls=KarnetCommand, examples=examples, **options)


def karnet_group(*, examples: str, **options: Any) -> Callable[[Callable[..., Any]], KarnetGroup]:
    """Declare a group of commands; add to it with `@group.command(examples=…)`."""
    return click.group(cls=KarnetGroup, examples=examples, **options)
