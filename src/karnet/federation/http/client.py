"""How a member calls its hub: HTTPS with the certificate pinned, one connection a thread and node, kept open."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

import msgspec
import urllib3
from urllib3.exceptions import HTTPError

from karnet.federation.core.messages import MAX_MESSAGE_BYTES, Garbled, Reply, Request, decode_reply, encode
from karnet.federation.http import JOIN, MESSAGE
from karnet.federation.http.joining import Join, Joined, NotJoined

_CONNECT_S = 5.0
_LONGEST_REPLY = 4 * MAX_MESSAGE_BYTES


class Unanswered(Exception):
    """There was no usable answer: nobody there, another certificate, a broken connection, a refusal. Says which."""


class Unauthorized(Unanswered):
    """The hub does not know the token (any more)."""


class HubClient:
    """Calls the nodes of one hub. `certificate`: SHA-256 (hex) of theirs, "" to trust what the system trusts.

    A node with another certificate is never sent anything. Thread-safe.
    """

    def __init__(self, certificate: str, token: str = "") -> None:
        self._certificate, self._token = certificate, token
        self._pools: dict[str, urllib3.HTTPSConnectionPool] = {}

    def call(self, address: str, request: Request, timeout_ms: int) -> Reply:
        """Send a message and return the reply. Raises Unanswered."""
        body = self._post(address, MESSAGE, encode(request), timeout_ms)
        try:
            return decode_reply(body)
        except Garbled as error:
            raise Unanswered(f"{address} answers nonsense: {error}") from error

    def join(self, address: str, join: Join, timeout_ms: int) -> Joined | NotJoined:
        """Ask to join. Raises Unanswered."""
        status, body = self._exchange(address, JOIN, msgspec.json.encode(join), timeout_ms)
        try:
            if status == HTTPStatus.OK:
                return msgspec.json.decode(body, type=Joined)
            return msgspec.json.decode(body, type=NotJoined)
        except msgspec.DecodeError:
            raise Unanswered(f"{address} answers with status {status}") from None

    def _post(self, address: str, path: str, body: bytes, timeout_ms: int) -> bytes:
        status, answer = self._exchange(address, path, body, timeout_ms)
        if status == HTTPStatus.UNAUTHORIZED:
            raise Unauthorized(f"{address} does not know our token: join anew")
        if status != HTTPStatus.OK:
            said = answer[:200].decode(errors="replace").strip()
            raise Unanswered(f"{address} answers with status {status}: {said}")
        return answer

    def _exchange(self, address: str, path: str, body: bytes, timeout_ms: int) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/msgpack", "User-Agent": "Karnet"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            answer = self._pool(address).urlopen(
                "POST",
                path,
                body=body,
                headers=headers,
                timeout=urllib3.Timeout(connect=_CONNECT_S, read=timeout_ms / 1000),
                retries=False,
                preload_content=False,
            )
            try:
                data = answer.read(_LONGEST_REPLY + 1)
                if len(data) > _LONGEST_REPLY:
                    answer.close()
                    raise Unanswered(f"{address} answers with more than {_LONGEST_REPLY} bytes")
                answer.drain_conn()
                return answer.status, data
            finally:
                answer.release_conn()
        except (HTTPError, OSError) as error:
            raise Unanswered(f"{address}: {_said(error)}") from error

    def _pool(self, address: str) -> urllib3.HTTPSConnectionPool:
        if address not in self._pools:
            parts = urlsplit(address)
            assert parts.hostname is not None, "addresses were checked when they were taken"
            # A pinned certificate needs no authority to vouch for it: it is that one or none.
            self._pools[address] = urllib3.HTTPSConnectionPool(
                parts.hostname,
                parts.port or 443,
                maxsize=8,
                retries=False,
                cert_reqs="CERT_NONE" if self._certificate else "CERT_REQUIRED",
                assert_fingerprint=self._certificate or None,
            )
        return self._pools[address]


def _said(error: BaseException) -> str:
    # urllib3 wraps: the innermost words are those that people understand.
    inner = getattr(error, "reason", None)
    return _said(inner) if isinstance(inner, BaseException) else f"{type(error).__name__}: {error}"
