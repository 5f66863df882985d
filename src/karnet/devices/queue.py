"""From the journal to print jobs, exactly once; and what people do with jobs that stand still.

The cursor moves in the transaction that queues what it passed, as with webhooks. A job's id is made of what it prints,
so a job asked for by hand before the cursor comes along is the same job.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec
from django.db import transaction

from karnet.devices import documents
from karnet.devices.documents import Document
from karnet.devices.models import Assignment, Cursor, Job, Printer
from karnet.devices.naming import receipt_documents, return_document
from karnet.devices.printers import settings_of
from karnet.journal.selectors import progress, sealed_at
from karnet.kernel.ids import named_id
from karnet.orders.receipts import Made, made_by, receipts
from karnet.orders.selectors import orders

BATCH = 1_000
_AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
"""Due by every clock: faces may run by a demonstration's, the worker goes by the real one."""

KEPT = timedelta(days=30)
"""How long what stood on a paper is kept after it was printed; who served and whose tax number it names. The row stays."""

OPEN = ("queued", "printing", "failed", "needs_look")
STOPPED = ("failed", "needs_look")
Given = dict[tuple[UUID, str], Printer]


class KnownJob(msgspec.Struct, frozen=True, kw_only=True):
    """A paper in a queue, as people see it. `state` as in models.Job; `error` why it stands still, as codes with
    values behind colons ("declined:2106:trline", "rate_unknown:700", "daily_report")."""

    id: UUID
    printer: UUID
    kind: str
    title: str
    order: UUID | None
    sales_point: UUID | None
    state: str
    error: str
    number: str
    attempts: int
    made_at: datetime
    ended_at: datetime | None


def fill() -> int:
    """Queue the papers of what was sealed since the last time; return how many entries were read.

    Locks the cursor: of several workers one reads. Fewer than BATCH entries: the end of the log was reached.
    """
    with transaction.atomic():
        cursor = Cursor.objects.select_for_update(skip_locked=True).filter(id=1).first()
        if cursor is None:
            return 0
        given = _given()
        if not given:
            # No sales point prints: pass over it unread, so that a printer begins with what is sold from then on.
            cursor.index = max(cursor.index, progress().sealed)
            cursor.save(update_fields=["index"])
            return 0
        entries = sealed_at(cursor.index, BATCH)
        if entries:
            Job.objects.bulk_create(_jobs({number: at for _, number, at in entries}, given), ignore_conflicts=True)
            cursor.index = entries[-1][0] + 1
            cursor.save(update_fields=["index"])
    return len(entries)


def print_order(order: UUID) -> list[UUID]:
    """Queue the papers of an order at its sales point now, without waiting for the seal; return their jobs. What is
    queued or printed already stays as it is."""
    summary = orders([order]).get(order)
    if summary is None:
        return []
    given = {key: printer for key, printer in _given().items() if key[0] == summary.sales_point}
    made = Made(orders={0: (order, summary.sales_point)}, returns={})
    with transaction.atomic():
        jobs = list(_of_orders(made, given))
        Job.objects.bulk_create(jobs, ignore_conflicts=True)
    return [job.id for job in jobs]


def print_copy(order: UUID, key: str) -> bool:
    """Queue a copy of an order's receipt, never a fiscal one, at the sales point's receipt printer. `key`: of the
    request; the same asks once. False where the sales point has no such printer."""
    summary = orders([order]).get(order)
    printer = _given().get((summary.sales_point, "slips")) if summary else None
    if summary is None or printer is None:
        return False
    language = settings_of(printer).language
    document = receipt_documents(receipts([order]).values(), {order: language}, "copy")[order]
    job = _job(document, printer, ("copy", order, key), summary.sales_point, order)
    Job.objects.bulk_create([job], ignore_conflicts=True)
    return True


def print_test(printer: UUID, at: datetime) -> bool:
    """Queue a test slip. False for a printer that is not there or is fiscal (those are looked at, not written on)."""
    row = Printer.objects.filter(id=printer, kind="escpos", retired_at__isnull=True).first()
    if row is None:
        return False
    said = Document(
        kind="test", number=row.code, at=at, currency="", heading=("Karnet",), language=settings_of(row).language
    )
    Job.objects.bulk_create([_job(said, row, ("test", at.isoformat()), None, None)], ignore_conflicts=True)
    return True


def print_report(printer: UUID, at: datetime, key: str) -> bool:
    """Queue a fiscal printer's daily report, behind what waits already. `key`: of the request; the same asks once.
    False for a printer that is not there or is not fiscal."""
    row = Printer.objects.filter(id=printer, kind="posnet", retired_at__isnull=True).first()
    if row is None:
        return False
    report = Document(kind="report", number="", at=at, currency="")
    Job.objects.bulk_create([_job(report, row, ("report", key), None, None)], ignore_conflicts=True)
    return True


def retry(job: UUID) -> bool:
    """Print a job that failed, or of which somebody saw that it is not on paper. False where it does not stand still."""
    return bool(
        Job.objects.filter(id=job, state__in=STOPPED).update(
            state="queued", mark=None, attempts=0, error="", next_at=_AT_ONCE
        )
    )


def settle(job: UUID, what: Literal["printed", "dropped"], at: datetime) -> bool:
    """End a job that stands still: somebody saw it on paper, or decided that it is not printed. False where it does
    not stand still."""
    return bool(Job.objects.filter(id=job, state__in=STOPPED).update(state=what, mark=None, ended_at=at))


def forget(at: datetime) -> int:
    """Forget what stood on papers that ended long ago; return how many. Their numbers and states stay."""
    old = Job.objects.filter(ended_at__lt=at - KEPT).exclude(document=b"")
    ids = list(old.order_by("ended_at").values_list("n", flat=True)[:BATCH])
    return Job.objects.filter(n__in=ids).update(document=b"")


def open_jobs(printers: Collection[UUID], limit: int = 100) -> list[KnownJob]:
    """Return what waits or stands still at printers, the oldest first."""
    rows = Job.objects.filter(printer_id__in=list(printers), state__in=OPEN).order_by("n")
    return [_known(row) for row in rows.defer("document", "mark")[:limit]]


def last_jobs(printer: UUID, limit: int = 30) -> list[KnownJob]:
    """Return the last papers of a printer, the latest first."""
    return [
        _known(row) for row in Job.objects.filter(printer_id=printer).order_by("-n").defer("document", "mark")[:limit]
    ]


def jobs_of_orders(ids: Collection[UUID]) -> dict[UUID, list[KnownJob]]:
    """Return the papers of orders, in the order in which they were queued."""
    found: dict[UUID, list[KnownJob]] = {}
    for row in Job.objects.filter(order__in=list(ids)).order_by("n").defer("document", "mark"):
        assert row.order is not None, "asked for by it"
        found.setdefault(row.order, []).append(_known(row))
    return found


def _given() -> Given:
    rows = Assignment.objects.select_related("printer").filter(printer__retired_at__isnull=True)
    return {(row.sales_point, row.role): row.printer for row in rows}


def _jobs(operations: Mapping[int, datetime], given: Given) -> list[Job]:
    made = made_by(operations)
    return sorted([*_of_orders(made, given), *_of_returns(made, given)], key=lambda job: job.made_at)


def _of_orders(made: Made, given: Given) -> Iterable[Job]:
    points = {point for point, _ in given}
    wanted = {order: point for order, point in made.orders.values() if point in points}
    sold = receipts(wanted)
    languages = {
        order: settings_of(given[point, "slips"]).language
        for order, point in wanted.items()
        if (point, "slips") in given
    }
    slips = receipt_documents([sold[order] for order in languages], languages)
    fiscal = receipt_documents([one for order, one in sold.items() if (wanted[order], "fiscal") in given], {})
    for order, point in wanted.items():
        # A fiscal printer prints no receipt over nothing: free tickets, cards for their deposit alone.
        if order in fiscal and fiscal[order].gross > 0:
            yield _job(fiscal[order], given[point, "fiscal"], ("receipt", order, "fiscal"), point, order)
        if order in slips and (order not in fiscal or fiscal[order].gross <= 0):
            yield _job(slips[order], given[point, "slips"], ("receipt", order, "slips"), point, order)


def _of_returns(made: Made, given: Given) -> Iterable[Job]:
    wanted = [one for one in made.returns.values() if one.refund > 0]
    numbers = orders({one.order for one in wanted if one.order is not None})
    for one in wanted:
        printer = given.get((one.sales_point, "slips")) or given.get((one.sales_point, "fiscal"))
        if printer is None:
            continue
        number = numbers[one.order].number if one.order in numbers else ""
        document = return_document(one, number, settings_of(printer).language)
        yield _job(document, printer, ("return", one.id), one.sales_point, one.order)


def _job(document: Document, printer: Printer, what: tuple[object, ...], point: UUID | None, order: UUID | None) -> Job:
    return Job(
        id=named_id("print", printer.id, *what) if what[0] in ("test", "copy", "report") else named_id("print", *what),
        printer_id=printer.id,
        kind=document.kind,
        sales_point=point,
        order=order,
        title=document.number[:64],
        document=documents.encode(document),
        next_at=_AT_ONCE,
        made_at=document.at,
    )


def _known(row: Job) -> KnownJob:
    return KnownJob(
        id=row.id,
        printer=row.printer_id,
        kind=row.kind,
        title=row.title,
        order=row.order,
        sales_point=row.sales_point,
        state=row.state,
        error=row.error,
        number=row.number,
        attempts=row.attempts,
        made_at=row.made_at,
        ended_at=row.ended_at,
    )
