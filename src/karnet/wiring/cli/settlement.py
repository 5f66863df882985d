"""`karnet settlement …`: agreements, settlements anybody can recompute, closings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import click

from karnet.wiring.cli import settling_agreements, settling_explained, settling_more
from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import Session, karnet_group
from karnet.wiring.cli.settling import (
    CUT,
    SEASON,
    UNTIL,
    agreement_asked,
    cut_at,
    instant_of,
    period_sheets,
    show_sheets,
    tell_refusal,
    tell_unsealed,
    verdict,
)

if TYPE_CHECKING:
    from karnet.settlement.rules.report import Report


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
    karnet settlement report --file january.html --language pl     with a picture of the flows; also .pdf, .xlsx, .csv
    """,
)
@SEASON
@CUT
@click.option("--since", metavar="WHEN", help="Leave out what happened before (as --until).")
@UNTIL
@click.option(
    "--file", "target", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write it for people: .html, .pdf, .xlsx or .csv.",
)  # fmt: skip
@click.option("--language", type=click.Choice(["en", "pl"]), default="en", show_default=True, help="Of that file.")
@click.pass_obj
def report(
    session: Session,
    season: str | None,
    cut: int | None,
    since: str | None,
    until: str | None,
    target: Path | None,
    language: str,
) -> Exit:
    """Settle: what each facility earned, who owes whom, and the payments that even it out. Changes nothing."""
    with session.database():
        from karnet.kernel.outcomes import Refused
        from karnet.settlement.rendering import report_sheets
        from karnet.settlement.rules.report import report_file
        from karnet.settlement.services import settle
        from karnet.wiring.clock import now

        row = agreement_asked(season)
        if isinstance(row, Refused):
            return tell_refusal(session, row)
        tell_unsealed(session, cut)
        zone = row.text.time_zone
        found = settle(
            cut_at(cut),
            at=now(),
            agreement=row.id,
            since=instant_of(since, zone, "--since"),
            until=instant_of(until, zone, "--until"),
        )
        if isinstance(found, Refused):
            return tell_refusal(session, found)
        if target is not None:
            _write(found, zone, target, language)
        show_sheets(session, report_file(found), report_sheets(found, zone))
    return Exit.OK


def _write(found: Report, zone: str, target: Path, language: str) -> None:
    """Write a report as the back office exports it."""
    from django.utils import translation

    from karnet.faces.backoffice.exporting import FORMATS, written
    from karnet.faces.backoffice.frame import facilities
    from karnet.faces.backoffice.reports import report_document

    form = target.suffix.removeprefix(".").lower()
    if form not in FORMATS:
        raise click.BadParameter(f"its name must end in one of {', '.join(FORMATS)}", param_hint="--file")
    with translation.override(language):
        titles = {place.code: place.title for place in facilities()}
        target.write_bytes(written(report_document(found, titles, zone), form))


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
        return verdict(session, {"verified": False, "fault": str(fault)}, f"{file}: {fault}.", Exit.REFUSED)
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
            return tell_refusal(session, mine)
        closed = [row.sequence for row in closings(theirs.agreement) if row.report_sha256 == given.sha256]
    differing = differing_fields(mine, theirs)
    if differing:
        text = "\n".join(f"{name}: here {ours!r}, in the file {other!r}" for name, (ours, other) in differing.items())
        answer = {"verified": False, "differing": sorted(differing)}
        return verdict(session, answer, f"{file} differs from what this record gives.\n{text}", Exit.REFUSED)
    named = f", named by closing {closed[0]}" if closed else ""
    answer = {"verified": True, "sha256": given.sha256, "closings": closed}
    return verdict(session, answer, f"Recomputed, the same to the last byte: {given.sha256}{named}.", Exit.OK)


@command.command(
    "close",
    examples="""
    karnet settlement close                         everything sealed until now
    karnet settlement close --until 2027-02-01      January: later arrivals are corrections in February
    """,
)
@SEASON
@CUT
@UNTIL
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

        row = agreement_asked(season)
        if isinstance(row, Refused):
            return tell_refusal(session, row)
        tell_unsealed(session, cut)
        chosen = cut_at(cut)
        request = Close(
            key=key or f"settlement close {uuid4()}",
            at=now(),
            actor=home_server(),
            agreement=row.id,
            cut=chosen.sizes if chosen else None,
            until=instant_of(until, row.text.time_zone, "--until"),
        )
        (answer,) = close_periods([request])
        if isinstance(answer, Refused):
            return tell_refusal(session, answer)
        show_sheets(session, answer, period_sheets(row, answer.sequence))
    return Exit.OK


@command.command(
    "list",
    examples="""
    karnet settlement list
    karnet settlement list --season 2026/27 --json
    """,
)
@SEASON
@click.pass_obj
def list_(session: Session, season: str | None) -> Exit:
    """List the closed periods of a season."""
    with session.database():
        from karnet.kernel.outcomes import Refused
        from karnet.settlement.rendering import closings_sheet
        from karnet.settlement.selectors import closings

        row = agreement_asked(season)
        if isinstance(row, Refused):
            return tell_refusal(session, row)
        found = closings(row.id)
        show_sheets(session, found, [closings_sheet(row.text.season, found, row.text.time_zone)])
    return Exit.OK


@command.command(
    "show",
    examples="""
    karnet settlement show 2            the second closed period, as it was recorded
    """,
)
@SEASON
@click.argument("period", type=click.IntRange(min=1))
@click.pass_obj
def show(session: Session, season: str | None, period: int) -> Exit:
    """Show a closed PERIOD (its number in `list`): the amounts recorded then, nothing recomputed."""
    with session.database():
        from karnet.kernel.outcomes import Refused
        from karnet.settlement.selectors import closed_report

        row = agreement_asked(season)
        if isinstance(row, Refused):
            return tell_refusal(session, row)
        found = closed_report(row, period)
        if found is None:
            raise click.BadParameter(f"no period {period} is closed; see `karnet settlement list`", param_hint="PERIOD")
        show_sheets(session, found, period_sheets(row, period))
    return Exit.OK


command.add_command(settling_explained.explain)
command.add_command(settling_agreements.agreement)
command.add_command(settling_more.statement)
command.add_command(settling_more.what_if)
