"""The page of the common card, at a hub with one member up, one away and one in quarantine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import expect

from karnet.faces.base.roles import Role
from tests.faces.conftest import Site, Staff, Visit, check_page, shoot

MEMBERS = ("jawor", "kopa", "polana")


@pytest.fixture
def card(site: Site, installation: Any) -> str:
    """A hub that has admitted three members; returns its log's name."""
    from karnet.federation import peers, services
    from karnet.federation.requests import Admit, Invite, OpenHub
    from karnet.journal import arrivals
    from karnet.journal.founding import found_server
    from karnet.journal.tlog.note import SignatureType, SigningKey

    def keys(log: str) -> dict[str, str]:
        kinds = {"vkey": SignatureType.ED25519, "cosigner": SignatureType.COSIGNATURE_V1}
        return {name: SigningKey(log, kind, bytes([kind] * 32)).verifier.format() for name, kind in kinds.items()}

    now, hub = datetime.now(UTC), str(installation.name)
    actor = found_server(hub, now)
    services.open_hub(OpenHub(key="open", at=now, actor=actor, log=hub, **keys(hub)))
    for name in MEMBERS:
        log = f"tatry.example/{name}"
        invited: Any = services.invite(
            Invite(key=f"invite:{name}", at=now, actor=actor, log=log, until=now + timedelta(days=7))
        )
        services.admit(
            Admit(key=f"admit:{name}", at=now, actor=actor, invitation=invited.invitation, log=log, **keys(log))
        )
    peers.follow_members(now)
    peers.seen("tatry.example/jawor", now + timedelta(minutes=30))  # whenever the page is looked at
    peers.missed("tatry.example/polana", now, "timed out")
    arrivals.quarantine("tatry.example/kopa", 12, "foreign_actor", "it names somebody else's cashier", now)
    _refuse(now, actor)
    return hub


def _refuse(now: datetime, server: UUID) -> None:
    """Let a till have asked another facility's server for a refund in vain, and for a new card."""
    from karnet.federation.refusals import note_refusal
    from karnet.kernel.outcomes import refused
    from karnet.kernel.reasons import Reason
    from karnet.parties.operations import facility_id, operator_id, sales_point_id
    from karnet.parties.services import (
        EnrolFacility,
        EnrolOperator,
        EnrolSalesPoint,
        enrol_facilities,
        enrol_operators,
        enrol_sales_points,
    )

    for code in ("kopa", "jawor"):
        place: Any = {"key": code, "at": now, "actor": server, "code": code}
        enrol_facilities([EnrolFacility(**place, currency="PLN", time_zone="Europe/Warsaw")])
    kopa: Any = {"at": now, "actor": server, "facility": facility_id("kopa")}
    enrol_sales_points([EnrolSalesPoint(**kopa, key="K1", code="K1", kind="till")])
    enrol_operators([EnrolOperator(**kopa, key="anna", code="anna")])
    till: Any = {
        "at": now,
        "home": "jawor",
        "operator": operator_id(kopa["facility"], "anna"),
        "sales_point": sales_point_id(kopa["facility"], "K1"),
    }
    note_refusal("refund", refused(Reason.USED_CANNOT_RETURN), key="1", subject=uuid4(), **till)
    note_refusal("replacement", refused(Reason.HOME_SILENT), key="2", subject=uuid4(), **till)


def test_the_page_shows_the_network_and_says_what_to_do(card: str, visit: Visit, staff: Staff) -> None:
    page = visit("/office/common-card/", staff(Role.MANAGER))
    expect(page.get_by_role("heading", name="Common card", exact=True)).to_be_visible()
    expect(page.get_by_text("Entry 12 of tatry.example/kopa is not applied")).to_be_visible()
    expect(page.get_by_text("karnet federation release tatry.example/kopa")).to_be_visible()
    rows = page.get_by_role("region", name="Logs of the common card").get_by_role("row")
    expect(rows).to_have_count(len(MEMBERS) + 2)  # the hub's, and the head of the table
    expect(rows.filter(has_text="tatry.example/kopa")).to_contain_text("in quarantine")
    expect(page.locator("svg.card-network line.up")).to_have_count(1)
    expect(page.locator("svg.card-network line.down")).to_have_count(2)
    refused = page.get_by_role("region", name="Refused between partners").get_by_role("row")
    expect(refused.filter(has_text="Replacement of a card")).to_contain_text("that of jawor, does not answer now")
    expect(refused.filter(has_text="Refund")).to_contain_text("This ticket has been used")
    check_page(page)
    shoot(page, "office-common-card")
