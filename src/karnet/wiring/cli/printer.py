"""`karnet printer …`: printers of sales points, and the papers that wait at them (docs/devices.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import click
import msgspec

from karnet.wiring import clock
from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import Session, karnet_group
from karnet.wiring.cli.token import tell_refusal

if TYPE_CHECKING:
    from karnet.devices.printers import KnownPrinter, Role


@karnet_group(
    examples="""
    karnet printer add fiscal-1 --facility kopa --kind posnet --address tcp://10.0.0.7:6666 --sales-point K1
    karnet printer list
    karnet printer queue fiscal-1 --facility kopa
    """
)
def command() -> None:
    """Printers of sales points: fiscal ones (POSNET) and receipt printers (ESC/POS)."""


@command.command(
    "add",
    examples="""
    karnet printer add fiscal-1 --facility kopa --kind posnet --address tcp://10.0.0.7:6666 --sales-point K1
    karnet printer add fiscal-2 --facility kopa --kind posnet --address "serial:///dev/ttyUSB0?baud=9600" --page mazovia
    karnet printer add slips --facility kopa --kind escpos --address tcp://10.0.0.8 --sales-point K1 --drawer
    """,
)
@click.argument("code")
@click.option("--facility", metavar="CODE", required=True, help="Whose printer it is.")
@click.option("--kind", type=click.Choice(["posnet", "escpos"]), required=True, help="What it speaks.")
@click.option("--address", metavar="URL", required=True, help="tcp://host:port or serial:///dev/…?baud=9600.")
@click.option(
    "--sales-point", "points", metavar="CODE", multiple=True, help="Whose papers come out there; again for more."
)
@click.option(
    "--page", type=click.Choice(["cp1250", "mazovia", "latin2"]), default="cp1250", help="A fiscal printer's code page."
)
@click.option(
    "--name-length", type=click.IntRange(20, 80), default=40, help="Characters of a name a fiscal printer takes."
)
@click.option("--columns", type=click.IntRange(20, 64), default=42, help="Characters in a line of a receipt printer.")
@click.option("--profile", default="default", help="A receipt printer's profile in python-escpos.")
@click.option("--drawer", is_flag=True, help="A cash drawer hangs on the receipt printer.")
@click.option(
    "--language", type=click.Choice(["pl", "en", "ru", "it", "de"]), default="pl", help="What its slips speak."
)
@click.pass_obj
def add(
    session: Session, /, code: str, facility: str, kind: str, address: str, points: tuple[str, ...], **settings: object
) -> Exit:
    """Write down a printer CODE; what is sold from now on at its sales points is printed there."""
    with session.database():
        from karnet.devices.printers import Settings, add_printer, assign
        from karnet.kernel.outcomes import Refused

        home = _facility(facility)
        wanted = [_sales_point(home, point) for point in points]
        made = add_printer(home, code, kind, address, clock.now(), msgspec.convert(settings, Settings))
        if isinstance(made, Refused):
            return tell_refusal(session, made)
        for point in wanted:
            assign(point, "fiscal" if kind == "posnet" else "slips", made)
    session.answer({"id": made}, f"{code} is written down. Try it: karnet printer test {code} --facility {facility}")
    return Exit.OK


@command.command(
    "assign",
    examples="""
    karnet printer assign fiscal-1 --facility kopa --sales-point K2
    karnet printer assign fiscal-1 --facility kopa --sales-point K2 --end
    """,
)
@click.argument("code")
@click.option("--facility", metavar="CODE", required=True, help="Whose printer it is.")
@click.option("--sales-point", "point", metavar="CODE", required=True, help="Whose papers come out there.")
@click.option("--end", is_flag=True, help="They come out there no more.")
@click.pass_obj
def assign_(session: Session, code: str, facility: str, point: str, end: bool) -> Exit:
    """Let the papers of a sales point come out at printer CODE from now on."""
    with session.database():
        from karnet.devices.printers import assign
        from karnet.kernel.outcomes import Refused

        printer = _printer(facility, code)
        role: Role = "fiscal" if printer.kind == "posnet" else "slips"
        refused = assign(_sales_point(printer.facility, point), role, None if end else printer.id)
        if isinstance(refused, Refused):
            return tell_refusal(session, refused)
    session.answer({"printer": printer.id, "sales_point": point}, "Done.")
    return Exit.OK


@command.command(
    "list",
    examples="""
    karnet printer list
    """,
)
@click.pass_obj
def list_(session: Session) -> None:
    """List printers: how they are, and how many papers wait."""
    with session.database():
        from karnet.devices.printers import printers
        from karnet.parties.selectors import all_facilities, sales_points

        found = printers()
        codes = {facility.id: facility.code for facility in all_facilities()}
        points = sales_points({point for one in found for point in one.sales_points})
    lines = [
        f"{codes.get(one.facility, '?')}/{one.code}  {one.kind}  {one.address}"
        f"  {', '.join(points[point].code for point in one.sales_points if point in points) or 'no sales point'}"
        f"  {'never seen' if one.looked_at is None else one.state or 'ready'}"
        f"  waiting {one.waiting}, stopped {one.stopped}"
        for one in found
    ]
    session.answer(found, "\n".join(lines) or "No printers yet. Add one with `karnet printer add`.")


@command.command(
    "test",
    examples="""
    karnet printer test fiscal-1 --facility kopa
    """,
)
@click.argument("code")
@click.option("--facility", metavar="CODE", required=True, help="Whose printer it is.")
@click.pass_obj
def test(session: Session, code: str, facility: str) -> Exit:
    """Ask printer CODE how it is; a receipt printer prints a slip, too."""
    with session.database():
        from karnet.devices import printing, queue
        from karnet.devices.posnet.talking import Patience

        printer = _printer(facility, code)
        state = printing.look(printer.id, clock.now, Patience())
        if not state and queue.print_test(printer.id, clock.now()):
            printing.work(printer.id, clock.now, Patience())
    session.answer({"printer": printer.id, "state": state}, f"{code} is {state or 'ready'}.")
    return Exit.REFUSED if state else Exit.OK


@command.command(
    "queue",
    examples="""
    karnet printer queue fiscal-1 --facility kopa
    karnet printer queue fiscal-1 --facility kopa --last
    """,
)
@click.argument("code")
@click.option("--facility", metavar="CODE", required=True, help="Whose printer it is.")
@click.option("--last", is_flag=True, help="What was printed last, too.")
@click.pass_obj
def queue_(session: Session, code: str, facility: str, last: bool) -> None:
    """List the papers that wait or stand still at printer CODE."""
    with session.database():
        from karnet.devices import queue

        printer = _printer(facility, code)
        jobs = queue.last_jobs(printer.id) if last else queue.open_jobs([printer.id])
    lines = [
        f"{job.id}  {job.kind}  {job.title}  {job.state}  {job.number}{job.error and f' ({job.error})'}" for job in jobs
    ]
    session.answer(jobs, "\n".join(lines) or "Nothing waits.")


@command.command(
    "retry",
    examples="""
    karnet printer retry 0190c8a2-7e1b-7000-8000-000000000001
    karnet printer retry 0190c8a2-7e1b-7000-8000-000000000001 --seen
    """,
)
@click.argument("job", type=click.UUID)
@click.option("--seen", is_flag=True, help="Somebody sees it on paper: it is not printed again.")
@click.option("--drop", is_flag=True, help="It is not printed at all.")
@click.pass_obj
def retry(session: Session, job: UUID, seen: bool, drop: bool) -> Exit:
    """Print a paper again that failed, or that somebody looked for and did not find on paper."""
    if seen and drop:
        raise click.UsageError("--seen and --drop exclude each other.")
    with session.database():
        from karnet.devices import queue

        at = clock.now()
        done = queue.settle(job, "printed" if seen else "dropped", at) if seen or drop else queue.retry(job)
    if not done:
        raise click.UsageError(f"{job} does not stand still. See `karnet printer queue`.")
    session.answer({"id": job}, "Done." if seen or drop else "It will be printed.")
    return Exit.OK


@command.command(
    "report",
    examples="""
    karnet printer report fiscal-1 --facility kopa
    """,
)
@click.argument("code")
@click.option("--facility", metavar="CODE", required=True, help="Whose printer it is.")
@click.pass_obj
def report(session: Session, code: str, facility: str) -> Exit:
    """Queue the daily report of fiscal printer CODE, behind what waits already. Once a day from a timer, for example."""
    with session.database():
        from karnet.devices import queue

        at = clock.now()
        queued = queue.print_report(_printer(facility, code).id, at, at.isoformat())
    if not queued:
        raise click.UsageError(f"{code} is no fiscal printer.")
    session.answer({"queued": code}, "The daily report will be printed.")
    return Exit.OK


@command.command(
    "remove",
    examples="""
    karnet printer remove fiscal-1 --facility kopa
    """,
)
@click.argument("code")
@click.option("--facility", metavar="CODE", required=True, help="Whose printer it is.")
@click.pass_obj
def remove(session: Session, code: str, facility: str) -> Exit:
    """Use printer CODE no more; what waits for it is dropped."""
    with session.database():
        from karnet.devices.printers import retire_printer

        retire_printer(_printer(facility, code).id, clock.now())
    session.answer({"removed": code}, f"{code} is used no more.")
    return Exit.OK


def _facility(code: str) -> UUID:
    from karnet.parties.operations import facility_id
    from karnet.parties.selectors import facilities

    home = facility_id(code)
    if home not in facilities([home]):
        raise click.BadParameter(f"there is no facility {code}", param_hint="--facility")
    return home


def _sales_point(facility: UUID, code: str) -> UUID:
    from karnet.parties.operations import sales_point_id
    from karnet.parties.selectors import sales_points

    point = sales_point_id(facility, code)
    if point not in sales_points([point]):
        raise click.BadParameter(f"there is no sales point {code}", param_hint="--sales-point")
    return point


def _printer(facility: str, code: str) -> KnownPrinter:
    from karnet.devices.printers import printers

    found = [one for one in printers([_facility(facility)]) if one.code == code]
    if not found:
        raise click.UsageError(f"There is no printer {code}. See `karnet printer list`.")
    return found[0]
