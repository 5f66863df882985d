"""The lane of a home server: asks come with news, are done and answered before the next question."""

from __future__ import annotations

import pytest

from karnet.federation.core.messages import (
    Answer,
    Answered,
    Asked,
    Bearing,
    Code,
    Known,
    News,
    Pull,
    Pulled,
    Rejected,
    Reply,
    Request,
)
from karnet.federation.core.relaying import LONGEST_DELAY, Inbound, Rest, Send
from karnet.federation.core.tests.scribes import NOON, Scribe

HUB, HOME = "hub/log", "jawor/log"
ASKS = tuple(
    Asked(asker="kopa/log", kind="k", key=key, body=b"{}", bearing=Bearing(at="", proof=b"")) for key in ("1", "2")
)


class Home:
    """A home server whose inbound lane has caught up. `done`: keys of what it was asked to do, in order."""

    def __init__(self) -> None:
        hub, self.scribe, self.done, self.now = Scribe(HUB), Scribe(HOME), list[str](), NOON
        self.scribe.follow(hub)
        self.lane = Inbound(
            ("a", "b"), lambda: 0.5, hub=HUB, cosigner=self.scribe.cosigner, answer=self.answer
        )  # fmt: skip
        assert isinstance(self.says(), Pull)
        self.hears(Pulled())

    def answer(self, asked: Asked) -> bytes:
        self.done.append(asked.key)
        return asked.key.encode()

    def says(self) -> Request:
        step = self.lane.step(self.scribe.store, self.now)
        if isinstance(step, Rest):
            self.now += LONGEST_DELAY
            step = self.lane.step(self.scribe.store, self.now)
        assert isinstance(step, Send)
        return step.request

    def hears(self, reply: Reply) -> None:
        self.lane.on_reply(self.scribe.store, reply, self.now)


@pytest.fixture
def home() -> Home:
    return Home()


def test_asks_are_answered_one_by_one_before_the_next_question_for_news(home: Home) -> None:
    news = home.says()
    assert isinstance(news, News)
    assert news.asks
    home.hears(Known(sizes={}, asks=ASKS))
    for key in ("1", "2"):
        assert home.says() == Answer(asker="kopa/log", key=key, body=key.encode())
        home.hears(Answered(key=key))
    assert isinstance(home.says(), News)
    assert home.done == ["1", "2"]


def test_what_came_with_the_same_news_is_fetched_first(home: Home) -> None:
    home.says()
    home.hears(Known(sizes={HUB: 3}, offered={HUB: 3}, asks=ASKS[:1]))
    assert isinstance(home.says(), Pull)
    home.hears(Pulled())
    assert isinstance(home.says(), Answer)


def test_an_answer_that_was_lost_is_given_again(home: Home) -> None:
    home.says()
    home.hears(Known(sizes={}, asks=ASKS[:1]))
    first = home.says()
    for _ in range(3):
        home.lane.on_failure(home.now, "no answer")
    assert home.says() == first
    home.hears(Rejected(code=Code.BUSY, retry_ms=1000))
    assert home.says() == first


def test_an_answer_nobody_waits_for_holds_nothing_up(home: Home) -> None:
    home.says()
    home.hears(Known(sizes={}, asks=ASKS))
    home.says()
    home.hears(Rejected(code=Code.REFUSED))
    assert home.says() == Answer(asker="kopa/log", key="2", body=b"2")


def test_a_server_that_answers_no_asks_wants_none() -> None:
    scribe = Scribe(HOME)
    scribe.follow(Scribe(HUB))
    lane = Inbound(("a",), lambda: 0.5, hub=HUB, cosigner=scribe.cosigner)
    lane.on_reply(scribe.store, Pulled(), NOON)
    step = lane.step(scribe.store, NOON)
    assert isinstance(step, Send)
    assert isinstance(step.request, News)
    assert not step.request.asks
