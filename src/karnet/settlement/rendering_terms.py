"""Texts, differences, weights, statements and what-ifs as tables for people. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from karnet.kernel.decimals import money, written
from karnet.settlement.rendering import Sheet
from karnet.settlement.rules.agreements import TextFact
from karnet.settlement.rules.comparing import Change
from karnet.settlement.rules.statements import Side, Statement
from karnet.settlement.rules.trying import WhatIf
from karnet.settlement.rules.weighing import Weighed

_WHAT = {
    "tickets": "tickets", "deposits": "card deposits", "stored": "money on cards", "bonus": "bonuses",
    "refunds": "refunds paid out",
}  # fmt: skip


def texts_sheet(texts: Sequence[TextFact], in_force: Collection[UUID], codes: Mapping[UUID, str]) -> Sheet:
    """Return every text, with who has signed and who has not."""

    def named(members: Collection[UUID]) -> str:
        return ", ".join(codes.get(member, str(member)) for member in members) or "–"

    return Sheet(
        title="Agreements and proposals",
        columns=("season", "days", "SHA-256", "in force", "signed", "awaited"),
        rows=tuple(
            (
                text.text.season,
                f"{text.text.first_day} to {text.text.last_day}",
                text.sha256[:12],
                "yes" if text.id in in_force else "no",
                "published" if text.published else named(text.signed),
                named(text.missing),
            )
            for text in texts
        ),
        left=frozenset({"season", "days", "SHA-256", "in force", "signed", "awaited"}),
    )


def differences_sheet(changes: Sequence[Change], old: str, new: str) -> Sheet:
    """Return what changes from one text to another (their SHA-256 in hex)."""
    return Sheet(
        title=f"From {old[:12]} to {new[:12]}: {len(changes) or 'no'} difference{'' if len(changes) == 1 else 's'}",
        columns=("what", "of", "was", "becomes"),
        rows=tuple(
            (change.subject.replace("_", " "), change.name, change.old or "–", change.new or "–") for change in changes
        ),
        left=frozenset({"what", "of"}),
    )


def weights_sheet(weighed: Sequence[Weighed]) -> Sheet:
    """Return weights with the ratio that each was rounded from."""
    return Sheet(
        title="Weights: price over passages, the cheapest (or the base) weighs 1.00",
        columns=("facility", "price", "passages", "exact ratio", "weight"),
        rows=tuple(
            (
                one.facility,
                written(one.price, 2),
                str(one.passages),
                f"{one.numerator}/{one.denominator}",
                one.text,
            )
            for one in weighed
        ),
        left=frozenset({"facility"}),
    )


def statement_sheets(statement: Statement) -> list[Sheet]:
    """Return both sides of a statement, and what is left to pay."""
    pays = (
        f"{statement.payer} pays {statement.payee} {money(statement.amount, statement.currency)} {statement.currency}"
        if statement.amount
        else "nobody pays"
    )
    left = Sheet(title=f"After set-off: {pays}", columns=(), rows=())
    return [*(_side(side, statement) for side in statement.sides), left]


def _side(side: Side, statement: Statement) -> Sheet:
    lines = (*side.invoice, *side.passing)
    return Sheet(
        title=f"{side.debtor} owes {side.creditor}, season {statement.season}, {statement.currency}",
        columns=("for", "VAT %", "net", "VAT", "gross"),
        rows=(
            *(
                (
                    _WHAT[line.what],
                    "–" if line.vat_bp is None else written(line.vat_bp, 2),
                    *(money(amount, statement.currency) for amount in (line.net, line.vat, line.gross)),
                )
                for line in lines
            ),
            (
                "all",
                "",
                money(sum(line.net for line in lines), statement.currency),
                money(sum(line.vat for line in lines), statement.currency),
                money(side.gross, statement.currency),
            ),
        ),
        left=frozenset({"for"}),
        total=True,
    )


def what_if_sheets(found: WhatIf) -> list[Sheet]:
    """Return what every facility would have of each alternative, and what it would win or lose."""
    currency = found.actual.currency
    codes = sorted({effect.code for one in found.tried for effect in one.effects})
    columns = [{effect.code: effect for effect in one.effects} for one in found.tried]
    return [
        Sheet(
            title=f"Season {found.actual.season}: what each facility would end up with, in {currency}",
            columns=("facility", "agreed", *(one.name for one in found.tried)),
            rows=tuple(
                (
                    code,
                    money(columns[0][code].income - columns[0][code].change, currency) if columns else "",
                    *(money(column[code].income, currency) if code in column else "" for column in columns),
                )
                for code in codes
            ),
            left=frozenset({"facility"}),
        ),
        Sheet(
            title="Winners (+) and losers (-) against the agreement",
            columns=("facility", *(one.name for one in found.tried)),
            rows=tuple(
                (
                    code,
                    *(_signed(column[code].change, currency) if code in column else "" for column in columns),
                )
                for code in codes
            ),
            left=frozenset({"facility"}),
        ),
    ]


def _signed(amount: int, currency: str) -> str:
    return f"+{money(amount, currency)}" if amount > 0 else money(amount, currency)
