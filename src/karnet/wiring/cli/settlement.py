"""`karnet settlement …`: agreements, settlements anybody can recompute, closings."""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click
import msgspec

from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import Session, karnet_group

if TYPE_CHECKING:
    from karnet.journal.cuts import Cut
    from karnet.kernel.outcomes import Refused
    from karnet.settlement.rendering import Sheet
    from karnet.settlement.selectors import AgreementRow

_SEASON = click.option("--season", metavar="NAME", help="The agreement's season (default: the one in force now).")
_CUT = click.option(
    "--cut", type=click.IntRange(min=0), metavar="N", help="Tree size of this server's log (default: all sealed)."
)
_UNTIL = click.option(
    "--until", metavar="WHEN", help="Count what happened before: a day (its start), or 2027-01-31T18:00+01:00."
)


@karnet_group(
    examples="""
    karnet settlement agreement publish winter.json
    karnet settlement report
    karnet settlement report --json > january.json && karnet settlement verify january.json
    """
)
def command() -> None:
    """Compute, close and compare settlements.

    A settlement is computed over a cut of the signed record, so every partner who holds it gets the same figures.
    """


@command.command(
    "report",
    examples="""
    karnet settlement report                                       the season so far
    karnet settlement report --since 2027-01-01 --until 2027-02-01 one month
    karnet settlement report --cut 120000 --json > report.json     over a cut, to send to partners
    """,
)
@_SEASON
@_CUT
@click.option("--since", metavar="WHEN", help="Leave out what happened before (as --until).")
@_UNTIL
@click.pass_obj
def report(session: Session, season: str | None, cut: int | None, since: str | None, until: str | None) -> Exit:
    """Settle: what each facility earned, who owes whom, and the payments that even it out. Changes nothing."""
    with session.database():
        from karnet.kernel.outcomes import Refused
        from karnet.settlement.rendering import report_sheets
        from karnet.settlement.rules.report import report_file
        from karnet.settlement.services import settle
        from karnet.wiring.clock import now

        row = _agreement(season)
        if isinstance(row, Refused):
            return _refusal(session, row)
        _tell_unsealed(session, cut)
        zone = row.text.time_zone
        found = settle(
            _cut(cut),
            at=now(),
            agreement=row.id,
            since=_instant(since, zone, "--since"),
            until=_instant(until, zone, "--until"),
        )
        if isinstance(found, Refused):
            return _refusal(session, found)
        _show(session, report_file(found), report_sheets(found, zone))
    return Exit.OK


@command.command(
    "verify",
    examples="""
    karnet settlement verify report.json
    """,
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def verify(session: Session, file: Path) -> Exit:
    """Recompute a report from this server's own record and compare. Ends with 1 if anything differs.

    FILE is what `karnet settlement report --json` printed, here or at a partner's.
    """
    from karnet.settlement.rules.report import ReportFault, differing_fields, read_report

    try:
        given = read_report(file.read_bytes())
    except ReportFault as fault:
        return _verdict(session, {"verified": False, "fault": str(fault)}, f"{file}: {fault}.", Exit.REFUSED)
    theirs = given.report
    with session.database():
        from karnet.journal.cuts import Cut
        from karnet.kernel.outcomes import Refused
        from karnet.settlement.selectors import closings
        from karnet.settlement.services import settle

        mine = settle(
            Cut(theirs.cut),
            at=theirs.as_of,
            agreement=theirs.agreement,
            since=theirs.since,
            until=theirs.until,
            as_of=theirs.as_of,
        )
        if isinstance(mine, Refused):
            return _refusal(session, mine)
        closed = [row.sequence for row in closings(theirs.agreement) if row.report_sha256 == given.sha256]
    differing = differing_fields(mine, theirs)
    if differing:
        text = "\n".join(f"{name}: here {ours!r}, in the file {other!r}" for name, (ours, other) in differing.items())
        answer = {"verified": False, "differing": sorted(differing)}
        return _verdict(session, answer, f"{file} differs from what this record gives.\n{text}", Exit.REFUSED)
    named = f", named by closing {closed[0]}" if closed else ""
    answer = {"verified": True, "sha256": given.sha256, "closings": closed}
    return _verdict(session, answer, f"Recomputed, the same to the last byte: {given.sha256}{named}.", Exit.OK)


@command.command(
    "close",
    examples="""
    karnet settlement close                         everything sealed until now
    karnet settlement close --until 2027-02-01      January: later arrivals are corrections in February
    """,
)
@_SEASON
@_CUT
@_UNTIL
@click.option("--key", metavar="KEY", help="Repeat safely: the same key closes once.")
@click.pass_obj
def close(session: Session, season: str | None, cut: int | None, until: str | None, key: str | None) -> Exit:
    """Close a period: record what this cut adds to the closings before it. Periods add up to the season."""
    with session.database():
        from karnet.kernel.outcomes import Refused
        from karnet.parties.selectors import home_server
        from karnet.settlement.services import Close
        from karnet.settlement.services import close as close_periods
        from karnet.wiring.clock import now

        row = _agreement(season)
        if isinstance(row, Refused):
            return _refusal(session, row)
        _tell_unsealed(session, cut)
        chosen = _cut(cut)
        request = Close(
            key=key or f"settlement close {uuid4()}",
            at=now(),
            actor=home_server(),
            agreement=row.id,
            cut=chosen.sizes if chosen else None,
            until=_instant(until, row.text.time_zone, "--until"),
        )
        (answer,) = close_periods([request])
        if isinstance(answer, Refused):
            return _refusal(session, answer)
        _show(session, answer, _period_sheets(row, answer.sequence))
    return Exit.OK


@command.command(
    "list",
    examples="""
    karnet settlement list
    karnet settlement list --season 2026/27 --json
    """,
)
@_SEASON
@click.pass_obj
def list_(session: Session, season: str | None) -> Exit:
    """List the closed periods of a season."""
    with session.database():
        from karnet.kernel.outcomes import Refused
        from karnet.settlement.rendering import closings_sheet
        from karnet.settlement.selectors import closings

        row = _agreement(season)
        if isinstance(row, Refused):
            return _refusal(session, row)
        found = closings(row.id)
        _show(session, found, [closings_sheet(row.text.season, found, row.text.time_zone)])
    return Exit.OK


@command.command(
    "show",
    examples="""
    karnet settlement show 2            the second closed period, as it was recorded
    """,
)
@_SEASON
@click.argument("period", type=click.IntRange(min=1))
@click.pass_obj
def show(session: Session, season: str | None, period: int) -> Exit:
    """Show a closed PERIOD (its number in `list`): the amounts recorded then, nothing recomputed."""
    with session.database():
        from karnet.kernel.outcomes import Refused
        from karnet.settlement.selectors import closed_report

        row = _agreement(season)
        if isinstance(row, Refused):
            return _refusal(session, row)
        found = closed_report(row, period)
        if found is None:
            raise click.BadParameter(f"no period {period} is closed; see `karnet settlement list`", param_hint="PERIOD")
        _show(session, found, _period_sheets(row, period))
    return Exit.OK


@command.command(
    "explain",
    examples="""
    karnet settlement explain --ticket 1001      every passage, weight and share of the tickets on card 1001
    """,
)
@click.option("--ticket", required=True, metavar="NUMBER", help="The number printed on the card, or a ticket's id.")
@_CUT
@click.pass_obj
def explain(session: Session, ticket: str, cut: int | None) -> Exit:
    """Trace a card's tickets: passages, weights, and who gets how much of the price."""
    with session.database():
        from karnet.kernel.outcomes import Refused
        from karnet.settlement.explaining import explain as explained
        from karnet.settlement.rendering import explanation_sheets
        from karnet.wiring.clock import now

        found = explained(ticket, at=now(), cut=_cut(cut))
        if isinstance(found, Refused):
            return _refusal(session, found)
        _show(session, found, explanation_sheets(found))
    return Exit.OK


@command.group(
    "agreement",
    examples="""
    karnet settlement agreement publish winter.json
    karnet settlement agreement show
    """,
)
def agreement() -> None:
    """Agreements: settlement prices, points and weights that no facility can change alone."""


@agreement.command(
    "publish",
    examples="""
    karnet settlement agreement publish winter.json
    karnet settlement agreement show --json | jq '.season = "2027/28"' | karnet settlement agreement publish -
    """,
)
@click.argument("file", type=click.File("rb"))
@click.pass_obj
def publish(session: Session, file: Any) -> Exit:
    """Put the agreement in FILE (JSON; - for standard input) into force. An agreement cannot be changed afterwards."""
    try:
        text = file.read().decode()
    except UnicodeDecodeError:
        raise click.BadParameter("the file is no UTF-8 text", param_hint="FILE") from None
    with session.database():
        from karnet.kernel.outcomes import Refused
        from karnet.parties.selectors import home_server
        from karnet.settlement.services import PublishAgreement, publish_agreements
        from karnet.wiring.clock import now

        key = f"agreement {uuid4()}"
        (answer,) = publish_agreements([PublishAgreement(key=key, at=now(), actor=home_server(), text=text)])
    if isinstance(answer, Refused):
        return _refusal(session, answer)
    session.answer(
        answer,
        f"In force from {answer.valid_from:%Y-%m-%d %H:%M} to {answer.valid_until:%Y-%m-%d %H:%M} UTC.\n"
        f"Its text has the SHA-256 {answer.sha256}.",
    )
    return Exit.OK


@agreement.command(
    "show",
    examples="""
    karnet settlement agreement show
    karnet settlement agreement show --json > winter.json
    """,
)
@_SEASON
@click.pass_obj
def show_agreement(session: Session, season: str | None) -> Exit:
    """Show an agreement: prices, points and weights. With --json, as a file that can be published again."""
    with session.database():
        from karnet.kernel.outcomes import Refused
        from karnet.settlement.rendering import agreement_sheets
        from karnet.settlement.selectors import agreement_draft

        row = _agreement(season)
        if isinstance(row, Refused):
            return _refusal(session, row)
        draft = agreement_draft(row)
        _show(session, draft, agreement_sheets(draft, row.sha256))
    return Exit.OK


def _agreement(season: str | None) -> AgreementRow | Refused:
    from karnet.kernel.outcomes import refused
    from karnet.kernel.reasons import Reason
    from karnet.settlement.selectors import agreement_of
    from karnet.wiring.clock import now

    return agreement_of(season, now()) or refused(Reason.NO_AGREEMENT, **({"season": season} if season else {}))


def _cut(size: int | None) -> Cut | None:
    """Return the cut at a size of this server's own log; the logs of others are taken as far as they are held."""
    from karnet.journal.cuts import home_cut

    return None if size is None else home_cut(size)


def _instant(text: str | None, zone: str, option: str) -> datetime | None:
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


def _tell_unsealed(session: Session, cut: int | None) -> None:
    from karnet.journal.selectors import progress

    if cut is None and (unsealed := progress().unsealed):
        session.say(f"{unsealed} operations are not sealed yet and do not count: `karnet serve` seals them")


def _period_sheets(row: AgreementRow, sequence: int) -> list[Sheet]:
    from karnet.settlement.rendering import report_sheets
    from karnet.settlement.selectors import closed_report

    report = closed_report(row, sequence)
    assert report is not None
    return report_sheets(report, row.text.time_zone)


def _show(session: Session, value: object, sheets: list[Sheet]) -> None:
    from karnet.settlement.rendering import as_text

    session.answer(value, _coloured(sheets) if sys.stdout.isatty() and not session.json else as_text(sheets))


def _coloured(sheets: list[Sheet]) -> str:
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


def _verdict(session: Session, value: object, text: str, code: Exit) -> Exit:
    session.answer(value, text)
    return code


def _refusal(session: Session, refused: Refused) -> Exit:
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
