"""What this server knows of the others: which logs it follows, and when it last heard from whom.

Who takes part is projected from the hub's log; `follow_members` carries that over to the journal, which holds a log for
each of them. What was seen of a peer is for people alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from karnet.federation.asks import PostgresAskBook
from karnet.federation.core.messages import Answer, Ask, News, Push, Request
from karnet.federation.core.store import Store
from karnet.federation.models import ArchivePull, Evidence, Key, Member, Peer
from karnet.federation.selectors import log_keys
from karnet.journal import arrivals
from karnet.journal.recording import HOME

_SEEN_EVERY = timedelta(seconds=2)
"""A peer that talks all the time is written down this often at most."""

_last_written: dict[str, datetime] = {}
_book = PostgresAskBook()


def follow_members(at: datetime) -> int:
    """Follow the log of every member under the keys it has, as far as it is in good standing; return how many are new.

    Safe to repeat and to run in several processes. The home log is not followed: it is ours.
    """
    keys, held, new = log_keys(), arrivals.held_logs(), 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM journal_origin WHERE id = %s", [HOME])
        (home,) = cursor.fetchone()
    for member in Member.objects.order_by("log"):
        if member.log == home or member.log not in keys:
            continue
        first, *later = keys[member.log]
        if member.log not in held:
            arrivals.join_log(member.log, first.vkey, at)
            new += 1
        if later and held_key(held, member.log) != later[-1].vkey:
            for key in later:
                arrivals.change_key(member.log, key.above + 1, key.vkey, at, key.ends)
        if member.log not in held or held[member.log].until != member.good:
            arrivals.suspend(member.log, member.good)
    return new


def held_key(held: Mapping[str, arrivals.HeldLog], log: str) -> str:
    """Return the newest key under which a log is held, "" for one that is not."""
    return held[log].vkey if log in held else ""


def joined_by(invitation: UUID, log: str, vkey: str) -> bool:
    """Tell whether this server joined by this invitation with this key: a repeat after a lost answer, then."""
    joined = Member.objects.filter(log=log, invitation=invitation).exists()
    return joined and Key.objects.filter(log=log, vkey=vkey).exists()


def has_news(store: Store, request: Request, peer: str, at: datetime) -> bool:
    """Tell whether what a member waits for is there: entries beyond those it names, asks, or the answer to its own.

    One query or two, where `Store.logs` takes more.
    """
    if isinstance(request, Push | Answer):
        return True
    if isinstance(request, Ask):
        return _book.answer_to(peer, request.key) is not None
    if isinstance(request, News) and request.asks and _book.any_for(peer, at):
        return True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM unnest(%s::text[], %s::bigint[]) AS h(name, size)"
            " JOIN journal_origin o ON o.name = h.name JOIN journal_tree t ON t.origin_id = o.id"
            " WHERE t.size > h.size)",
            [list(request.have), list(request.have.values())],
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def seen(log: str, at: datetime, address: str = "") -> None:
    """Note that a peer was heard, at most every two seconds."""
    last = _last_written.get(log)
    if last is not None and timedelta(0) <= at - last < _SEEN_EVERY:
        return
    _last_written[log] = at
    Peer.objects.update_or_create(
        log=log, defaults={"seen_at": at, "down_since": None, **({"address": address} if address else {})}
    )


def missed(log: str, at: datetime, error: str) -> None:
    """Note that a peer did not answer: since when, and why the last time."""
    _last_written.pop(log, None)
    peer, _ = Peer.objects.get_or_create(log=log)
    peer.down_since = peer.down_since or at
    peer.error, peer.error_at = error[:500], at
    peer.save()


def settle_evidence(log: str, at: datetime) -> int:
    """Hand evidence about a log on no more: people have dealt with it. It stays on record."""
    return Evidence.objects.filter(log=log, settled_at=None).update(settled_at=at)


def note_archive_pull(at: datetime, cut: str, what: str) -> None:
    """Note the day's archive pull: its cut (canonical JSON) and what is wrong, "" if nothing is."""
    ArchivePull.objects.update_or_create(
        day=at.astimezone().date(), defaults={"at": at, "cut": cut, "sound": not what, "what": what[:2000]}
    )


def last_archive_pull() -> datetime | None:
    """Return when the archive was pulled last."""
    return ArchivePull.objects.order_by("-at").values_list("at", flat=True).first()
