"""An agreement of several servers: each member signs in its own log, and everybody settles to the same bytes."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from karnet.access.services import Verdict
from karnet.journal.cuts import Cut, extent, latest_cut
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.settlement import selectors
from karnet.settlement.operations import AgreementSigned
from karnet.settlement.requests import (
    Close,
    ClosedPeriod,
    ProposeAgreement,
    ProposedAgreement,
    SignAgreement,
    SignedAgreement,
)
from karnet.settlement.rules.report import digest
from karnet.settlement.services import close, propose_agreements, sign_agreements
from karnet.settlement.settling import settle
from tests.card.conftest import EARLY, MORNING, Server, carry, facts
from tests.card.test_arrivals import exchange
from tests.card.test_attacks import Forger

pytestmark = pytest.mark.database

TEXT = json.dumps(
    {
        "season": "2025/26",
        "currency": "PLN",
        "time_zone": "Europe/Warsaw",
        "first_day": "2025-12-01",
        "last_day": "2026-04-05",
        "members": ["NORTH", "SOUTH"],
        "prices": [
            {"product": "P10", "price": "20.00", "vat": "8"},
            {"product": "FIRST", "price": "90.00", "vat": "8"},
            {"product": "DAY", "price": "160.00", "vat": "8"},
        ],
        "gates": {"NORTH/G1": {"points": 3, "weight": "1"}, "SOUTH/G1": {"points": 3, "weight": "2.25"}},
        "deposit": "10.00",
    }
)


def propose(server: Server) -> ProposedAgreement:
    with server:
        (answer,) = propose_agreements([ProposeAgreement(**server.asked(server.anna), text=TEXT)])
    assert isinstance(answer, ProposedAgreement), answer
    return answer


def sign(server: Server, text: ProposedAgreement) -> SignedAgreement:
    with server:
        name = f"manager-{server.code}"
        get_user_model().objects.create(username=name, role="manager", operator_id=server.anna, password="!")  # noqa: S106
        asked = server.asked(server.anna, EARLY + timedelta(days=1))
        (answer,) = sign_agreements(
            [SignAgreement(**asked, agreement=text.id, facility=server.facility, sha256=text.sha256)]
        )
    assert isinstance(answer, SignedAgreement), answer
    return answer


def in_force(server: Server) -> bool:
    with server:
        return selectors.agreement_in_force(MORNING) is not None


def a_signed_season(north: Server, south: Server, hub: Server) -> ProposedAgreement:
    exchange(north, south, hub)
    text = propose(north)
    exchange(north, south, hub)
    sign(south, text)
    exchange(north, south, hub)
    assert not any(in_force(server) for server in (north, south, hub))
    sign(north, text)
    assert in_force(north)
    exchange(north, south, hub)
    return text


def test_what_every_member_signed_in_its_own_log_is_in_force_everywhere(
    north: Server, south: Server, hub: Server
) -> None:
    a_signed_season(north, south, hub)
    assert [in_force(server) for server in (north, south, hub)] == [True] * 3


def test_every_server_settles_a_cut_to_the_same_bytes_conflicts_included(
    north: Server, south: Server, hub: Server
) -> None:
    a_signed_season(north, south, hub)
    with north:
        north.sold("P10", "N-1")
        north.sold("FIRST", "N-2")
    with south:
        south.sold("FIRST", "S-2")
    exchange(north, south, hub)
    for server in (north, south):
        with server:
            for minute, card in enumerate(("N-1", "N-1", "N-1", "N-2", "S-2")):
                assert isinstance(server.scan(card, minutes=120 + minute), Verdict)
            server.give_back("N-1")
    exchange(north, south, hub)
    with hub:
        cut = latest_cut()
    with south:
        south.sold("DAY", "S-9")
    found = []
    for server in (north, south, hub):
        with server:
            report = settle(cut, at=MORNING + timedelta(hours=9))
        assert not isinstance(report, Refused), report
        found.append(digest(report))
    assert len(set(found)) == 1


def test_a_text_proposed_by_two_servers_at_once_is_one_agreement(north: Server, south: Server) -> None:
    exchange(north, south)
    texts = [propose(server) for server in (north, south)]
    assert texts[0].id == texts[1].id
    exchange(north, south)
    for server in (north, south):
        sign(server, texts[0])
    exchange(north, south)
    assert (in_force(north), in_force(south)) == (True, True)
    for server, other in ((north, south), (south, north)):
        with server:
            assert server.held(other).quarantined is None
    assert facts(north) == facts(south)


@pytest.mark.parametrize("first", [0, 1])
def test_a_cut_with_either_proposal_knows_the_agreement_on_every_server(
    north: Server, south: Server, hub: Server, first: int
) -> None:
    """The hub hears of the proposals in one order or the other; each cut holds only one of them."""
    exchange(north, south, hub)
    before = {}
    for server in (north, south):
        with server:
            server.seal()
            before[server.name] = latest_cut().sizes[server.name]
    texts = [propose(server) for server in (north, south)]
    two = (north, south) if first == 0 else (south, north)
    for server in two:
        with server:
            server.seal()
        carry(server, hub)
    exchange(north, south, hub)
    with hub:
        whole = latest_cut().sizes
    for one, other in ((north, south), (south, north)):
        cut = Cut({**whole, other.name: before[other.name]})
        known = []
        for server in (north, south, hub):
            with server:
                known.append([(t.id, t.at, t.published) for t in selectors.agreement_texts(extent(cut))])
        assert [text[0] for text in known[0]] == [texts[0].id]
        assert known == [known[0]] * 3
        assert one.name in cut.sizes
    neither = Cut({**whole, **before})
    for server in (north, south, hub):
        with server:
            assert selectors.agreement_texts(extent(neither)) == []


def test_periods_are_closed_by_the_server_that_proposed_the_agreement_alone(
    north: Server, south: Server, hub: Server
) -> None:
    a_signed_season(north, south, hub)
    with north:
        north.sold("FIRST", "N-2")
        assert isinstance(north.scan("N-2"), Verdict)
        north.seal()
    exchange(north, south, hub)
    at = MORNING + timedelta(days=2)
    with south:
        (refused,) = close([Close(**south.asked(south.anna, at))])
        assert isinstance(refused, Refused)
        assert (refused.reason, refused.facts) == (Reason.HOME_ONLY, {"facility": north.name})
    with north:
        (closed,) = close([Close(**north.asked(north.anna, at))])
        assert isinstance(closed, ClosedPeriod), closed
    carry(north, south)
    with south:
        assert len(selectors.closings(closed.agreement)) == 1


def test_who_is_no_member_signs_nothing(north: Server, south: Server, hub: Server) -> None:
    """Gates go by an agreement once no signature is missing: a stranger's must not stand for a member's."""
    carry(south, north)
    text = propose(north)
    carry(north, south)
    forger = Forger(hub)
    signed = AgreementSigned(agreement=text.id, member=hub.facility, sha256=text.sha256)
    forger.send(south, forger.entry(signed, hub.anna))
    with south:
        held = south.held(hub).quarantined
        assert held is not None
        assert held.code == "refused_by_tables"
        with connection.cursor() as cursor:
            cursor.execute("SELECT DISTINCT missing FROM access_terms WHERE agreement = %s", [text.id])
            assert cursor.fetchall() == [(2,)]
