"""Settlement reports as tables in the reader's language, for pages and exports alike."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from karnet.faces.backoffice.exporting import Column, Document, Table, local_time
from karnet.faces.backoffice.flows import flows_picture
from karnet.kernel.decimals import written
from karnet.settlement.explaining import ExplainedTicket
from karnet.settlement.rendering import weight_text
from karnet.settlement.rules.report import Report
from karnet.settlement.rules.statements import Statement, statements


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


def facility_fields(report: Report) -> list[tuple[str, Column]]:
    """Return the figures of facilities that are shown, by name: rarer ones only where there are any."""
    return _some(
        report.facilities,
        [
            ("tickets", Column(_("Tickets sold"), "count"), True),
            ("passages", Column(_("Passages"), "count"), True),
            ("overdrawn", Column(_("Points taken twice"), "count"), False),
            ("collected", Column(_("Collected"), "money"), True),
            ("points", Column(_("By points"), "money"), True),
            ("time", Column(_("By passages"), "money"), True),
            ("bundles", Column(_("Of bundles"), "money"), False),
            ("unused", Column(_("Unused"), "money"), True),
            ("over_price", Column(_("Over price"), "money"), True),
            ("earned", Column(_("Earned"), "money"), True),
            ("deferred", Column(_("Deferred"), "money"), True),
            ("deposits", Column(_("Deposits"), "money"), True),
            ("stored", Column(_("Money on cards"), "money"), False),
            ("bonus", Column(_("Bonuses"), "money"), False),
            ("refunds", Column(_("Refunds for each other"), "money"), False),
            ("balance", Column(_("To receive"), "money"), True),
        ],
    )


def facilities_table(report: Report, titles: Mapping[str, str]) -> Table:
    """Return what each facility collected, earned and has to get or pay; rarer figures only where there are any."""
    fields = facility_fields(report)
    rows: list[list[Any]] = [
        [titles.get(line.code, line.code), *(getattr(line, name) for name, _column in fields)]
        for line in report.facilities
    ]
    columns = [Column(_("Facility")), *(column for _name, column in fields)]
    rows.append([_("All"), *(sum(row[n] for row in rows) for n in range(1, len(columns)))])
    return Table(_("Facilities"), columns, rows)


def _some(lines: Sequence[object], fields: Sequence[tuple[str, Column, bool]]) -> list[tuple[str, Column]]:
    """Return the fields that are always shown, and the others where a line has something in them."""
    return [(name, column) for name, column, always in fields if always or any(getattr(line, name) for line in lines)]


def pairs_table(report: Report, titles: Mapping[str, str]) -> Table:
    """Return what each facility owes each other: for tickets, for card deposits and the rest, and after set-off."""
    due = {(line.debtor, line.creditor): line.amount for line in report.dues}
    fields = _some(
        report.pairs,
        [
            ("tickets", Column(_("For tickets"), "money"), True),
            ("deposits", Column(_("For deposits"), "money"), True),
            ("stored", Column(_("For money on cards"), "money"), False),
            ("bonus", Column(_("For bonuses"), "money"), False),
            ("refunds", Column(_("For refunds"), "money"), False),
        ],
    )
    columns = [
        Column(_("Debtor")),
        Column(_("Creditor")),
        *(column for _name, column in fields),
        Column(_("After set-off"), "money"),
    ]
    rows = [
        [
            titles.get(pair.debtor, pair.debtor),
            titles.get(pair.creditor, pair.creditor),
            *(getattr(pair, name) for name, _column in fields),
            due.get((pair.debtor, pair.creditor), 0),
        ]
        for pair in report.pairs
    ]
    return Table(_("Who owes whom"), columns, rows)


def statement_tables(made: Statement, titles: Mapping[str, str]) -> list[Table]:
    """Return both sides of a statement: what each invoices the other by VAT rate, and what only passes through."""
    what = {
        "tickets": _("Tickets"), "deposits": _("Card deposits"), "stored": _("Money on cards"), "bonus": _("Bonuses"),
        "refunds": _("Refunds paid out"),
    }  # fmt: skip
    columns = [
        Column(_("For")),
        Column(_("VAT rate")),
        Column(_("Net"), "money"),
        Column(_("VAT"), "money"),
        Column(_("Gross"), "money"),
    ]
    tables = []
    for side in made.sides:
        lines = (*side.invoice, *side.passing)
        rows: list[list[Any]] = [
            [what[line.what], rate_text(line.vat_bp), line.net, line.vat, line.gross] for line in lines
        ]
        rows.append([_("All"), "", *(sum(row[n] for row in rows) for n in (2, 3, 4))])
        names = {"debtor": titles.get(side.debtor, side.debtor), "creditor": titles.get(side.creditor, side.creditor)}
        tables.append(Table(_("%(creditor)s invoices %(debtor)s") % names, columns, rows))
    return tables


def rate_text(vat_bp: int | None) -> str:
    """Return a VAT rate as people write it; a dash where there is no VAT."""
    return "–" if vat_bp is None else f"{written(vat_bp, 2, least=0).rstrip('.')} %"


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
    tables = [
        facilities_table(report, titles),
        pairs_table(report, titles),
        payments_table(report, titles),
        *(table for made in statements(report) for table in statement_tables(made, titles)),
    ]
    picture = flows_picture(report, titles, _("Where the money goes"))
    title = _("Settlement %(season)s") % {"season": report.season}
    return Document(_file_name("settlement", report), title, tables, time_zone, heading(report, time_zone), picture)


def _file_name(what: str, report: Report) -> str:
    """Return a name that every file system takes: a season may be written 2026/27."""
    return re.sub(r"[^\w.-]+", "-", f"{what}-{report.season}")


def pairs_document(report: Report, titles: Mapping[str, str], time_zone: str) -> Document:
    """Return the debts alone."""
    title = _("Who owes whom, %(season)s") % {"season": report.season}
    return Document(
        _file_name("pairs", report), title, [pairs_table(report, titles)], time_zone, heading(report, time_zone)
    )


def pair_document(
    report: Report, tickets: Sequence[ExplainedTicket], pair: tuple[str, str], titles: Mapping[str, str], time_zone: str
) -> Document:
    """Return the statement of a pair: every passage at the creditor on tickets the debtor sold, and every ticket.

    `pair`: codes of debtor and creditor.
    """
    debtor, creditor = (titles.get(code, code) for code in pair)
    title = _("What %(debtor)s owes %(creditor)s for tickets") % {"debtor": debtor, "creditor": creditor}
    name = _file_name(f"passages-{pair[0]}-{pair[1]}", report)
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
    return sum(share.share + share.unused + share.bundle for share in ticket.shares if share.facility == facility)
