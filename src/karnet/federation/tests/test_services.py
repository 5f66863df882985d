"""Membership over PostgreSQL."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from django.db import connection

from karnet.federation import selectors, services
from karnet.federation.operations import LogKey
from karnet.federation.requests import (
    Admit,
    AnnounceKey,
    Invite,
    InvitedAnswer,
    JoinHub,
    MemberAnswer,
    OpenHub,
    Reinstate,
    Suspend,
    VouchKey,
)
from karnet.federation.tests.test_rules import cosigner, vkey
from karnet.journal.founding import found_server
from karnet.journal.sealing import Sealer
from karnet.journal.tlog.note import SignatureType, SigningKey
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason

pytestmark = pytest.mark.database

AT = datetime(2026, 12, 1, 9, tzinfo=UTC)
HUB = "hub/log"


@pytest.fixture
def hub(database: None) -> Any:
    actor = found_server(HUB, AT)
    opened = services.open_hub(OpenHub(key="open", at=AT, actor=actor, log=HUB, vkey=vkey(HUB), cosigner=cosigner(HUB)))
    assert opened == MemberAnswer(log=HUB)
    return actor


def invite(actor: Any, log: str, key: str = "invite") -> InvitedAnswer:
    answer = services.invite(Invite(key=f"{key}:{log}", at=AT, actor=actor, log=log, until=AT + timedelta(days=7)))
    assert isinstance(answer, InvitedAnswer)
    return answer


def admission(actor: Any, invited: InvitedAnswer, log: str, key: str = "admit") -> Admit:
    return Admit(
        key=f"{key}:{log}",
        at=AT + timedelta(hours=1),
        actor=actor,
        invitation=invited.invitation,
        log=log,
        vkey=vkey(log),
        cosigner=cosigner(log),
    )


def test_members_are_who_the_hubs_log_says(hub: Any) -> None:
    assert services.admit(admission(hub, invite(hub, "kopa/log"), "kopa/log")) == MemberAnswer(log="kopa/log")
    first, second = selectors.members()
    assert (first.log, first.is_hub, second.log, second.is_hub) == (HUB, True, "kopa/log", False)
    assert second.keys == (vkey("kopa/log"),)
    assert selectors.hub() == HUB
    assert selectors.open_invitations(AT) == []


def test_an_invitation_is_used_once_however_many_come_at_the_same_time(hub: Any) -> None:
    invited = invite(hub, "kopa/log")
    gate, answers = threading.Barrier(6), list[Any]()

    def come(n: int) -> None:
        try:
            gate.wait()
            answers.append(services.admit(admission(hub, invited, "kopa/log", key=f"admit-{n}")))
        finally:
            connection.close()

    threads = [threading.Thread(target=come, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(answer, MemberAnswer) for answer in answers) == 1
    assert len(answers) == 6
    assert [row.log for row in selectors.members()] == [HUB, "kopa/log"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM journal_operation WHERE kind = 'federation.admitted'")
        assert cursor.fetchone() == (1,)


def test_a_refused_admission_leaves_nothing(hub: Any) -> None:
    invited = invite(hub, "kopa/log")
    answer = services.admit(admission(hub, invited, "jawor/log"))
    assert isinstance(answer, Refused)
    assert answer.reason is Reason.INVITATION_ENDED
    assert [row.log for row in selectors.members()] == [HUB]
    assert [one.log for one in selectors.open_invitations(AT)] == ["kopa/log"]


def test_a_suspension_and_its_end_are_seen(hub: Any) -> None:
    services.admit(admission(hub, invite(hub, "kopa/log"), "kopa/log"))
    later = AT + timedelta(days=1)
    services.suspend(Suspend(key="s", at=later, actor=hub, log="kopa/log", good=0, held=0))
    assert selectors.known()["kopa/log"].good == 0
    services.reinstate(Reinstate(key="r", at=later + timedelta(hours=1), actor=hub, log="kopa/log"))
    assert selectors.known()["kopa/log"].good is None


def told(log: str) -> list[tuple[str, int, int | None]]:
    return [(key.key.format(), key.above, key.until) for key in selectors.keyrings()[log].keys]


def test_the_hubs_next_key_signs_what_follows_its_announcement_once_that_is_sealed(hub: Any) -> None:
    key = SigningKey(HUB, SignatureType.ED25519, bytes([1]) * 32)
    services.announce_key(AnnounceKey(key="a", at=AT, actor=hub, log=HUB, vkey=vkey(HUB, 9)))
    assert told(HUB) == [(vkey(HUB), 0, None)]
    assert selectors.unconfirmed() == []
    with Sealer(key, clock=lambda: AT, witness=lambda at, note: None) as sealer:
        assert sealer.seal_all() == 3
    assert told(HUB) == [(vkey(HUB), 0, None), (vkey(HUB, 9), 3, None)]


def test_who_joins_a_hub_that_changed_its_key_knows_them_all_and_believes_its_manager_about_a_lost_one(
    database: None,
) -> None:
    actor = found_server("kopa/log", AT)
    asked = {"at": AT, "actor": actor}
    first = LogKey(log=HUB, vkey=vkey(HUB), above=0)
    joined = JoinHub(
        key="j", log=HUB, vkey=vkey(HUB, 2), cosigner=cosigner(HUB), above=40, earlier=(first,), **asked
    )  # fmt: skip
    assert services.join_hub(joined) == MemberAnswer(log=HUB)
    assert told(HUB) == [(vkey(HUB), 0, None), (vkey(HUB, 2), 40, None)]
    vouched = VouchKey(key="v", voucher="kopa/log", log=HUB, vkey=vkey(HUB, 3), above=70, held=60, **asked)
    stranger = services.vouch_key(vouched)
    assert isinstance(stranger, Refused), "the hub's log has not come yet, which says that this server takes part"
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('karnet.recording', 'on', false)")
        cursor.execute(
            "INSERT INTO federation_member (log, server, cosigner, is_hub, at, said_by_id)"
            " SELECT 'kopa/log', %s, '', false, at, said_by_id FROM federation_member",
            [actor],
        )
        cursor.execute("SELECT set_config('karnet.recording', '', false)")
    assert services.vouch_key(msgspec.structs.replace(vouched, key="w")) == MemberAnswer(log=HUB)
    assert told(HUB) == [(vkey(HUB), 0, 70), (vkey(HUB, 2), 40, 70), (vkey(HUB, 3), 70, None)]
