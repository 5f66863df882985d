"""Settlement: the report, who owes whom, the way down to tickets and passages, closing a period, exports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from karnet.faces.backoffice import reports
from karnet.faces.backoffice.debts import debts
from karnet.faces.backoffice.exporting import FORMATS, Column, amount_text, exported
from karnet.faces.backoffice.flows import flows_picture
from karnet.faces.backoffice.frame import SETTLES, Place, actor_of, facilities, instant_of, page, request_key, typed
from karnet.faces.backoffice.standing import standing
from karnet.faces.base.access import allow
from karnet.faces.base.clock import now
from karnet.faces.base.words import refusal
from karnet.journal.cuts import Cut
from karnet.kernel.outcomes import Refused
from karnet.kernel.time import day_end
from karnet.settlement.drilling import FIGURES, Fact, Stand, facts_behind, stands_of
from karnet.settlement.explaining import explain
from karnet.settlement.rules.report import Report
from karnet.settlement.rules.statements import statement
from karnet.settlement.selectors import AgreementRow, ClosingRow, agreement_of, agreements, closed_report, closings
from karnet.settlement.services import Close, close
from karnet.settlement.tracing import (
    all_traced_tickets,
    traced_charges,
    traced_deposits,
    traced_refunds,
    traced_tickets,
)

_TICKETS = 25
_FACTS = 50


@dataclass(frozen=True)
class Asked:
    """Which settlement an address means: an agreement's, now or of a closed period. Amounts are those of the period;
    tickets are traced over `cut` and `until`, that is, from the season's start to the period's end. `stood_at`: when a
    settlement that still moves was as it is told."""

    row: AgreementRow
    report: Report
    done: list[ClosingRow]
    closing: ClosingRow | None
    places: list[Place]
    stood_at: datetime | None = None

    @property
    def titles(self) -> Mapping[str, str]:
        return {place.code: place.title for place in self.places}

    @property
    def time_zone(self) -> str:
        return self.row.text.time_zone

    @property
    def query(self) -> str:
        chosen = {"season": self.row.text.season}
        return urlencode({**chosen, "period": self.closing.sequence} if self.closing else chosen)

    @property
    def cut(self) -> Cut:
        return Cut(self.report.cut)


def asked_of(request: HttpRequest) -> Asked | Refused | None:
    """Return the settlement that an address means; None where there is no agreement. Raises Http404 for a bad address."""
    season, period = request.GET.get("season") or None, request.GET.get("period", "")
    row = agreement_of(season, now())
    if row is None:
        if season:
            raise Http404
        return None
    done = closings(row.id)
    if not period:
        found = standing(row.id, anew=request.GET.get("anew") == "1")
        if isinstance(found, Refused):
            return found
        return Asked(row, found.report, done, None, facilities(), found.at)
    closing = next((one for one in done if str(one.sequence) == period), None)
    closed = closed_report(row, closing.sequence) if closing else None
    if closing is None or closed is None:
        raise Http404
    return Asked(row, closed, done, closing, facilities())


@allow(*SETTLES)
@require_safe
def settlement(request: HttpRequest) -> HttpResponse:
    """Show the settlement of a season as it stands now, or a closed period of it."""
    asked = asked_of(request)
    if asked is None or isinstance(asked, Refused):
        return page(request, "settlement.html", "office:settlement", {"refused": asked, "seasons": []})
    report, titles = asked.report, asked.titles
    picture = debts(
        [titles.get(line.code, line.code) for line in report.facilities],
        [(titles[due.debtor], titles[due.creditor], due.amount, amount_text(due.amount)) for due in report.dues],
        _("Who owes whom"),
    )
    context = {
        "asked": asked,
        "report": report,
        "seasons": [row.text.season for row in agreements()],
        "heading": reports.heading(report, asked.time_zone),
        "figures": reports.facilities_table(report, titles),
        "figure_rows": _figure_rows(report, titles),
        "pairs": [
            (pair, row) for pair, row in zip(report.pairs, reports.pairs_table(report, titles).rows, strict=True)
        ],
        "payments": reports.payments_table(report, titles).rows,
        "picture": picture,
        "flows": flows_picture(report, titles, _("Where the money goes")),
        "pairs_columns": reports.pairs_table(report, titles).columns[2:],
        "collected": sum(line.collected for line in report.facilities),
        "tickets": sum(line.tickets for line in report.facilities),
        "passages": sum(line.passages for line in report.facilities),
        "formats": FORMATS,
    }
    return page(request, "settlement.html", "office:settlement", context)


@allow(*SETTLES)
@require_safe
def pair(request: HttpRequest, debtor: str, creditor: str) -> HttpResponse:
    """Show the statement of a pair: both directions, and the tickets behind what the first owes the second."""
    asked, by_code = _asked_pair(request, debtor, creditor)
    after = _id(request.GET.get("after", ""))
    found = traced_tickets(
        by_code[debtor].id, by_code[creditor].id, at=now(), cut=asked.cut, until=asked.report.until, after=after,
        limit=_TICKETS + 1,
    )  # fmt: skip
    tickets = [] if isinstance(found, Refused) else found
    shown = tickets[:_TICKETS]
    owed = {(line.debtor, line.creditor): line for line in asked.report.pairs}
    due = {(line.debtor, line.creditor): line.amount for line in asked.report.dues}
    context = {
        "asked": asked,
        "debtor": by_code[debtor],
        "creditor": by_code[creditor],
        "there": owed.get((debtor, creditor)),
        "back": owed.get((creditor, debtor)),
        "due": due.get((debtor, creditor), 0) - due.get((creditor, debtor), 0),
        "refused": found if isinstance(found, Refused) else None,
        "tickets": [(ticket, _visits(ticket, creditor), reports.share_of(ticket, creditor)) for ticket in shown],
        "next": f"{asked.query}&after={shown[-1].id}" if len(tickets) > _TICKETS else "",
        "formats": FORMATS,
        "heading": reports.heading(asked.report, asked.time_zone),
        "charges": traced_charges(
            by_code[debtor].id, by_code[creditor].id, cut=asked.cut, until=asked.report.until, limit=_TICKETS
        ),
        "deposits": traced_deposits(
            by_code[debtor].id, by_code[creditor].id, cut=asked.cut, until=asked.report.until, limit=_TICKETS
        ),
        "refunds": traced_refunds(
            by_code[debtor].id, by_code[creditor].id, cut=asked.cut, until=asked.report.until, limit=_TICKETS
        ),
        "statement": reports.statement_tables(statement(asked.report, debtor, creditor), asked.titles),
    }
    return page(request, "pair.html", "office:settlement", context)


def _figure_rows(report: Report, titles: Mapping[str, str]) -> list[tuple[str, str, list[tuple[str, Column, int]]]]:
    """Return each facility's code and name, and its figures by name: each leads to what is behind it."""
    fields = reports.facility_fields(report)
    return [
        (line.code, titles.get(line.code, line.code), [(name, column, getattr(line, name)) for name, column in fields])
        for line in report.facilities
    ]


@allow(*SETTLES)
@require_safe
def figure(request: HttpRequest, code: str, name: str) -> HttpResponse:
    """Show the tickets, deposits, charges and refunds that add up to a facility's figure, page by page."""
    asked = asked_of(request)
    place = next((one for one in facilities() if one.code == code), None)
    if asked is None or isinstance(asked, Refused) or place is None or name not in FIGURES:
        raise Http404
    line = next((line for line in asked.report.facilities if line.code == code), None)
    if line is None:
        raise Http404
    if asked.closing:
        stands = stands_of(asked.done, asked.closing.sequence)
        assert stands is not None, "the closing is one of those that were read"
    else:
        stands = (Stand(asked.cut, asked.report.until, asked.report.as_of), None)
    after = typed(request.GET, "after")
    found = facts_behind(place.id, name, agreement=asked.row.id, stand=stands[0], before=stands[1], after=after)
    facts = [] if isinstance(found, Refused) else list(islice(found, _FACTS + 1))
    fields = dict(reports.facility_fields(asked.report))
    column = fields.get(name)
    context = {
        "asked": asked,
        "place": place,
        "name": name,
        "title": column.title if column else name,
        "counts": column is not None and column.kind == "count",
        "total": getattr(line, name),
        "refused": found if isinstance(found, Refused) else None,
        "facts": [(fact, _fact_words(fact), _fact_places(fact, asked.titles)) for fact in facts[:_FACTS]],
        "begins": not after,
        "next": facts[_FACTS - 1].mark if len(facts) > _FACTS else "",
        "heading": reports.heading(asked.report, asked.time_zone),
        "parts": [
            (part, fields[part].title, getattr(line, part), sign)
            for sign, part in _PARTS.get(name, ())
            if part in fields and getattr(line, part)
        ],
    }
    return page(request, "figure.html", "office:settlement", context)


_PARTS = {
    "earned": (("+", "points"), ("+", "time"), ("+", "bundles"), ("+", "unused"), ("+", "over_price")),
    "balance": (
        ("+", "earned"), ("+", "deferred"), ("−", "collected"), ("+", "deposits"), ("+", "stored"), ("+", "bonus"),
        ("+", "refunds"),
    ),
}  # fmt: skip
"""What figures are made of that are sums of others (rules.report)."""


def _fact_places(fact: Fact, titles: Mapping[str, str]) -> str:
    """Return where it was: who sold or took, and who used or paid where that is another."""
    both = [titles.get(code, code) for code in dict.fromkeys((fact.frm, fact.to)) if code]
    return " → ".join(both)


def _fact_words(fact: Fact) -> str:
    """Return what kind of fact it is, in words."""
    words = {
        "ticket": _("ticket"), "deposit": _("card deposit"), "payout": _("deposits paid out twice"),
        "load": _("money put on a card"), "charge": _("charge to a card"), "bonus": _("bonuses borne by all members"),
        "refund": _("refunds paid out for another"),
    }  # fmt: skip
    return words[fact.kind]


@allow(*SETTLES)
@require_safe
def explained(request: HttpRequest, asked: str) -> HttpResponse:
    """Show how the tickets on a card (its number), or one ticket (its id), are divided, passage by passage."""
    found = explain(asked, at=now())
    names = {place.code: place.title for place in facilities()}
    context: dict[str, object] = {"asked_for": asked, "refused": found if isinstance(found, Refused) else None}
    if not isinstance(found, Refused):
        context["tickets"] = [
            (
                ticket,
                [
                    (names.get(share.facility, share.facility), share, share.share + share.unused + share.bundle)
                    for share in ticket.shares
                ],
                [(names.get(passage.facility, passage.facility), passage) for passage in ticket.passages],
            )
            for ticket in found.tickets
        ]
    return page(request, "explained.html", "office:settlement", context, status=200)


@allow(*SETTLES)
@require_http_methods(["GET", "HEAD", "POST"])
def close_period(request: HttpRequest) -> HttpResponse:
    """Show what a closing would book, and close the period."""
    asked = asked_of(request)
    if asked is None or isinstance(asked, Refused):
        return redirect("office:settlement")
    actor, problem = actor_of(request), ""
    last_day = request.POST.get("last_day", "")
    if request.method == "POST":
        if actor is None:
            problem = _("Your log-in belongs to no operator, and a closing names who did it. Ask your manager for one.")
        else:
            until = _end_of(last_day, asked.time_zone)
            (answer,) = close(
                [
                    Close(
                        key=request_key(request),
                        at=instant_of(request),
                        actor=actor,
                        agreement=asked.row.id,
                        until=until,
                    )
                ]
            )
            if not isinstance(answer, Refused):
                messages.success(request, _("Period %(number)s is closed.") % {"number": answer.sequence})
                chosen = urlencode({"season": asked.row.text.season, "period": answer.sequence})
                return redirect(f"{reverse('office:settlement')}?{chosen}")
            problem = refusal(answer, asked.time_zone)
    last = asked.done[-1] if asked.done else None
    context = {"asked": asked, "last": last, "problem": problem, "last_day": last_day, "no_operator": actor is None}
    return page(request, "close.html", "office:settlement", context, status=422 if problem else 200)


@allow(*SETTLES)
@require_safe
def report_file(request: HttpRequest, what: str, form: str) -> HttpResponse:
    """Export the report or its pairs."""
    makers = {"report": reports.report_document, "pairs": reports.pairs_document}
    asked = asked_of(request)
    if what not in makers or form not in FORMATS or asked is None or isinstance(asked, Refused):
        raise Http404
    return exported(makers[what](asked.report, asked.titles, asked.time_zone), form)


@allow(*SETTLES)
@require_safe
def pair_file(request: HttpRequest, debtor: str, creditor: str, form: str) -> HttpResponse:
    """Export the passages at the creditor on tickets the debtor sold, and those tickets."""
    asked, by_code = _asked_pair(request, debtor, creditor)
    if form not in FORMATS:
        raise Http404
    tickets = list(
        all_traced_tickets(by_code[debtor].id, by_code[creditor].id, at=now(), cut=asked.cut, until=asked.report.until)
    )
    return exported(
        reports.pair_document(asked.report, tickets, (debtor, creditor), asked.titles, asked.time_zone), form
    )


def _asked_pair(request: HttpRequest, debtor: str, creditor: str) -> tuple[Asked, dict[str, Place]]:
    asked = asked_of(request)
    by_code = {place.code: place for place in facilities()}
    if asked is None or isinstance(asked, Refused) or not {debtor, creditor} <= by_code.keys():
        raise Http404
    return asked, by_code


def _visits(ticket: object, facility: str) -> object:
    shares = getattr(ticket, "shares", ())
    return next((share for share in shares if share.facility == facility), None)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _end_of(text: str, time_zone: str) -> datetime | None:
    try:
        return day_end(date.fromisoformat(text), time_zone)
    except ValueError:
        return None
