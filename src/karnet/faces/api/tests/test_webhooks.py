"""Webhooks: told once, signed, sent again until taken, never into our own network."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.db import connection
from django.test.utils import override_settings

from karnet.faces.api import tokens
from karnet.faces.api.models import Cursor, Delivery
from karnet.faces.api.tests.conftest import LIFT, SOUTH_LIFT, Clock, World, recorded, sale, seal
from karnet.faces.api.webhooks import sending
from karnet.faces.api.webhooks.addresses import Forbidden, connect, problem_with
from karnet.faces.api.webhooks.queue import fill
from karnet.faces.api.webhooks.signing import TOLERANCE_S, BadSignature, signature, verify
from karnet.settlement.services import Close, close

pytestmark = pytest.mark.database


class Receiver:
    """Somebody's server, on this machine. `answers`: the statuses it gives, the last one for ever."""

    def __init__(self) -> None:
        self.answers = [200]
        self.heard: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
                status = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
                self.send_response(status)
                self.send_header("Location", "http://127.0.0.1:1/")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def events(self) -> list[dict[str, Any]]:
        """What was heard, in the order of the journal: messages may overtake each other."""
        return sorted((json.loads(body) for _, body in self.heard), key=lambda event: event["index"])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    with override_settings(KARNET_WEBHOOKS_TO_LOOPBACK=True):
        yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def work() -> sending.Work:
    seal()
    return sending.work(lambda: Clock.at)


def subscribe(api: Any, receiver: Receiver, *events: str) -> dict[str, Any]:
    answer = api.post("/webhooks", {"url": receiver.url, "events": list(events)})
    assert answer.status_code == 201, answer.json()
    return answer.json()


def test_a_subscriber_is_told_of_what_happens_from_now_on(world: World, receiver: Receiver) -> None:
    _, api = world.token()
    assert api.post("/sales", sale("1001")).status_code == 201
    seal()
    hook = subscribe(api, receiver, "sale.made", "passage.taken", "medium.blocked", "period.closed")
    order = api.post("/sales", sale("1002")).json()["order"]
    passage = api.post(f"/gates/{LIFT}/scans", {"chip": "chip-1002"}).json()["id"]
    block = api.post("/media/1002/blocks", {"code": "lost"}).json()["id"]
    seal()
    operator = tokens.tokens()[0].operator
    assert operator is not None
    close([Close(key="close", at=Clock.at, actor=operator)])
    work()
    told = {event["type"]: event["data"] for event in receiver.events()}
    assert list(told) == ["sale.made", "passage.taken", "medium.blocked", "period.closed"]
    assert (told["sale.made"]["order"], told["sale.made"]["total_minor"]) == (order, 16000)
    assert told["passage.taken"]["passage"] == passage
    assert told["medium.blocked"]["block"] == block
    assert told["period.closed"]["sequence"] == 1
    for headers, body in receiver.heard:
        assert verify(hook["secret"], headers, body, int(Clock.at.timestamp())) == headers["webhook-id"]


def test_nothing_is_told_twice_and_nothing_is_an_operation(world: World, receiver: Receiver) -> None:
    _, api = world.token()
    subscribe(api, receiver, "sale.made")
    api.post("/sales", sale("1001"))
    before = recorded()
    assert work().sent == 1
    for _ in range(3):
        assert work().sent == 0
    assert recorded() == before
    assert len(receiver.heard) == 1


def test_a_journal_read_again_after_a_crash_queues_nothing_twice(world: World, receiver: Receiver) -> None:
    _, api = world.token()
    subscribe(api, receiver, "sale.made")
    start = Cursor.objects.get().index
    api.post("/sales", sale("1001"))
    work()
    Cursor.objects.update(index=start)
    work()
    assert len(receiver.heard) == Delivery.objects.count() == 1


def test_many_workers_send_each_message_once(world: World, receiver: Receiver) -> None:
    _, api = world.token()
    subscribe(api, receiver, "sale.made")
    for n in range(12):
        api.post("/sales", sale(str(1000 + n)))
    seal()

    def one(_: int) -> None:
        try:
            sending.work(lambda: Clock.at)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(4)))
    work()
    assert len(receiver.heard) == len({headers["webhook-id"] for headers, _ in receiver.heard}) == 12


def test_a_facility_is_told_of_its_own_passages_and_of_every_block(world: World, receiver: Receiver) -> None:
    _, api = world.token()
    _, south = world.south()
    subscribe(south, receiver, "passage.taken", "medium.blocked")
    api.post("/sales", sale("1001"))
    api.post(f"/gates/{LIFT}/scans", {"chip": "chip-1001"})
    south.post(f"/gates/{SOUTH_LIFT}/scans", {"chip": "chip-1001"})
    api.post("/media/1001/blocks", {"code": "stolen"})
    work()
    assert [(event["type"], event["data"].get("gate")) for event in receiver.events()] == [
        ("passage.taken", str(SOUTH_LIFT)),
        ("medium.blocked", None),
    ]


def test_what_is_not_taken_is_sent_again_with_growing_pauses_then_given_up(world: World, receiver: Receiver) -> None:
    _, api = world.token()
    hook = subscribe(api, receiver, "sale.made")
    api.post("/sales", sale("1001"))
    receiver.answers = [500]
    for pause in sending.PAUSES_S:
        assert work().failed == 1
        assert work().failed == 0, "not before the pause is over"
        Clock.at += timedelta(seconds=pause)
    assert work().failed == 1
    Clock.at += timedelta(days=30)
    assert work() == (0, 0, 0)
    (dead,) = api.get(f"/webhooks/{hook['id']}/deliveries", {"state": "dead"}).json()["items"]
    assert (dead["attempts"], dead["status"], dead["error"]) == (len(sending.PAUSES_S) + 1, 500, "answered 500")
    assert len({headers["webhook-id"] for headers, _ in receiver.heard}) == 1
    receiver.answers = [204]
    assert api.post(f"/webhooks/{hook['id']}/deliveries/retry", None).json() == {"messages": 1}
    assert work().sent == 1
    assert api.get(f"/webhooks/{hook['id']}/deliveries").json()["items"][0]["state"] == "delivered"


def test_a_dead_subscriber_with_many_messages_is_left_alone_for_a_while(world: World, receiver: Receiver) -> None:
    _, api = world.token()
    subscribe(api, receiver, "sale.made")
    for n in range(20):
        api.post("/sales", sale(str(1000 + n)))
    receiver.answers = [503]
    assert work().failed == sending.MAX_AT_ONCE
    receiver.answers = [200]
    assert work().sent == 0
    Clock.at += sending.CALM
    assert work().sent == 20
    Clock.at += sending.KEPT + timedelta(seconds=1)
    work()
    assert not Delivery.objects.exists(), "what was delivered long ago is not kept"


def test_a_redirect_is_not_followed(world: World, receiver: Receiver) -> None:
    _, api = world.token()
    subscribe(api, receiver, "sale.made")
    api.post("/sales", sale("1001"))
    receiver.answers = [307]
    assert work().failed == 1
    assert Delivery.objects.get().error == "answered 307"


def test_a_receiver_that_is_gone_ends_its_subscription(world: World, receiver: Receiver) -> None:
    _, api = world.token()
    subscribe(api, receiver, "sale.made")
    api.post("/sales", sale("1001"))
    receiver.answers = [410]
    work()
    api.post("/sales", sale("1002"))
    assert work().failed == 0
    assert api.get("/webhooks").json()["items"] == []


def test_a_receiver_that_is_not_there_harms_nobody_else(world: World, receiver: Receiver) -> None:
    _, api = world.token()
    subscribe(api, receiver, "sale.made")
    with override_settings(KARNET_WEBHOOKS_TO_LOOPBACK=True):
        away = api.post("/webhooks", {"url": "http://127.0.0.1:9/", "events": ["sale.made"]}).json()
    api.post("/sales", sale("1001"))
    assert work() == (1, 1, 1) or len(receiver.heard) == 1
    (waiting,) = api.get(f"/webhooks/{away['id']}/deliveries").json()["items"]
    assert (waiting["state"], waiting["status"]) == ("waiting", None)
    assert "refused" in waiting["error"]


def test_who_unsubscribes_or_loses_the_token_is_told_no_more(world: World, receiver: Receiver) -> None:
    principal, api = world.token()
    _, other = world.token()
    hook = subscribe(api, receiver, "sale.made")
    assert other.delete(f"/webhooks/{hook['id']}").status_code == 404
    assert other.get(f"/webhooks/{hook['id']}/deliveries").status_code == 404
    assert api.delete(f"/webhooks/{hook['id']}").status_code == 204
    subscribe(api, receiver, "sale.made")
    assert tokens.revoke(principal.id, Clock.at)
    other.post("/sales", sale("1001"))
    work()
    assert receiver.heard == []


def test_a_token_subscribes_only_to_what_it_may_read(world: World) -> None:
    _, api = world.token(scopes=("webhooks:write", "media:read"))
    answer = api.post("/webhooks", {"url": "https://example.org/hook", "events": ["medium.blocked", "sale.made"]})
    assert (answer.status_code, answer.json()["facts"]) == (403, {"scope": "sales:read"})


def test_the_secret_is_shown_once_and_kept_encrypted(world: World, superuser: Any) -> None:
    _, api = world.token()
    made = api.post("/webhooks", {"url": "https://example.org/hook", "events": ["sale.made"]}).json()
    assert made["secret"].startswith("whsec_")
    assert "secret" not in api.get("/webhooks").json()["items"][0]
    stored = bytes(superuser.execute("SELECT secret FROM api_webhook").fetchone()[0])
    assert made["secret"].encode() not in stored


def test_a_replayed_or_altered_message_is_refused_by_the_receiver() -> None:
    secret = "whsec_" + "QUJD" * 10
    body = b'{"type":"sale.made"}'
    headers = {
        "webhook-id": "m1",
        "webhook-timestamp": "1000",
        "webhook-signature": signature(secret, "m1", 1000, body),
    }
    assert verify(secret, headers, body, 1000 + TOLERANCE_S) == "m1"
    rotated = {**headers, "webhook-signature": "v1,AAAA " + headers["webhook-signature"]}
    assert verify(secret, rotated, body, 1000) == "m1"
    for wrong in (
        lambda: verify(secret, headers, body, 1001 + TOLERANCE_S),
        lambda: verify(secret, headers, body + b" ", 1000),
        lambda: verify("whsec_" + "QUJE" * 10, headers, body, 1000),
        lambda: verify(secret, {**headers, "webhook-id": "m2"}, body, 1000),
        lambda: verify(secret, {**headers, "webhook-timestamp": "1001"}, body, 1000),
        lambda: verify(secret, {**headers, "webhook-timestamp": "soon"}, body, 1000),
        lambda: verify(secret, {}, body, 1000),
    ):
        with pytest.raises(BadSignature):
            wrong()


def test_signatures_are_those_of_standard_webhooks() -> None:
    # The example of the Standard Webhooks specification and its libraries.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105
    body = b'{"test": 2432232314}'
    made = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://10.0.0.1/",
        "https://172.16.3.4/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://0.0.0.0/",
        "https://[fe80::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://user:pass@example.org/",
        "https://example.org:22/",
        "https://example.org:99999/",
        "https:///nothing",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https://exa mple.org/",
        "https://example.org/\r\nX: y",
        "https://exämple.org/",
        "https://example.org/#x",
        "gopher://127.0.0.1:6379/",
        "x" * 2000,
    ],
)
def test_an_address_that_is_not_public_is_refused(url: str) -> None:
    assert problem_with(url)


def test_nobody_subscribes_an_address_that_is_not_public(world: World) -> None:
    _, api = world.token()
    for url in ("https://127.0.0.1/", "http://example.org/", "https://10.0.0.1/hook", "x" * 2000):
        answer = api.post("/webhooks", {"url": url, "events": ["sale.made"]})
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_value")
    assert api.get("/webhooks").json()["items"] == []


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f000001", "127.1", "0177.0.0.1"])
def test_a_name_that_leads_into_our_network_is_not_called(host: str) -> None:
    with pytest.raises((Forbidden, OSError)):
        connect(f"https://{host}/", 1)


def test_the_cursor_passes_over_what_nobody_wants(world: World) -> None:
    _, api = world.token()
    hook = api.post("/webhooks", {"url": "https://example.org/", "events": ["sale.made"]}).json()
    api.delete(f"/webhooks/{hook['id']}")
    api.post("/sales", sale("1001"))
    seal()
    assert fill(Clock.at) == 0
    assert Cursor.objects.get().index == api.get("/journal").json()["sealed"]
