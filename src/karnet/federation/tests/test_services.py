"""Membership over PostgreSQL."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from karnet.federation import selectors, services
from karnet.federation.requests import Admit, Invite, InvitedAnswer, MemberAnswer, OpenHub, Reinstate, Suspend
from karnet.federation.tests.test_rules import cosigner, vkey
from karnet.journal.founding import found_server
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
