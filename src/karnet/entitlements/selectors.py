"""Reading media and entitlements. Set-based: one statement however many media are asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from karnet.accounts.selectors import ask_balances, balances, stored
from karnet.catalogue.operations import Validity
from karnet.entitlements.purse import OpenMoney
from karnet.entitlements.rules import (
    Desk,
    Holding,
    MediumState,
    OpenBlock,
    OpenDeposit,
    medium_id,
    points_account,
)
from karnet.journal.flight import Send
from karnet.kernel.time import day_end, day_start, local_day
from karnet.parties.selectors import facilities

_MEDIUM = (
    "id, number, chip, kind, state, issue, blocks, state_at, CASE WHEN holder_issue = issue THEN holder END, holder_at,"
    " CASE WHEN issued_origin <> 1 THEN facility_id END"
)


def medium_ids_by_chip(chips: Collection[str]) -> dict[str, UUID]:
    """Return the medium of each chip that is known. A chip never changes its medium, so no lock is needed.

    Where two servers issued one chip under different numbers (a conflict), the medium issued last has it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT chip, id FROM entitlements_medium WHERE chip = ANY(%b) ORDER BY issued_at, id", [list(chips)]
        )
        return dict(cursor.fetchall())


def lock_media(ids: Collection[UUID]) -> None:
    """Lock media, in the order of their ids: whoever holds one decides about everything on it.

    Read them in the next statement: this one sees rows as they were before it waited. Unknown ids are passed over.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM entitlements_medium WHERE id = ANY(%b) ORDER BY id FOR NO KEY UPDATE", [list(ids)]
        )


def lock_desk(ids: Iterable[UUID], named: Iterable[tuple[str, str]] = ()) -> Desk:
    """Lock and read media by id, and those that bear any of these (number, chip): the desk that decides about them.

    A medium that does not exist cannot be locked; that two tills issue it at once is stopped by its keys.
    """
    named = list(named)
    wanted = {*ids, *(medium_id(number) for number, _ in named)}
    wanted.update(medium_ids_by_chip([chip for _, chip in named]).values() if named else ())
    lock_media(wanted)
    return Desk(media(wanted).values())


def media(ids: Collection[UUID]) -> dict[UUID, MediumState]:
    """Return the media that are known, by id."""
    return {medium.id: medium for medium in _media("id = ANY(%b)", [list(ids)])}


def last_sold_media(limit: int) -> list[MediumState]:
    """Return the media on which tickets were sold last, the newest first: what lies on a shelf to be tried.

    Ids of tickets begin with the instant of their sale: only the last few are looked at.
    """
    rows = _rows(
        "SELECT medium_id FROM (SELECT id, medium_id FROM entitlements_entitlement ORDER BY id DESC LIMIT %s) e"
        " GROUP BY medium_id ORDER BY max(id::text) DESC LIMIT %s",
        [limit * 4, limit],
    )
    found = media([row[0] for row in rows])
    return [found[row[0]] for row in rows]


def media_by_number(numbers: Collection[str]) -> dict[str, MediumState]:
    """Return the media that are known, by the number printed on them."""
    return {medium.number: medium for medium in _media("id = ANY(%b)", [[medium_id(n) for n in numbers]])}


def media_held_by(customers: Collection[UUID]) -> dict[UUID, list[MediumState]]:
    """Return the media that customers hold, by customer and number: replaced ones too, none that was given out again
    since."""
    found: dict[UUID, list[MediumState]] = {customer: [] for customer in customers}
    for medium in _media("holder = ANY(%s) AND holder_issue = issue ORDER BY number", [list(customers)]):
        if medium.holder is not None:
            found[medium.holder].append(medium)
    return found


def media_by_chip(chips: Collection[str]) -> dict[str, MediumState]:
    """Return the media that are known, by what readers read."""
    return {medium.chip: medium for medium in _media("chip = ANY(%b) ORDER BY issued_at, id", [list(chips)])}


def _media(where: str, parameters: Sequence[Any]) -> list[MediumState]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_MEDIUM} FROM entitlements_medium WHERE {where}", parameters)
        rows = cursor.fetchall()
    away = {row[-1] for row in rows if row[-1] is not None}
    elsewhere = facilities(away) if away else {}
    return [_medium((*row[:-1], elsewhere[row[-1]].code if row[-1] else None)) for row in rows]


def _medium(row: tuple[Any, ...]) -> MediumState:
    id_, number, chip, kind, state, issue, blocks, state_at, *named = row
    holder, holder_at, away = named or (None, None, None)
    return MediumState(
        id=id_, number=number, chip=chip, kind=kind, state=state, issue=issue, blocks=blocks, state_at=state_at,
        holder=holder, holder_at=holder_at, away=away,
    )  # fmt: skip


_HOLDING_COLUMNS = (
    "e.id, e.medium_id, e.product_id, e.product_code, e.kind, e.category, e.facility_id, e.currency, e.price,"
    " e.time_zone, e.validity, e.at, coalesce(e.active_from, e.valid_from),"
    " coalesce(e.active_until, e.valid_until), e.facilities, e.points,"
    " ARRAY(SELECT d.day FROM entitlements_day d WHERE d.entitlement = e.id ORDER BY d.day),"
    " e.activated_at IS NOT NULL, e.voided_at IS NOT NULL, e.placed_at"
)
_HOLDING = f"SELECT {_HOLDING_COLUMNS} FROM entitlements_entitlement e"


def holdings(media: Collection[UUID]) -> dict[UUID, list[Holding]]:
    """Return what is on media, by medium, voided and expired entitlements included, the earliest sold first.

    What a former holder left on a medium that was handed back and issued again is not on it any more.
    Three statements at most. To decide by it, hold the media's locks (`lock_media`).
    """
    rows = _rows(
        f"{_HOLDING} JOIN entitlements_medium m ON m.id = e.medium_id AND m.issue = e.issue"
        " WHERE e.medium_id = ANY(%b) ORDER BY e.at, e.id",
        [list(media)],
    )
    found: dict[UUID, list[Holding]] = {medium: [] for medium in media}
    for holding in _holdings(rows):
        found[holding.medium].append(holding)
    return found


class Holders:
    """Media by what readers read, locked, each with what is on it: for gates, which must be quick.

    Takes two flights (journal.flight), which the caller opens and may share: make it in the first, `go_on` in the
    second, `read` when that has landed. The locks are those of `lock_media`, taken in the same order.
    """

    def __init__(self, send: Send, chips: Collection[str]) -> None:
        send(_LOCK_BY_CHIP, [list(chips)])
        self._landed = send(_HOLDERS, [list(chips)])

    def go_on(self, send: Send) -> None:
        """Read what landed, and ask for the points of points tickets."""
        self._rows = self._landed.rows()
        self._accounts = {row[0]: points_account(row[0]) for row in self._rows if row[4] == "points"}
        self._balances = ask_balances(send, list(self._accounts.values())) if self._accounts else dict

    @property
    def media(self) -> dict[str, UUID]:
        """The known media by chip, once the first flight has landed."""
        return {row[-6]: row[-8] for row in reversed(self._rows)}

    def read(self) -> dict[str, tuple[MediumState, list[Holding]]]:
        """Return the media that are known, by chip, with their entitlements as `holdings` returns them."""
        sums = self._balances()
        found: dict[str, tuple[MediumState, list[Holding]]] = {}
        for row in self._rows:
            known = found.get(row[-6])
            if known is None:
                known = found[row[-6]] = (_medium(row[-8:]), [])
            if row[0] is not None and row[-8] == known[0].id:
                account = self._accounts.get(row[0])
                known[1].append(_holding(row, sums[account].available if account else 0))
        return found


_LOCK_BY_CHIP = "SELECT 1 FROM entitlements_medium WHERE chip = ANY(%b::text[]) ORDER BY id FOR NO KEY UPDATE"
_HOLDERS = (
    f"SELECT {_HOLDING_COLUMNS}, m.id, m.number, m.chip, m.kind, m.state, m.issue, m.blocks, m.state_at"
    " FROM entitlements_medium m LEFT JOIN entitlements_entitlement e ON e.medium_id = m.id AND e.issue = m.issue"
    # The medium issued last comes first: it has the chip, should two have been given it.
    " WHERE m.chip = ANY(%b::text[]) ORDER BY m.issued_at DESC, m.id DESC, e.at, e.id"
)


def entitlements(ids: Collection[UUID]) -> dict[UUID, Holding]:
    """Return entitlements by id, wherever they are, and whether stays that they include have begun (`stayed`)."""
    wanted = [list(ids)]
    stayed = {
        row[0] for row in _rows("SELECT entitlement FROM entitlements_included_use WHERE entitlement = ANY(%s)", wanted)
    }
    return {
        holding.id: msgspec.structs.replace(holding, stayed=True) if holding.id in stayed else holding
        for holding in _holdings(_rows(f"{_HOLDING} WHERE e.id = ANY(%s)", wanted))
    }


def _rows(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _holdings(rows: Sequence[tuple[Any, ...]]) -> list[Holding]:
    accounts = {row[0]: points_account(row[0]) for row in rows if row[4] == "points"}
    sums = balances(list(accounts.values())) if accounts else {}
    return [_holding(row, sums[accounts[row[0]]].available if row[0] in accounts else 0) for row in rows]


def _holding(row: tuple[Any, ...], available: int) -> Holding:
    return Holding(
        id=row[0], medium=row[1], product=row[2], product_code=row[3], kind=row[4], category=row[5],
        facility=row[6], currency=row[7], price=row[8], time_zone=row[9], validity=_validity(row[10]),
        sold_at=row[11], valid_from=row[12], valid_until=row[13], facilities=_facilities(row[14]), points=row[15],
        available=available, days_used=tuple(row[16]), activated=row[17], voided=row[18], placed_at=row[19],
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _validity(text: str) -> Validity:
    return msgspec.json.decode(text, type=Validity)


@lru_cache(maxsize=4096)
def _facilities(text: str) -> tuple[UUID, ...]:
    return msgspec.json.decode(text, type=tuple[UUID, ...])


def open_deposits(media: Collection[UUID]) -> dict[UUID, list[OpenDeposit]]:
    """Return the deposits that lie on media, by medium, the oldest first. To pay one back, hold the media's locks."""
    found: dict[UUID, list[OpenDeposit]] = {medium: [] for medium in media}
    for row in _rows(
        "SELECT d.id, d.medium_id, d.facility_id, d.amount, d.currency FROM entitlements_deposit d"
        " LEFT JOIN entitlements_deposit_back b ON b.deposit_id = d.id"
        " WHERE d.medium_id = ANY(%s) AND b.deposit_id IS NULL ORDER BY d.at, d.id",
        [list(media)],
    ):
        found[row[1]].append(OpenDeposit(id=row[0], medium=row[1], facility=row[2], amount=row[3], currency=row[4]))
    return found


def open_money(media: Mapping[UUID, MediumState]) -> dict[UUID, list[OpenMoney]]:
    """Return the money on media (of their present issue), by medium. To move it, hold the media's locks."""
    return {
        medium: [
            OpenMoney(
                account=one.account, facility=one.facility, kind=one.kind, currency=one.held.unit,
                amount=one.held.balance,
            )
            for one in some
            if one.issue == media[medium].issue and one.held.balance > 0
        ]
        for medium, some in stored(list(media)).items()
    }  # fmt: skip


def open_blocks(media: Collection[UUID]) -> dict[UUID, list[OpenBlock]]:
    """Return the blocks that lie on media, by medium, the oldest first."""
    found: dict[UUID, list[OpenBlock]] = {medium: [] for medium in media}
    for row in _rows(
        "SELECT b.id, b.medium_id, b.code, b.at FROM entitlements_block b LEFT JOIN entitlements_lift l"
        " ON l.block_id = b.id WHERE b.medium_id = ANY(%s) AND l.block_id IS NULL ORDER BY b.at, b.id",
        [list(media)],
    ):
        found[row[1]].append(OpenBlock(block=row[0], medium=row[1], code=row[2], at=row[3]))
    return found


def count_in_use(ids: Collection[UUID]) -> int:
    """Return how many of these media are in somebody's hands."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM entitlements_medium WHERE id = ANY(%s) AND state = 'in_use'", [list(ids)])
        return int(cursor.fetchone()[0])


def lock_replacing_alone(facilities: Iterable[UUID]) -> None:
    """Hold, until the transaction ends, who replaces media of other servers at these facilities; count in the next
    statement."""
    names = sorted(f"replacing alone {facility}" for facility in facilities)
    _rows("SELECT pg_advisory_xact_lock(hashtextextended(name, 0))::text FROM unnest(%s::text[]) AS name", [names])


def replaced_alone(facility: UUID, at: datetime, time_zone: str) -> int:
    """Return how many media of other servers a facility replaced without their word on the local day of an instant."""
    day = local_day(at, time_zone)
    ((count,),) = _rows(
        "SELECT count(*) FROM entitlements_replaced_alone WHERE facility_id = %s AND at >= %s AND at < %s",
        [facility, day_start(day, time_zone), day_end(day, time_zone)],
    )
    return int(count)


def was_replaced_alone(medium: UUID) -> bool:
    """Tell whether this server replaced a medium of another without its word."""
    ((found,),) = _rows(
        "SELECT EXISTS (SELECT FROM entitlements_replaced_alone WHERE medium_id = %s AND origin = 1)", [medium]
    )
    return bool(found)
