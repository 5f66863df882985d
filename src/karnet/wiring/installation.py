"""One installation of Karnet: a data directory, its configuration and its secrets.

Layout of the data directory::

    karnet.toml      configuration, for people to edit; the environment overrides it
    secret_key       0600  signs sessions and links
    keys/            0700  the journal's signing keys
    cluster.json     0600  where the embedded PostgreSQL lives, and the passwords of its roles
    postgres/        0700  its data (elsewhere if its account cannot reach this directory: cluster.json says where)
    run/             locks and the socket
    logs/            server logs
    checkpoints      signed checkpoints, a second witness outside the database (JSON lines)
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import msgspec

from karnet.wiring.files import FileLock, write_atomically
from karnet.wiring.problem import InstallationProblem, explained

CONFIG_FILE = "karnet.toml"
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,98}[A-Za-z0-9])?")


class ServerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`name` is the journal's name. It is signed into every checkpoint and can never change."""

    name: str


class HttpConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where `karnet serve` listens."""

    host: str = "127.0.0.1"
    port: int = 8000


class PostgresConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`embedded` runs the packaged server; `external` connects to `url` (libpq URL) instead."""

    mode: Literal["embedded", "external"] = "embedded"
    url: str = ""


class FederationConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether this server takes part in a common card (docs/federation.md).

    `listen`: at a hub, "host:port" of each node that this installation runs. `addresses`: at a hub, what members call
    (https://host:port of every node, wherever it runs). `archive_at`: local time of the daily pull of the whole record.
    """

    role: Literal["none", "hub", "member"] = "none"
    listen: tuple[str, ...] = ("0.0.0.0:8443",)
    addresses: tuple[str, ...] = ()
    archive_at: str = "04:00"


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of karnet.toml after the environment has been laid over it."""

    server: ServerConfig
    http: HttpConfig = HttpConfig()
    postgres: PostgresConfig = PostgresConfig()
    federation: FederationConfig = FederationConfig()


@dataclass(frozen=True)
class Installation:
    """A data directory that exists and a configuration that was understood. Obtain by `create` or `load`."""

    path: Path
    config: Config

    @classmethod
    def create(
        cls, path: Path | None = None, *, name: str | None = None, environment: Mapping[str, str] | None = None
    ) -> Self:
        """Make the installation at `path`, or complete and return the one that is there.

        Safe to repeat and to interrupt at any moment: each file appears whole or not at all, and what exists is
        kept. `name` (or KARNET_NAME) is the server's name; by default it is derived from the host's.
        Raises InstallationProblem, also when the installation that is there has another name.
        """
        environment = os.environ if environment is None else environment
        path = data_directory(path, environment)
        # Root hands PostgreSQL to another account, which has to get through; what is secret is 0600 or 0700.
        mode = 0o711 if os.geteuid() == 0 else 0o700
        with explained("create", path):
            path.mkdir(parents=True, exist_ok=True, mode=mode)
        with explained("write in", path):
            (path / "run").mkdir(exist_ok=True, mode=mode)
            with FileLock(path / "run" / "create.lock").held():
                _complete(path, name or environment.get("KARNET_NAME") or None)
        installation = cls.load(path, environment=environment)
        if name is not None and name != installation.name:
            raise InstallationProblem(
                "name-differs",
                f"The installation in {path} is called {installation.name!r}, not {name!r}.",
                "A server's name is signed into its journal and cannot change. "
                "Leave --name out, or create another installation with --data.",
            )
        return installation

    @classmethod
    def load(cls, path: Path | None = None, *, environment: Mapping[str, str] | None = None) -> Self:
        """Read the installation at `path` (default: `data_directory`). Writes nothing. Raises InstallationProblem."""
        environment = os.environ if environment is None else environment
        path = data_directory(path, environment)
        file = path / CONFIG_FILE
        try:
            with explained("read", file):
                text = file.read_bytes()
        except InstallationProblem as problem:
            if isinstance(problem.__cause__, FileNotFoundError | NotADirectoryError):
                raise InstallationProblem(
                    "no-installation",
                    f"There is no Karnet installation in {path}.",
                    "Create one with `karnet init`, or name another directory with --data or KARNET_DATA.",
                ) from problem
            raise
        _check_owner(file)
        return cls(path, _parse(file, text, environment))

    @property
    def name(self) -> str:
        """The server's permanent name, which is also the name of its journal."""
        return self.config.server.name

    @property
    def config_file(self) -> Path:
        return self.path / CONFIG_FILE

    @property
    def keys_dir(self) -> Path:
        return self.path / "keys"

    @property
    def run_dir(self) -> Path:
        return self.path / "run"

    @property
    def logs_dir(self) -> Path:
        return self.path / "logs"

    @property
    def checkpoints_file(self) -> Path:
        """Signed checkpoints as JSON lines, outside the database; absent until the first is signed."""
        return self.path / "checkpoints"

    @property
    def secret_key_file(self) -> Path:
        return self.path / "secret_key"

    @property
    def secret_key(self) -> str:
        """The secret that signs sessions and links. Raises InstallationProblem if it is missing or open to others."""
        file = self.secret_key_file
        with explained("read", file):
            if stat.S_IMODE(file.stat().st_mode) & 0o077:
                raise InstallationProblem(
                    "secret-open",
                    f"{file} can be read by other users of this machine.",
                    f"Close it with `chmod 600 {file}`. If others may have read it, delete it and run `karnet init`: "
                    "a new one is made, and everybody has to log in again.",
                )
            return file.read_text().strip()

    def take_role(self, role: Literal["hub", "member"], **settings: object) -> Self:
        """Write a [federation] section with this role into karnet.toml, unless one is there; return the installation as
        it is then. Raises InstallationProblem if the section that is there gives it another role."""
        if self.config.federation.role != role:
            if self.config.federation.role != "none" or "[federation]" in self.config_file.read_text():
                raise InstallationProblem(
                    "other-role",
                    f"{self.config_file} has a [federation] section with the role "
                    f"{self.config.federation.role!r}, not {role!r}.",
                    f'Write role = "{role}" there, if that is what you mean.',
                )
            lines = ["", "[federation]", "# The common card: docs/federation.md.", f"role = {_toml(role)}"]
            lines += [f"{name} = {_toml(value)}" for name, value in settings.items()]
            with explained("write", self.config_file):
                text = self.config_file.read_text().rstrip() + "\n" + "\n".join(lines) + "\n"
                write_atomically(self.config_file, text.encode(), mode=0o600)
        return type(self).load(self.path)

    @property
    def database_url(self) -> str | None:
        """The URL of an external database, or None when the embedded cluster is used."""
        return self.config.postgres.url if self.config.postgres.mode == "external" else None


def data_directory(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Path:
    """The data directory that is meant: `path`, else KARNET_DATA, else the usual place of this user. Absolute."""
    environment = os.environ if environment is None else environment
    if path is None:
        path = Path(environment["KARNET_DATA"]) if environment.get("KARNET_DATA") else _usual_place(environment)
    try:
        return path.expanduser().absolute()
    except RuntimeError as error:
        raise InstallationProblem(
            "no-home", f"The home directory in {path} is unknown: {error}.", "Write the whole path."
        ) from error


def _usual_place(environment: Mapping[str, str]) -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/karnet")
    if environment.get("XDG_DATA_HOME"):
        return Path(environment["XDG_DATA_HOME"]) / "karnet"
    return Path("~/.local/share/karnet")


def _complete(path: Path, name: str | None) -> None:
    """Make whatever of the installation is missing. The configuration comes last: with it, it counts as made."""
    (path / "keys").mkdir(exist_ok=True, mode=0o700)
    (path / "logs").mkdir(exist_ok=True, mode=0o700)
    if not (path / "secret_key").exists():
        write_atomically(path / "secret_key", secrets.token_urlsafe(48).encode() + b"\n", mode=0o600)
    if not (path / CONFIG_FILE).exists():
        name = _checked_name(name or _name_of_this_host(), path / CONFIG_FILE)
        write_atomically(path / CONFIG_FILE, _TEMPLATE.format(name=name).encode(), mode=0o600)


_TEMPLATE = """\
# Karnet: one installation. The environment overrides this file:
# KARNET_HTTP_HOST, KARNET_HTTP_PORT, DATABASE_URL.

[server]
# Signed into every checkpoint of the journal. Never change it.
name = "{name}"

[http]
host = "127.0.0.1"
port = 8000

[postgres]
# "embedded" runs the PostgreSQL that came with Karnet; "external" connects to url.
mode = "embedded"
# url = "postgresql://karnet_app:password@db.example/karnet"
"""


def _toml(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert isinstance(value, list | tuple)
    return "[" + ", ".join(map(_toml, value)) + "]"


def _name_of_this_host() -> str:
    host = re.sub(r"[^A-Za-z0-9-]+", "-", socket.gethostname().split(".")[0]).strip("-")[:40] or "karnet"
    return f"{host}-{secrets.token_hex(3)}"  # Hosts are often called alike; journals must not be.


def _checked_name(name: str, where: Path) -> str:
    if _NAME.fullmatch(name) is None:
        raise InstallationProblem(
            "bad-name",
            f"{name!r} cannot be a server's name ({where}).",
            "Use 1 to 100 ASCII letters, digits, dots, hyphens, underscores and slashes, "
            "with a letter or digit at both ends, for example `tatry.example/hub`.",
        )
    return name


def _parse(file: Path, text: bytes, environment: Mapping[str, str]) -> Config:
    do = f"Correct {file}; the comments in it say what each line is for."
    try:
        raw = tomllib.loads(text.decode())
        config = msgspec.convert(_overridden(raw, environment), Config)
    except UnicodeDecodeError as error:
        raise InstallationProblem("bad-config", f"{file} is not UTF-8 text (byte {error.start}).", do) from error
    except tomllib.TOMLDecodeError as error:
        raise InstallationProblem("bad-config", f"{file} is not valid TOML: {error}.", do) from error
    except msgspec.ValidationError as error:
        raise InstallationProblem("bad-config", f"{file} cannot be used: {error}.", do) from error
    _checked_name(config.server.name, file)
    if not 1 <= config.http.port <= 65535:
        raise InstallationProblem("bad-config", f"http.port is {config.http.port} ({file}).", "Use 1 to 65535.")
    if config.postgres.mode == "external" and not config.postgres.url:
        raise InstallationProblem(
            "bad-config", f'{file} says mode = "external" but gives no url.', "Add url, or set DATABASE_URL."
        )
    _check_federation(config.federation, file)
    return config


def _check_federation(federation: FederationConfig, file: Path) -> None:
    for place in federation.listen:
        host, _, port = place.rpartition(":")
        if not host or not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
            raise InstallationProblem(
                "bad-config", f"federation.listen has {place!r} ({file}).", "Write host:port, such as 0.0.0.0:8443."
            )
    if re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", federation.archive_at) is None:
        raise InstallationProblem(
            "bad-config", f"federation.archive_at is {federation.archive_at!r} ({file}).", "Write a time like 04:00."
        )


def _overridden(raw: dict[str, object], environment: Mapping[str, str]) -> dict[str, object]:
    """The file's tables with the environment laid over them; a table of the wrong type is left to the check."""
    merged = dict(raw)

    def override(table: str, **values: object) -> None:
        present = merged.get(table, {})
        if isinstance(present, dict):
            merged[table] = {**present, **values}

    if environment.get("KARNET_HTTP_HOST"):
        override("http", host=environment["KARNET_HTTP_HOST"])
    if port := environment.get("KARNET_HTTP_PORT"):
        if not (port.isascii() and port.isdigit()):
            raise InstallationProblem("bad-config", f"KARNET_HTTP_PORT is {port!r}.", "Set it to a port, like 8000.")
        override("http", port=int(port))
    if environment.get("DATABASE_URL"):
        override("postgres", mode="external", url=environment["DATABASE_URL"])
    return merged


def _check_owner(file: Path) -> None:
    """Files made by root in another user's installation would lock that user out, so root is turned away."""
    owner = file.stat().st_uid
    if os.geteuid() == 0 and owner != 0:
        raise InstallationProblem(
            "wrong-user",
            f"This installation belongs to the user with id {owner}, and you are root ({file}).",
            f"Run the command as that user: `sudo -u '#{owner}' karnet …`.",
        )
