"""A past period's stays through another tariff, before it is published (SPEC S16). Nothing is recorded or locked.

The stays are read in chunks, each by two short statements of its own, so that neither gates nor the sealer wait for them;
what is kept is a chunk at a time and a row of sums for each group.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import numpy as np

from karnet.catalogue.tariffs import tariff_versions, tariffs_of
from karnet.kernel.ids import first_id
from karnet.orders.selectors import rows
from karnet.stays import selectors
from karnet.stays.operations import OUTSIDE
from karnet.tariffs.columns import Integers, Stays, columns
from karnet.tariffs.comparing import Compared, Comparison, Known, Missing, ratable, revenue
from karnet.tariffs.model import Tariff
from karnet.tariffs.repricing import reprice
from karnet.tariffs.stays import Halt, Move, Stay

CHUNK = 20_000
"""Stays read at once."""


class Repricing(msgspec.Struct, frozen=True, kw_only=True):
    """Stays that began in [since, until) and are over, under the tariffs they had and another one.

    `of`: the codes of their tariffs. `left_out`: how many have a category or package that the other tariff lacks (as
    "category child"). What bands ate, and what was forgiven, is not part of it; a stay that a bundle paid counts as if its
    package had been paid at the desk.
    """

    facility: UUID
    currency: str
    time_zone: str
    since: datetime
    until: datetime
    of: tuple[str, ...]
    compared: Compared
    left_out: dict[str, int]


def reprice_period(
    facility: UUID, tariff: Tariff, since: datetime, until: datetime, *, of: str | None = None, chunk: int = CHUNK
) -> Repricing:
    """Return what the stays of a period bring in under another tariff, beside what they did.

    `of`: the code of the tariff whose stays are meant (None: that of the other tariff, where the facility published one,
    else all). Raises BadStay for stays that no tariff can rate.
    """
    codes = sorted({version.code for version in tariffs_of(facility)})
    meant = (of,) if of else (tariff.code,) if tariff.code in codes else tuple(codes)
    comparison = Comparison(tariff.time_zone)
    categories, packages = frozenset(tariff.categories), frozenset(one.code for one in tariff.packages)
    left_out: dict[Missing, int] = {}
    for found in _chunks(facility, meant, since, until, chunk):
        all_there = columns(one.known.stay for one in found)
        places, missing = ratable(all_there, categories, packages)
        for what, count in missing.items():
            left_out[what] = left_out.get(what, 0) + count
        kept = [found[place] for place in places.tolist()]
        stays = all_there if len(kept) == len(found) else columns(one.known.stay for one in kept)
        before, after = _before(kept, stays), revenue(reprice(tariff, stays))
        comparison.add(stays, before, after, [one.known for one in kept])
    return Repricing(
        facility=facility,
        currency=tariff.currency,
        time_zone=tariff.time_zone,
        since=since,
        until=until,
        of=meant,
        compared=comparison.result(),
        left_out={f"{missing.what} {missing.name}": count for missing, count in sorted(left_out.items())},
    )


class _Found(NamedTuple):
    """A stay that is over, and the version of the tariff that it had."""

    known: Known
    tariff: UUID


def _chunks(
    facility: UUID, codes: tuple[str, ...], since: datetime, until: datetime, size: int
) -> Iterator[list[_Found]]:
    """Yield a period's stays that are over, in the order of their ids, which begin with the instant they were made."""
    versions = [version.id for version in tariffs_of(facility) if version.code in codes]
    halts = selectors.facility_states([facility])[facility].stops(since)
    after, last = first_id(since), first_id(until)
    while True:
        found = rows(
            "SELECT id, tariff, category, package, prepaid_minor, stopped_at, charged_until, at FROM stays_stay"
            " WHERE id > %s AND id < %s AND facility_id = %s AND tariff = ANY(%b::uuid[]) AND ended_at IS NOT NULL"
            " AND charged_until IS NOT NULL ORDER BY id LIMIT %s",
            [after, last, facility, versions, size],
        )
        if found:
            moves: dict[UUID, list[Move]] = {}
            for stay, zone, at in rows(
                "SELECT stay, zone, since FROM stays_move WHERE stay = ANY(%b::uuid[]) AND dropped_at IS NULL"
                " ORDER BY stay, since, number",
                [[row[0] for row in found]],
            ):
                moves.setdefault(stay, []).append(Move(at=at, zone=zone))
            yield [_found(row, tuple(moves.get(row[0], ())), halts) for row in found]
        if len(found) < size:
            return
        after = found[-1][0]


def _found(row: tuple[Any, ...], moves: tuple[Move, ...], halts: tuple[Halt, ...]) -> _Found:
    id_, tariff, category, package, prepaid, stopped, charged_until, at = row
    moves = moves or (Move(at=at, zone=OUTSIDE),)
    stay = Stay(
        category=category,
        moves=moves,
        ended=max(charged_until, moves[0].at),
        package=package,
        # Who takes a package prepays what it costs, under any tariff; other prepayments are as they were.
        prepaid_minor=0 if package else prepaid,
        stopped=stopped,
        halts=tuple(halt for halt in halts if halt.until is None or halt.until > at),
    )
    return _Found(Known(id_, stay), tariff)


def _before(found: list[_Found], stays: Stays) -> Integers:
    """Return what stays (one by one, and as columns) brought in, each under the version it had."""
    brought = np.zeros(len(found), dtype=np.int64)
    versions = tariff_versions({one.tariff for one in found})
    if len(versions) == 1:
        return revenue(reprice(next(iter(versions.values())).tariff, stays))
    for id_, version in versions.items():
        places = [place for place, one in enumerate(found) if one.tariff == id_]
        brought[places] = revenue(reprice(version.tariff, columns(found[place].known.stay for place in places)))
    return brought
