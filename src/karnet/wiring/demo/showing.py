"""The day in tables and small charts, for a terminal or a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from karnet.settlement.rules.report import Report
from karnet.wiring.demo import network
from karnet.wiring.demo.tally import Tally
from karnet.wiring.play.amounts import written

_BAR = 40


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What was proved after the day. `rows`: rows of the tables that a replay of the journal made again."""

    log: str
    size: int
    root: str
    sound: bool
    faults: list[str]
    rows: int
    rows_differ: list[str]
    books: Mapping[str, int]

    @property
    def holds(self) -> bool:
        return self.sound and not self.rows_differ and not any(self.books.values())


def show_sales(console: Console, tally: Tally) -> None:
    """Print what was sold, how it was paid, and the cards' deposits."""
    table = Table(title=f"{tally.sales} sales", title_justify="left", title_style="bold", box=None)
    table.add_column("product")
    table.add_column("pieces", justify="right")
    table.add_column("amount", justify="right")
    named = {code: ticket.name for code, ticket in network.TICKETS.items()}
    for code, sold in sorted(tally.sold.items(), key=lambda item: -item[1].amount):
        table.add_row(named.get(code, code.replace("-", " ")), f"{sold.pieces:,}", _money(sold.amount))
    table.add_section()
    table.add_row("in all", "", _money(sum(sold.amount for sold in tally.sold.values())), style="bold")
    console.print(table)
    paid = ", ".join(f"{_words(kind)} {_money(amount)}" for kind, amount in tally.payments.most_common())
    back = ", ".join(f"{code} {_money(amount)}" for code, amount in sorted(tally.deposits_back.items()))
    console.print(
        f"Paid by {paid}.\nCard deposits taken {_money(tally.deposits_taken)}, paid back at {back or 'none'}. "
        f"Tickets returned for {_money(tally.returned)}. {tally.replaced} cards replaced. "
        f"Drawers differ by {_money(tally.cash_difference)} in all.\n",
        highlight=False,
    )


def show_passages(console: Console, tally: Tally) -> None:
    """Print passages by hour as a chart, and by lift."""
    console.print(Text(f"{sum(tally.passages.values()):,} passages", style="bold"))
    busiest = max(tally.passages.values(), default=1)
    for hour in range(min(tally.passages, default=9), max(tally.passages, default=8) + 1):
        count = tally.passages[hour]
        console.print(f"  {hour:02d}:00 [cyan]{'█' * round(_BAR * count / busiest)}[/] {count:,}", highlight=False)
    names = {lift.gate: lift.name for lift in network.LIFTS}
    lifts = ", ".join(f"{names.get(gate, gate)} {count:,}" for gate, count in tally.passages_by_gate.most_common())
    console.print(f"{lifts}. {tally.not_taken} opened gates were not passed.\n", highlight=False)


def show_refusals(console: Console, tally: Tally) -> None:
    """Print what was refused, and why."""
    for where, refused in (("gates", tally.refused_at_gates), ("counters", tally.refused_at_counters)):
        told = ", ".join(f"{_words(reason)} {count}" for reason, count in refused.most_common())
        console.print(f"[bold]{sum(refused.values())} refusals at {where}[/]: {told or 'none'}", highlight=False)
    console.print()


def show_settlement(console: Console, report: Report) -> None:
    """Print the settlement and who pays whom."""
    title = f"Settlement of season {report.season}, {report.currency}"
    table = Table(title=title, title_justify="left", title_style="bold", box=None)
    columns = ("collected", "points", "time", "unused", "over_price", "deferred", "deposits", "balance")
    table.add_column("")
    for column in ("passages", *columns):
        table.add_column(column.replace("_", " "), justify="right")
    for line in report.facilities:
        amounts = [_money(getattr(line, column)) for column in columns]
        table.add_row(network.FACILITIES.get(line.code, line.code), f"{line.passages:,}", *amounts)
    console.print(table)
    for due in report.payments:
        console.print(
            f"  {network.FACILITIES.get(due.debtor, due.debtor)} pays {network.FACILITIES.get(due.creditor, due.creditor)}"
            f" [bold]{_money(due.amount)}[/]",
            highlight=False,
        )
    console.print()


def show_proof(console: Console, proof: Proof, tally: Tally) -> None:
    """Print what proves the day."""
    _check(
        console,
        proof.sound,
        f"journal {proof.log}: {proof.size:,} entries verified, root {proof.root[:16]}…",
        proof.faults,
    )
    _check(
        console,
        not proof.rows_differ,
        f"replayed into empty tables: {proof.rows:,} rows, all the same",
        proof.rows_differ,
    )
    unbalanced = [f"{unit}: {amount}" for unit, amount in proof.books.items() if amount]
    _check(console, not unbalanced, f"the books balance in {', '.join(proof.books)}", unbalanced)
    _check(
        console, not tally.unexpected, f"{tally.steps:,} steps, every one as the simulation expected", tally.surprises
    )
    console.print()


def _check(console: Console, holds: bool, what: str, faults: Iterable[str]) -> None:
    if holds:
        console.print(f"[green]✓[/] {what}", highlight=False)
        return
    console.print(f"[bold red]✗ NOT[/] {what}", highlight=False)
    for fault in faults:
        console.print(f"    {fault}", highlight=False, markup=False)


def show_timings(console: Console, timings: Mapping[str, float], steps: int) -> None:
    """Print how long each part took."""
    told = ", ".join(f"{what} {seconds:.1f} s" for what, seconds in timings.items())
    rate = f" ({steps / timings['play']:,.0f} steps/s)" if timings.get("play") else ""
    console.print(f"{told}{rate}", highlight=False, style="dim")


def as_data(tally: Tally, report: Report, proof: Proof, timings: Mapping[str, float]) -> dict[str, Any]:
    """Return the day as one document (for --json). Amounts in minor units, seconds rounded to milliseconds."""
    return {
        "day": msgspec.to_builtins(tally, str_keys=True),
        "settlement": report,
        "proof": proof,
        "seconds": {what: round(seconds, 3) for what, seconds in timings.items()},
    }


def _money(minor: int) -> str:
    return written(minor, network.CURRENCY)


def _words(code: str) -> str:
    return code.replace("_", " ")
