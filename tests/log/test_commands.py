"""`karnet journal` and `karnet rebuild` as an operator runs them: what they say, and with which exit code they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg

from karnet.wiring import postgres
from karnet.wiring.installation import Installation
from karnet.wiring.postgres import Role, dsn, running


def karnet(data: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Run one command line; its exit code and its JSON answer."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("KARNET_", "DJANGO_", "PG"))}
    done = subprocess.run(
        [sys.executable, "-m", "karnet.wiring.cli", "--json", "--data", str(data), *words],
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.stdout, done.stderr.decode()
    return done.returncode, json.loads(done.stdout)


def test_an_operator_seals_verifies_exports_and_is_told_of_every_change(place: Path) -> None:
    data, export = place / "data", place / "log"
    assert karnet(data, "init", "--name", "karnet.test/commands")[0] == 0
    installation = Installation.load(data, environment={})
    try:
        with running(installation, fsync=False):
            assert karnet(data, "journal", "seal") == (0, {"sealed": 1})
            code, told = karnet(data, "journal", "verify")
            assert (code, told["sound"], told["size"], told["unsealed"]) == (0, True, 1, 0)
            assert karnet(data, "journal", "export", str(export))[0] == 0
            assert karnet(data, "journal", "verify", "--from", str(export))[1]["sound"] is True
            assert karnet(data, "rebuild", "--check")[1]["sound"] is True
            assert karnet(data, "journal", "recover") == (0, {"may_sign": True})

            with psycopg.connect(dsn(installation, Role.SUPERUSER), autocommit=True) as superuser:
                superuser.execute("SET session_replication_role = replica")
                superuser.execute("UPDATE journal_operation SET kind = 'journal.lost'")
                superuser.execute("UPDATE journal_actor SET kind = 'device'")
            code, told = karnet(data, "journal", "verify")
            assert (code, told["faults"][0]["index"], told["faults"][0]["where"]) == (4, 0, "journal_operation.kind")
            code, told = karnet(data, "rebuild", "--check")
            assert (code, told["differences"][0]["table"], told["differences"][0]["column"]) == (
                4,
                "journal_actor",
                "kind",
            )

            installation.checkpoints_file.unlink()
            code, told = karnet(data, "journal", "recover")
            assert (code, told["why"]) == (1, "witness-missing")
            code, told = karnet(data, "journal", "seal")
            assert (code, told["problem"]["code"]) == (3, "log-witness-missing")

        (export / "tile" / "entries" / "000.p" / "1").write_bytes(b"\x00\x02{}")
        code, told = karnet(data, "journal", "verify", "--from", str(export))
        assert (code, told["fault"]["index"]) == (4, 0)
    finally:
        postgres.remove(installation)
