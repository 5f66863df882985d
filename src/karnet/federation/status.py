"""How the common card does, for people: each log, who vouches for it, what is wrong and what to do. Reading only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db import connection

from karnet.federation.delays import Quantiles, delays
from karnet.federation.models import Alarm, ArchivePull, Member, Peer
from karnet.federation.selectors import MemberRow, hub, members
from karnet.journal.arrivals import HeldLog, held_logs
from karnet.journal.recording import HOME

_SILENT = timedelta(seconds=60)
"""A member asks for news at least every ten seconds; one that was not heard for a minute is away."""


class Vouched(msgspec.Struct, frozen=True, kw_only=True):
    """A server has said, signed, that it holds the log up to `size`."""

    by: str
    size: int


class LogStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One log. `held` entries are here, `applied` of them applied. `behind_s`: for how many seconds the oldest entry
    that is here waits to be applied; of the home log, for how many the oldest sealed one waits for the hub's receipt.
    `delay`: what its entries lately took from there to here. `words`: its key for the telephone. `state`: ok, behind, waiting, quarantined, suspended or not followed."""

    log: str
    home: bool
    is_hub: bool
    held: int
    applied: int
    noted_at: datetime | None
    behind_s: int
    state: str
    detail: str
    vouched: tuple[Vouched, ...]
    words: str
    good: int | None = None
    delay: Quantiles | None = None


class PeerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The way to a peer: of a member the hub, of the hub each member. `up`: heard within the last minute."""

    log: str
    up: bool
    seen_at: datetime | None
    down_since: datetime | None
    error: str
    error_at: datetime | None
    address: str


class AlarmStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Something that people should know. `what` and `do`: whole sentences in English; pages put `code` and `values` into
    other languages."""

    code: str
    values: dict[str, str | int]
    log: str
    since: datetime
    what: str
    do: str


class Pulled(msgspec.Struct, frozen=True, kw_only=True):
    """The last daily archive pull."""

    at: datetime
    sound: bool
    what: str
    cut: str


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The common card as this server sees it. `hub` None: it takes part in none."""

    name: str
    hub: str | None
    logs: tuple[LogStatus, ...]
    peers: tuple[PeerStatus, ...]
    alarms: tuple[AlarmStatus, ...]
    archive: Pulled | None

    @property
    def sound(self) -> bool:
        """Whether nothing needs anybody."""
        return not self.alarms


def status(at: datetime) -> Status:
    """Return how the common card does at this instant. A fixed number of queries."""
    from karnet.federation.membership.fingerprints import key_words

    held, taking_part, vouched, took = held_logs(), members(), _vouched(), delays()
    rows = _rows()
    home = next((name for name, row in rows.items() if row["origin"] == HOME), "")
    logs = tuple(
        _log(
            member,
            rows.get(member.log),
            held.get(member.log),
            vouched.get(member.log, ()),
            at,
            key_words(member.keys[-1]),
            took.get(member.log),
        )
        for member in taking_part
    )
    return Status(
        name=home,
        hub=hub(),
        logs=logs,
        peers=_peers(home, taking_part, at),
        alarms=_alarms(logs, held),
        archive=_archive(),
    )


class LinkDown(msgspec.Struct, frozen=True):
    """The hub does not answer, since then."""

    since: datetime


def link_down() -> LinkDown | None:
    """Return since when this member's hub does not answer, or None. One cheap query: tills ask it all the time."""
    since = Peer.objects.filter(down_since__isnull=False, log__in=Member.objects.filter(is_hub=True).values("log"))
    found = since.values_list("down_since", flat=True).first()
    return LinkDown(found) if found else None


def _log(
    member: MemberRow,
    row: Mapping[str, Any] | None,
    held: HeldLog | None,
    vouched: tuple[Vouched, ...],
    at: datetime,
    words: str,
    delay: Quantiles | None,
) -> LogStatus:
    if row is None:
        state, detail, behind = "not followed", "", 0
        row = {"origin": 0, "size": 0, "noted_at": None, "waits_since": None}
    elif held is None:
        receipt = max((one.size for one in vouched if one.by != member.log), default=0)
        behind = _seconds(at, row["waits_since"]) if receipt < row["size"] else 0
        state, detail = ("behind" if behind > _SILENT.total_seconds() else "ok"), ""
    else:
        behind = _seconds(at, row["waits_since"]) if held.applied < held.size else 0
        state, detail = _state(held, behind)
    return LogStatus(
        log=member.log,
        home=row["origin"] == HOME,
        is_hub=member.is_hub,
        held=row["size"],
        applied=held.applied if held else row["size"],
        noted_at=row["noted_at"],
        behind_s=behind,
        state=state,
        detail=detail,
        vouched=vouched,
        words=words,
        good=member.good,
        delay=None if row["origin"] == HOME else delay,
    )


def _state(held: HeldLog, behind: int) -> tuple[str, str]:
    if held.quarantined is not None:
        return "quarantined", f"entry {held.quarantined.index}: {held.quarantined.detail}"
    if held.until is not None:
        return "suspended", f"from entry {held.until} on"
    if held.waiting:
        return "waiting", held.waiting
    return ("behind" if behind > _SILENT.total_seconds() else "ok"), ""


def _seconds(at: datetime, since: datetime | None) -> int:
    return max(0, int((at - since).total_seconds())) if since else 0


def _rows() -> dict[str, dict[str, Any]]:
    """Of each log: its number here, its size, when its newest note came, and since when the oldest note waits that is
    not applied (of the home log: not vouched for by others)."""
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [HOME])
        return {
            name: {"origin": origin, "size": size, "noted_at": noted, "waits_since": waits}
            for name, origin, size, noted, waits in cursor.fetchall()
        }


_ROWS = """
SELECT o.name, o.id, t.size,
    (SELECT c.at FROM journal_checkpoint c WHERE c.origin_id = o.id ORDER BY c.size DESC LIMIT 1),
    (SELECT c.at FROM journal_checkpoint c WHERE c.origin_id = o.id AND c.size > d.done ORDER BY c.size LIMIT 1)
FROM journal_origin o JOIN journal_tree t ON t.origin_id = o.id LEFT JOIN journal_applied a ON a.origin_id = o.id
CROSS JOIN LATERAL (SELECT CASE WHEN o.id = %s
    THEN coalesce((SELECT max(s.size) FROM federation_cosignature s WHERE s.log = o.name AND s.cosigner <> o.name), 0)
    ELSE coalesce(a.size, 0) END AS done) d
"""


def _vouched() -> dict[str, tuple[Vouched, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT log, cosigner, size FROM federation_cosignature ORDER BY log, cosigner")
        found: dict[str, list[Vouched]] = {}
        for log, by, size in cursor.fetchall():
            found.setdefault(log, []).append(Vouched(by=by, size=size))
    return {log: tuple(lines) for log, lines in found.items()}


def _peers(home: str, taking_part: list[MemberRow], at: datetime) -> tuple[PeerStatus, ...]:
    seen = {row.log: row for row in Peer.objects.all()}
    at_hub = any(member.is_hub and member.log == home for member in taking_part)
    others = [member.log for member in taking_part if member.log != home and (at_hub or member.is_hub)]
    found = []
    for log in others:
        row = seen.get(log) or Peer(log=log)
        heard = row.seen_at is not None and at - row.seen_at < _SILENT
        found.append(
            PeerStatus(
                log=log,
                up=heard and row.down_since is None,
                seen_at=row.seen_at,
                down_since=row.down_since or (None if heard else row.seen_at),
                error=row.error,
                error_at=row.error_at,
                address=row.address,
            )
        )
    return tuple(found)


def _archive() -> Pulled | None:
    row = ArchivePull.objects.order_by("-day").first()
    return Pulled(at=row.at, sound=row.sound, what=row.what, cut=row.cut) if row else None


def _alarms(logs: tuple[LogStatus, ...], held: Mapping[str, HeldLog]) -> tuple[AlarmStatus, ...]:
    found = [
        AlarmStatus(
            code="quarantine",
            values={"log": name, "index": notice.index, "detail": notice.detail},
            log=name,
            since=notice.at,
            what=f"Entry {notice.index} of {name} is not applied, nor any after it: {notice.detail}.",
            do=f"Everything else goes on, and what {name} sends is kept. Ask its people what happened. When the cause "
            f"is removed (a newer Karnet, a mended log): `karnet federation release {name}`. If its key or its people "
            f"cannot be trusted: `karnet federation suspend {name} --from {notice.index}` at the hub.",
        )
        for name, log in held.items()
        if (notice := log.quarantined) is not None
    ]
    for row in Alarm.objects.order_by("since"):
        what, do = ALARMS.get(row.trouble, (row.detail, "See the log of the relay."))
        values: dict[str, str | int] = {"log": row.log, "detail": row.detail, "ours": row.ours, "theirs": row.theirs}
        found.append(
            AlarmStatus(
                code=row.trouble,
                values=values,
                log=row.log,
                since=row.since,
                what=what.format_map(values),
                do=do.format_map(values),
            )
        )
    return tuple(found)


ALARMS = {
    "behind": (
        "The hub holds {theirs} entries of this server's log, the database here {ours}: a backup was restored.",
        "Stop `karnet serve`. Fetch the log from the hub and apply what is missing: `karnet federation recover`.",
    ),
    "hub_behind": (
        "The hub holds {theirs} entries of {log}, fewer than it acknowledged ({ours} are here): it has lost some.",
        "Nothing has to be done here: this server gives the hub back what it holds. Tell the hub's people.",
    ),
    "refused": (
        "The hub does not take entries of {log}: {detail}.",
        "Selling goes on; nothing new reaches the others. Ask the hub's people, and see docs/federation.md.",
    ),
    "unreachable": (
        "No address of the hub answers: {detail}.",
        "Selling and admitting go on with what is known here. Check the network; what waits is sent by itself.",
    ),
    "hub_faulty": (
        "The hub sends entries of {log} that are not what was signed: {detail}.",
        "They are not taken. Tell the hub's people; the other logs go on. If it is the hub's own log, and they say that "
        "they lost their key: `karnet federation key vouch`.",
    ),
}
"""What each trouble of the relay (core.relaying.Trouble) means and what to do, in English."""
