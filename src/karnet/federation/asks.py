"""Where asks are kept: at the hub, which passes them on (`PostgresAskBook`), and at the asker, between the till that
waits and the relay that has the link and the key (`ask_home`)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

import msgspec
from django.db import connection, transaction

from karnet.federation.core import asking
from karnet.federation.core.messages import Answer, Ask, Asked, Bearing
from karnet.federation.homes import home_log, home_of
from karnet.federation.http.news import CHANNEL
from karnet.kernel import canonical
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason

WAIT_MS = 6_000
"""How long somebody at a till waits for another server."""
_LOOK_S = 0.05
_KEPT = timedelta(days=30)

AnswerT = TypeVar("AnswerT")


class PostgresAskBook:
    """The hub's asks (core.asking.AskBook)."""

    def put(self, asker: str, ask: Ask, now: datetime) -> bool:
        """Keep an ask until `wait_ms` are over, again if it was given up before; False if its key was used otherwise."""
        wait = timedelta(milliseconds=max(0, min(ask.wait_ms, asking.MAX_WAIT_MS)))
        return _put(asker, ask.home, ask.kind, ask.key, ask.body, now, now + wait, ask.bearing)

    def answer_to(self, asker: str, key: str) -> bytes | None:
        """Return the answer to an ask, None while there is none."""
        return _answer_to(asker, key)

    def give_up(self, asker: str, key: str, now: datetime) -> bool:
        """Let nobody fetch an ask any more; return whether the home server had it already."""
        return _give_up(asker, key)

    def any_for(self, home: str, now: datetime) -> bool:
        """Tell whether a server has asks to answer. One look into an index."""
        rows = _rows(f"SELECT EXISTS (SELECT 1 FROM federation_ask WHERE {_DUE})", [home, now])
        return bool(rows[0][0])

    def take(self, home: str, now: datetime) -> Sequence[Asked]:
        """Return the asks that a server has to answer, oldest first, and note that it has them."""
        if not self.any_for(home, now):
            return ()
        rows = _rows(
            "UPDATE federation_ask SET fetched_at = coalesce(fetched_at, %s) WHERE (asker, key) IN"
            f" (SELECT asker, key FROM federation_ask WHERE {_DUE} ORDER BY asked_at LIMIT 32 FOR UPDATE)"
            " RETURNING asked_at, asker, kind, key, body, signed_at, proof",
            [now, home, now],
        )
        return [
            Asked(asker=asker, kind=kind, key=key, body=bytes(body), bearing=Bearing(at=at, proof=bytes(proof)))
            for _, asker, kind, key, body, at, proof in sorted(rows, key=lambda row: row[:2])
        ]

    def answered(self, home: str, answer: Answer, now: datetime) -> bool:
        """Keep the answer of the ask's home server; the first counts. False if nobody asked it so."""
        return _answered(answer.asker, answer.key, home, answer.body, now)


# An UPDATE looks at the row again after waiting for its lock. What was handed out and not answered is handed out again
# while its asker waits: the answer to a question for news may have been lost with the link it came over.
_DUE = "home = %s AND answered_at IS NULL AND NOT given_up AND until > %s"


def ask_home(
    facility: str, kind: str, key: str, body: object, answers: type[AnswerT], *, now: datetime, wait_ms: int = WAIT_MS
) -> AnswerT | Refused:
    """Ask the home server of a facility (by code) for what it alone may do, and wait for its answer.

    `body` is encoded canonically; `key`: the same ask again gets the same answer, done once. Refusals: the home
    server's own; HOME_ONLY where no hub connects us; HOME_SILENT if it did not answer in time: asking again under the
    same key is safe, whether or not it was done meanwhile. Must not be called inside a transaction.
    """
    assert not connection.in_atomic_block, "the relay must see the ask"
    home, own = home_of(facility), home_log()
    if home is None or own is None or home == own:
        return refused(Reason.HOME_ONLY, facility=facility)
    if not 0 < len(key) <= asking.MAX_KEY:
        return Refused(Reason.BAD_VALUE, {"field": "key"})
    data = canonical.encode(body)
    if not _put(own, home, kind, key, data, now, now + timedelta(milliseconds=wait_ms)):
        return refused(Reason.KEY_REUSED, key=key)
    end = time.monotonic() + wait_ms / 1000
    while (answer := _answer_to(own, key)) is None and time.monotonic() < end and not _is_given_up(own, key):
        time.sleep(_LOOK_S)
    if answer is None:
        _give_up(own, key)
        answer = _answer_to(own, key)
    if answer is None:
        return refused(Reason.HOME_SILENT, facility=facility)
    return msgspec.json.decode(answer, type=answers | Refused)


class AskHome(Protocol):
    """Asks the home server of a facility, as `ask_home`: the way there is the caller's (the hub, or a simulated network)."""

    def __call__(
        self, facility: str, kind: str, key: str, body: object, answers: type[AnswerT], *, now: datetime, wait_ms: int
    ) -> AnswerT | Refused: ...


class Waiting(msgspec.Struct, frozen=True):
    """An ask of this server that the relay has to carry."""

    home: str
    kind: str
    key: str
    body: bytes
    left_ms: int


def own_asks(now: datetime) -> list[Waiting]:
    """Return the asks of this server that somebody waits for now."""
    own = home_log()
    rows = _rows(
        "SELECT home, kind, key, body, until FROM federation_ask"
        " WHERE asker = %s AND answered_at IS NULL AND NOT given_up AND until > %s ORDER BY asked_at",
        [own, now],
    )
    return [
        Waiting(home, kind, key, bytes(body), max(1, int((until - now).total_seconds() * 1000)))
        for home, kind, key, body, until in rows
    ]


def own_answer(ask: Waiting, body: bytes | None, now: datetime) -> None:
    """Keep what the hub said to an ask of this server: the answer, or (None) that there is none."""
    own = home_log()
    if own is None:
        return
    if body is None:
        _give_up(own, ask.key)
    else:
        _answered(own, ask.key, ask.home, body, now)


def _put(
    asker: str,
    home: str,
    kind: str,
    key: str,
    body: bytes,
    now: datetime,
    until: datetime,
    bears: Bearing | None = None,
) -> bool:
    at, proof = (bears.at, bears.proof) if bears else ("", b"")
    with transaction.atomic():
        _rows("DELETE FROM federation_ask WHERE asked_at < %s RETURNING 1", [now - _KEPT])
        kept = _rows(
            "INSERT INTO federation_ask AS a"
            " (asker, key, home, kind, body, signed_at, proof, asked_at, until, given_up)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, false)"
            " ON CONFLICT (asker, key) DO UPDATE SET given_up = false, signed_at = excluded.signed_at,"
            " proof = excluded.proof, asked_at = excluded.asked_at, until = excluded.until,"
            " body = CASE WHEN a.answered_at IS NULL THEN excluded.body ELSE a.body END"
            " WHERE (a.home, a.kind) = (excluded.home, excluded.kind)"
            " AND a.body IN (excluded.body, sha256(excluded.body)) RETURNING 1",
            [asker, key, home, kind, body, at, proof, now, until],
        )
        _tell()
    return bool(kept)


def _answer_to(asker: str, key: str) -> bytes | None:
    rows = _rows("SELECT answer FROM federation_ask WHERE asker = %s AND key = %s", [asker, key])
    return bytes(rows[0][0]) if rows and rows[0][0] is not None else None


def _is_given_up(asker: str, key: str) -> bool:
    return bool(_rows("SELECT 1 FROM federation_ask WHERE asker = %s AND key = %s AND given_up", [asker, key]))


def _give_up(asker: str, key: str) -> bool:
    rows = _rows(
        "UPDATE federation_ask SET given_up = true, body = CASE WHEN given_up OR answered_at IS NOT NULL THEN body"
        " ELSE sha256(body) END WHERE asker = %s AND key = %s RETURNING fetched_at",
        [asker, key],
    )
    return bool(rows and rows[0][0] is not None)


def _answered(asker: str, key: str, home: str, body: bytes, now: datetime) -> bool:
    with transaction.atomic():
        rows = _rows(
            # What was asked may say who somebody is; once it is answered, or given up, its hash tells it from others.
            "UPDATE federation_ask SET answer = coalesce(answer, %s), answered_at = coalesce(answered_at, %s),"
            " body = CASE WHEN given_up OR answered_at IS NOT NULL THEN body ELSE sha256(body) END"
            " WHERE asker = %s AND key = %s AND home = %s RETURNING 1",
            [body, now, asker, key, home],
        )
        _tell()
    return bool(rows)


def _tell() -> None:
    _rows("SELECT pg_notify(%s, '')", [CHANNEL])


def _rows(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(values))
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
