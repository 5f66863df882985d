"""A version that derives more from the journal than the last one did: `karnet init` fills what is new."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from karnet.wiring.cli.exits import Exit
from karnet.wiring.installation import Installation

CARDS = Path(__file__).parents[4] / "scenarios" / "cards.jsonl"
EARLIER = """
from pathlib import Path; import sys
from karnet.wiring.boot import boot; from karnet.wiring.installation import Installation
from karnet.wiring.postgres import Role, running
installation = Installation.load(Path(sys.argv[1]), environment={})
with running(installation):
    boot(installation, Role.OWNER)
    from django.core.management import call_command
    call_command("migrate", "loyalty", "0002", verbosity=0)
"""


def karnet(installation: Installation, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "karnet.wiring.cli", *map(str, arguments), "--data", str(installation.path)],
        capture_output=True, text=True, check=False, env=dict(os.environ),
    )  # fmt: skip


def test_tables_that_are_newer_than_the_record_are_filled_from_it(made: Installation) -> None:
    assert karnet(made, "init").returncode == Exit.OK
    played = karnet(made, "play", CARDS)
    assert played.returncode == Exit.OK, played.stderr
    subprocess.run([sys.executable, "-c", EARLIER, str(made.path)], check=True)
    upgraded = karnet(made, "init")
    assert upgraded.returncode == Exit.OK, upgraded.stderr
    assert "loyalty_succession" in upgraded.stderr, "cards were replaced before there was that table"
    checked = karnet(made, "rebuild", "--check")
    assert (checked.returncode, "✓ every row" in checked.stdout) == (Exit.OK, True), checked.stdout
    assert "filling" not in karnet(made, "init").stderr, "nothing is new the second time"
