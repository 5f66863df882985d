"""`karnet user …`: log-ins. A password is asked for, or read from standard input; never from the command line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
import msgspec

from karnet.parties.rules import ROLES
from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import Session, karnet_group

if TYPE_CHECKING:
    from karnet.kernel.outcomes import Refused
    from karnet.parties.services import UserSaved


@karnet_group(
    examples="""
    karnet user add anna --role cashier --operator NORTH/anna
    karnet user list
    """
)
def command() -> None:
    """Create and manage log-ins."""


@command.command(
    "add",
    examples="""
    karnet user add anna --role cashier --operator NORTH/anna      asks for a password, twice
    pass show karnet/boss | karnet user add boss --role manager    takes the first line
    karnet user add hotel --role partner --operator NORTH/hotel --sales-point NORTH/hotel
    """,
)
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What the log-in may do.")
@click.option("--operator", metavar="FACILITY/CODE", help="The enrolled operator whom its operations name.")
@click.option("--sales-point", metavar="FACILITY/CODE", help="Where a partner sells.")
@click.pass_obj
def add(session: Session, name: str, role: str, operator: str | None, sales_point: str | None) -> Exit:
    """Add a log-in NAME; its password is asked for, or read from standard input."""
    for option, written in (("--operator", operator), ("--sales-point", sales_point)):
        if written is not None and written.count("/") != 1:
            raise click.BadParameter("write FACILITY/CODE, such as NORTH/anna", param_hint=option)
    password = _password(name)
    with session.database():
        from karnet.parties.operations import facility_id, operator_id, sales_point_id
        from karnet.parties.services import AddUser, add_user

        whom = None
        if operator is not None:
            facility, code = operator.split("/")
            whom = operator_id(facility_id(facility), code)
        where = None
        if sales_point is not None:
            facility, code = sales_point.split("/")
            where = sales_point_id(facility_id(facility), code)
        answer = add_user(AddUser(username=name, role=role, password=password, operator=whom, sales_point=where))
    return _tell(session, answer, "{username} may log in now, as {role}.")


@command.command(
    "list",
    examples="""
    karnet user list
    karnet user list --json | jq -r '.[] | select(.active) | .username'
    """,
)
@click.pass_obj
def list_(session: Session) -> None:
    """List the log-ins: name, role, operator, last log-in; disabled ones are marked."""
    with session.database():
        from karnet.parties.selectors import log_ins

        found = log_ins()
    rows = [
        (
            user.username,
            user.role,
            user.operator or "-",
            f"{user.last_login:%Y-%m-%d %H:%M}Z" if user.last_login else "never",
            "" if user.active else "disabled",
        )
        for user in found
    ]
    table = [("NAME", "ROLE", "OPERATOR", "LAST LOG-IN", ""), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in table]
    session.answer(found, "\n".join(lines) if rows else "No log-ins yet. Add one with `karnet user add`.")


@command.command(
    "password",
    examples="""
    karnet user password anna
    """,
)
@click.argument("name")
@click.pass_obj
def password(session: Session, name: str) -> Exit:
    """Give NAME a new password; its sessions end."""
    secret = _password(name)
    with session.database():
        from karnet.parties.services import set_password

        answer = set_password(name, secret)
    return _tell(session, answer, "{username} has a new password.")


@command.command(
    "disable",
    examples="""
    karnet user disable anna
    """,
)
@click.argument("name")
@click.pass_obj
def disable(session: Session, name: str) -> Exit:
    """Let NAME log in no more. What it did stays named after its operator."""
    return _set_active(session, name, active=False)


@command.command(
    "enable",
    examples="""
    karnet user enable anna
    """,
)
@click.argument("name")
@click.pass_obj
def enable(session: Session, name: str) -> Exit:
    """Let NAME log in again."""
    return _set_active(session, name, active=True)


def _set_active(session: Session, name: str, *, active: bool) -> Exit:
    with session.database():
        from karnet.parties.services import set_active

        answer = set_active(name, active)
    return _tell(session, answer, "{username} may log in again." if active else "{username} may log in no more.")


def _password(name: str) -> str:
    """Ask for a password twice, or take the first line of standard input when that is no terminal."""
    if sys.stdin.isatty():
        entered: str = click.prompt(f"Password for {name}", hide_input=True, confirmation_prompt=True, err=True)
        return entered
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise click.UsageError("No password: give it on standard input, or run this on a terminal to be asked.")
    return line


def _tell(session: Session, answer: UserSaved | Refused, words: str) -> Exit:
    from karnet.kernel.outcomes import Refused
    from karnet.kernel.reason_words import words as in_words

    if not isinstance(answer, Refused):
        session.answer(answer, words.format(username=answer.username, role=answer.role))
        return Exit.OK
    if session.json:
        click.echo(msgspec.json.encode(answer))
    else:
        click.echo(in_words(answer, "en"), err=True)
        for field, problem in answer.facts.items():
            if field not in ("field", "code"):
                click.echo(f"  {field}: {problem}", err=True)
    return Exit.REFUSED
