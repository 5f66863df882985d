"""`karnet tariffs …`: what metered stays would bring in under another tariff, before it is published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import Session, karnet_group
from karnet.wiring.cli.settling import instant_of, show_sheets

if TYPE_CHECKING:
    from karnet.settlement.rendering import Sheet
    from karnet.stays.repricing import Repricing
    from karnet.tariffs.comparing import Sums
    from karnet.tariffs.model import Tariff

GROUPS = ("days", "hours", "categories", "zones")


@karnet_group(
    examples="""
    karnet tariffs reprice POOL --from 2026-01-01 --to 2026-02-01 --tariff dearer.json
    """
)
def command() -> None:
    """What metered stays would bring in under another tariff."""


@command.command(
    "reprice",
    examples="""
    karnet tariffs reprice POOL --from 2026-01-01 --to 2026-02-01 --tariff dearer.json   a file
    karnet tariffs reprice POOL --from 2026-01-01 --to 2026-02-01 --tariff "Winter"      a draft, by title or id
    karnet tariffs reprice POOL --from 2026-01-01 --to 2026-02-01 --tariff dearer.json --by hours --by zones
    """,
)
@click.argument("facility", metavar="FACILITY")
@click.option("--from", "since", required=True, metavar="WHEN", help="Stays that began since: a day, or an instant.")
@click.option(
    "--to", "until", required=True, metavar="WHEN", help="Stays that began before: a day (its start), or an instant."
)
@click.option(
    "--tariff", "name", required=True, metavar="FILE|DRAFT", help="A tariff as JSON, or a saved draft of one."
)
@click.option("--of", metavar="CODE", help="Stays of this tariff only (default: of the one with the same code).")
@click.option("--by", multiple=True, type=click.Choice(GROUPS), help="Show these groups only (default: all).")
@click.option(
    "--file", "target", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write it for people: .html, .pdf, .xlsx or .csv.",
)  # fmt: skip
@click.pass_obj
def reprice(
    session: Session,
    facility: str,
    since: str,
    until: str,
    name: str,
    of: str | None,
    by: tuple[str, ...],
    target: Path | None,
) -> Exit:
    """Compare what the stays of a period brought in at FACILITY with what they would under another tariff.

    Nothing is recorded. The stays are read in chunks, each by short statements, so gates do not wait for it; memory
    stays below some 200 MB however long the period.
    """
    with session.database():
        from karnet.parties.selectors import all_facilities
        from karnet.stays.repricing import reprice_period
        from karnet.tariffs.stays import BadStay

        place = next((one for one in all_facilities() if one.code == facility), None)
        if place is None:
            raise click.BadParameter(f"no facility has the code {facility!r}", param_hint="FACILITY")
        tariff = _tariff(name, place.id)
        first, last = (
            instant_of(text, place.time_zone, option) for text, option in ((since, "--from"), (until, "--to"))
        )
        assert first is not None, "the option is required"
        assert last is not None, "the option is required"
        if last <= first:
            raise click.BadParameter("must be after --from", param_hint="--to")
        if of is not None and of not in _codes(place.id):
            raise click.BadParameter(f"the facility has published no tariff {of!r}", param_hint="--of")
        try:
            found = reprice_period(place.id, tariff, first, last, of=of)
        except BadStay as error:
            raise click.BadParameter(str(error), param_hint="--tariff") from None
        if target is not None:
            _write(found, tariff.code, target)
        show_sheets(session, found, sheets(found, by or GROUPS))
    return Exit.OK


def _codes(facility: UUID) -> set[str]:
    from karnet.catalogue.tariffs import tariffs_of

    return {version.code for version in tariffs_of(facility)}


def _tariff(name: str, facility: UUID) -> Tariff:
    """Return the tariff in a file, or of the facility's draft with this title or id."""
    from karnet.catalogue.tariffs import tariff_drafts
    from karnet.tariffs.checking import problems
    from karnet.tariffs.model import UnreadableTariff, from_json

    path = Path(name)
    if path.is_file():
        text = path.read_text(encoding="utf-8")
    else:
        drafts = [one for one in tariff_drafts(facility) if name in (str(one.id), one.title)]
        if not drafts:
            raise click.BadParameter(f"there is no file and no draft {name!r}", param_hint="--tariff")
        text = drafts[0].document
    try:
        tariff = from_json(text)
    except UnreadableTariff as error:
        raise click.BadParameter(str(error), param_hint="--tariff") from None
    if wrong := problems(tariff):
        raise click.BadParameter("; ".join(f"{where}: {what}" for where, what in wrong.items()), param_hint="--tariff")
    return tariff


def _write(found: Repricing, code: str, target: Path) -> None:
    """Write a comparison as the back office exports it."""
    from karnet.faces.backoffice.exporting import FORMATS, written
    from karnet.faces.backoffice.repricing import document

    form = target.suffix.removeprefix(".").lower()
    if form not in FORMATS:
        raise click.BadParameter(f"its name must end in one of {', '.join(FORMATS)}", param_hint="--file")
    target.write_bytes(written(document(found, code), form))


def sheets(found: Repricing, groups: tuple[str, ...]) -> list[Sheet]:
    """Return a comparison as tables."""
    from karnet.kernel.decimals import money
    from karnet.settlement.rendering import Sheet

    titles = ("stays", "before", "after", "change", "pay more", "pay less")

    def row(one: Sums, name: str) -> tuple[str, ...]:
        amounts = (money(amount, found.currency) for amount in (one.before, one.after, one.change))
        return (name, str(one.stays), *amounts, str(one.more), str(one.less))

    made = []
    for group in groups:
        rows = [row(one, one.name or "none") for one in getattr(found.compared, group)]
        made.append(
            Sheet(
                f"By {group}, {found.currency}", (group, *titles), (*rows, row(found.compared.whole, "all")),
                frozenset({group}), total=True,
            )
        )  # fmt: skip
    if found.left_out:
        rows = [(what, str(count)) for what, count in found.left_out.items()]
        made.append(Sheet("Left out: the tariff does not know", ("what", "stays"), tuple(rows), frozenset({"what"})))
    return made
