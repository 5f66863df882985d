"""Reading settlement: agreements, closings, and what a new agreement is checked against."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db import connection

from karnet.access.selectors import gates
from karnet.catalogue.selectors import on_sale
from karnet.journal.cuts import Extent
from karnet.parties.selectors import actors, all_facilities, home_server
from karnet.settlement.operations import Agreement
from karnet.settlement.rules.agreements import InForce, TextFact, in_force, standing
from karnet.settlement.rules.drafts import Draft, Facts, GateFact, MemberFact, draft_of
from karnet.settlement.rules.report import Heading, Place, Report, build_report
from karnet.settlement.rules.totals import NOBODY, BundlePart, Priced, Terms


class AgreementRow(msgspec.Struct, frozen=True, kw_only=True):
    """An agreement in force over [valid_from, valid_until). `sha256` (hex) is that of its exact text."""

    id: UUID
    sha256: str
    text: Agreement
    valid_from: datetime
    valid_until: datetime


def agreements(extent: Extent | None = None) -> list[AgreementRow]:
    """Return the agreements in force (as an extent knows them), in the order of their times: no two overlap."""
    return [_row_of(one) for one in in_force(agreement_texts(extent))]


def _row_of(one: InForce) -> AgreementRow:
    fact = one.fact
    return AgreementRow(
        id=fact.id, sha256=fact.sha256, text=fact.text, valid_from=one.valid_from, valid_until=one.valid_until
    )


def agreement_texts(extent: Extent | None = None) -> list[TextFact]:
    """Return every text published or proposed (inside an extent) with its signatures, the earliest first.

    Of one that several servers proposed, any proposal inside the extent will do, and the earliest of these counts.
    """
    where, parameters = extent.where("p") if extent else ("true", [])
    rows = _rows(
        "SELECT a.id, encode(a.sha256, 'hex'), a.text, a.valid_from, a.valid_until, p.published, p.at"
        " FROM settlement_agreement a JOIN (SELECT p.agreement_id, bool_or(p.published) AS published,"
        # A published text needs no signatures: it is complete from then on.
        " coalesce(min(p.at) FILTER (WHERE p.published), min(p.at)) AS at"
        f" FROM settlement_proposal p WHERE {where} GROUP BY p.agreement_id) p ON p.agreement_id = a.id"
        " ORDER BY p.at, a.id",
        parameters,
    )
    signed: dict[UUID, dict[UUID, datetime]] = {}
    where, parameters = extent.where("s") if extent else ("true", [])
    for agreement, member, at in _rows(
        f"SELECT s.agreement_id, s.member_id, s.at FROM settlement_signature s WHERE {where}", parameters
    ):
        signed.setdefault(agreement, {})[member] = at
    return [
        TextFact(
            id=row[0],
            sha256=row[1],
            text=msgspec.json.decode(bytes(row[2]), type=Agreement),
            valid_from=row[3],
            valid_until=row[4],
            published=row[5],
            at=row[6],
            signed=signed.get(row[0], {}),
        )
        for row in rows
    ]


class Signed(NamedTuple):
    """Who signed for a member, and when."""

    member: UUID
    actor: UUID
    at: datetime


def signatures(agreement: UUID) -> list[Signed]:
    """Return the signatures under a text, in the order in which they were given."""
    return [
        Signed(*row)
        for row in _rows(
            "SELECT member_id, actor, at FROM settlement_signature WHERE agreement_id = %s ORDER BY at, member_id",
            [agreement],
        )
    ]


def lock_agreements() -> None:
    """Hold everything that decides which agreement is in force until the transaction ends: it is seldom asked."""
    _rows("SELECT pg_advisory_xact_lock(hashtextextended('settlement agreements', 0))::text", [])


def agreement_in_force(at: datetime) -> AgreementRow | None:
    """Return the agreement in force at an instant."""
    return next((row for row in agreements() if row.valid_from <= at < row.valid_until), None)


def agreement_of(season: str | None, at: datetime) -> AgreementRow | None:
    """Return the agreement of a season; without one named, the agreement in force at an instant, else the last that
    was, else the first that will be."""
    rows = agreements()
    if season is not None:
        return next((row for row in reversed(rows) if row.text.season == season), None)
    begun = [row for row in rows if row.valid_from <= at]
    return begun[-1] if begun else next(iter(rows), None)


def agreement_draft(row: AgreementRow | TextFact) -> Draft:
    """Return an agreement as people write it: codes instead of ids."""
    codes = {facility.id: facility.code for facility in all_facilities()}
    names = {gate.id: f"{codes[gate.facility]}/{gate.code}" for gate in gates()}
    replaced = {text.id: text.sha256 for text in agreement_texts()} if row.text.replaces else {}
    return draft_of(
        row.text, codes.__getitem__, names.__getitem__, replaced[row.text.replaces] if row.text.replaces else ""
    )


def publication_facts() -> Facts:
    """Return what drafts are checked against: active facilities with their servers, their gates, the texts there are."""
    facilities = {facility.id: facility for facility in all_facilities() if facility.retired_at is None}
    belongs = actors(facilities)
    return Facts(
        facilities={f.code: MemberFact(f.id, f.code, f.currency, belongs[f.id].parent) for f in facilities.values()},
        gates={
            (facilities[gate.facility].code, gate.code): GateFact(gate.id, gate.facility, gate.code, gate.direction)
            for gate in gates()
            if gate.facility in facilities
        },
        agreements=standing(agreement_texts()),
        home=home_server(),
    )


def list_prices(product: str, category: str, at: datetime) -> dict[str, int]:
    """Return what facilities (by code) ask for a product at an instant: gross minor units. Weights are made of these."""
    found = {facility.code: on_sale(facility.id, [product], at).get(product) for facility in all_facilities()}
    return {
        code: version.product.prices[category]
        for code, version in found.items()
        if version is not None and category in version.product.prices
    }


def places() -> list[Place]:
    """Return every facility in the order of codes (by code points): their places in divisions."""
    return [Place(f.id, f.code) for f in sorted(all_facilities(), key=lambda facility: facility.code)]


def terms_of(row: AgreementRow, places: list[Place]) -> Terms:
    """Return an agreement as division needs it."""
    text = row.text
    place_of = {place.facility: index for index, place in enumerate(places)}
    facility_of = {gate.id: gate.facility for gate in gates()}
    weights = {place_of[member]: 0 for member in text.members}
    for gate in text.gates:
        weights[place_of[facility_of[gate.gate]]] += gate.weight
    return Terms(
        currency=text.currency,
        prices={
            (price.product_code, price.category): Priced(
                price.price,
                price.vat_bp,
                tuple(BundlePart(place_of[part.facility], part.amount, part.vat_bp) for part in price.parts),
                price.division,
            )
            for price in text.prices
        },
        division=text.division,
        unused=text.unused,
        ends_at=row.valid_until,
        member_weights=weights,
        floor_bp=text.floor_bp,
        overdrawn=text.overdrawn,
        unreturned=text.unreturned,
        second_payout=text.second_payout,
        bonus=text.bonus,
    )


class ClosingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A period closed. `cut`: tree size by log. `report_sha256` (hex): digest of the cumulative report over the cut."""

    id: UUID
    agreement: UUID
    sequence: int
    period_end: datetime
    until: datetime | None
    cut: dict[str, int]
    report_sha256: str
    at: datetime


def proposed_by(agreement: UUID) -> str | None:
    """Return the name of the log in which another server proposed an agreement; None where this one did."""
    found = _rows(
        "SELECT o.name FROM settlement_agreement a JOIN journal_origin o ON o.id = a.origin"
        " WHERE a.id = %s AND a.origin <> 1",
        [agreement],
    )
    return found[0][0] if found else None


def closings(agreement: UUID) -> list[ClosingRow]:
    """Return the closed periods of an agreement, in order."""
    rows = _rows(
        "SELECT id, agreement_id, sequence, period_end, until, cut, encode(report_sha256, 'hex'), at"
        " FROM settlement_closing WHERE agreement_id = %s ORDER BY sequence",
        [agreement],
    )
    return [
        ClosingRow(
            id=row[0],
            agreement=row[1],
            sequence=row[2],
            period_end=row[3],
            until=row[4],
            cut=msgspec.json.decode(row[5], type=dict[str, int]),
            report_sha256=row[6],
            at=row[7],
        )
        for row in rows
    ]


def closed_amounts(
    agreement: UUID, places: list[Place], sequence: int | None = None
) -> dict[tuple[int, str, int], int]:
    """Return the sums of an agreement's closings by place (rules.totals.Amounts), or the amounts of one of them."""
    place_of = {place.facility: index for index, place in enumerate(places)}
    rows = _rows(
        "SELECT a.facility_id, a.kind, a.creditor_id, sum(a.amount)::bigint FROM settlement_closing_amount a"
        " JOIN settlement_closing c ON c.id = a.closing_id"
        " WHERE c.agreement_id = %s AND (%s::int IS NULL OR c.sequence = %s)"
        " GROUP BY a.facility_id, a.kind, a.creditor_id",
        [agreement, sequence, sequence],
    )
    return {
        (place_of[facility], kind, place_of[creditor] if creditor else NOBODY): amount
        for facility, kind, creditor, amount in rows
        if amount
    }


def closed_report(row: AgreementRow, sequence: int) -> Report | None:
    """Return a closed period as a report, from the amounts recorded then; None when there is no such closing."""
    done = {closing.sequence: closing for closing in closings(row.id)}
    closing = done.get(sequence)
    if closing is None:
        return None
    before = done.get(sequence - 1)
    heading = Heading(
        agreement=row.id,
        agreement_sha256=row.sha256,
        season=row.text.season,
        currency=row.text.currency,
        members=frozenset(row.text.members),
        cut=closing.cut,
        since=before.period_end if before else None,
        until=closing.until,
        as_of=closing.period_end,
    )
    ordered = places()
    return build_report(heading, ordered, closed_amounts(row.id, ordered, sequence))


def _rows(sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
