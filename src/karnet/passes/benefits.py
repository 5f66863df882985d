"""Benefit cards: which are taken, which were used today, and the list that their issuer gets each month (SPEC S17)."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable
from datetime import date, datetime
from uuid import UUID

import msgspec

from karnet.kernel.decimals import money
from karnet.kernel.money import vat_included
from karnet.orders.selectors import rows
from karnet.passes.kinds import Programme
from karnet.passes.models import BenefitCard
from karnet.passes.operations import benefit_card


def programmes(ids: Collection[UUID]) -> dict[tuple[UUID, str], Programme]:
    """Return the programmes that facilities take part in, by (facility, code): of each the terms set last."""
    found = rows(
        "SELECT DISTINCT ON (facility, code) facility, code, definition FROM passes_programme"
        " WHERE facility = ANY(%b::uuid[]) ORDER BY facility, code, at DESC, number DESC",
        [list(ids)],
    )
    return {(facility, code): _programme(bytes(definition)) for facility, code, definition in found}


_programme = msgspec.json.Decoder(Programme).decode


def used(cards: Collection[UUID], days: Collection[date]) -> set[tuple[UUID, str, UUID, date]]:
    """Return which cards were used on which days, as (facility, programme, card, day)."""
    if not cards:
        return set()
    return {
        (facility, programme, card, day)
        for facility, programme, card, day in rows(
            "SELECT facility, programme, card, day FROM passes_benefit_entry WHERE card = ANY(%s) AND day = ANY(%s)",
            [list(cards), list(days)],
        )
    }


def keep_numbers(shown: Iterable[tuple[str, str, datetime]]) -> None:
    """Keep the numbers of cards that were taken, (programme, number, when), for their issuer's list: beside the journal.
    One statement."""
    latest = {
        benefit_card(programme, number): (number.strip(), at)
        for programme, number, at in sorted(shown, key=lambda one: one[2])
    }
    BenefitCard.objects.bulk_create(
        [BenefitCard(id=id_, number=number, seen_at=at) for id_, (number, at) in latest.items()],
        update_conflicts=True, unique_fields=["id"], update_fields=["number", "seen_at"],
    )  # fmt: skip


def forget_numbers(before: datetime) -> int:
    """Erase the numbers of cards that nobody used since; their entries stay, without a number. Return how many."""
    return BenefitCard.objects.filter(seen_at__lt=before).delete()[0]


class BenefitEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that an issuer owes: minor units, `vat` inside `amount`; `number` "" where it was erased."""

    at: datetime
    day: date
    number: str
    category: str
    amount: int
    vat_bp: int

    @property
    def vat(self) -> int:
        """The VAT inside."""
        return vat_included(self.amount, self.vat_bp)


def entries(facility: UUID, programme: str, first: date, last: date) -> list[BenefitEntry]:
    """Return the entries on cards of a programme from one local day to another, both inclusive, in their order."""
    return [
        BenefitEntry(at=row[0], day=row[1], number=row[2], category=row[3], amount=row[4], vat_bp=row[5])
        for row in rows(
            "SELECT e.at, e.day, coalesce(c.number, ''), e.category, e.amount, e.vat_bp FROM passes_benefit_entry e"
            " LEFT JOIN passes_benefit_card c ON c.id = e.card WHERE e.facility = %s AND e.programme = %s"
            " AND e.day >= %s AND e.day <= %s ORDER BY e.at, e.id",
            [facility, programme, first, last],
        )
    ]


def as_csv(listed: Iterable[BenefitEntry], currency: str) -> str:
    """Return a list as CSV (RFC 4180): a line an entry, and the sum at the end. Amounts have a point, days are ISO 8601."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["day", "card", "category", "amount", "vat", "currency"])
    total = vat = 0
    for one in listed:
        # A number that a spreadsheet would take for a formula is text all the same.
        number = f"'{one.number}" if one.number[:1] in "=+-@" else one.number
        writer.writerow([one.day.isoformat(), number, one.category, money(one.amount, currency), money(one.vat, currency), currency])  # fmt: skip
        total, vat = total + one.amount, vat + one.vat
    writer.writerow(["total", "", "", money(total, currency), money(vat, currency), currency])
    return out.getvalue()
