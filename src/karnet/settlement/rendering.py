"""Settlements as tables for people: every amount with the decimals of the agreement's currency. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from karnet.kernel.decimals import money, written
from karnet.kernel.time import zone
from karnet.settlement.rules.drafts import WEIGHT_PLACES, Draft
from karnet.settlement.rules.report import DueLine, FacilityLine, PairLine, Report

if TYPE_CHECKING:
    from karnet.settlement.explaining import ExplainedTicket, Explanation
    from karnet.settlement.selectors import ClosingRow


class Sheet(msgspec.Struct, frozen=True):
    """A table: column titles, rows of text, and a title above. Columns named in `left` are text, the others numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: frozenset[str] = frozenset()
    total: bool = False


def as_text(sheets: Sequence[Sheet]) -> str:
    """Return sheets as plain aligned text, without colours: for pipes and files."""
    return "\n\n".join(_text(sheet) for sheet in sheets)


def _text(sheet: Sheet) -> str:
    if not sheet.columns:
        return sheet.title
    widths = [max(map(len, column)) for column in zip(sheet.columns, *sheet.rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if name in sheet.left else cell.rjust(width)
            for cell, width, name in zip(row, widths, sheet.columns, strict=True)
        ).rstrip()
        for row in (sheet.columns, *sheet.rows)
    ]
    rule = "  ".join("-" * width for width in widths)
    body = [lines[0], rule, *lines[1:]]
    if sheet.total and sheet.rows:
        body.insert(-1, rule)
    return "\n".join([sheet.title, *body] if sheet.title else body)


_FACILITY = {
    "tickets": "tickets",
    "passages": "passages",
    "collected": "collected",
    "points": "by points",
    "time": "by passages",
    "bundles": "bundles",
    "unused": "unused",
    "over_price": "over price",
    "earned": "earned",
    "deferred": "deferred",
    "deposits": "deposits",
    "stored": "money on cards",
    "bonus": "bonuses",
    "refunds": "refunds paid for each other",
    "overdrawn": "points taken twice",
    "balance": "to receive (+)",
}
_BESIDE = {
    "local": "sales without an agreed price",
    "local_passages": "passages on those",
    "deposits_held": "deposits still out",
    "deposits_kept": "of deposits never returned",
    "second_payouts": "deposits paid out twice",
    "disputed_refunds": "refunds paid out and not stood for",
    "stored_taken": "put on cards",
    "stored_spent": "charged to cards",
    "bonus_given": "bonus given",
    "bonus_spent": "bonus spent",
}
_WHERE_ANY = ("bundles", "stored", "bonus", "refunds", "overdrawn")
"""Columns that are shown only where something stands in them."""
_COUNTS = ("tickets", "passages", "points_taken", "overdrawn", "local_passages")


def report_sheets(report: Report, time_zone: str = "UTC") -> list[Sheet]:
    """Return a report's tables: what each facility earned, who owes whom, and the payments that settle it."""
    lines, currency = report.facilities, report.currency
    codes = {line.code for line in lines if not line.member}
    shown = [name for name in _FACILITY if name not in _WHERE_ANY or any(getattr(line, name) for line in lines)]
    figures = Sheet(
        title=_heading(report, time_zone),
        columns=("facility", *(_FACILITY[name] for name in shown)),
        rows=(
            *((line.code + ("*" if line.code in codes else ""), *_cells(line, shown, currency)) for line in lines),
            ("all", *(_figure(name, sum(getattr(line, name) for line in lines), currency) for name in shown)),
        ),
        left=frozenset({"facility"}),
        total=True,
    )
    sheets = [figures, _pairs(report), _payments(report)]
    beside = [name for name in _BESIDE if any(getattr(line, name) for line in lines)]
    if beside:
        sheets.append(
            Sheet(
                title="Beside the settlement",
                columns=("facility", *(_BESIDE[name] for name in beside)),
                rows=tuple(
                    (line.code, *_cells(line, beside, currency))
                    for line in lines
                    if any(getattr(line, name) for name in beside)
                ),
                left=frozenset({"facility"}),
            )
        )
    return sheets


def _heading(report: Report, time_zone: str) -> str:
    cut = ", ".join(f"{log} at {size}" for log, size in sorted(report.cut.items()))
    since = f"from {_when(report.since, time_zone)} " if report.since else ""
    until = f"{since}until {_when(report.until or report.as_of, time_zone)}"
    lines = [
        f"Settlement {report.season}, {until}, in {report.currency}",
        f"agreement {report.agreement_sha256[:16]}…, cut {cut}",
    ]
    if any(not line.member for line in report.facilities):
        lines.append("* sells, but is no member of the agreement")
    if report.unmatched_passages:
        lines.append(f"{report.unmatched_passages} passages wait for the sale of their ticket, which is not in the cut")
    return "\n".join(lines)


def _cells(line: FacilityLine, shown: Sequence[str], currency: str) -> tuple[str, ...]:
    return tuple(_figure(name, getattr(line, name), currency) for name in shown)


def _figure(name: str, value: int, currency: str) -> str:
    return str(value) if name in _COUNTS else money(value, currency)


def _pairs(report: Report) -> Sheet:
    due = {frozenset((line.debtor, line.creditor)): line for line in report.dues}
    shown = [name for name in _OWED if name not in _WHERE_ANY or any(getattr(pair, name) for pair in report.pairs)]
    return Sheet(
        title="Who owes whom",
        columns=("debtor", "creditor", *(_OWED[name] for name in shown), "after set-off"),
        rows=tuple(
            (
                pair.debtor,
                pair.creditor,
                *(money(getattr(pair, name), report.currency) for name in shown),
                money(_after(pair, due), report.currency),
            )
            for pair in report.pairs
        ),
        left=frozenset({"debtor", "creditor"}),
    )


_OWED = {
    "tickets": "for tickets", "deposits": "for deposits", "stored": "for money on cards", "bonus": "for bonuses",
    "refunds": "for refunds",
}  # fmt: skip


def _after(pair: PairLine, due: dict[frozenset[str], DueLine]) -> int:
    line = due.get(frozenset((pair.debtor, pair.creditor)))
    return line.amount if line and line.debtor == pair.debtor else 0


def _payments(report: Report) -> Sheet:
    return Sheet(
        title="Payments that settle everything",
        columns=("from", "to", report.currency),
        rows=tuple((line.debtor, line.creditor, money(line.amount, report.currency)) for line in report.payments),
        left=frozenset({"from", "to"}),
    )


def explanation_sheets(explanation: Explanation) -> list[Sheet]:
    """Return, for each ticket, its passages and its division."""
    return [sheet for ticket in explanation.tickets for sheet in _ticket_sheets(ticket)]


def _ticket_sheets(ticket: ExplainedTicket) -> list[Sheet]:
    currency = ticket.currency
    state = ", returned" if ticket.voided else ""
    ends = f", good until {when(ticket.valid_until, ticket.time_zone)}" if ticket.valid_until else ""
    price = f"sold by {ticket.seller} for {money(ticket.price, currency)} {currency}"
    agreed = "no agreed price: all of it is the seller's"
    if ticket.agreed is not None:
        agreed = (
            f"agreed {money(ticket.agreed, currency)}, over price {money(ticket.over_price, currency)},"
            f" deferred {money(ticket.deferred, currency)}"
        )
    passages = Sheet(
        title=f"{ticket.product} {ticket.category} {ticket.id}{state}\n"
        f"{price} on {when(ticket.sold_at, ticket.time_zone)}{ends}; season {ticket.season}: {agreed}",
        columns=("passage", "facility", "gate", "points", "weight", "counts"),
        rows=tuple(
            (
                when(passage.at, ticket.time_zone),
                passage.facility,
                passage.gate,
                str(passage.points),
                weight_text(passage.weight),
                "yes" if passage.counts else "no",
            )
            for passage in ticket.passages
        ),
        left=frozenset({"passage", "facility", "gate"}),
    )
    shares = Sheet(
        title="",
        columns=("facility", "passages", "points", "weight", "share", "of unused", "of the bundle"),
        rows=(
            *(
                (
                    share.facility,
                    str(share.passages),
                    str(share.points),
                    weight_text(share.weight),
                    money(share.share, currency),
                    money(share.unused, currency),
                    money(share.bundle, currency),
                )
                for share in ticket.shares
            ),
            (
                "all",
                str(sum(share.passages for share in ticket.shares)),
                str(sum(share.points for share in ticket.shares)),
                weight_text(sum(share.weight for share in ticket.shares)),
                money(sum(share.share for share in ticket.shares), currency),
                money(sum(share.unused for share in ticket.shares), currency),
                money(sum(share.bundle for share in ticket.shares), currency),
            ),
        ),
        left=frozenset({"facility"}),
        total=True,
    )
    return [passages, shares]


def closings_sheet(season: str, closings: Sequence[ClosingRow], time_zone: str) -> Sheet:
    """Return the closed periods of a season, one a row."""
    return Sheet(
        title=f"Closed periods of {season}",
        columns=("period", "until", "cut", "report SHA-256"),
        rows=tuple(
            (
                str(closing.sequence),
                when(closing.period_end, time_zone),
                ", ".join(f"{log} at {size}" for log, size in sorted(closing.cut.items())),
                closing.report_sha256,
            )
            for closing in closings
        ),
        left=frozenset({"until", "cut", "report SHA-256"}),
    )


def agreement_sheets(draft: Draft, sha256: str) -> list[Sheet]:
    """Return an agreement's tables: prices, and the points and weights of its gates."""
    rules = (
        f"time tickets by {draft.division}, floor {draft.floor} %, what nobody used by {draft.unused}, card deposit"
        f" {draft.deposit}, unreturned deposits: {draft.unreturned}, bonuses borne by: {draft.bonus},"
        f" points taken twice: {draft.overdrawn}, deposits paid out twice: {draft.second_payout}"
    )
    return [
        Sheet(
            title=f"Agreement {draft.season}, {draft.first_day} to {draft.last_day} ({draft.time_zone}), {draft.currency}\n"
            f"members {', '.join(draft.members)}; {rules}\nSHA-256 {sha256}",
            columns=("product", "category", "price", "VAT %"),
            rows=tuple((price.product, price.category, price.price, price.vat) for price in draft.prices),
            left=frozenset({"product", "category"}),
        ),
        Sheet(
            title="Gates",
            columns=("gate", "points", "weight"),
            rows=tuple((gate, str(terms.points), terms.weight) for gate, terms in draft.gates.items()),
            left=frozenset({"gate"}),
        ),
    ]


def weight_text(millionths: int) -> str:
    """Return a weight as people write it: at least two decimals, at most six.

    >>> weight_text(2_250_000)
    '2.25'
    """
    return written(millionths, WEIGHT_PLACES, least=2)


def when(at: datetime, time_zone: str) -> str:
    """Return an instant by the wall clock of a zone, to the second."""
    return f"{at.astimezone(zone(time_zone)):%Y-%m-%d %H:%M:%S}"


def _when(at: datetime | None, time_zone: str) -> str:
    return "" if at is None else when(at, time_zone)
