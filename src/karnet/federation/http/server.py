"""What a hub node answers, as a WSGI application. Nodes keep nothing: any number of them serve one database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from http import HTTPStatus
from threading import BoundedSemaphore
from typing import Any

import msgspec
from django.db import DatabaseError, InterfaceError, connection

from karnet.federation import peers, services, tokens
from karnet.federation.core.answering import Hub, Later
from karnet.federation.core.messages import (
    MAX_MESSAGE_BYTES,
    Code,
    Garbled,
    Rejected,
    Reply,
    Request,
    decode_request,
    encode,
)
from karnet.federation.core.store import Store
from karnet.federation.http import JOIN, MESSAGE, PATH
from karnet.federation.http.joining import Join, Joined, NotJoined, is_proven
from karnet.federation.http.news import News
from karnet.federation.requests import Admit, MemberAnswer
from karnet.federation.rules import server_of

Environ = dict[str, Any]
Start = Callable[[str, list[tuple[str, str]]], object]
Clock = Callable[[], datetime]

_MESSAGEPACK, _JSON = "application/msgpack", "application/json"
_MAX_JOIN_BYTES = 64 * 1024
_WAIT_AGAIN_S = 1.0
_TOKEN_LIVES = timedelta(seconds=30)
MAX_WAITING = 64
"""Questions for news that one node keeps waiting; one more is answered at once, and comes again."""


class Answer(msgspec.Struct, frozen=True):
    """A response: status, media type, body."""

    status: HTTPStatus
    kind: str
    body: bytes


class HubNode:
    """A node of the hub `name`. `cosigner` is the public half of the key that `hub` signs receipts with."""

    def __init__(self, name: str, hub: Hub, store: Store, news: News, *, cosigner: str, clock: Clock) -> None:
        self._name, self._hub, self._store, self._news = name, hub, store, news
        self._cosigner, self._clock = cosigner, clock
        self._waiting = BoundedSemaphore(MAX_WAITING)
        self._known: dict[str, tuple[str, datetime]] = {}

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Answer one request. Never raises: what goes wrong here is a 500 or a 503, and the member asks again."""
        try:
            answer = self._answer(environ)
        except (DatabaseError, InterfaceError) as error:
            connection.close()
            answer = _text(HTTPStatus.SERVICE_UNAVAILABLE, f"the database is away: {error}")
        headers = [("Content-Type", answer.kind), ("Content-Length", str(len(answer.body))), ("Server", "karnet")]
        start(f"{answer.status.value} {answer.status.phrase}", headers)
        return [answer.body]

    def _answer(self, environ: Environ) -> Answer:
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        if path.rstrip("/") == PATH and method in ("GET", "HEAD"):
            return _text(HTTPStatus.OK, f"karnet hub {self._name}\n")
        if method != "POST" or path not in (MESSAGE, JOIN):
            return _text(HTTPStatus.NOT_FOUND, "there is no such page\n")
        if path == JOIN:
            body = _body(environ, _MAX_JOIN_BYTES)
            return body if isinstance(body, Answer) else self._join(body)
        peer = self._peer(environ)
        if peer is None:
            return _text(HTTPStatus.UNAUTHORIZED, "the token is no member's\n")
        body = _body(environ, MAX_MESSAGE_BYTES)
        if isinstance(body, Answer):
            return body
        return self._message(peer, body)

    def _message(self, peer: str, body: bytes) -> Answer:
        try:
            request = decode_request(body)
        except Garbled as error:
            return _text(HTTPStatus.BAD_REQUEST, f"{error}\n")
        peers.seen(peer, self._clock())
        return Answer(HTTPStatus.OK, _MESSAGEPACK, encode(self._reply(peer, request)))

    def _reply(self, peer: str, request: Request) -> Reply:
        seen, began = self._news.count, time.monotonic()
        reply = self._hub.handle(self._store, peer, request, self._clock())
        if not isinstance(reply, Later):
            return reply
        if not self._waiting.acquire(blocking=False):
            return self._last(peer, request)
        try:
            end = began + reply.wait_ms / 1000
            while (left := end - time.monotonic()) > 0:
                connection.close()  # Who waits needs no connection; there may be many.
                seen = self._news.wait(seen, min(left, _WAIT_AGAIN_S))
                if peers.has_news(self._store, request, peer, self._clock()):
                    break
            return self._last(peer, request)
        finally:
            self._waiting.release()

    def _last(self, peer: str, request: Request) -> Reply:
        reply = self._hub.handle(self._store, peer, request, self._clock(), waited=True)
        if isinstance(reply, Later):
            return Rejected(code=Code.BUSY, detail="too many wait for news", retry_ms=1000)
        return reply

    def _join(self, body: bytes) -> Answer:
        try:
            join = msgspec.json.decode(body, type=Join)
        except msgspec.DecodeError as error:
            return _json(HTTPStatus.BAD_REQUEST, NotJoined(code="bad_value", detail=str(error)))
        invitation = tokens.invitation_of(join.token)
        if invitation is None or not is_proven(join, self._name):
            detail = "the token opens nothing, or the proof does not show that you hold the key"
            return _json(HTTPStatus.FORBIDDEN, NotJoined(code="invitation_ended", detail=detail))
        at = self._clock()
        admitted = services.admit(
            Admit(
                # One key a try and server: a repeat after a lost answer is the same request, and gets a new token.
                key=f"admit:{invitation}:{join.vkey[-60:]}",
                at=at,
                actor=server_of(self._name),
                invitation=invitation,
                log=join.log,
                vkey=join.vkey,
                cosigner=join.cosigner,
            )
        )
        if not isinstance(admitted, MemberAnswer) and not peers.joined_by(invitation, join.log, join.vkey):
            return _json(HTTPStatus.FORBIDDEN, NotJoined(code=str(admitted.reason), detail=str(admitted.facts)))
        peers.follow_members(at)
        token = tokens.member_token(join.log, at)
        return _json(HTTPStatus.OK, Joined(token=token, hub=self._name, cosigner=self._cosigner))

    def _peer(self, environ: Environ) -> str | None:
        scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        now = self._clock()
        log, until = self._known.get(token, ("", now))
        if now < until:
            return log
        found = tokens.member_of(token)
        if found is not None:
            if len(self._known) > 1000:
                self._known.clear()
            self._known[token] = found, now + _TOKEN_LIVES
        return found


def _body(environ: Environ, most: int) -> bytes | Answer:
    try:
        length = int(environ.get("CONTENT_LENGTH") or -1)
    except ValueError:
        length = -1
    if length < 0:
        return _text(HTTPStatus.LENGTH_REQUIRED, "say how long the message is\n")
    if length > most:
        return _text(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{most} bytes at most\n")
    body: bytes = environ["wsgi.input"].read(length)
    return body


def _text(status: HTTPStatus, text: str) -> Answer:
    return Answer(status, "text/plain; charset=utf-8", text.encode())


def _json(status: HTTPStatus, value: object) -> Answer:
    return Answer(status, _JSON, msgspec.json.encode(value))
