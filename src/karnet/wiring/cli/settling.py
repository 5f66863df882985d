"""What the commands of `karnet settlement` share: which agreement and cut are meant, and how tables are shown."""

from __future__ import annotations

import sys
from datetime import date, datetime
from typing import TYPE_CHECKING

import click
import msgspec

from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import Session

if TYPE_CHECKING:
    from karnet.journal.cuts import Cut
    from karnet.kernel.outcomes import Refused
    from karnet.settlement.rendering import Sheet
    from karnet.settlement.selectors import AgreementRow

SEASON = click.option("--season", metavar="NAME", help="The agreement's season (default: the one in force now).")
CUT = click.option(
    "--cut", type=click.IntRange(min=0), metavar="N", help="Tree size of this server's log (default: all sealed)."
)
UNTIL = click.option(
    "--until", metavar="WHEN", help="Count what happened before: a day (its start), or 2027-01-31T18:00+01:00."
)


def agreement_asked(season: str | None) -> AgreementRow | Refused:
    from karnet.kernel.outcomes import refused
    from karnet.kernel.reasons import Reason
    from karnet.settlement.selectors import agreement_of
    from karnet.wiring.clock import now

    return agreement_of(season, now()) or refused(Reason.NO_AGREEMENT, **({"season": season} if season else {}))


def cut_at(size: int | None) -> Cut | None:
    """Return the cut at a size of this server's own log; the logs of others are taken as far as they are held."""
    from karnet.journal.cuts import home_cut

    return None if size is None else home_cut(size)


def instant_of(text: str | None, zone: str, option: str) -> datetime | None:
    from karnet.kernel.time import day_start

    if text is None:
        return None
    try:
        return day_start(date.fromisoformat(text), zone)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise click.BadParameter("write a day (2027-02-01) or an instant (2027-01-31T18:00+01:00)", param_hint=option)
    return at


def tell_unsealed(session: Session, cut: int | None) -> None:
    from karnet.journal.selectors import progress

    if cut is None and (unsealed := progress().unsealed):
        session.say(f"{unsealed} operations are not sealed yet and do not count: `karnet serve` seals them")


def period_sheets(row: AgreementRow, sequence: int) -> list[Sheet]:
    from karnet.settlement.rendering import report_sheets
    from karnet.settlement.selectors import closed_report

    report = closed_report(row, sequence)
    assert report is not None
    return report_sheets(report, row.text.time_zone)


def show_sheets(session: Session, value: object, sheets: list[Sheet]) -> None:
    from karnet.settlement.rendering import as_text

    session.answer(value, coloured(sheets) if sys.stdout.isatty() and not session.json else as_text(sheets))


def coloured(sheets: list[Sheet]) -> str:
    """Return the tables as rich draws them on a terminal."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    with console.capture() as captured:
        for sheet in sheets:
            table = Table(title=sheet.title or None, title_justify="left", title_style="bold")
            for name in sheet.columns:
                table.add_column(name, justify="left" if name in sheet.left else "right", no_wrap=True)
            for index, row in enumerate(sheet.rows):
                last = sheet.total and index == len(sheet.rows) - 1
                table.add_row(
                    *row, style="bold" if last else None, end_section=sheet.total and index == len(sheet.rows) - 2
                )
            console.print(table)
    return captured.get().rstrip("\n")


def verdict(session: Session, value: object, text: str, code: Exit) -> Exit:
    session.answer(value, text)
    return code


def tell_refusal(session: Session, refused: Refused) -> Exit:
    """Tell a refusal in words, every field at fault on a line of its own."""
    from karnet.kernel.reason_words import words
    from karnet.kernel.reasons import Reason

    if session.json:
        click.echo(msgspec.json.encode(refused))
        return Exit.REFUSED
    click.echo(words(refused, "en"), err=True)
    if refused.reason == Reason.BAD_VALUE:
        for field, problem in refused.facts.items():
            if field != "field":
                click.echo(f"  {field}: {problem}", err=True)
    return Exit.REFUSED
