"""`karnet rebuild`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click
import msgspec

from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import Session, karnet_command
from karnet.wiring.cli.progress import counting
from karnet.wiring.postgres import Role

if TYPE_CHECKING:
    from karnet.journal.rebuilding import Rebuild


@karnet_command(
    examples="""
    karnet rebuild --check              compare every row with what the journal makes of it
    karnet rebuild --check --json
    karnet rebuild                      make the tables what the journal says (stop the server first)
    """
)
@click.option("--check", is_flag=True, help="Compare only; change nothing. The server may run meanwhile.")
@click.option("--yes", is_flag=True, help="Do not ask before changing anything.")
@click.pass_obj
def command(session: Session, check: bool, yes: bool) -> Exit:
    """Replay the journal into empty tables and compare every row, or replace what differs.

    Ends with 4 if a row was not what the journal says, also when it has been put right.
    """
    with session.database(Role.APP if check else Role.OWNER):
        from karnet.journal import rebuilding  # Needs Django.

        if not check and not yes:
            click.confirm("Rows that differ from the journal are replaced. Go on?", abort=True, err=True)
        began = time.monotonic()
        work: Callable[..., Rebuild] = rebuilding.check if check else rebuilding.repair
        with counting(session, "operations") as progress:
            found = work(progress)
        session.answer(
            {"sound": found.sound, **msgspec.structs.asdict(found)}, _told(found, time.monotonic() - began, check)
        )
    return Exit.OK if found.sound else Exit.TAMPERED


def _told(found: Rebuild, seconds: float, check: bool) -> str:
    rows = sum(table.rows for table in found.tables)
    lines = [f"{found.operations:,} operations replayed, {rows:,} rows in {len(found.tables)} tables, {seconds:.1f} s"]
    if found.without_content:
        lines.append(f"{found.without_content:,} operations passed over: their contents are not here (docs/trust.md)")
    if found.stopped is not None:
        at = found.stopped
        lines.append(f"✗ stopped at operation {at.number} ({at.id}): {at.detail}")
        lines.append("→ the journal is not what was recorded; `karnet journal verify` says where")
    for table in found.tables:
        if table.different:
            lines.append(
                f"✗ {table.table}: {table.different:,} of {table.rows:,} rows {'differ' if check else 'replaced'}"
            )
    for d in found.differences:
        if d.column is None:
            lines.append(f"  {d.table} {d.key}: " + ("is too many" if d.expected is None else "is missing"))
        else:
            lines.append(f"  {d.table} {d.key}: {d.column} is {d.found}, the journal says {d.expected}")
    lines.append("✓ every row is what the journal says" if found.sound else "")
    return "\n".join(lines).rstrip()
