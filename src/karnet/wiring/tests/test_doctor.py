"""`doctor`: a sound installation passes, and each thing that is wrong fails its own check and says what to do."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest

from karnet.wiring import postgres
from karnet.wiring.doctor import Check, examine, last_checkpoint_at, listener
from karnet.wiring.installation import Installation
from karnet.wiring.postgres import running
from karnet.wiring.tests.conftest import as_nobody, cluster_is_down, needs_root

_NOW = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)


def _checks(installation: Installation, *, trial_start: bool = False) -> dict[str, Check]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        environment = {"KARNET_HTTP_PORT": str(free.getsockname()[1])}
    checks = examine(installation.path, now=_NOW, environment=environment, trial_start=trial_start)
    assert all(bool(check.do) != check.ok for check in checks)  # What failed says what to do, and only that.
    return {check.name: check for check in checks}


def _failed(installation: Installation) -> dict[str, Check]:
    return {name: check for name, check in _checks(installation).items() if not check.ok}


def test_a_sound_installation_passes_every_check(made: Installation) -> None:
    checks = _checks(made, trial_start=True)
    assert all(check.ok for check in checks.values()), checks
    assert list(checks)[-1] == "database-connection"
    cluster = postgres.load_cluster(made)
    assert cluster is not None
    assert cluster_is_down(cluster)
    assert "database-connection" not in _checks(made)  # Without a trial start a stopped server is left stopped.
    with running(made, fsync=False):
        assert _checks(made)["database-connection"].ok
        assert "ready" in _checks(made)["database-server"].what


def test_nothing_at_all_fails_with_the_way_to_make_it(place: Path) -> None:
    checks = examine(place / "nothing", now=_NOW, environment={})
    assert [check.name for check in checks if not check.ok] == ["data-directory", "configuration"]
    assert all("karnet init" in check.do for check in checks if not check.ok)


def test_an_installation_without_a_database_says_so(installation: Installation) -> None:
    assert list(_failed(installation)) == ["database-version"]


def test_a_configuration_that_cannot_be_read_ends_the_examination(made: Installation) -> None:
    made.config_file.write_text("[server")
    failed = _failed(made)
    assert list(failed) == ["configuration"]
    assert "karnet.toml" in failed["configuration"].do


@pytest.mark.parametrize("name", ["secret_key", "karnet.toml", "cluster.json", "keys", "keys/test.key"])
def test_a_secret_that_others_can_read_fails(made: Installation, name: str) -> None:
    (made.keys_dir / "test.key").touch(mode=0o600)
    (made.path / name).chmod(0o744)
    failed = _failed(made)
    assert list(failed) == ["secrets"]
    assert f"chmod {'700' if name == 'keys' else '600'}" in failed["secrets"].do


def test_a_missing_secret_fails(made: Installation) -> None:
    made.secret_key_file.unlink()
    assert list(_failed(made)) == ["secrets"]


def test_data_of_another_major_version_fails(made: Installation) -> None:
    cluster = postgres.load_cluster(made)
    assert cluster is not None
    (cluster.data / "PG_VERSION").write_text("17\n")
    failed = _checks(made, trial_start=True)
    assert "PostgreSQL 17" in failed["database-version"].what
    assert "database-connection" not in failed


def test_a_server_that_does_not_start_fails_with_its_log(made: Installation) -> None:
    cluster = postgres.load_cluster(made)
    assert cluster is not None
    (cluster.data / "local.conf").write_text("work_mem = much\n")
    check = _checks(made, trial_start=True)["database-connection"]
    assert not check.ok
    assert 'invalid value for parameter "work_mem"' in check.what


def test_a_stale_pid_file_is_noticed_but_no_fault(made: Installation) -> None:
    cluster = postgres.load_cluster(made)
    assert cluster is not None
    (cluster.data / "postmaster.pid").write_text("1\n")
    check = _checks(made)["database-server"]
    assert check.ok
    assert "pid file" in check.what


def test_a_taken_port_names_who_has_it(made: Installation) -> None:
    code = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    port = int(process.stdout.readline())
    try:
        assert f"process {process.pid}" in (listener("127.0.0.1", port) or "")
        checks = examine(made.path, now=_NOW, environment={"KARNET_HTTP_PORT": str(port)}, trial_start=False)
        failed = [check for check in checks if not check.ok]
        assert [check.name for check in failed] == ["http-port"]
        assert "KARNET_HTTP_PORT" in failed[0].do
    finally:
        process.communicate("\n")
    assert listener("127.0.0.1", port) is None


@pytest.mark.parametrize(
    ("behind", "ok"),
    [(timedelta(0), True), (timedelta(seconds=2), True), (timedelta(seconds=3), False), (timedelta(days=-1), True)],
)
def test_a_clock_behind_the_last_checkpoint_fails(made: Installation, behind: timedelta, ok: bool) -> None:
    at = (_NOW + behind).astimezone(timezone(timedelta(hours=2)))
    made.checkpoints_file.write_text(f'{{"at": "2020-01-01T00:00:00Z"}}\n{{"at": "{at.isoformat()}", "size": 5}}\n')
    assert _checks(made)["clock"].ok is ok


def test_a_checkpoint_torn_by_a_crash_does_not_count(place: Path) -> None:
    file = place / "checkpoints"
    assert last_checkpoint_at(file) is None
    file.write_text("")
    assert last_checkpoint_at(file) is None
    file.write_text(json.dumps({"at": _NOW.isoformat()}) + '\n{"at": "2027-01')
    assert last_checkpoint_at(file) == _NOW
    file.write_text("x" * 100_000 + "\n" + json.dumps({"at": "2026-02-01T12:00:00Z"}) + "\n")
    assert last_checkpoint_at(file) == _NOW


@pytest.mark.parametrize(
    "line", ["{}", "[]", "5", '{"at": 5}', '{"at": "noon"}', '{"at": "2026-02-01T12:00:00"}', "\0"]
)
def test_a_damaged_checkpoint_file_fails(made: Installation, line: str) -> None:
    made.checkpoints_file.write_text(line + "\n")
    check = _checks(made)["clock"]
    assert not check.ok
    assert "checkpoints" in check.what


@needs_root
def test_somebody_elses_installation_is_told_and_not_a_fault_of_ours(made: Installation) -> None:
    made.path.chmod(0o755)
    checks = as_nobody(lambda: examine(made.path, now=_NOW, environment={}))
    assert [check.name for check in checks if not check.ok] == ["data-directory", "configuration"]
    os.chown(made.config_file, 65534, 65534)
    assert "root" in _failed(made)["configuration"].what


def test_a_log_in_quarantine_is_told_with_its_entry(made: Installation) -> None:
    with running(made, fsync=False):
        with psycopg.connect(postgres.dsn(made, postgres.Role.SUPERUSER), autocommit=True) as connection:
            connection.execute("CREATE TABLE journal_origin (id int, name text)")
            connection.execute(
                "CREATE TABLE journal_quarantine (origin_id int, index int, code text, detail text, released_at timestamptz)"
            )
            connection.execute("GRANT SELECT ON journal_origin, journal_quarantine TO karnet_app")
            connection.execute("INSERT INTO journal_origin VALUES (2, 'kopa.example/log')")
            connection.execute(
                "INSERT INTO journal_quarantine VALUES (2, 42, 'foreign_actor', 'it names another', NULL)"
            )
        check = _failed(made)["other-servers"]
    assert "kopa.example/log" in check.what
    assert "entry 42" in check.what
    assert "karnet federation release kopa.example/log" in check.do
