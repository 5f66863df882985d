"""Installation: made whole, kept when repeated, and clear about what is wrong with it."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from karnet.wiring.installation import Installation, data_directory
from karnet.wiring.problem import InstallationProblem
from karnet.wiring.tests.conftest import as_nobody, needs_root


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _secret_of(path: Path) -> str:
    return Installation.create(path).secret_key


def test_a_new_installation_has_its_files_and_keeps_its_secrets_closed(place: Path) -> None:
    made = Installation.create(place / "deep" / "data", name="tatry.example/hub")
    assert made.name == "tatry.example/hub"
    assert (made.config.http.host, made.config.http.port) == ("127.0.0.1", 8000)
    assert len(made.secret_key) >= 50
    assert [_mode(made.secret_key_file), _mode(made.keys_dir), _mode(made.logs_dir)] == [0o600, 0o700, 0o700]
    assert not made.checkpoints_file.exists()
    assert not list(made.path.rglob("*.tmp"))


def test_creating_again_changes_nothing(installation: Installation) -> None:
    installation.config_file.write_text('[server]\nname = "test"\n[http]\nport = 9000  # ours\n')
    before = {file: file.read_bytes() for file in installation.path.rglob("*") if file.is_file()}
    again = Installation.create(installation.path)
    assert again.config.http.port == 9000
    assert {file: file.read_bytes() for file in installation.path.rglob("*") if file.is_file()} == before


def test_an_interrupted_creation_is_completed(installation: Installation) -> None:
    installation.config_file.unlink()
    secret = installation.secret_key
    assert Installation.create(installation.path, name="test").secret_key == secret
    installation.secret_key_file.unlink()
    assert Installation.create(installation.path).secret_key != secret


def test_several_processes_creating_at_once_make_one_installation(place: Path) -> None:
    with ProcessPoolExecutor(4) as pool:
        secrets = set(pool.map(_secret_of, [place / "data"] * 8))
    assert len(secrets) == 1


def test_an_installation_cannot_be_renamed(installation: Installation) -> None:
    with pytest.raises(InstallationProblem) as caught:
        Installation.create(installation.path, name="other")
    assert caught.value.code == "name-differs"
    assert Installation.load(installation.path).name == "test"


@pytest.mark.parametrize("name", ["", " ", "a b", "hub+1", "-hub", "hub/", "zażółć", "x" * 101, 'a"b', "a\nb"])
def test_a_name_that_a_signature_could_not_carry_is_refused(place: Path, name: str) -> None:
    with pytest.raises(InstallationProblem) as caught:
        Installation.create(place / "data", name=name or "\t")
    assert caught.value.code == "bad-name"
    assert not (place / "data" / "karnet.toml").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[server\nname = 1", "not valid TOML"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"", "missing required field `server`"),
        (b"[server]\nname = 5", "$.server.name"),
        (b'server = "x"', "Expected `object`"),
        (b'[server]\nname = "x"\n[http]\nport = "80"', "$.http.port"),
        (b'[server]\nname = "x"\n[http]\nprot = 80', "unknown field `prot`"),
        (b'[server]\nname = "x"\n[http]\nport = 99999', "99999"),
        (b'[server]\nname = "x"\n[postgres]\nmode = "mysql"', "mysql"),
        (b'[server]\nname = "x"\n[postgres]\nmode = "external"', "gives no url"),
    ],
)
def test_a_bad_configuration_is_told_with_file_and_place(installation: Installation, content: bytes, said: str) -> None:
    installation.config_file.write_bytes(content)
    with pytest.raises(InstallationProblem) as caught:
        Installation.load(installation.path)
    assert caught.value.code == "bad-config"
    assert said in caught.value.what
    assert "karnet.toml" in caught.value.what
    assert caught.value.do


def test_the_environment_overrides_the_file(installation: Installation) -> None:
    environment = {
        "KARNET_HTTP_HOST": "::",
        "KARNET_HTTP_PORT": "8080",
        "DATABASE_URL": "postgresql://db.example/karnet",
    }
    config = Installation.load(installation.path, environment=environment).config
    assert (config.http.host, config.http.port) == ("::", 8080)
    assert (config.postgres.mode, config.postgres.url) == ("external", "postgresql://db.example/karnet")
    with pytest.raises(InstallationProblem, match="KARNET_HTTP_PORT"):
        Installation.load(installation.path, environment={"KARNET_HTTP_PORT": "eighty"})


def test_the_data_directory_is_the_named_one_else_the_environments_else_the_usual(place: Path) -> None:
    environment = {"KARNET_DATA": str(place), "XDG_DATA_HOME": "/xdg"}
    assert data_directory(Path("/srv/karnet"), environment) == Path("/srv/karnet")
    assert data_directory(None, environment) == place
    usual = Path("/var/lib/karnet") if os.geteuid() == 0 else Path("/xdg/karnet")
    assert data_directory(None, {"XDG_DATA_HOME": "/xdg"}) == usual
    assert as_nobody(lambda: data_directory(None, {"XDG_DATA_HOME": "/xdg"})) == Path("/xdg/karnet")
    assert data_directory(Path("relative")).is_absolute()


def test_what_is_not_there_is_not_loaded(place: Path) -> None:
    (place / "file").touch()
    for path in (place / "nothing", place, place / "file", place / "file" / "below"):
        with pytest.raises(InstallationProblem) as caught:
            Installation.load(path)
        assert caught.value.code == "no-installation"


def test_a_file_in_the_way_is_named(place: Path) -> None:
    (place / "file").touch()
    for path in (place / "file", place / "file" / "below"):
        with pytest.raises(InstallationProblem) as caught:
            Installation.create(path)
        assert caught.value.code == "not-a-directory"
        assert str(path) in caught.value.what


@needs_root
def test_a_directory_of_somebody_else_is_refused_and_left_alone(place: Path) -> None:
    place.chmod(0o755)
    for path in (place, place / "data"):
        problem = as_nobody(lambda path=path: Installation.create(path))
        assert isinstance(problem, InstallationProblem)
        assert problem.code == "permission"
    assert list(place.iterdir()) == []


@needs_root
def test_root_is_turned_away_from_a_users_installation(installation: Installation) -> None:
    os.chown(installation.config_file, 65534, 65534)
    with pytest.raises(InstallationProblem) as caught:
        Installation.load(installation.path)
    assert caught.value.code == "wrong-user"


def test_a_secret_that_others_can_read_is_not_used(installation: Installation) -> None:
    installation.secret_key_file.chmod(0o640)
    with pytest.raises(InstallationProblem) as caught:
        _ = installation.secret_key
    assert caught.value.code == "secret-open"


def test_a_path_longer_than_the_system_takes_is_a_problem_in_words(place: Path) -> None:
    with pytest.raises(InstallationProblem) as caught:
        Installation.create(place / ("x" * 300))
    assert caught.value.code == "path-too-long"
