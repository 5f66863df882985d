"""Asking the home server: what it does for another, whom it believes, and that nothing is done twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.db import connection

from karnet.access.requests import Verdict
from karnet.entitlements.requests import ReplacementIssued
from karnet.entitlements.rules import medium_id
from karnet.entitlements.selectors import media_by_number
from karnet.federation import services
from karnet.federation.away import ReplaceElsewhere, answer_ask
from karnet.federation.core.asking import signed
from karnet.federation.core.messages import Asked
from karnet.federation.requests import Admit, Invite, InvitedAnswer, JoinHub, MemberAnswer, OpenHub, Suspend
from karnet.journal.tlog.note import SignatureType, SigningKey
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from tests.card.conftest import MORNING, Server, carry

pytestmark = pytest.mark.database

NOW = MORNING + timedelta(hours=3)


@pytest.fixture
def card(north: Server, south: Server, hub: Server) -> None:
    """NORTH and SOUTH share a card; NORTH has sold the card `lost`, and SOUTH knows."""
    with hub:
        opened = services.open_hub(OpenHub(**hub.asked(), **_keys(hub)))
        assert isinstance(opened, MemberAnswer), opened
        for member in (north, south):
            invited = services.invite(Invite(**hub.asked(), log=member.name, until=NOW))
            assert isinstance(invited, InvitedAnswer), invited
            admitted = services.admit(Admit(**hub.asked(), invitation=invited.invitation, **_keys(member)))
            assert isinstance(admitted, MemberAnswer), admitted
    for member in (north, south):
        with member:
            joined = services.join_hub(JoinHub(**member.asked(), **_keys(hub)))
            assert isinstance(joined, MemberAnswer), joined
        carry(hub, member)
    with north:
        north.sold("DAY", "lost")
    carry(south, north)
    carry(north, south)


def _keys(server: Server) -> dict[str, Any]:
    cosigner = SigningKey(server.name, SignatureType.COSIGNATURE_V1, bytes([7] * 32)).verifier.format()
    return {"log": server.name, "vkey": server.vkey, "cosigner": cosigner}


def asked(north: Server, south: Server, *, key: str = "1", by: SigningKey | None = None, **changed: Any) -> Asked:
    """SOUTH's till asks NORTH to replace the card `lost` by the card `found`."""
    request = ReplaceElsewhere(
        facility="NORTH", old=medium_id("lost"), new_number="found", operator=south.anna, sales_point=south.till
    )
    body = msgspec.json.encode(msgspec.structs.replace(request, **changed))
    bearing = signed(north.name, "replace_card", key, body, NOW, by or south.key)
    return Asked(asker=south.name, kind="replace_card", key=key, body=body, bearing=bearing)


def told(north: Server, ask: Asked) -> ReplacementIssued | Refused:
    answer = msgspec.json.decode(answer_ask(ask, north.name, NOW), type=ReplacementIssued | Refused)
    assert isinstance(answer, ReplacementIssued | Refused)
    return answer


def entries() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM journal_operation WHERE origin_id = 1")
        return int(cursor.fetchone()[0])


def test_the_home_server_replaces_a_card_for_another_and_says_for_whom(
    card: None, north: Server, south: Server
) -> None:
    with north:
        answer = told(north, asked(north, south))
        assert isinstance(answer, ReplacementIssued), answer
        assert len(answer.entitlements) == 1
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT convert_from(data, 'utf8') FROM journal_operation WHERE kind = 'entitlements.replaced'"
            )
            ((body,),) = cursor.fetchall()
    assert str(south.anna) in str(body), "who asked is named"
    assert str(south.till) in str(body), "and where the card is handed out"
    assert str(north.anna) not in str(body), "nobody of this server's people did it"
    carry(north, south)
    with south:
        assert south.held(north).quarantined is None
        cards = media_by_number(["lost", "found"])
        assert (cards["lost"].state, cards["found"].state) == ("replaced", "in_use")
        assert cards["found"].away == "NORTH", "the new card is the home server's, too"
    with north:
        assert isinstance(north.scan("found", 240), Verdict)
        refusal = north.scan("lost", 241)
        assert isinstance(refusal, Refused)


def test_the_deposit_moves_to_the_new_card(card: None, north: Server, south: Server) -> None:
    with north:
        told(north, asked(north, south))
        back = north.give_back("found")
        assert back.deposit == 1000


def test_an_ask_repeated_is_answered_alike_and_done_once(card: None, north: Server, south: Server) -> None:
    with north:
        first = answer_ask(asked(north, south), north.name, NOW)
        before = entries()
        again = answer_ask(asked(north, south), north.name, NOW + timedelta(minutes=2))
        assert (again, entries()) == (first, before)


def test_two_facilities_asks_do_not_share_keys(card: None, north: Server, south: Server) -> None:
    """The same key with another body is refused, and changes nothing."""
    with north:
        told(north, asked(north, south))
        before = entries()
        other = told(north, asked(north, south, new_number="another"))
        assert isinstance(other, Refused)
        assert (other.reason, entries()) == (Reason.KEY_REUSED, before)


def test_what_the_asker_did_not_sign_is_not_done(card: None, north: Server, south: Server, hub: Server) -> None:
    """A hub that invents an ask, alters one, keeps one back, or shows it to another server."""
    genuine = asked(north, south)
    forged = [
        asked(north, south, by=SigningKey(south.name, SignatureType.ED25519, bytes([9] * 32))),
        msgspec.structs.replace(genuine, body=genuine.body.replace(b"found", b"other")),
        msgspec.structs.replace(genuine, key="2"),
        msgspec.structs.replace(genuine, asker=hub.name),
    ]
    with north:
        before = entries()
        for ask in forged:
            answer = told(north, ask)
            assert isinstance(answer, Refused), ask
            assert answer.reason is Reason.BAD_VALUE, answer
        late = msgspec.json.decode(answer_ask(genuine, north.name, NOW + timedelta(hours=1)), type=Refused)
        elsewhere = msgspec.json.decode(answer_ask(genuine, "another/log", NOW), type=Refused)
        assert (late.reason, elsewhere.reason) == (Reason.BAD_VALUE, Reason.BAD_VALUE)
        assert entries() == before


def test_who_asks_names_people_of_its_own(card: None, north: Server, south: Server) -> None:
    with north:
        before = entries()
        wrongs: list[dict[str, Any]] = [
            {"operator": north.anna},
            {"sales_point": north.till},
            {"operator": medium_id("nobody")},
        ]
        for wrong in wrongs:
            answer = told(north, asked(north, south, key=str(wrong), **wrong))
            assert isinstance(answer, Refused)
            assert answer.reason is Reason.UNKNOWN_ACTOR
        assert entries() == before


def test_a_member_that_is_suspended_is_answered_nothing(card: None, north: Server, south: Server, hub: Server) -> None:
    with hub:
        services.suspend(Suspend(**hub.asked(at=MORNING), log=south.name, good=0, held=0))
    carry(hub, north)
    with north:
        answer = told(north, asked(north, south))
        assert isinstance(answer, Refused)
        assert answer.reason is Reason.UNKNOWN_MEMBER


def test_a_server_does_nothing_for_another_facility(card: None, north: Server, south: Server) -> None:
    with north:
        answer = told(north, asked(north, south, facility="SOUTH"))
        assert isinstance(answer, Refused)
        assert answer.reason is Reason.HOME_ONLY
        nonsense = msgspec.json.decode(
            answer_ask(msgspec.structs.replace(asked(north, south), kind="sing"), north.name, NOW), type=Refused
        )
        assert nonsense.reason is Reason.BAD_VALUE
