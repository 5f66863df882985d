"""Printers: written down, given to sales points, looked at."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import Count, Q

from karnet.devices.escpos.slips import Layout, knows
from karnet.devices.links import problem_with
from karnet.devices.models import KINDS, Assignment, Cursor, Job, Printer
from karnet.devices.posnet.characters import CodePage
from karnet.devices.posnet.commands import Paper
from karnet.journal.selectors import progress
from karnet.kernel.ids import derived_id
from karnet.kernel.outcomes import Refused, bad_values

Role = Literal["fiscal", "slips"]


class Settings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a printer is set. Fiscal: `page`, `name_length`. Slips: `columns`, `profile` (of python-escpos), `drawer`,
    `language` of the papers."""

    page: CodePage = "cp1250"
    name_length: int = 40
    columns: int = 42
    profile: str = "default"
    drawer: bool = False
    language: str = "pl"

    @property
    def paper(self) -> Paper:
        """The settings as the fiscal protocol takes them."""
        return Paper(page=self.page, name_length=self.name_length)

    @property
    def layout(self) -> Layout:
        """The settings as slips are laid out by."""
        return Layout(columns=self.columns, profile=self.profile, drawer=self.drawer)


class KnownPrinter(msgspec.Struct, frozen=True, kw_only=True):
    """A printer as people and programs see it. `state` "" is ready, null `looked_at` means nobody asked it yet.

    `waiting`: papers that will print by themselves; `stopped`: those that wait for somebody (failed, needs a look)."""

    id: UUID
    facility: UUID
    code: str
    kind: str
    address: str
    settings: Settings
    state: str
    state_since: datetime | None
    looked_at: datetime | None
    sales_points: dict[UUID, str]
    waiting: int = 0
    stopped: int = 0


def add_printer(
    facility: UUID, code: str, kind: str, address: str, at: datetime, settings: Settings | None = None
) -> UUID | Refused:
    """Write a printer down; return its id. Refuses values at fault, a code that the facility has already, and an
    address that another printer has."""
    problems = {}
    if not code.isascii() or not 0 < len(code) <= 32 or not code.replace("-", "").replace("_", "").isalnum():
        problems["code"] = "must be 1 to 32 letters, digits, - or _"
    elif Printer.objects.filter(facility=facility, code=code, retired_at__isnull=True).exists():
        problems["code"] = "is another printer's"
    if kind not in KINDS:
        problems["kind"] = f"must be one of {', '.join(KINDS)}"
    if why := problem_with(address) if len(address) <= 200 else "is too long":
        problems["address"] = why
    elif Printer.objects.filter(address=address, retired_at__isnull=True).exists():
        # Two queues for one printer would each take the other's receipts for somebody else's.
        problems["address"] = "is another printer's"
    chosen = settings or Settings()
    if not 20 <= chosen.columns <= 64 or not 20 <= chosen.name_length <= 80:
        problems["settings"] = "columns must be 20 to 64, name_length 20 to 80"
    elif chosen.profile != "default" and not knows(chosen.profile):
        problems["settings"] = "profile must be one of python-escpos"
    if problems:
        return bad_values(problems)
    with transaction.atomic():
        Cursor.objects.get_or_create(id=1, defaults={"index": progress().sealed})
        made = Printer.objects.create(
            id=derived_id(at, f"{facility}:{code}", "printer"),
            facility=facility,
            code=code,
            kind=kind,
            address=address,
            settings=msgspec.json.encode(chosen),
            created_at=at,
        )
    return made.id


def retire_printer(printer: UUID, at: datetime) -> bool:
    """Use a printer no more: its sales points have none, what waits for it is dropped. False for one that is not there."""
    with transaction.atomic():
        if not Printer.objects.filter(id=printer, retired_at__isnull=True).update(retired_at=at):
            return False
        Assignment.objects.filter(printer_id=printer).delete()
        waiting = Job.objects.filter(printer_id=printer, state__in=("queued", "printing", "failed", "needs_look"))
        waiting.update(state="dropped", ended_at=at)
    return True


def assign(sales_point: UUID, role: Role, printer: UUID | None) -> Refused | None:
    """Let the papers of a sales point come out at a printer from now on; None: nowhere. Refuses receipts that are to be
    fiscal on a printer that is not."""
    if printer is None:
        Assignment.objects.filter(sales_point=sales_point, role=role).delete()
        return None
    found = Printer.objects.filter(id=printer, retired_at__isnull=True).first()
    if found is None:
        return bad_values({"printer": "is not known"})
    if (found.kind == "posnet") != (role == "fiscal"):
        return bad_values({"role": "fiscal receipts need a posnet printer, slips an escpos printer"})
    Assignment.objects.update_or_create(sales_point=sales_point, role=role, defaults={"printer_id": printer})
    return None


def printers(facilities: Collection[UUID] | None = None) -> list[KnownPrinter]:
    """Return the printers (of facilities) in use, by code, each with its sales points and what waits. Three statements."""
    rows = Printer.objects.filter(retired_at__isnull=True).order_by("code", "id")
    found = list(rows if facilities is None else rows.filter(facility__in=list(facilities)))
    ids = [row.id for row in found]
    places: dict[UUID, dict[UUID, str]] = {}
    for given in Assignment.objects.filter(printer_id__in=ids).order_by("id"):
        places.setdefault(given.printer_id, {})[given.sales_point] = given.role
    counts = {
        row["printer_id"]: {"waiting": row["waiting"], "stopped": row["stopped"]}
        for row in Job.objects.filter(printer_id__in=ids, state__in=("queued", "printing", "failed", "needs_look"))
        .values("printer_id")
        .annotate(
            waiting=Count("n", filter=Q(state__in=("queued", "printing"))),
            stopped=Count("n", filter=Q(state__in=("failed", "needs_look"))),
        )
    }
    return [known(row, places.get(row.id, {}), counts.get(row.id, {})) for row in found]


def known(row: Printer, places: dict[UUID, str], counts: dict[str, int]) -> KnownPrinter:
    """Return a row of the table as others see it."""
    return KnownPrinter(
        id=row.id,
        facility=row.facility,
        code=row.code,
        kind=row.kind,
        address=row.address,
        settings=settings_of(row),
        state=row.state,
        state_since=row.state_since,
        looked_at=row.looked_at,
        sales_points=places,
        waiting=counts.get("waiting", 0),
        stopped=counts.get("stopped", 0),
    )


def settings_of(row: Printer) -> Settings:
    """Return how a printer is set."""
    return msgspec.json.decode(bytes(row.settings), type=Settings)


def note_state(printer: UUID, state: str, at: datetime) -> None:
    """Keep what a printer said of itself; since when it says so stays until it says something else."""
    rows = Printer.objects.filter(id=printer)
    if not rows.filter(state=state, state_since__isnull=False).update(looked_at=at):
        rows.update(state=state, state_since=at, looked_at=at)
