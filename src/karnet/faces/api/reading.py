"""The journal's state, settlements, and whether the server answers at all."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Router, Schema
from pydantic import Field

from karnet.faces.api.calling import route, tagged
from karnet.faces.api.problems import Problem, refusal
from karnet.faces.api.shapes import Code, Instant
from karnet.faces.base import clock
from karnet.journal.cuts import home_cut, latest_cut
from karnet.journal.selectors import progress
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.settlement.rules.report import Report, digest
from karnet.settlement.selectors import agreement_of, closings
from karnet.settlement.services import settle

router = Router()


class HealthOut(Schema):
    """The server and its database answer."""

    status: Literal["ok"] = "ok"


class JournalOut(Schema):
    """How far the home log is. `cut`: tree size by log: name it to get the same settlement later, or elsewhere."""

    recorded: int
    sealed: int
    unsealed: int
    oldest_unsealed_at: datetime | None
    cut: dict[str, int]


class FacilityFigures(Schema):
    """One facility's figures; amounts in minor units. `balance`: to get (positive) or to pay (negative)."""

    facility: UUID
    code: str
    member: bool
    tickets: int
    passages: int
    points_taken: int
    collected: int
    points: int
    time: int
    unused: int
    over_price: int
    earned: int
    deferred: int
    deposits: int
    balance: int
    deposits_held: int
    local: int
    local_passages: int


class Pair(Schema):
    """What `debtor` owes `creditor` before set-off."""

    debtor: str
    creditor: str
    tickets: int
    deposits: int


class Due(Schema):
    """A positive amount that `debtor` pays `creditor`."""

    debtor: str
    creditor: str
    amount: int


class ReportOut(Schema):
    """A settlement (docs/settlement.md). `sha256`: digest of its canonical bytes, the same for all who hold the cut."""

    sha256: str
    format: str
    agreement: UUID
    agreement_sha256: str
    season: str
    currency: str
    cut: dict[str, int]
    since: datetime | None
    until: datetime | None
    as_of: datetime
    facilities: list[FacilityFigures]
    pairs: list[Pair]
    dues: list[Due]
    payments: list[Due]
    unmatched_passages: int


class ClosingOut(Schema):
    """A closed period."""

    id: UUID
    sequence: int
    period_end: datetime
    until: datetime | None
    cut: dict[str, int]
    report_sha256: str
    at: datetime


class ClosingsOut(Schema):
    """The closed periods of an agreement, in order."""

    items: list[ClosingOut]


def health(request: HttpRequest) -> HealthOut:
    """Answer while the server and its database do."""
    try:
        progress()
    except (DatabaseError, InterfaceError):
        raise Problem(503, "unavailable", _("The database does not answer."), headers={"Retry-After": "2"}) from None
    return HealthOut()


router.get("/health", auth=None, response=HealthOut, operation_id="health", tags=["journal"])(health)


@route(router.get, "/journal", "journal:read", response=JournalOut, tags=["journal"], etag=True)
def show_journal(request: HttpRequest) -> HttpResponse:
    """Show how far the journal is recorded and sealed."""
    far = progress()
    return tagged(
        request,
        JournalOut(
            recorded=far.recorded,
            sealed=far.sealed,
            unsealed=far.unsealed,
            oldest_unsealed_at=far.oldest_unsealed_at,
            cut=latest_cut().sizes,
        ),
    )


@route(router.get, "/settlement", "settlement:read", response=ReportOut, tags=["settlement"], etag=True)
def show_settlement(
    request: HttpRequest,
    season: Code | None = None,
    since: Instant | None = None,
    until: Instant | None = None,
    size: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None,
) -> HttpResponse:
    """Compute the settlement of a season (now: the one in force) over everything sealed, or the log at a `size`."""
    at = clock.now()
    agreement = agreement_of(season, at)
    if agreement is None:
        raise refusal(request, refused(Reason.NO_AGREEMENT))
    cut = home_cut(size) if size is not None else None
    report = settle(cut, at=at, agreement=agreement.id, since=since, until=until)
    if isinstance(report, Refused):
        raise refusal(request, report)
    return tagged(request, _report(report))


@route(router.get, "/settlement/closings", "settlement:read", response=ClosingsOut, tags=["settlement"], etag=True)
def list_closings(request: HttpRequest, season: Code | None = None) -> HttpResponse:
    """List the closed periods of a season."""
    agreement = agreement_of(season, clock.now())
    if agreement is None:
        raise refusal(request, refused(Reason.NO_AGREEMENT))
    items = [ClosingOut.model_validate(closing, from_attributes=True) for closing in closings(agreement.id)]
    return tagged(request, ClosingsOut(items=items))


def _report(report: Report) -> ReportOut:
    fields = {name: getattr(report, name) for name in report.__struct_fields__}
    return ReportOut.model_validate({**fields, "sha256": digest(report)}, from_attributes=True)
