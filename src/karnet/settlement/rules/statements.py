"""The statement of a pair: what each owes the other and why, with VAT, as data for invoices (SPEC N8, N15).

Shares of tickets are sold services, so who is owed them invoices them, by VAT rate, agreed prices being gross. Card
deposits, money on cards, bonus money and refunds paid out for each other only pass through: no VAT on them between partners [ours].
"""

from __future__ import annotations

from typing import Literal

import msgspec

from karnet.kernel.money import vat_included
from karnet.settlement.rules.report import PairLine, Report

What = Literal["tickets", "deposits", "stored", "bonus", "refunds"]


class StatementLine(msgspec.Struct, frozen=True, kw_only=True):
    """An amount of a statement: gross = net + VAT, minor units. `vat_bp` is None where there is no VAT on it."""

    what: What
    vat_bp: int | None
    net: int
    vat: int
    gross: int


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """What `debtor` owes `creditor`. `invoice`: lines the creditor invoices (a negative one: a correction); `passing`:
    what only passes through. `gross` is all of it."""

    debtor: str
    creditor: str
    invoice: tuple[StatementLine, ...]
    passing: tuple[StatementLine, ...]
    gross: int


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides of a pair, and what is left after set-off: `payer` pays `payee` `amount` (0: nobody pays)."""

    season: str
    currency: str
    sides: tuple[Side, Side]
    payer: str
    payee: str
    amount: int


def statement(report: Report, one: str, other: str) -> Statement:
    """Return the statement of two facilities (codes), of the period that the report covers."""
    pairs = {(pair.debtor, pair.creditor): pair for pair in report.pairs}
    there, back = _side(pairs, one, other), _side(pairs, other, one)
    due = there.gross - back.gross
    payer, payee = (one, other) if due >= 0 else (other, one)
    return Statement(
        season=report.season, currency=report.currency, sides=(there, back), payer=payer, payee=payee, amount=abs(due)
    )


def statements(report: Report) -> tuple[Statement, ...]:
    """Return the statement of every pair that owes anything, in the order of codes."""
    pairs = sorted({(min(p.debtor, p.creditor), max(p.debtor, p.creditor)) for p in report.pairs})
    return tuple(statement(report, one, other) for one, other in pairs)


def _side(pairs: dict[tuple[str, str], PairLine], debtor: str, creditor: str) -> Side:
    pair = pairs.get((debtor, creditor))
    if pair is None:
        return Side(debtor=debtor, creditor=creditor, invoice=(), passing=(), gross=0)
    passing: tuple[tuple[What, int], ...] = (
        ("deposits", pair.deposits), ("stored", pair.stored), ("bonus", pair.bonus),
        ("refunds", pair.refunds),
    )  # fmt: skip
    return Side(
        debtor=debtor,
        creditor=creditor,
        invoice=tuple(_taxed(part.vat_bp, part.gross) for part in pair.taxed if part.gross),
        passing=tuple(
            StatementLine(what=what, vat_bp=None, net=amount, vat=0, gross=amount) for what, amount in passing if amount
        ),
        gross=pair.all,
    )


def _taxed(vat_bp: int, gross: int) -> StatementLine:
    vat = vat_included(gross, vat_bp)
    return StatementLine(what="tickets", vat_bp=vat_bp, net=gross - vat, vat=vat, gross=gross)
