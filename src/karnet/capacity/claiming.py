"""Locking and reading what a batch decides about. For the bodies of slices above, too: a sale that claims seats.

    book = claiming.lock_book(wants, holds=…, claims=…, at=…)      # first: units, then rooms, then read
    made = book.take(resource, want, name)                         # decide; parts go into the sale's own operation
    claiming.drop_holds(book)                                      # last: holds that became bookings leave

Everything happens inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from karnet.capacity.projection import CLAIM, packed, unpacked
from karnet.capacity.requests import Want
from karnet.capacity.rules import AllotmentState, Book, ClaimState, ResourceState, Room, UnitState
from karnet.journal.flight import Landed, Send, in_one_flight
from karnet.journal.projection import Conflict

_CLAIM = "SELECT c.id, c.resource, c.allotment, c.unit, c.first, c.until, c.quantity, c.counted, c.holder, c.held_until"
_NEVER = datetime(1, 1, 1, tzinfo=UTC)
_ENDED = 200
"""Holds that a transaction takes away beside its own affair, at most."""


def lock_book(
    wants: Iterable[tuple[UUID, Want]],
    *,
    at: datetime,
    holds: Collection[UUID] = (),
    claims: Collection[UUID] = (),
    sizing: Collection[UUID] = (),
) -> Book:
    """Lock what is wanted (by resource), and what holds and claims are on; return it as it is then.

    Units by id, then rooms by (allotment, section). Holds of these resources that are over by `at` are deleted first, so what
    they held is free. `sizing`: allotments whose rooms are locked whole, to be sized. In a transaction; four flights.
    """
    wanted = list(wants)
    named = list({*holds, *claims})
    with in_one_flight(connection) as send:
        landed = send(f"{_CLAIM} FROM capacity_claim c WHERE c.id = ANY(%b::uuid[])", [named])
        asked_units = [unit for _, want in wanted for unit in want.units]
        over = send(_OVER, [list({resource for resource, _ in wanted}), at, asked_units, _ENDED])
        allotted = send(_ANCESTORS, [list({want.allotment for _, want in wanted} | set(sizing)), named])
    about = _claims(landed)
    ended = _claims(over)
    allotments = {
        row[0]: AllotmentState(id=row[0], resource=row[1], parent=row[2], code=row[3], kind=row[4])
        for row in allotted.rows()
    }
    touched = {claim.id: claim for claim in (*about, *ended)}.values()
    units = {*asked_units, *(claim.unit for claim in touched if claim.unit)}
    rooms = _rooms_of(wanted, allotments) | {
        (place, section) for c in touched for place in c.counted for section in range(c.first, c.until)
    }
    _lock(units, rooms, sizing)
    if ended:
        delete_holds([claim.id for claim in ended], over_at=at)
    resources = (
        {resource for resource, _ in wanted} | {c.resource for c in about} | {a.resource for a in allotments.values()}
    )
    return _read(resources, allotments, units, rooms, sizing, named)


# What is over on other units is in nobody's way here, and locking those units would be.
_OVER = (
    f"{_CLAIM} FROM capacity_claim c WHERE c.resource = ANY(%b::uuid[]) AND c.held_until <= %s"
    " AND (c.unit = ANY(%b::uuid[]) OR c.counted <> '') ORDER BY c.held_until LIMIT %s"
)

# A resource's own allotment is no row: it is the resource, and has no parent.
_ANCESTORS = """
WITH RECURSIVE wanted AS (
  SELECT unnest(%b::uuid[]) AS id UNION SELECT allotment FROM capacity_claim WHERE id = ANY(%b::uuid[])
), up AS (
  SELECT a.id, a.resource_id, a.parent, a.code, a.kind FROM capacity_allotment a JOIN wanted USING (id)
  UNION SELECT a.id, a.resource_id, a.parent, a.code, a.kind FROM capacity_allotment a JOIN up ON a.id = up.parent
)
SELECT * FROM up UNION
SELECT r.id, r.id, NULL, '', 'share' FROM capacity_resource r
WHERE r.id IN (SELECT id FROM wanted UNION SELECT resource_id FROM up)
"""


def _rooms_of(wanted: Sequence[tuple[UUID, Want]], allotments: dict[UUID, AllotmentState]) -> set[tuple[UUID, int]]:
    """Return the rooms that wants may count in; spans that are absurd are left to the rule."""
    found = set[tuple[UUID, int]]()
    for _, want in wanted:
        place: UUID | None = want.allotment
        while place in allotments:
            state = allotments[place]
            found.update((place, section) for section in range(max(want.first, 0), min(want.until, want.first + 1000)))
            place = state.parent if state.kind == "limit" else None
    return found


def _lock(units: Collection[UUID], rooms: Collection[tuple[UUID, int]], sizing: Collection[UUID]) -> None:
    """Units, then rooms: whoever holds a unit or a room decides about it, and of two decisions the later one has the
    higher number in the journal."""
    with in_one_flight(connection) as send:
        if units:
            send("SELECT 1 FROM capacity_unit WHERE id = ANY(%b::uuid[]) ORDER BY id FOR NO KEY UPDATE", [list(units)])
        if rooms or sizing:
            ordered = sorted(rooms)
            send(
                "SELECT 1 FROM capacity_room WHERE (allotment, section) IN (SELECT * FROM unnest(%b::uuid[], %b::int[]))"
                " OR allotment = ANY(%b::uuid[]) ORDER BY allotment, section FOR NO KEY UPDATE"
                if sizing
                else "SELECT 1 FROM unnest(%b::uuid[], %b::int[]) AS d(allotment, section)"
                " JOIN capacity_room r USING (allotment, section) ORDER BY r.allotment, r.section FOR NO KEY UPDATE OF r",
                [[a for a, _ in ordered], [s for _, s in ordered], *([list(sizing)] if sizing else [])],
            )


def _read(
    resources: Collection[UUID],
    allotments: dict[UUID, AllotmentState],
    units: Collection[UUID],
    rooms: Collection[tuple[UUID, int]],
    sizing: Collection[UUID],
    claims: Collection[UUID],
) -> Book:
    ordered = sorted(rooms)
    with in_one_flight(connection) as send:
        known = send(
            "SELECT id, facility_id, kind, sections FROM capacity_resource WHERE id = ANY(%b::uuid[])",
            [list(resources)],
        )
        numbered = send(_UNITS, [list(units)])
        sized = send(
            "SELECT r.allotment, r.section, r.capacity, r.taken, r.held FROM unnest(%b::uuid[], %b::int[]) AS d(allotment, section)"
            " JOIN capacity_room r USING (allotment, section)",
            [[a for a, _ in ordered], [s for _, s in ordered]],
        )
        whole = send(_SIZING, [list(sizing)]) if sizing else None
        live = send(
            # Unit by unit: the exclusion constraint's index finds one at a time.
            f"{_CLAIM} FROM unnest(%b::uuid[]) AS d(unit) JOIN capacity_claim c ON c.unit = d.unit"
            f" UNION {_CLAIM} FROM capacity_claim c WHERE c.id = ANY(%b::uuid[])",
            [list(units), list(claims)],
        )
    room_rows = [*sized.rows(), *(whole.rows() if whole else ())]
    return Book(
        resources={
            row[0]: ResourceState(id=row[0], facility=row[1], kind=row[2], sections=row[3]) for row in known.rows()
        },
        allotments=allotments,
        units={
            row[0]: UnitState(id=row[0], resource=row[1], number=row[2], allotment=row[3]) for row in numbered.rows()
        },
        rooms={(row[0], row[1]): Room(capacity=row[2], taken=row[3], held=row[4]) for row in room_rows},
        claims=_claims(live),
    )


_UNITS = (
    "SELECT u.id, u.resource_id, u.number, a.allotment FROM capacity_unit u JOIN capacity_unit_allotted a ON a.unit = u.id"
    " WHERE u.id = ANY(%b::uuid[])"
)
_SIZING = "SELECT allotment, section, capacity, taken, held FROM capacity_room WHERE allotment = ANY(%b::uuid[])"


def _claims(landed: Landed) -> list[ClaimState]:
    return [claim_of(row) for row in landed.rows()]


def claim_of(row: Sequence[Any]) -> ClaimState:
    """Return the claim in a row of its table, in the order of `_CLAIM`."""
    return ClaimState(
        id=row[0], resource=row[1], allotment=row[2], unit=row[3], first=row[4], until=row[5], quantity=row[6],
        counted=unpacked(row[7]), holder=row[8], held_until=row[9],
    )  # fmt: skip


def lock_claims(ids: Collection[UUID]) -> list[ClaimState]:
    """Lock what claims are on; return those that are still there. In a transaction."""
    book = lock_book((), at=_NEVER, claims=ids)
    return [book.claims[id_] for id_ in ids if id_ in book.claims]


def insert_holds(holds: Sequence[ClaimState]) -> None:
    """Insert holds, in the transaction that locked what they are on. Conflict where the last guard knows better."""
    if not holds:
        return

    def check(found: int) -> None:
        if found != len(holds):
            raise Conflict(CLAIM, len(holds), found)

    with in_one_flight(connection) as send:
        columns = zip(
            *((*msgspec.structs.astuple(h)[:7], packed(h.counted), h.holder, h.held_until) for h in holds), strict=True
        )
        send(_INSERT, [list(column) for column in columns], check)
        count_held(send, holds, 1)


_INSERT = """
INSERT INTO capacity_claim (id, resource, allotment, first, until, quantity, unit, counted, holder, held_until)
SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::int[], %b::int[], %b::int[], %b::uuid[], %b::bytea[], %b::uuid[],
  %b::timestamptz[]) ON CONFLICT DO NOTHING
"""


def delete_holds(ids: Sequence[UUID], *, over_at: datetime | None = None) -> int:
    """Delete holds, as far as nobody deleted or confirmed them meanwhile; what they held is free. What they are on is locked.

    `over_at`: only those that are over by then.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH c AS (DELETE FROM capacity_claim WHERE id = ANY(%b::uuid[]) AND held_until IS NOT NULL"
            f" AND (%s::timestamptz IS NULL OR held_until <= %s) RETURNING *) {_CLAIM} FROM c",
            [list(ids), over_at, over_at],
        )
        gone = [claim_of(row) for row in cursor.fetchall()]
    with in_one_flight(connection) as send:
        count_held(send, gone, -1)
    return len(gone)


def drop_holds(book: Book) -> None:
    """Take away the holds that a decision turned into bookings, in the same transaction."""
    if book.dropped:
        delete_holds([claim.id for claim in book.dropped])


def count_held(send: Send, claims: Iterable[ClaimState], sign: int) -> None:
    """Add holds to, or take them off, the sums of the rooms they count in. The rooms are locked."""
    sums: dict[tuple[UUID, int], int] = {}
    for claim in claims:
        for allotment in claim.counted:
            for section in range(claim.first, claim.until):
                sums[allotment, section] = sums.get((allotment, section), 0) + sign * claim.quantity
    if sums:
        places = sorted(sums)
        send(
            "UPDATE capacity_room AS r SET held = r.held + d.by FROM unnest(%b::uuid[], %b::int[], %b::int[])"
            " AS d(allotment, section, by) WHERE r.allotment = d.allotment AND r.section = d.section",
            [[a for a, _ in places], [s for _, s in places], [sums[place] for place in places]],
        )
