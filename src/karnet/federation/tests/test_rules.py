"""Who may take part, and by which keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from karnet.federation import rules
from karnet.federation.operations import Admitted, KeyChanged, KeyReplaced, KeyVouched, Suspended
from karnet.federation.requests import (
    Admit,
    AnnounceKey,
    ConfirmKey,
    Invite,
    InvitedAnswer,
    JoinHub,
    MemberAnswer,
    OpenHub,
    Reinstate,
    ReplaceKey,
    Suspend,
    VouchKey,
)
from karnet.federation.rules import Known, Open
from karnet.journal.tlog.note import SignatureType, SigningKey
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason

AT = datetime(2026, 12, 1, 9, tzinfo=UTC)
INVITATION = UUID(int=7)


def vkey(log: str, seed: int = 1, kind: SignatureType = SignatureType.ED25519) -> str:
    return SigningKey(log, kind, bytes([seed] * 32)).verifier.format()


def cosigner(log: str) -> str:
    return vkey(log, 2, SignatureType.COSIGNATURE_V1)


def asked(struct: Any, **values: Any) -> Any:
    return struct(key="k", at=values.pop("at", AT), actor=UUID(int=1), **values)


def admit(log: str = "jawor/log", **values: Any) -> Admit:
    request: Admit = asked(
        Admit, **{"invitation": INVITATION, "log": log, "vkey": vkey(log), "cosigner": cosigner(log), **values}
    )
    return request


OPEN = Open(log="jawor/log", until=AT + timedelta(days=1))
CARD = {log: Known(log=log, keys=((vkey(log), 0),)) for log in ("hub/log", "jawor/log", "kopa/log", "polana/log")}


def reason(decided: tuple[Any, ...]) -> Reason:
    answer, operations = decided
    assert isinstance(answer, Refused)
    assert operations == ()
    return answer.reason


def test_the_invited_server_is_admitted_with_its_keys() -> None:
    answer, (fact,) = rules.decide_admission(admit(), OPEN, set())
    assert answer == MemberAnswer(log="jawor/log")
    assert isinstance(fact, Admitted)
    assert (fact.member.server, fact.key.vkey, fact.key.above) == (
        rules.server_of("jawor/log"),
        vkey("jawor/log"),
        0,
    )


@pytest.mark.parametrize(
    "invitation",
    [
        None,
        Open(log="jawor/log", until=AT),
        Open(log="jawor/log", until=AT + timedelta(days=1), used=True),
        Open(log="kopa/log", until=AT + timedelta(days=1)),
    ],
    ids=["unknown", "ended", "used", "another server's"],
)
def test_an_invitation_opens_once_in_time_and_to_one_server(invitation: Open | None) -> None:
    assert reason(rules.decide_admission(admit(), invitation, set())) is Reason.INVITATION_ENDED


def test_nobody_is_admitted_twice() -> None:
    assert reason(rules.decide_admission(admit(), OPEN, {"jawor/log"})) is Reason.ALREADY_EXISTS


@pytest.mark.parametrize(
    "change",
    [
        {"vkey": vkey("kopa/log")},
        {"vkey": "nonsense"},
        {"vkey": cosigner("jawor/log")},
        {"cosigner": vkey("jawor/log")},
    ],
)
def test_a_server_joins_with_keys_of_its_own_name_and_of_the_right_types(change: dict[str, str]) -> None:
    assert reason(rules.decide_admission(admit(**change), OPEN, set())) is Reason.BAD_VALUE


def test_a_hub_is_opened_once_and_joined_once() -> None:
    hub = {"log": "hub/log", "vkey": vkey("hub/log"), "cosigner": cosigner("hub/log")}
    for struct, decide in ((OpenHub, rules.decide_opening), (JoinHub, rules.decide_joining)):
        assert isinstance(decide(asked(struct, **hub), {})[0], MemberAnswer)
        assert reason(decide(asked(struct, **hub), CARD)) is Reason.ALREADY_EXISTS


def test_members_are_not_invited_again_and_nobody_for_the_past() -> None:
    def invite(**values: Any) -> tuple[Any, ...]:
        return rules.decide_invitation(asked(Invite, **{"log": "new/log", "until": AT + timedelta(1), **values}), CARD)

    assert isinstance(invite()[0], InvitedAnswer)
    assert reason(invite(log="kopa/log")) is Reason.ALREADY_EXISTS
    assert reason(invite(until=AT)) is Reason.BAD_VALUE
    assert reason(invite(log="no such name!")) is Reason.BAD_VALUE


def test_only_a_key_that_its_own_log_announced_is_confirmed() -> None:
    request = asked(ConfirmKey, log="kopa/log", vkey=vkey("kopa/log", 9))
    assert reason(rules.decide_confirmation(request, CARD["kopa/log"], {})) is Reason.KEY_NOT_VOUCHED
    assert reason(rules.decide_confirmation(request, None, {vkey("kopa/log", 9): 5})) is Reason.UNKNOWN_MEMBER
    _, (fact,) = rules.decide_confirmation(request, CARD["kopa/log"], {vkey("kopa/log", 9): 41})
    assert isinstance(fact, KeyChanged)
    assert fact.key.above == 42  # the announcement itself stands under the old key


def test_a_key_in_use_is_not_announced() -> None:
    request = asked(AnnounceKey, log="kopa/log", vkey=vkey("kopa/log"))
    assert reason(rules.decide_announcement(request, CARD["kopa/log"])) is Reason.ALREADY_EXISTS


def test_a_lost_key_is_replaced_when_all_others_have_vouched() -> None:
    request = asked(ReplaceKey, log="kopa/log", vkey=vkey("kopa/log", 9), held=70)
    decided = rules.decide_replacement(request, "hub/log", CARD, {"jawor/log"})
    assert reason(decided) is Reason.KEY_NOT_VOUCHED
    assert isinstance(decided[0], Refused)
    assert decided[0].facts["missing"] == "polana/log"
    _, (fact,) = rules.decide_replacement(request, "hub/log", CARD, {"jawor/log", "polana/log"})
    assert isinstance(fact, KeyReplaced)
    assert (fact.vouchers, fact.key.above) == (("hub/log", "jawor/log", "polana/log"), 70)


def test_a_suspended_member_need_not_vouch() -> None:
    card = {**CARD, "polana/log": Known(log="polana/log", good=3)}
    request = asked(ReplaceKey, log="kopa/log", vkey=vkey("kopa/log", 9), held=70)
    assert isinstance(rules.decide_replacement(request, "hub/log", card, {"jawor/log"})[0], MemberAnswer)


def test_for_the_hubs_key_each_member_vouches_for_itself_from_where_the_lost_one_ended() -> None:
    lost = asked(VouchKey, voucher="kopa/log", log="hub/log", vkey=vkey("hub/log", 9), above=70, held=70)
    _, (fact,) = rules.decide_voucher(lost, "hub/log", CARD)
    assert isinstance(fact, KeyVouched)
    assert (fact.voucher, fact.log, fact.above) == ("kopa/log", "hub/log", 70)
    for change in ({"above": None}, {"held": 71}, {"log": "jawor/log", "vkey": vkey("jawor/log", 9)}):
        wrong = msgspec.structs.replace(lost, **change)
        assert reason(rules.decide_voucher(wrong, "hub/log", CARD)) is Reason.BAD_VALUE


def test_the_hub_replaces_its_own_key_by_its_own_word() -> None:
    request = asked(ReplaceKey, log="hub/log", vkey=vkey("hub/log", 9), held=70)
    _, (fact,) = rules.decide_replacement(request, "hub/log", CARD, set())
    assert isinstance(fact, KeyReplaced)
    assert (fact.key.above, fact.key.ends, fact.vouchers) == (70, 70, ("hub/log",))


def test_nobody_vouches_for_itself_or_from_outside() -> None:
    key = vkey("kopa/log", 9)
    own = asked(VouchKey, voucher="kopa/log", log="kopa/log", vkey=key)
    assert reason(rules.decide_voucher(own, "hub/log", CARD)) is Reason.BAD_VALUE
    stranger = asked(VouchKey, voucher="stranger/log", log="kopa/log", vkey=key)
    assert reason(rules.decide_voucher(stranger, "hub/log", CARD)) is Reason.UNKNOWN_MEMBER


@pytest.mark.parametrize(("good", "decided"), [(-1, False), (0, True), (70, True), (71, False)])
def test_a_member_is_suspended_from_an_entry_that_is_held_or_the_next(good: int, decided: bool) -> None:
    request = asked(Suspend, log="kopa/log", good=good, held=70)
    answer, facts = rules.decide_suspension(request, "hub/log", CARD["kopa/log"])
    assert isinstance(answer, MemberAnswer) == decided == bool(facts)
    if facts:
        assert isinstance(facts[0], Suspended)


def test_the_hub_is_not_suspended_from_itself() -> None:
    request = asked(Suspend, log="hub/log", good=0, held=70)
    assert reason(rules.decide_suspension(request, "hub/log", CARD["hub/log"])) is Reason.UNKNOWN_MEMBER


def test_a_standing_is_not_decided_before_the_one_it_follows() -> None:
    stood = Known(log="kopa/log", good=3, standing_at=AT)
    assert reason(rules.decide_reinstatement(asked(Reinstate, log="kopa/log"), stood)) is Reason.BAD_VALUE
    later = asked(Reinstate, log="kopa/log", at=AT + timedelta(seconds=1))
    assert isinstance(rules.decide_reinstatement(later, stood)[0], MemberAnswer)
