"""Status lines: every part of the system may say something at the till, and none can stop it."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db import connection
from django.test import Client

from karnet.faces.base import status_lines
from karnet.faces.base.entrances import entrances
from karnet.faces.base.roles import Role
from karnet.faces.base.status_lines import StatusLine

pytestmark = pytest.mark.database


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_lines, "_sources", {})


def test_a_source_is_shown_until_it_has_nothing_to_say(sources: None, client: Client, person: object) -> None:
    said = ["Link to hub down since 12:04; selling goes on."]
    status_lines.register("hub", lambda at, zone: [StatusLine("warn", text) for text in said])
    client.force_login(person())  # type: ignore[operator]
    assert "12:04" in client.get("/status-lines").content.decode()
    said.clear()
    assert client.get("/status-lines").content.strip() == b""


def test_a_source_that_fails_is_passed_over(sources: None, database: None) -> None:
    def broken(at: object, zone: str) -> list[StatusLine]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT no_such_column")
        return []

    status_lines.register("a", broken)
    status_lines.register("b", lambda at, zone: [StatusLine("info", zone)])
    assert [line.text for line in status_lines.status_lines("Europe/Warsaw")] == ["Europe/Warsaw"]


def test_what_concerns_one_facility_is_said_to_its_people_alone(sources: None, database: None) -> None:
    ours, theirs = UUID(int=1), UUID(int=2)
    status_lines.register_of_facility(
        "printers", lambda at, zone, facility: [StatusLine("info", "paper out")] if facility == ours else []
    )
    assert [line.text for line in status_lines.status_lines("UTC", ours)] == ["paper out"]
    assert status_lines.status_lines("UTC", theirs) == []


@pytest.mark.parametrize(
    ("role", "first"),
    [
        (Role.CASHIER, "till:home"),
        (Role.SUPERVISOR, "till:home"),
        (Role.MANAGER, "office:today"),
        (Role.ACCOUNTANT, "office:settlement"),
        (Role.AUDITOR, "office:today"),
        (Role.PARTNER, "till:partner"),
    ],
)
def test_everybody_begins_where_their_work_is(role: Role, first: str) -> None:
    assert entrances(role)[0].route == first
