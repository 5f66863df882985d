"""Settlement reports as tables in the reader's language, for pages and exports alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from karnet.faces.backoffice.exporting import Column, Document, Table, local_time
from karnet.settlement.explaining import ExplainedTicket
from karnet.settlement.rendering import weight_text
from karnet.settlement.rules.report import Report


def heading(report: Report, time_zone: str) -> list[str]:
    """Return what a report says of itself, a line each."""
    until = local_time(report.until or report.as_of, time_zone)
    since = local_time(report.since, time_zone) if report.since else ""
    span = _("From %(since)s until %(until)s") if since else _("Until %(until)s")
    cut = ", ".join(f"{log}: {size}" for log, size in sorted(report.cut.items()))
    lines = [
        f"{span % {'since': since, 'until': until}} · {report.currency}",
        _("Agreement %(hash)s… · record up to %(cut)s") % {"hash": report.agreement_sha256[:16], "cut": cut},
    ]
    if report.unmatched_passages:
        lines.append(
            _("%(count)s passages wait for the sale of their ticket, which is not in the record yet.")
            % {"count": report.unmatched_passages}
        )
    return lines


def facilities_table(report: Report, titles: Mapping[str, str]) -> Table:
    """Return what each facility collected, earned and has to get or pay."""
    columns = [
        Column(_("Facility")),
        Column(_("Tickets sold"), "count"),
        Column(_("Passages"), "count"),
        Column(_("Collected"), "money"),
        Column(_("By points"), "money"),
        Column(_("By passages"), "money"),
        Column(_("Unused"), "money"),
        Column(_("Over price"), "money"),
        Column(_("Earned"), "money"),
        Column(_("Deferred"), "money"),
        Column(_("Deposits"), "money"),
        Column(_("To receive"), "money"),
    ]
    rows: list[list[Any]] = [
        [
            titles.get(line.code, line.code), line.tickets, line.passages, line.collected, line.points, line.time,
            line.unused, line.over_price, line.earned, line.deferred, line.deposits, line.balance,
        ]
        for line in report.facilities
    ]  # fmt: skip
    rows.append([_("All"), *(sum(row[n] for row in rows) for n in range(1, len(columns)))])
    return Table(_("Facilities"), columns, rows)


def pairs_table(report: Report, titles: Mapping[str, str]) -> Table:
    """Return what each facility owes each other: for tickets, for card deposits, and after set-off."""
    due = {(line.debtor, line.creditor): line.amount for line in report.dues}
    columns = [
        Column(_("Debtor")),
        Column(_("Creditor")),
        Column(_("For tickets"), "money"),
        Column(_("For deposits"), "money"),
        Column(_("After set-off"), "money"),
    ]
    rows = [
        [
            titles.get(pair.debtor, pair.debtor),
            titles.get(pair.creditor, pair.creditor),
            pair.tickets,
            pair.deposits,
            due.get((pair.debtor, pair.creditor), 0),
        ]
        for pair in report.pairs
    ]
    return Table(_("Who owes whom"), columns, rows)


def payments_table(report: Report, titles: Mapping[str, str]) -> Table:
    """Return the fewest payments that settle everything."""
    columns = [Column(_("From")), Column(_("To")), Column(_("Amount"), "money")]
    rows = [
        [titles.get(line.debtor, line.debtor), titles.get(line.creditor, line.creditor), line.amount]
        for line in report.payments
    ]
    return Table(_("Payments"), columns, rows)


def report_document(report: Report, titles: Mapping[str, str], time_zone: str) -> Document:
    """Return the whole report."""
    tables = [facilities_table(report, titles), pairs_table(report, titles), payments_table(report, titles)]
    name = f"settlement-{report.season}"
    return Document(
        name, _("Settlement %(season)s") % {"season": report.season}, tables, time_zone, heading(report, time_zone)
    )


def pairs_document(report: Report, titles: Mapping[str, str], time_zone: str) -> Document:
    """Return the debts alone."""
    title = _("Who owes whom, %(season)s") % {"season": report.season}
    return Document(
        f"pairs-{report.season}", title, [pairs_table(report, titles)], time_zone, heading(report, time_zone)
    )


def pair_document(
    report: Report, tickets: Sequence[ExplainedTicket], pair: tuple[str, str], titles: Mapping[str, str], time_zone: str
) -> Document:
    """Return the statement of a pair: every passage at the creditor on tickets the debtor sold, and every ticket.

    `pair`: codes of debtor and creditor.
    """
    debtor, creditor = (titles.get(code, code) for code in pair)
    title = _("What %(debtor)s owes %(creditor)s for tickets") % {"debtor": debtor, "creditor": creditor}
    name = f"passages-{pair[0]}-{pair[1]}-{report.season}"
    tables = [passages_table(tickets, pair[1]), tickets_table(tickets, pair[1])]
    return Document(name, title, tables, time_zone, heading(report, time_zone))


def passages_table(tickets: Sequence[ExplainedTicket], creditor: str) -> Table:
    """Return the passages at a facility (by code), one a row, with the ticket each was made on."""
    columns = [
        Column(_("When"), "time"),
        Column(_("Gate")),
        Column(_("Points"), "count"),
        Column(_("Weight")),
        Column(_("Counts")),
        Column(_("Product")),
        Column(_("Ticket")),
    ]
    rows = [
        [
            passage.at, passage.gate, passage.points, weight_text(passage.weight),
            _("yes") if passage.counts else _("no"), f"{ticket.product} {ticket.category}", str(ticket.id),
        ]
        for ticket in tickets
        for passage in ticket.passages
        if passage.facility == creditor
    ]  # fmt: skip
    return Table(_("Passages"), columns, sorted(rows, key=lambda row: (row[0], row[-1])))


def tickets_table(tickets: Sequence[ExplainedTicket], creditor: str) -> Table:
    """Return the tickets used at a facility (by code), with its share of each."""
    columns = [
        Column(_("Sold"), "time"),
        Column(_("Product")),
        Column(_("Price"), "money"),
        Column(_("Agreed"), "money"),
        Column(_("Passages"), "count"),
        Column(_("Points"), "count"),
        Column(_("Share"), "money"),
        Column(_("Ticket")),
    ]
    rows = []
    for ticket in tickets:
        mine = [share for share in ticket.shares if share.facility == creditor]
        rows.append(
            [
                ticket.sold_at, f"{ticket.product} {ticket.category}", ticket.price, ticket.agreed,
                sum(share.passages for share in mine), sum(share.points for share in mine), share_of(ticket, creditor),
                str(ticket.id),
            ]
        )  # fmt: skip
    return Table(_("Tickets"), columns, rows)


def share_of(ticket: ExplainedTicket, facility: str) -> int:
    """Return what a facility (by code) gets of a ticket, its part of what nobody used included."""
    return sum(share.share + share.unused for share in ticket.shares if share.facility == facility)
