"""The command line: fast help, one way to say what went wrong, and exit codes that scripts can trust."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from karnet.wiring import postgres
from karnet.wiring.cli import exits, root
from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import KarnetGroup
from karnet.wiring.installation import Installation
from karnet.wiring.tests.conftest import cluster_is_down


def _karnet(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from karnet.wiring.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def _every_command(group: click.Group, path: str = "karnet") -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found.append((f"{path} {name}", command))
        if isinstance(command, click.Group):
            found.extend(_every_command(command, f"{path} {name}"))
    return found


def test_help_lists_commands_and_exit_codes_and_loads_neither_django_nor_the_database() -> None:
    code = (
        "import sys; from karnet.wiring.cli import run; code = run(['--help']);"
        "sys.exit(code or 'django' in sys.modules or 'psycopg' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    for word in ("init", "doctor", "sql", "version", exits.MEANING[Exit.TAMPERED]):
        assert word in answer.stdout


def test_every_command_explains_itself_with_examples_and_takes_the_shared_options() -> None:
    for path, command in _every_command(root):
        text = command.get_help(click.Context(command, info_name=path))
        assert path in text.partition("Examples:")[2], path
        assert {"--data", "--json"} <= {option for parameter in command.params for option in parameter.opts}, path
        assert command.help, path


def test_the_shared_options_are_understood_before_and_after_the_command(place: Path) -> None:
    for arguments in (("--json", "version"), ("version", "--json")):
        assert json.loads(_karnet(*arguments).stdout)["karnet"]
    for arguments in (("--data", place, "sql"), ("sql", "--data", place)):
        assert str(place) in _karnet(*arguments).stderr
    assert str(place) in _karnet("sql", KARNET_DATA=str(place)).stderr


def test_a_problem_is_told_as_what_and_do_without_a_traceback(place: Path) -> None:
    answer = _karnet("sql", "--data", place)
    assert answer.returncode == Exit.INSTALLATION
    assert answer.stdout == ""
    assert "karnet init" in answer.stderr
    assert "Traceback" not in answer.stderr
    answer = _karnet("sql", "--data", place, "--json")
    assert answer.returncode == Exit.INSTALLATION
    assert json.loads(answer.stdout)["problem"]["code"] == "no-installation"
    assert answer.stderr == ""
    assert "Traceback" in _karnet("sql", "--data", place, KARNET_DEBUG="1").stderr


@pytest.mark.parametrize("arguments", [["nonsense"], ["version", "--nonsense"], ["sql", "--role", "king"], []])
def test_a_command_line_that_is_not_understood_ends_with_2(arguments: list[str]) -> None:
    answer = _karnet(*arguments)
    assert answer.returncode == Exit.USAGE
    assert "Traceback" not in answer.stderr
    if arguments:
        assert json.loads(_karnet(*arguments, "--json").stdout)["problem"]["code"] == "usage"


def test_what_a_command_ends_with_becomes_the_exit_code() -> None:
    code = """
import click, sys
from karnet.wiring import cli
from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import KarnetGroup, karnet_command
ends = {"none": lambda: None, "value": lambda: Exit.TAMPERED, "exit": lambda: sys.exit(4),
    "context": lambda: click.get_current_context().exit(4), "fault": lambda: 1 / 0,
    "interrupt": lambda: (_ for _ in ()).throw(KeyboardInterrupt), "text": lambda: sys.exit("refused")}
@click.group(cls=KarnetGroup)
def group(): pass
for name, end in ends.items():
    group.command(name, examples="x")(end)
cli.root = group
sys.exit(cli.run(sys.argv[1:]))
"""
    expected = {"none": 0, "value": 4, "exit": 4, "context": 4, "fault": 6, "interrupt": 5, "text": 1}
    for name, end in expected.items():
        answer = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True, check=False)
        assert answer.returncode == end, (name, answer.stderr)
        assert "Traceback" not in answer.stderr


def test_commands_of_a_group_are_of_the_same_kind() -> None:
    group = KarnetGroup("group", examples="x")
    inner = group.group("inner", examples="x")(lambda: None)
    assert isinstance(inner, KarnetGroup)


def test_sql_reads_by_default_and_passes_everything_else_to_psql(made: Installation) -> None:
    answer = _karnet("sql", "--data", made.path, "-tAc", "SELECT current_user, 6 * 7")
    assert (answer.returncode, answer.stdout) == (0, "karnet_read|42\n")
    answer = _karnet("sql", "--data", made.path, "-c", "CREATE TABLE t (n int)")
    assert answer.returncode == Exit.REFUSED
    assert "read-only" in answer.stderr
    answer = _karnet("sql", "--role", "owner", "--data", made.path, "--", "-tAc", "SELECT current_user")
    assert (answer.returncode, answer.stdout) == (0, "karnet_owner\n")
    cluster = postgres.load_cluster(made)
    assert cluster is not None
    assert cluster_is_down(cluster)


def test_a_password_is_never_on_a_command_line(made: Installation) -> None:
    cluster = postgres.load_cluster(made)
    assert cluster is not None
    answer = _karnet("sql", "--data", made.path, "-c", r"\! tr '\0' ' ' < /proc/$PPID/cmdline")
    assert "dbname=karnet" in answer.stdout
    assert not any(password in answer.stdout for password in cluster.passwords.values())


def test_doctor_ends_with_0_or_1_and_answers_in_json(made: Installation) -> None:
    answer = _karnet("doctor", "--data", made.path, "--no-start", "--json", KARNET_HTTP_PORT="0")
    assert answer.returncode == Exit.REFUSED  # Port 0 is no port.
    answer = _karnet("doctor", "--data", made.path, "--no-start", "--json", KARNET_HTTP_PORT="39417")
    found = json.loads(answer.stdout)
    assert answer.returncode == Exit.OK, found
    assert found["ok"]
    made.secret_key_file.chmod(0o644)
    answer = _karnet("doctor", "--data", made.path, "--no-start", KARNET_HTTP_PORT="39417")
    assert answer.returncode == Exit.REFUSED
    assert "chmod 600" in answer.stdout


def test_a_reader_that_closes_the_pipe_early_is_no_fault() -> None:
    code = "import time; time.sleep(0.2); from karnet.wiring.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == Exit.OK
