"""`karnet settlement statement` and `what-if`: what a pair invoices, and what other rules would have made of a season."""

from __future__ import annotations

from typing import Any

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
)

_DIVISIONS = ("weighted_passages", "equal_visited", "first_entries", "points_frequency")
_UNUSED = ("seller", "equal_members", "weights_of_members")


@karnet_command(
    name="statement",
    examples="""
    karnet settlement statement A B               the season so far
    karnet settlement statement A B --period 2    a closed period
    """,
)
@SEASON
@click.option("--period", type=click.IntRange(min=1), metavar="N", help="A closed period (default: the season so far).")
@click.argument("one")
@click.argument("other")
@click.pass_obj
def statement(session: Session, season: str | None, period: int | None, one: str, other: str) -> Exit:
    """Show what facilities ONE and OTHER (codes) owe each other, by VAT rate: the data of their invoices."""
    with session.database():
        from karnet.kernel.outcomes import Refused
        from karnet.settlement.rendering_terms import statement_sheets
        from karnet.settlement.rules.statements import statement as made
        from karnet.settlement.selectors import closed_report
        from karnet.settlement.services import settle
        from karnet.wiring.clock import now

        row = agreement_asked(season)
        if isinstance(row, Refused):
            return tell_refusal(session, row)
        report = settle(at=now(), agreement=row.id) if period is None else closed_report(row, period)
        if report is None:
            raise click.BadParameter(f"no period {period} is closed", param_hint="--period")
        if isinstance(report, Refused):
            return tell_refusal(session, report)
        found = made(report, one, other)
        show_sheets(session, found, statement_sheets(found))
    return Exit.OK


@karnet_command(
    name="what-if",
    examples="""
    karnet settlement what-if                                         every rule of division, over the season so far
    karnet settlement what-if --division equal_visited --floor 10     with ten percent for all members alike
    karnet settlement what-if --text next-winter.json --season 2026/27
    """,
)
@SEASON
@CUT
@UNTIL
@click.option(
    "--division", "divisions", multiple=True, type=click.Choice(_DIVISIONS), help="A rule to try; several may."
)
@click.option("--unused", type=click.Choice(_UNUSED), help="With this rule for what nobody used.")
@click.option("--floor", type=click.IntRange(0, 100), metavar="PERCENT", help="With this solidarity floor.")
@click.option("--text", "file", type=click.File("rb"), help="An agreement to try as a whole, weights and prices too.")
@click.pass_obj
def what_if(
    session: Session,
    season: str | None,
    cut: int | None,
    until: str | None,
    divisions: tuple[str, ...],
    unused: str | None,
    floor: int | None,
    file: Any,
) -> Exit:
    """Divide a season by other rules, side by side: who would win, who would lose. Changes nothing."""
    with session.database():
        import msgspec

        from karnet.kernel.outcomes import Refused
        from karnet.settlement.rendering_terms import what_if_sheets
        from karnet.settlement.rules.drafts import resolve
        from karnet.settlement.selectors import publication_facts
        from karnet.settlement.trying import Alternative
        from karnet.settlement.trying import what_if as tried
        from karnet.wiring.clock import now

        row = agreement_asked(season)
        if isinstance(row, Refused):
            return tell_refusal(session, row)
        text = None
        if file is not None:
            facts = msgspec.structs.replace(publication_facts(), agreements=[])
            text = resolve(file.read().decode("utf-8", "replace"), facts)
            if isinstance(text, Refused):
                return tell_refusal(session, text)
        rules = divisions or (_DIVISIONS if file is None and unused is None and floor is None else (None,))
        changes = {"unused": unused, "floor_bp": None if floor is None else floor * 100}
        marks = [word for word in (unused, f"floor {floor} %" if floor else "", "the text" if text else "") if word]
        alternatives = [
            msgspec.convert(
                {"name": ", ".join([*([rule] if rule else []), *marks]), "division": rule, **changes}, Alternative
            )
            for rule in rules
        ]
        alternatives = [msgspec.structs.replace(one, text=text) for one in alternatives]
        found = tried(
            alternatives,
            cut_at(cut),
            at=now(),
            agreement=row.id,
            until=instant_of(until, row.text.time_zone, "--until"),
        )
        if isinstance(found, Refused):
            return tell_refusal(session, found)
        show_sheets(session, found, what_if_sheets(found))
    return Exit.OK
