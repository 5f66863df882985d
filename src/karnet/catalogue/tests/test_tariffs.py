"""Publishing tariffs: versions that never change, drafts that may, and which version a stay of an instant has."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from karnet.catalogue.drafts import DraftSaved, SaveDraft
from karnet.catalogue.rules import PublishTariff, TariffInForce
from karnet.catalogue.tariffs import (
    PublishTariffDraft,
    discard_tariff_draft,
    publish_tariff_draft,
    publish_tariffs,
    save_tariff_draft,
    tariff_drafts,
    tariff_versions,
    tariffs_in_force,
    tariffs_of,
)
from karnet.journal.founding import found_server
from karnet.kernel.outcomes import Refused
from karnet.kernel.time import zone
from karnet.parties.operations import facility_id
from karnet.parties.services import EnrolFacility, enrol_facilities
from karnet.tariffs.model import Band, Clock, Tariff, to_json

pytestmark = pytest.mark.database

NOON = datetime(2026, 1, 17, 12, tzinfo=zone("Europe/Warsaw"))
POOL = facility_id("POOL")


def tariff(price: int = 100, **changes: object) -> Tariff:
    given = {
        "code": "pool",
        "currency": "PLN",
        "time_zone": "Europe/Warsaw",
        "categories": ("adult",),
        "zones": ("pool",),
        "clocks": (Clock(code="pool", unit_s=60, bands=(Band(code="any", prices={"adult": price}),)),),
        **changes,
    }
    return Tariff(**given)  # type: ignore[arg-type]


@pytest.fixture
def server(database: None) -> UUID:
    server = found_server("karnet.test/log", NOON - timedelta(days=1))
    asked = {"key": "pool", "at": NOON - timedelta(days=1), "actor": server}
    enrol_facilities([EnrolFacility(code="POOL", currency="PLN", time_zone="Europe/Warsaw", **asked)])
    return server


def published(server: UUID, one: Tariff, since: datetime = NOON, key: str = "t") -> TariffInForce | Refused:
    asked = PublishTariff(key=key, at=NOON, actor=server, facility=POOL, in_force_from=since, tariff=one)
    return publish_tariffs([asked])[0]


def test_a_stay_has_the_version_in_force_when_it_begins_and_an_older_one_stays_readable(server: UUID) -> None:
    first = published(server, tariff(100), key="1")
    second = published(server, tariff(120), NOON + timedelta(hours=2), key="2")
    assert isinstance(first, TariffInForce)
    assert isinstance(second, TariffInForce)
    assert tariffs_in_force(POOL, NOON - timedelta(seconds=1)) == {}
    assert tariffs_in_force(POOL, NOON + timedelta(hours=1))["pool"].id == first.version
    assert tariffs_in_force(POOL, NOON + timedelta(hours=2), ["pool"])["pool"].id == second.version
    assert tariffs_in_force(POOL, NOON + timedelta(hours=2), ["rink"]) == {}
    assert tariff_versions([first.version])[first.version].tariff == tariff(100)
    assert [version.id for version in tariffs_of(POOL)] == [second.version, first.version]


@pytest.mark.parametrize(
    ("one", "since", "field"),
    [
        (tariff(currency="EUR"), NOON, "currency"),
        (tariff(time_zone="Europe/Rome"), NOON, "time_zone"),
        (tariff(categories=()), NOON, "categories"),
        (tariff(), NOON - timedelta(minutes=1), "in_force_from"),
    ],
)
def test_what_cannot_be_promised_is_not_published(server: UUID, one: Tariff, since: datetime, field: str) -> None:
    answer = published(server, one, since)
    assert isinstance(answer, Refused)
    assert field in answer.facts
    assert tariffs_of(POOL) == []


def test_a_draft_is_published_once_as_it_was_saved(server: UUID) -> None:
    id_ = uuid4()
    unfinished = SaveDraft(id=id_, facility=POOL, title="Summer", document="{", saved_at=NOON)
    assert save_tariff_draft(unfinished) == DraftSaved(id=id_, revision=1)
    ask = PublishTariffDraft(key="p1", at=NOON, actor=server, draft=id_, revision=1, in_force_from=NOON)
    assert isinstance(publish_tariff_draft(ask), Refused)
    finished = SaveDraft(
        id=id_, facility=POOL, title="Summer", document=to_json(tariff()).decode(), saved_at=NOON, revision=1
    )
    assert save_tariff_draft(finished) == DraftSaved(id=id_, revision=2)
    ask = PublishTariffDraft(key="p2", at=NOON, actor=server, draft=id_, revision=2, in_force_from=NOON)
    made = publish_tariff_draft(ask)
    assert isinstance(made, TariffInForce)
    again = PublishTariffDraft(key="p3", at=NOON, actor=server, draft=id_, revision=2, in_force_from=NOON)
    assert isinstance(publish_tariff_draft(again), Refused)
    assert publish_tariff_draft(ask) == made
    assert not discard_tariff_draft(id_)
    assert [draft.published_at for draft in tariff_drafts(POOL)] == [NOON]
