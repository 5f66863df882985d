"""The day in tables and small charts, for a terminal or a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from karnet.kernel.decimals import money
from karnet.settlement.rules.report import Report
from karnet.wiring.demo import network, pool
from karnet.wiring.demo.place import Day
from karnet.wiring.demo.running import Played
from karnet.wiring.demo.tally import Tally

_BAR = 40
_FIGURES = {
    "collected": "paid by visitors there",
    "points": "earned by points taken",
    "time": "earned by passages",
    "unused": "earned by what nobody used",
    "over_price": "kept above the agreed price",
    "deferred": "deferred: points still on cards",
    "deposits": "card deposits",
    "balance": "has to get",
}


def show(console: Console, played: Played, day: Day) -> None:
    """Print a whole day."""
    console.rule(f"{day.day:%A, %d %B %Y}: {day.skiers:,} skiers on {', '.join(network.FACILITIES.values())}")
    show_sales(console, played.tally)
    show_passages(console, played.tally)
    show_pool(console, played.tally)
    show_refusals(console, played.tally)
    show_settlement(console, played.report)
    show_proof(console, played)
    show_timings(console, played.seconds, played.tally.steps)


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
    back = ", ".join(f"{_facility(code)} {_money(amount)}" for code, amount in sorted(tally.deposits_back.items()))
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


def show_pool(console: Console, tally: Tally) -> None:
    """Print what the day at the pool came to."""
    told = (
        f"[bold]{pool.NAME}[/]: {tally.swimmers:,} swimmers, read {tally.readings:,} times at gates and readers, "
        f"{tally.dishes:,} dishes through their bands, {_money(tally.swum)} paid.\n"
    )
    console.print(told, highlight=False)


def show_refusals(console: Console, tally: Tally) -> None:
    """Print what was refused, and why."""
    for where, refused in (("gates", tally.refused_at_gates), ("counters", tally.refused_at_counters)):
        told = ", ".join(f"{_words(reason)} {count}" for reason, count in refused.most_common())
        console.print(f"[bold]{sum(refused.values())} refusals at {where}[/]: {told or 'none'}", highlight=False)
    console.print()


def show_settlement(console: Console, report: Report) -> None:
    """Print the settlement, a facility a column, and who pays whom."""
    title = f"Settlement of season {report.season}, {report.currency}"
    table = Table(title=title, title_justify="left", title_style="bold", box=None)
    table.add_column("")
    for line in report.facilities:
        table.add_column(_facility(line.code), justify="right")
    table.add_row("passages that count", *(f"{line.passages:,}" for line in report.facilities))
    for figure, what in _FIGURES.items():
        style = "bold" if figure == "balance" else None
        table.add_row(what, *(_money(getattr(line, figure)) for line in report.facilities), style=style)
    console.print(table)
    for due in report.payments:
        told = f"  {_facility(due.debtor)} pays {_facility(due.creditor)} [bold]{_money(due.amount)}[/]"
        console.print(told, highlight=False)
    console.print()


def _facility(code: str) -> str:
    return network.FACILITIES.get(code, code)


def show_proof(console: Console, played: Played) -> None:
    """Print what proves the day."""
    proof, tally = played.proof, played.tally
    what = f"journal {proof.log}: {proof.size:,} entries verified, root {proof.root[:16]}…"
    _check(console, proof.sound, what, proof.faults)
    what = f"replayed into empty tables: {proof.rows:,} rows, every one the same"
    _check(console, not proof.differences, what, proof.differences)
    unbalanced = [f"{unit}: {amount}" for unit, amount in proof.books.items() if amount]
    _check(console, not unbalanced, f"the books balance in {', '.join(proof.books)}", unbalanced)
    what = f"{tally.steps:,} steps, every one came out as the simulation reckoned"
    _check(console, not tally.unexpected, what, tally.surprises)
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


def as_data(played: Played) -> dict[str, Any]:
    """Return the day as one document (for --json). Amounts in minor units, seconds rounded to milliseconds."""
    return {
        "sound": played.sound,
        "day": msgspec.to_builtins(played.tally, str_keys=True),
        "settlement": played.report,
        "proof": played.proof,
        "seconds": {what: round(seconds, 3) for what, seconds in played.seconds.items()},
    }


def _money(minor: int) -> str:
    sign = "-" if minor < 0 else ""
    whole, point, part = money(abs(minor), network.CURRENCY).partition(".")
    return f"{sign}{int(whole):,}{point}{part}"


def _words(code: str) -> str:
    return code.replace("_", " ")
