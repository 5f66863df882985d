"""The day that plays while one looks, and the log-ins to look with."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth import authenticate

from karnet.journal.founding import found_server
from karnet.parties import selectors
from karnet.wiring import clock
from karnet.wiring.demo import live, log_ins
from karnet.wiring.installation import Installation

AT = datetime(2026, 1, 18, 7, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Installation:
    return Installation.create(tmp_path / "home", name="karnet.test/log", environment={})


def test_the_demonstrations_time_runs_sixty_times_as_fast(home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    real = clock.now()
    monkeypatch.setattr(clock, "now", lambda: real)
    live.set_time(home, AT)
    monkeypatch.setenv(clock.SHOW, str(live.show_file(home)))
    assert clock.business_now() == AT
    monkeypatch.setattr(clock, "now", lambda: real + timedelta(seconds=10))
    assert clock.business_now() == AT + timedelta(minutes=10)


def test_a_new_morning_is_seen_by_who_has_read_the_old_one(home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clock.SHOW, str(live.show_file(home)))
    live.set_time(home, AT)
    assert clock.business_now() < AT + timedelta(hours=1)
    os.utime(live.show_file(home), ns=(1, 1))
    clock.business_now()
    live.set_time(home, AT + timedelta(days=1))
    assert clock.business_now() >= AT + timedelta(days=1)


def test_without_a_demonstration_business_happens_now() -> None:
    before = clock.now()
    assert before <= clock.business_now() <= clock.now()


@pytest.mark.database
def test_every_role_has_a_log_in_and_asking_again_changes_nothing(home: Installation) -> None:
    from karnet.accounts.services import OpenBooks, open_books
    from karnet.parties.services import EnrolFacility, enrol_facilities

    server = found_server("karnet.test/log", AT)
    facility = EnrolFacility(key="f", at=AT, actor=server, code="kopa", currency="PLN", time_zone="Europe/Warsaw")
    (enrolled,) = enrol_facilities([facility])
    open_books([OpenBooks(key="b", at=AT, actor=server, facility=enrolled.id, currency="PLN")])  # type: ignore[union-attr]
    made, password = log_ins.ensure_log_ins(home, server, AT)
    assert (made, password) == log_ins.ensure_log_ins(home, server, AT)
    assert {log_in.username for log_in in selectors.log_ins()} == set(log_ins.STAFF.values())
    user = authenticate(None, username=log_ins.STAFF["cashier"], password=password)
    assert user is not None
    assert user.operator_id is not None
    assert (home.path / "demo-password").stat().st_mode & 0o077 == 0
