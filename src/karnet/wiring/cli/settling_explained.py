"""`karnet settlement explain`: from a card to who gets how much of it, and from a figure to the facts that add up to it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import Session, karnet_command
from karnet.wiring.cli.settling import (
    CUT,
    SEASON,
    UNTIL,
    agreement_asked,
    cut_at,
    instant_of,
    show_sheets,
    tell_refusal,
    tell_unsealed,
)

if TYPE_CHECKING:
    from karnet.settlement.drilling import Fact, Stand
    from karnet.settlement.selectors import AgreementRow


@karnet_command(
    name="explain",
    examples="""
    karnet settlement explain --ticket 1001                      every passage, weight and share of the tickets on card 1001
    karnet settlement explain --facility A --figure time         every ticket that A gets something of by passages
    karnet settlement explain --facility A --figure balance --period 2      what came to A's balance in a closed period
    """,
)
@click.option("--ticket", metavar="NUMBER", help="The number printed on the card, or a ticket's id.")
@click.option("--facility", metavar="CODE", help="Whose figure to explain.")
@click.option("--figure", metavar="NAME", help="Which: balance, earned, collected, time, points, deposits, passages, …")
@click.option("--period", type=click.IntRange(min=1), metavar="N", help="Of a closed period (its number in `list`).")
@SEASON
@CUT
@click.option("--since", metavar="WHEN", help="Leave out what happened before (as --until).")
@UNTIL
@click.pass_obj
def explain(
    session: Session,
    ticket: str | None,
    facility: str | None,
    figure: str | None,
    period: int | None,
    season: str | None,
    cut: int | None,
    since: str | None,
    until: str | None,
) -> Exit:
    """Trace a card's tickets to passages and shares, or a facility's figure to the facts that add up to it.

    The facts of a figure are told one a line as they are found, then their sum, which is the figure.
    """
    if (ticket is None) == (facility is None):
        raise click.UsageError("name --ticket, or --facility and --figure")
    with session.database():
        from karnet.kernel.outcomes import Refused
        from karnet.settlement.explaining import explain as explained
        from karnet.settlement.rendering import explanation_sheets
        from karnet.wiring.clock import now

        if ticket is None:
            row = agreement_asked(season)
            if isinstance(row, Refused):
                return tell_refusal(session, row)
            tell_unsealed(session, cut)
            if period is not None:
                stands = _period(row, period)
            else:
                last, first = (
                    instant_of(text, row.text.time_zone, o) for text, o in ((until, "--until"), (since, "--since"))
                )
                stands = _stands(cut, last, first)
            return _figure(session, row, facility or "", figure or "", *stands)
        found = explained(ticket, at=now(), cut=cut_at(cut))
        if isinstance(found, Refused):
            return tell_refusal(session, found)
        show_sheets(session, found, explanation_sheets(found))
    return Exit.OK


def _stands(cut: int | None, until: datetime | None, since: datetime | None) -> tuple[Stand, Stand | None]:
    from karnet.journal.cuts import latest_cut
    from karnet.settlement.drilling import Stand

    chosen = cut_at(cut) or latest_cut()
    return Stand(chosen, until, until), Stand(chosen, since, since) if since else None


def _period(row: AgreementRow, period: int) -> tuple[Stand, Stand | None]:
    from karnet.settlement.drilling import stands_of
    from karnet.settlement.selectors import closings

    found = stands_of(closings(row.id), period)
    if found is None:
        raise click.BadParameter(f"no period {period} is closed; see `karnet settlement list`", param_hint="--period")
    return found


def _figure(session: Session, row: AgreementRow, code: str, figure: str, stand: Stand, before: Stand | None) -> Exit:
    from karnet.kernel.outcomes import Refused
    from karnet.parties.selectors import all_facilities
    from karnet.settlement.drilling import FIGURES, facts_behind

    if figure not in FIGURES:
        raise click.BadParameter(f"is one of {', '.join(FIGURES)}", param_hint="--figure")
    place = next((one for one in all_facilities() if one.code == code), None)
    if place is None:
        raise click.BadParameter(f"no facility has the code {code!r}", param_hint="--facility")
    found = facts_behind(place.id, figure, agreement=row.id, stand=stand, before=before)
    if isinstance(found, Refused):
        return tell_refusal(session, found)
    total = count = 0
    for fact in found:
        session.line(fact, _line(fact, figure, row))
        total, count = total + fact.amount, count + 1
    session.line({"sum": total, "facts": count}, f"{count} facts, together {_amount(total, figure, row)}")
    return Exit.OK


def _line(fact: Fact, figure: str, row: AgreementRow) -> str:
    from karnet.kernel.time import zone

    when = f"{fact.at.astimezone(zone(row.text.time_zone)):%Y-%m-%d %H:%M}" if fact.at else " " * 16
    where = f"{fact.frm} → {fact.to}" if fact.to else fact.frm
    which = str(fact.ticket) if fact.ticket else fact.number
    return f"{when}  {fact.kind:<8} {_amount(fact.amount, figure, row):>12}  {where:<9} {fact.what} {which}".rstrip()


def _amount(amount: int, figure: str, row: AgreementRow) -> str:
    from karnet.kernel.decimals import money
    from karnet.settlement.rules.totals import COUNTS

    return str(amount) if figure in {kind.value for kind in COUNTS} else money(amount, row.text.currency)
