"""What a hub node answers, and that a member tells nothing to a node with another certificate."""

from __future__ import annotations

import http.server
import io
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from karnet.federation import selectors, services, tokens
from karnet.federation.asks import PostgresAskBook
from karnet.federation.core.answering import Hub
from karnet.federation.core.messages import Known, News, Pull, Pulled, decode_reply, encode
from karnet.federation.http import JOIN, MESSAGE, PATH
from karnet.federation.http.client import HubClient, Unanswered
from karnet.federation.http.joining import Joined, asking
from karnet.federation.http.news import News as Waker
from karnet.federation.http.server import HubNode
from karnet.federation.membership.certificates import certificate_fingerprint, make_certificate
from karnet.federation.requests import Invite, InvitedAnswer, OpenHub
from karnet.federation.store import PostgresStore
from karnet.journal.founding import found_server
from karnet.journal.tlog.note import SignatureType, SigningKey

pytestmark = pytest.mark.database

AT = datetime(2026, 12, 1, 9, tzinfo=UTC)
HUB = "hub/log"
KEY = SigningKey(HUB, SignatureType.ED25519, bytes([1] * 32))
COSIGNER = SigningKey(HUB, SignatureType.COSIGNATURE_V1, bytes([2] * 32))
MEMBER = SigningKey("kopa/log", SignatureType.ED25519, bytes([3] * 32))
MEMBERS_COSIGNER = SigningKey("kopa/log", SignatureType.COSIGNATURE_V1, bytes([4] * 32)).verifier.format()


class Node:
    """A hub node called in process."""

    def __init__(self) -> None:
        store = PostgresStore(HUB, lambda: AT)
        self.actor = found_server(HUB, AT)
        services.open_hub(
            OpenHub(
                key="open",
                at=AT,
                actor=self.actor,
                log=HUB,
                vkey=KEY.verifier.format(),
                cosigner=COSIGNER.verifier.format(),
            )
        )
        self.now = AT
        self._application = HubNode(
            HUB,
            Hub(COSIGNER, book=PostgresAskBook()),
            store,
            Waker(),
            cosigner=COSIGNER.verifier.format(),
            clock=lambda: self.now,
        )

    def post(self, path: str, body: bytes, token: str = "", length: str | None = None) -> tuple[int, bytes]:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": path,
            "CONTENT_LENGTH": str(len(body)) if length is None else length,
            "wsgi.input": io.BytesIO(body),
        }
        if token:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return self._call(environ)

    def get(self, path: str) -> tuple[int, bytes]:
        return self._call({"REQUEST_METHOD": "GET", "PATH_INFO": path})

    def _call(self, environ: dict[str, Any]) -> tuple[int, bytes]:
        started: list[str] = []
        body = b"".join(self._application(environ, lambda status, headers: started.append(status)))
        return int(started[0].split()[0]), body

    def invitation(self, log: str = "kopa/log") -> str:
        invited = services.invite(
            Invite(key=f"invite:{log}", at=AT, actor=self.actor, log=log, until=AT + timedelta(days=7))
        )
        assert isinstance(invited, InvitedAnswer)
        return tokens.invitation_token(log, invited.invitation, AT)

    def join(self, token: str, key: SigningKey = MEMBER, hub: str = HUB) -> tuple[int, bytes]:
        return self.post(JOIN, msgspec.json.encode(asking(token, hub, key, MEMBERS_COSIGNER)))


@pytest.fixture
def node(database: None) -> Node:
    return Node()


def test_a_server_joins_by_its_invitation_and_then_speaks_by_its_token(node: Node) -> None:
    status, body = node.join(node.invitation())
    assert status == 200
    joined = msgspec.json.decode(body, type=Joined)
    assert joined.hub == HUB
    assert [row.log for row in selectors.members()] == [HUB, "kopa/log"]
    status, body = node.post(MESSAGE, encode(Pull(have={HUB: 0})), joined.token)
    assert status == 200
    assert isinstance(decode_reply(body), Pulled)
    assert isinstance(decode_reply(node.post(MESSAGE, encode(News(have={})), joined.token)[1]), Known)


def test_a_repeated_joining_after_a_lost_answer_gets_a_token_and_ends_the_one_before(node: Node) -> None:
    token = node.invitation()
    first = msgspec.json.decode(node.join(token)[1], type=Joined).token
    node.now += timedelta(minutes=5)
    status, body = node.join(token)
    assert status == 200
    second = msgspec.json.decode(body, type=Joined).token
    assert tokens.member_of(first) is None
    assert tokens.member_of(second) == "kopa/log"


def test_nobody_else_joins_by_a_used_or_a_foreign_invitation(node: Node) -> None:
    token = node.invitation()
    assert node.join("nonsense")[0] == 403
    assert node.join(token, SigningKey("jawor/log", SignatureType.ED25519, bytes([5] * 32)))[0] == 403
    assert node.join(token, hub="another/hub")[0] == 403, "the proof names the hub it is for"
    assert node.join(token)[0] == 200
    assert node.join(token, SigningKey("kopa/log", SignatureType.ED25519, bytes([6] * 32)))[0] == 403
    assert [row.log for row in selectors.members()] == [HUB, "kopa/log"]


def test_who_does_not_hold_the_key_does_not_join_with_it(node: Node) -> None:
    request = asking(node.invitation(), HUB, MEMBER, MEMBERS_COSIGNER)
    other = SigningKey("kopa/log", SignatureType.ED25519, bytes([7] * 32))
    forged = msgspec.structs.replace(request, vkey=other.verifier.format())
    assert node.post(JOIN, msgspec.json.encode(forged))[0] == 403


def test_without_a_members_token_nothing_is_answered(node: Node) -> None:
    body = encode(Pull(have={HUB: 0}))
    assert node.post(MESSAGE, body)[0] == 401
    assert node.post(MESSAGE, body, "guessed")[0] == 401
    assert node.post(MESSAGE, body, node.invitation())[0] == 401, "an invitation opens joining alone"


@pytest.mark.parametrize(("length", "status"), [("", 411), ("-1", 411), ("nonsense", 411), ("99999999", 413)])
def test_a_message_says_how_long_it_is_and_is_not_too_long(node: Node, length: str, status: int) -> None:
    token = msgspec.json.decode(node.join(node.invitation())[1], type=Joined).token
    assert node.post(MESSAGE, b"x", token, length=length)[0] == status


def test_nonsense_is_answered_with_what_is_wrong(node: Node) -> None:
    token = msgspec.json.decode(node.join(node.invitation())[1], type=Joined).token
    assert node.post(MESSAGE, b"\xc1nonsense", token)[0] == 400
    assert node.post(JOIN, b"{}")[0] == 400
    assert node.post("/elsewhere", b"", token)[0] == 404
    assert node.get(PATH) == (200, b"karnet hub hub/log\n")


@pytest.fixture
def impostor(tmp_path: Path) -> Iterator[tuple[str, list[bytes], str]]:
    """A TLS server with a certificate of its own: its address, what it was sent, its fingerprint."""
    heard: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.requestline.encode() + str(self.headers).encode())
            self.send_response(500)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    made = make_certificate("impostor", ["127.0.0.1"], datetime.now(UTC))
    (tmp_path / "crt").write_bytes(made.pem)
    (tmp_path / "key").write_bytes(made.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}", heard, certificate_fingerprint(made.pem)
    server.shutdown()
    server.server_close()


def test_a_node_with_another_certificate_is_told_nothing(impostor: tuple[str, list[bytes], str]) -> None:
    address, heard, fingerprint = impostor
    other = ("0" if fingerprint[0] != "0" else "1") + fingerprint[1:]
    for pinned in (other, ""):  # Nor one that only the system's authorities could vouch for.
        with pytest.raises(Unanswered, match=r"(?i)fingerprint|certificate"):
            HubClient(pinned, "secret-token").call(address, News(have={}), 2000)
    assert heard == []
    with pytest.raises(Unanswered, match="status 500"):
        HubClient(fingerprint, "secret-token").call(address, News(have={}), 2000)
    assert b"secret-token" in heard[0]


def test_nobody_there_is_said_in_words() -> None:
    with pytest.raises(Unanswered, match="refused"):
        HubClient("00" * 32).call("https://127.0.0.1:1", News(have={}), 2000)
