"""The embedded server in trouble: killed, misled by pid files, given foreign or damaged data."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from karnet.wiring import postgres
from karnet.wiring.installation import Installation
from karnet.wiring.postgres import Role, dsn, running
from karnet.wiring.postgres.diagnosis import explain
from karnet.wiring.postgres.process import find_postmaster, processes_of
from karnet.wiring.problem import InstallationProblem
from karnet.wiring.tests.conftest import as_nobody, cluster_is_down, needs_root

_HOLD = (
    "import sys, time; from pathlib import Path; from karnet.wiring.installation import Installation;"
    "from karnet.wiring.postgres import running\n"
    "with running(Installation.load(Path(sys.argv[1])), fsync=False): print('up', flush=True); time.sleep(600)"
)


def _cluster(installation: Installation) -> postgres.Cluster:
    cluster = postgres.load_cluster(installation)
    assert cluster is not None
    return cluster


def _answers(installation: Installation) -> bool:
    with psycopg.connect(dsn(installation)) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


def _holder(installation: Installation) -> subprocess.Popen[str]:
    """Another `karnet` process that uses the database, and is up when this returns."""
    process = subprocess.Popen([sys.executable, "-c", _HOLD, installation.path], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


def _end(process: subprocess.Popen[Any]) -> None:
    process.kill()
    process.communicate()


def test_a_pid_file_left_by_a_dead_server_is_cleared_away(made: Installation) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    pid_file = _cluster(made).data / "postmaster.pid"
    pid_file.write_text(f"{gone.pid}\n{_cluster(made).data}\n1\n5432\n/tmp\n\n1 2\nready\n")
    with running(made, fsync=False) as server:
        assert server is not None
        assert server.started_here
        assert _answers(made)
    assert not pid_file.exists()


def test_a_pid_file_that_names_a_living_stranger_harms_nobody(made: Installation) -> None:
    with running(made, fsync=False):
        data = _cluster(made).data
    # As the server's own user, whose processes PostgreSQL itself would believe to be a server.
    stranger = subprocess.Popen(["sleep", "600"], user=data.stat().st_uid if os.geteuid() == 0 else None)
    try:
        for pid in (stranger.pid, os.getpid()):
            (data / "postmaster.pid").write_text(f"{pid}\n{data}\n1\n5432\n/tmp\n\n1 2\nready\n")
            lock = Path(_cluster(made).host) / ".s.PGSQL.5432.lock"
            lock.write_text(f"{pid}\n{data}\n1\n5432\n/tmp\n")
            assert postgres.status(made) is None
            assert postgres.stop(made) is False
            with running(made, fsync=False) as server:
                assert server is not None
                assert server.started_here
                assert _answers(made)
        assert stranger.poll() is None
    finally:
        _end(stranger)


@pytest.mark.parametrize("content", [b"", b"\n", b"garbage", b"-1\n", b"0\n", b"\xff\xfe", b"99999999999999\n"])
def test_a_pid_file_of_any_content_does_not_stop_a_start(made: Installation, content: bytes) -> None:
    (_cluster(made).data / "postmaster.pid").write_bytes(content)
    with running(made, fsync=False):
        assert _answers(made)


def test_a_killed_server_starts_again_with_everything_that_was_committed(made: Installation) -> None:
    with running(made) as server:  # With fsync, as in life.
        assert server is not None
        with psycopg.connect(dsn(made, Role.OWNER)) as connection:
            connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
        busy = psycopg.connect(dsn(made, Role.OWNER), autocommit=True)
        postmaster = postgres.status(made)
        assert postmaster is not None
        postmaster.send(signal.SIGKILL)
        with running(made) as second:
            assert second is not None
            assert second.started_here
            with psycopg.connect(dsn(made, Role.OWNER)) as connection:
                assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)
            with pytest.raises(psycopg.OperationalError):
                busy.execute("SELECT 1")
        assert _answers(made)  # The first user is still there, so the second did not stop it.
    assert cluster_is_down(_cluster(made))


def test_backends_that_outlive_a_killed_server_are_waited_for_and_ended(
    made: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("karnet.wiring.postgres.supervisor._ORPHANS_MAY_TAKE_S", 0.3)
    said: list[str] = []
    with running(made, fsync=False):
        connection = psycopg.connect(dsn(made, Role.SUPERUSER), autocommit=True)
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)  # So that it cannot notice that its postmaster is gone…
        postmaster = postgres.status(made)
        assert postmaster is not None
        postmaster.send(signal.SIGKILL)
        waker = subprocess.Popen(["/bin/sh", "-c", f"sleep 1; kill -CONT {backend}"])  # …until it is told to end.
        with running(made, fsync=False, progress=said.append):
            assert _answers(made)
        waker.wait()
        assert backend not in processes_of(_cluster(made).data)
    assert said == ["ending the processes of a server that was killed"]


def test_a_killed_user_leaves_a_server_that_the_next_one_joins_and_stops(made: Installation) -> None:
    _end(_holder(made))
    left = postgres.status(made)
    assert left is not None
    with running(made, fsync=False) as server:
        assert server is not None
        assert not server.started_here
        assert postgres.status(made) == left
    assert cluster_is_down(_cluster(made))


def test_nobody_stops_the_server_under_another_process(made: Installation) -> None:
    with running(made, fsync=False):
        holder = _holder(made)
    try:
        assert _answers(made)
        with running(made, fsync=False) as server:
            assert server is not None
            assert not server.started_here
        assert _answers(made)
        assert postgres.stop(made) is True  # Unless it is asked to.
        assert cluster_is_down(_cluster(made))
    finally:
        _end(holder)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_terminated_command_stops_the_server_on_its_way_out(made: Installation, number: signal.Signals) -> None:
    code = "from karnet.wiring.cli import main; main()"
    arguments = ["sql", "--data", made.path, "-c", "SELECT 'up'", "-c", "SELECT pg_sleep(600)"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    while "up" not in process.stdout.readline():
        assert process.poll() is None
    if number is signal.SIGINT:
        # Ctrl-C reaches psql as well: it cancels the query and ends. Pressed between two queries it does nothing.
        while process.poll() is None:
            os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.5)
    else:
        process.send_signal(number)
    process.communicate()
    assert process.returncode == (1 if number is signal.SIGINT else 5)
    assert cluster_is_down(_cluster(made))


def test_an_interrupted_initdb_leaves_nothing_that_counts_as_a_cluster(installation: Installation) -> None:
    process = subprocess.Popen([sys.executable, "-c", _HOLD, installation.path], stdout=subprocess.DEVNULL)
    while not list(installation.path.glob(".postgres.new-*/data/PG_VERSION")):
        assert process.poll() is None
    _end(process)
    assert not (installation.path / "postgres").exists()
    with running(installation, fsync=False):
        assert _answers(installation)
    assert not list(installation.path.glob(".postgres.new-*"))


def test_interrupted_provisioning_is_completed(made: Installation) -> None:
    with running(made, fsync=False), psycopg.connect(dsn(made, Role.SUPERUSER, "postgres"), autocommit=True) as su:
        su.execute("DROP DATABASE karnet")
        su.execute("DROP ROLE karnet_read")
        su.execute("ALTER ROLE karnet_app NOLOGIN PASSWORD NULL")
    record = made.path / "cluster.json"
    record.write_text(record.read_text().replace('"provisioned": true', '"provisioned": false'))
    with running(made, fsync=False):
        assert _answers(made)
        psycopg.connect(dsn(made, Role.READ)).close()
    assert _cluster(made).provisioned


def test_data_of_another_major_version_is_refused_with_the_way_to_bring_it_over(made: Installation) -> None:
    version = _cluster(made).data / "PG_VERSION"
    version.write_text("16\n")
    with pytest.raises(InstallationProblem) as caught:
        postgres.start(made)
    assert caught.value.code == "foreign-version"
    assert "PostgreSQL 16" in caught.value.what
    assert "pg_dumpall" in caught.value.do
    assert version.read_text() == "16\n"


def test_a_setting_that_the_server_does_not_take_is_shown_from_its_log(made: Installation) -> None:
    local = _cluster(made).data / "local.conf"
    local.write_text("shared_bufers = 1GB\n")
    with pytest.raises(InstallationProblem) as caught:
        postgres.start(made, fsync=False)
    assert caught.value.code == "bad-postgres-config"
    assert "shared_bufers" in caught.value.what
    local.write_text("work_mem = '3MB'\n")
    with running(made, fsync=False), psycopg.connect(dsn(made)) as connection:
        assert connection.execute("SHOW work_mem").fetchone() == ("3MB",)


def test_a_damaged_cluster_is_told_and_its_users_are_not_left_waiting(made: Installation) -> None:
    control = _cluster(made).data / "global" / "pg_control"
    control.write_bytes(b"\0" * 8192)
    with pytest.raises(InstallationProblem) as caught:
        postgres.start(made, fsync=False)
    assert "pg_control" in caught.value.what or "incompatible" in caught.value.what
    assert cluster_is_down(_cluster(made))


def test_lost_or_wrong_passwords_are_problems_in_words(made: Installation) -> None:
    record = made.path / "cluster.json"
    kept = record.read_text()
    for content, code in (
        ("{", "bad-cluster-record"),
        ('{"home": 5}', "bad-cluster-record"),
        (kept.replace(_cluster(made).passwords[Role.SUPERUSER], "guess"), "passwords-differ"),
    ):
        record.write_text(content)
        with pytest.raises(InstallationProblem) as caught:
            postgres.start(made, fsync=False)
        assert caught.value.code == code
    record.unlink()
    with pytest.raises(InstallationProblem) as caught:
        postgres.start(made, fsync=False)
    assert caught.value.code == "passwords-lost"
    record.write_text(kept)
    with running(made, fsync=False):
        assert _answers(made)


@needs_root
def test_the_cluster_of_another_user_is_not_started(made: Installation) -> None:
    made.path.chmod(0o755)
    for file in (made.path, made.run_dir, made.logs_dir, *made.path.glob("*.*"), *made.run_dir.glob("*.lock")):
        os.chown(file, 65534, 65534)
    loaded = Installation(made.path, made.config)
    problem = as_nobody(lambda: postgres.start(loaded, fsync=False))
    assert isinstance(problem, InstallationProblem)
    assert problem.code == "wrong-user"


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        ("echo 'postgres: error while loading shared libraries: libz.so.1' >&2; exit 127", None, "libz.so.1"),
        ("echo 'postgres (PostgreSQL) 16.4'", "no-postgres", "16.4"),
        (None, "no-postgres", "no PostgreSQL"),
    ],
)
def test_programs_that_cannot_serve_are_refused_before_anything_is_made(
    installation: Installation, place: Path, monkeypatch: pytest.MonkeyPatch, script: str, code: str, said: str
) -> None:
    programs = place / "bin"
    programs.mkdir(mode=0o755)
    if script is not None:
        (programs / "postgres").write_text(f"#!/bin/sh\n{script}\n")
        (programs / "postgres").chmod(0o755)
    monkeypatch.setenv("KARNET_POSTGRES_BIN", str(programs))
    with pytest.raises(InstallationProblem) as caught:
        postgres.ensure_cluster(installation)
    assert caught.value.code == (code or "postgres-does-not-start")
    assert said in caught.value.what
    assert not (installation.path / "postgres").exists()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ('FATAL:  could not write file "pg_wal/xlogtemp.1": No space left on device', "disk-full"),
        ('LOG:  could not bind Unix address "/x/.s.PGSQL.5432": Address already in use', "address-taken"),
        ("FATAL:  could not map anonymous shared memory: Cannot allocate memory", "no-memory"),
        ("PANIC:  could not locate a valid checkpoint record at 0/15F1A30", "damaged-database"),
        ("FATAL:  database files are incompatible with server", "foreign-version"),
        ('FATAL:  could not open file "postgresql.conf": Permission denied', "permission"),
        ("FATAL:  the dog ate it", "postgres-failed"),
        ("", "postgres-failed"),
    ],
)
def test_what_the_server_says_is_passed_on_with_what_to_do(said: str, code: str) -> None:
    problem = explain(f"earlier\n{said}\n", "start", Path("/data"))
    assert problem.code == code
    assert said in problem.what
    assert problem.do


def test_the_working_directory_decides_whose_process_it_is(made: Installation) -> None:
    data = _cluster(made).data
    assert find_postmaster(data) is None
    with running(made, fsync=False) as server:
        postmaster = find_postmaster(data)
        assert postmaster is not None
        assert postmaster.status == "ready"
        assert postmaster.pid in processes_of(data)
        assert len(processes_of(data)) > 3
        assert server is not None
        assert server.alive
    assert processes_of(data) == []


@pytest.mark.parametrize("pause_s", [0, 0.005, 0.02, 0.1])
def test_a_server_that_recovers_from_a_killed_process_can_be_stopped_and_joined(
    made: Installation, pause_s: float
) -> None:
    with running(made, fsync=False), psycopg.connect(dsn(made)) as connection:
        os.kill(connection.info.backend_pid, signal.SIGKILL)
        with running(made, fsync=False):
            assert _answers(made)
    with running(made, fsync=False), psycopg.connect(dsn(made)) as connection:
        os.kill(connection.info.backend_pid, signal.SIGKILL)
        time.sleep(pause_s)
    assert cluster_is_down(_cluster(made))
    with running(made, fsync=False):
        assert _answers(made)
