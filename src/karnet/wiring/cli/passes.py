"""`karnet passes …`: what passes a facility sells, whom to remind, what benefit cards owe (docs/passes.md)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click
import msgspec

from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import Session, karnet_group
from karnet.wiring.cli.settling import tell_refusal

if TYPE_CHECKING:
    from karnet.parties.selectors import EnrolledFacility


@karnet_group(
    examples="""
    karnet passes offer POOL passes.json
    karnet passes due POOL --days 14
    karnet passes benefits POOL FIT --month 2026-01 --file fit-2026-01.pdf
    """
)
def command() -> None:
    """Electronic passes and benefit cards: what is sold, whom to remind, what issuers owe."""


@command.command(
    "offer",
    examples="""
    karnet passes offer POOL passes.json
    """,
)
@click.argument("facility")
@click.argument("file", type=click.File("rb"))
@click.pass_obj
def offer(session: Session, facility: str, file: Any) -> Exit:
    """Sell the kinds of passes in FILE (JSON: a list, see docs/passes.md) at FACILITY from now on."""
    with session.database():
        from karnet.kernel.outcomes import Refused
        from karnet.parties.selectors import home_server
        from karnet.passes.kinds import PassKind
        from karnet.passes.services import OfferPasses
        from karnet.passes.services import offer as publish
        from karnet.wiring.clock import now

        kinds = _decoded(file, tuple[PassKind, ...])
        asked = OfferPasses(
            key=f"passes {uuid4()}", at=now(), actor=home_server(), facility=_facility(facility).id, kinds=kinds
        )
        (answer,) = publish([asked])
    if isinstance(answer, Refused):
        return tell_refusal(session, answer)
    session.answer(answer, "\n".join(answer.codes))
    return Exit.OK


@command.command(
    "take",
    examples="""
    karnet passes take POOL benefit-cards.json
    """,
)
@click.argument("facility")
@click.argument("file", type=click.File("rb"))
@click.pass_obj
def take(session: Session, facility: str, file: Any) -> Exit:
    """Take the benefit cards in FILE (JSON: a list of code, package, vat_bp) at FACILITY from now on."""
    with session.database():
        from karnet.kernel.outcomes import Refused
        from karnet.parties.selectors import home_server
        from karnet.passes.kinds import Programme
        from karnet.passes.services import SetProgrammes, set_programmes
        from karnet.wiring.clock import now

        asked = SetProgrammes(
            key=f"programmes {uuid4()}", at=now(), actor=home_server(), facility=_facility(facility).id,
            programmes=_decoded(file, tuple[Programme, ...]),
        )  # fmt: skip
        (answer,) = set_programmes([asked])
    if isinstance(answer, Refused):
        return tell_refusal(session, answer)
    session.answer(answer, "\n".join(answer.codes))
    return Exit.OK


@command.command(
    "due",
    examples="""
    karnet passes due POOL --days 14
    """,
)
@click.argument("facility")
@click.option("--days", type=click.IntRange(0, 366), default=7, show_default=True, help="Due within so many days.")
@click.pass_obj
def due(session: Session, facility: str, days: int) -> Exit:
    """List the instalments to be paid at FACILITY, the earliest first: whom to remind."""
    with session.database():
        from karnet.kernel.decimals import money
        from karnet.kernel.time import local_day
        from karnet.passes.selectors import due_instalments, passes
        from karnet.wiring.clock import now

        place, at = _facility(facility), now()
        today = local_day(at, place.time_zone)
        found = due_instalments(place.id, today + timedelta(days=days))
        seen = passes({one.of for one in found}, at)
        lines = [
            f"{one.due_on}  {money(one.amount, place.currency)} {place.currency}  {one.kind}  {seen[one.of].number}"
            + (f"  {(today - one.due_on).days} days late" if one.due_on < today else "")
            for one in found
        ]
        session.answer(found, "\n".join(lines) or "Nothing is due.")
    return Exit.OK


@command.command(
    "benefits",
    examples="""
    karnet passes benefits POOL FIT --month 2026-01
    karnet passes benefits POOL FIT --month 2026-01 --file fit-2026-01.csv
    karnet passes benefits POOL FIT --month 2026-01 --file fit-2026-01.pdf
    """,
)
@click.argument("facility")
@click.argument("programme")
@click.option("--month", type=click.DateTime(["%Y-%m"]), required=True, help="Which month, such as 2026-01.")
@click.option(
    "--file", "target", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write the list: .csv, .pdf, .xlsx or .html.",
)  # fmt: skip
@click.pass_obj
def benefits(session: Session, facility: str, programme: str, month: Any, target: Path | None) -> Exit:
    """List the entries of a month on cards of PROGRAMME at FACILITY: what its issuer owes."""
    first = month.date()
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    with session.database():
        from karnet.faces.backoffice.benefits import document
        from karnet.faces.backoffice.exporting import FORMATS, written
        from karnet.kernel.decimals import money
        from karnet.passes.benefits import entries

        place = _facility(facility)
        listed = entries(place.id, programme, first, last)
        if target is not None:
            form = target.suffix.removeprefix(".")
            if form not in FORMATS:
                raise click.BadParameter(f"ends in one of {', '.join(FORMATS)}", param_hint="--file")
            target.write_bytes(written(document(place, programme, first, last, listed), form))
        total = sum(one.amount for one in listed)
        session.answer(listed, f"{len(listed)} entries, {money(total, place.currency)} {place.currency}")
    return Exit.OK


def _facility(code: str) -> EnrolledFacility:
    from karnet.parties.selectors import all_facilities

    found = next((one for one in all_facilities() if one.code == code), None)
    if found is None:
        raise click.BadParameter(f"no facility has the code {code!r}", param_hint="FACILITY")
    return found


def _decoded(file: Any, kind: Any) -> Any:
    try:
        return msgspec.json.decode(file.read(), type=kind)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise click.BadParameter(str(error), param_hint="FILE") from None
