"""The hub's table of asks, and what a node answers to one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from karnet.federation import peers
from karnet.federation.asks import PostgresAskBook
from karnet.federation.core.asking import MAX_BODY_BYTES
from karnet.federation.core.messages import (
    Answer,
    Answered,
    Ask,
    Bearing,
    Code,
    Known,
    News,
    Rejected,
    Reply,
    Request,
    decode_reply,
    encode,
)
from karnet.federation.http import JOIN, MESSAGE
from karnet.federation.http.joining import Joined, asking
from karnet.federation.tests.test_http import AT, HUB, MEMBER, Node
from karnet.journal.tlog.note import SignatureType, SigningKey

pytestmark = pytest.mark.database

JAWOR = SigningKey("jawor/log", SignatureType.ED25519, bytes([5] * 32))
ASK = Ask(home="jawor/log", kind="k", key="1", body=b"{}", bearing=Bearing(at="now", proof=b"p"), wait_ms=5000)
NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
BOOK = PostgresAskBook()


class Members:
    """A hub with two members, KOPA who asks and JAWOR whom it asks."""

    def __init__(self) -> None:
        self.node = Node()
        self.tokens = {key.name: self._join(key) for key in (MEMBER, JAWOR)}
        peers.follow_members(AT)

    def _join(self, key: SigningKey) -> str:
        cosigner = SigningKey(key.name, SignatureType.COSIGNATURE_V1, bytes([8] * 32)).verifier.format()
        join = asking(self.node.invitation(key.name), HUB, key, cosigner)
        status, body = self.node.post(JOIN, msgspec.json.encode(join))
        assert status == 200, body
        return msgspec.json.decode(body, type=Joined).token

    def says(self, who: str, request: Request) -> Reply:
        status, body = self.node.post(MESSAGE, encode(request), self.tokens[who])
        assert status == 200, body
        return decode_reply(body)


@pytest.fixture
def members(database: None) -> Members:
    return Members()


@pytest.mark.usefixtures("database")
def test_an_ask_reaches_its_home_server_and_the_answer_its_asker() -> None:
    assert BOOK.put("kopa/log", ASK, NOW)
    assert not BOOK.any_for("kopa/log", NOW)
    (asked,) = BOOK.take("jawor/log", NOW)
    assert (asked.asker, asked.key, asked.body, asked.bearing) == ("kopa/log", "1", b"{}", ASK.bearing)
    assert BOOK.answer_to("kopa/log", "1") is None
    assert BOOK.answered("jawor/log", Answer(asker="kopa/log", key="1", body=b"done"), NOW)
    assert BOOK.answer_to("kopa/log", "1") == b"done"
    assert BOOK.take("jawor/log", NOW) == ()


@pytest.mark.usefixtures("database")
def test_an_ask_given_up_is_never_fetched_unless_it_is_asked_again() -> None:
    BOOK.put("kopa/log", ASK, NOW)
    assert BOOK.give_up("kopa/log", "1", NOW) is False
    assert BOOK.take("jawor/log", NOW) == ()
    assert BOOK.put("kopa/log", ASK, NOW)
    assert BOOK.take("jawor/log", NOW + timedelta(seconds=6)) == (), "nobody waits for it any more"
    assert len(BOOK.take("jawor/log", NOW)) == 1
    assert BOOK.give_up("kopa/log", "1", NOW) is True


@pytest.mark.usefixtures("database")
def test_an_ask_is_handed_out_again_while_its_asker_waits_and_no_longer() -> None:
    """The reply that brought it may have been lost; done after its asker has gone, it would surprise everybody."""
    BOOK.put("kopa/log", ASK, NOW)
    for _ in range(2):
        assert [asked.key for asked in BOOK.take("jawor/log", NOW)] == ["1"]
    assert BOOK.give_up("kopa/log", "1", NOW) is True
    assert BOOK.take("jawor/log", NOW) == ()
    assert BOOK.answered("jawor/log", Answer(asker="kopa/log", key="1", body=b"late"), NOW)
    assert BOOK.answer_to("kopa/log", "1") == b"late", "what it had done already is told to who asks again"


@pytest.mark.usefixtures("database")
def test_the_first_answer_counts_and_only_the_home_servers() -> None:
    BOOK.put("kopa/log", ASK, NOW)
    assert not BOOK.answered("polana/log", Answer(asker="kopa/log", key="1", body=b"mine"), NOW)
    assert not BOOK.answered("jawor/log", Answer(asker="kopa/log", key="2", body=b"?"), NOW)
    BOOK.answered("jawor/log", Answer(asker="kopa/log", key="1", body=b"first"), NOW)
    BOOK.answered("jawor/log", Answer(asker="kopa/log", key="1", body=b"second"), NOW)
    assert BOOK.answer_to("kopa/log", "1") == b"first"


@pytest.mark.usefixtures("database")
def test_a_key_stands_for_one_ask() -> None:
    assert BOOK.put("kopa/log", ASK, NOW)
    assert not BOOK.put("kopa/log", msgspec.structs.replace(ASK, body=b"[]"), NOW)
    assert BOOK.put("polana/log", msgspec.structs.replace(ASK, body=b"[]"), NOW), "of one asker"


def test_a_node_says_that_nobody_fetched_an_ask(members: Members) -> None:
    now = msgspec.structs.replace(ASK, wait_ms=0)
    assert members.says("kopa/log", now) == Answered(key="1", body=None, fetched=False)
    news = members.says("jawor/log", News(have={}, asks=True))
    assert isinstance(news, Known)
    assert news.asks == (), "given up with the answer"


def test_a_node_brings_asks_with_news_to_those_that_want_them(members: Members) -> None:
    BOOK.put("kopa/log", ASK, members.node.now)
    plain = members.says("jawor/log", News(have={}))
    assert isinstance(plain, Known)
    assert plain.asks == ()
    news = members.says("jawor/log", News(have={}, wait_ms=20_000, asks=True))
    assert isinstance(news, Known)
    assert [asked.key for asked in news.asks] == ["1"]
    assert members.says("jawor/log", Answer(asker="kopa/log", key="1", body=b"done")) == Answered(key="1")
    assert members.says("kopa/log", ASK) == Answered(key="1", body=b"done", fetched=True)


def test_a_node_refuses_what_is_too_large_and_who_is_no_member(members: Members) -> None:
    large = members.says("kopa/log", msgspec.structs.replace(ASK, body=bytes(MAX_BODY_BYTES + 1)))
    assert isinstance(large, Rejected)
    assert large.code is Code.TOO_LARGE
    for home in ("kopa/log", "nobody/log"):
        nobody = members.says("kopa/log", msgspec.structs.replace(ASK, home=home))
        assert isinstance(nobody, Rejected)
        assert nobody.code is Code.UNKNOWN_LOG
    unasked = members.says("kopa/log", Answer(asker=HUB, key="9", body=b""))
    assert isinstance(unasked, Rejected)
    assert unasked.code is Code.REFUSED
