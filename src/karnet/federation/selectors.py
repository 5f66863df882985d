"""Who takes part, read from the tables."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec
from django.db import connection
from django.db.models import Exists, OuterRef

from karnet.federation import operations
from karnet.federation.models import Announcement, Invitation, Key, Member, Voucher
from karnet.federation.rules import Known, Open
from karnet.journal.selectors import position
from karnet.journal.tlog.keyring import Keyring, LogKey
from karnet.journal.tlog.note import VerifierKey


class MemberRow(msgspec.Struct, frozen=True, kw_only=True):
    """A member as people see it: since when, by which keys (newest last), and from which entry it is suspended."""

    log: str
    server: UUID
    is_hub: bool
    since: datetime
    keys: tuple[str, ...]
    cosigner: str
    good: int | None


def known() -> dict[str, Known]:
    """Return every member by its log's name, as rules want it. Two queries."""
    keys = log_keys()
    return {
        row.log: Known(
            log=row.log,
            keys=tuple((key.vkey, key.above) for key in keys.get(row.log, ())),
            good=row.good,
            standing_at=row.standing_at,
        )
        for row in Member.objects.all()
    }


def members() -> list[MemberRow]:
    """Return the members in the order of their names, the hub first. Two queries."""
    keys = log_keys()
    return [
        MemberRow(
            log=row.log,
            server=row.server,
            is_hub=row.is_hub,
            since=row.at,
            keys=tuple(key.vkey for key in keys.get(row.log, ())),
            cosigner=row.cosigner,
            good=row.good,
        )
        for row in Member.objects.order_by("-is_hub", "log")
    ]


def hub() -> str | None:
    """Return the name of the hub's log; None for a server that is no part of a common card."""
    return Member.objects.filter(is_hub=True).values_list("log", flat=True).first()


def invitations(ids: Collection[UUID]) -> dict[UUID, Open]:
    """Return invitations by id."""
    used = set(Member.objects.filter(invitation__in=ids).values_list("invitation", flat=True))
    return {
        row.id: Open(log=row.log, until=row.until, used=row.id in used) for row in Invitation.objects.filter(id__in=ids)
    }


def open_invitations(at: datetime) -> list[Open]:
    """Return the invitations that may still be used, the first to end first."""
    used = Member.objects.filter(invitation__isnull=False).values("invitation")
    joined = Member.objects.values("log")
    rows = Invitation.objects.filter(until__gt=at).exclude(id__in=used).exclude(log__in=joined).order_by("until")
    return [Open(log=row.log, until=row.until) for row in rows]


def announced(log: str) -> dict[str, int]:
    """Return the keys that a log announced in itself and we hold, with the index of the announcement's entry."""
    found = {}
    for vkey, operation in Announcement.objects.filter(log=log).values_list("vkey", "operation"):
        place = position(operation)
        if place is not None:
            found[vkey] = place[1]
    return found


def is_announced(log: str, vkey: str) -> bool:
    """Tell whether a log announced this key in itself."""
    return Announcement.objects.filter(log=log, vkey=vkey).exists()


def unconfirmed() -> list[tuple[str, str]]:
    """Return the keys that members announced and nobody confirmed yet: (log, vkey). One query."""
    confirmed = Key.objects.filter(log=OuterRef("log"), vkey=OuterRef("vkey"))
    found = Announcement.objects.filter(~Exists(confirmed), log__in=Member.objects.filter(is_hub=False).values("log"))
    return list(found.order_by("at", "log").values_list("log", "vkey"))


def vouchers(log: str, vkey: str) -> set[str]:
    """Return the members whose managers vouched for this key of `log`."""
    return set(Voucher.objects.filter(log=log, vkey=vkey).values_list("voucher", flat=True))


def held(log: str) -> int:
    """Return how many entries of a log are held here."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.size FROM journal_tree t JOIN journal_origin o ON o.id = t.origin_id WHERE o.name = %s", [log]
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0


class KeyRow(msgspec.Struct, frozen=True):
    """A key of a log: for sizes above `above`; `ends`: the keys before it sign none above that."""

    vkey: str
    above: int
    ends: int | None


def log_keys() -> dict[str, list[KeyRow]]:
    """Return the keys of every member's log, in the order in which they came. One statement.

    The hub says them; its own it announces, and a key that it got after a loss is believed where the own manager vouched.
    """
    keys: dict[str, list[KeyRow]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_KEYS)
        for log, vkey, above, ends in cursor.fetchall():
            keys.setdefault(log, []).append(KeyRow(vkey, above, ends))
    return keys


_KEYS = """
SELECT log, vkey, above, ends FROM (SELECT DISTINCT ON (log, vkey) * FROM (
    SELECT log, vkey, above, ends, at, 0 AS later FROM federation_key
    UNION ALL
    SELECT a.log, a.vkey, e.index + 1, NULL, a.at, 1 FROM federation_announcement a JOIN federation_hub h ON h.log = a.log
        JOIN journal_operation o ON o.id = a.operation JOIN journal_entry e ON e.operation_id = o.number
    UNION ALL
    SELECT v.log, v.vkey, v.above, v.above, v.at, 1 FROM federation_voucher v JOIN federation_hub h ON h.log = v.log
        JOIN journal_origin home ON home.id = 1 AND home.name = v.voucher WHERE v.above IS NOT NULL
) AS said ORDER BY log, vkey, later) AS keys ORDER BY log, above, at
"""


def keys_until(log: str, vkey: str) -> tuple[tuple[operations.LogKey, ...], operations.LogKey]:
    """Return the keys of a log before `vkey`, and that one, as whoever joins has to know them."""
    found: list[operations.LogKey] = []
    for row in log_keys().get(log, ()):
        one = operations.LogKey(log=log, vkey=row.vkey, above=row.above, ends=row.ends)
        if row.vkey == vkey:
            return tuple(found), one
        found.append(one)
    raise LookupError(f"{vkey} is no key of {log}")


def keyrings() -> dict[str, Keyring]:
    """Return the keys of every member's log, each with the sizes it signs: above its own, up to where a later one ends it."""
    found = {}
    for log, rows in log_keys().items():
        keys = []
        for place, row in enumerate(rows):
            until = min((later.ends for later in rows[place + 1 :] if later.ends is not None), default=None)
            keys.append(LogKey(key=VerifierKey.parse(row.vkey), above=row.above, until=until))
        found[log] = Keyring(tuple(keys))
    return found
