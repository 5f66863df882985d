"""The record itself: sealed, verified, rebuilt and compared."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from karnet.journal.log_tables import LogTables, snapshot
from karnet.journal.rebuilding import Rebuild, check
from karnet.journal.sealing import Busy
from karnet.journal.selectors import progress
from karnet.journal.verification import Verification, verify_home
from karnet.wiring.checkpoint_file import CheckpointFile
from karnet.wiring.installation import Installation
from karnet.wiring.log_keys import own_keys
from karnet.wiring.play.reading import Line
from karnet.wiring.play.stage import Answer, Stage
from karnet.wiring.sealing import sealer_for

_PATIENCE_S = 30.0


def seal_now(installation: Installation) -> None:
    """Seal what is recorded. Where another process is the sealer (`karnet serve`), wait until it has."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            with sealer_for(installation) as sealer:
                sealer.seal_all()
            return
        except Busy:
            if progress().unsealed == 0 or time.monotonic() > deadline:
                return
            time.sleep(0.05)


def seal(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Seal what is recorded."""
    seal_now(stage.installation)
    with snapshot() as cursor:
        size = LogTables(cursor).size() or 0
    return [{"sealed": size, "unsealed": progress().unsealed} for _ in lines]


def verified(installation: Installation, report: Callable[[int, int], None] = lambda done, size: None) -> Verification:
    """Seal, then verify the whole journal."""
    seal_now(installation)
    witnessed = CheckpointFile(installation.checkpoints_file).read()
    return verify_home(own_keys(installation), witnessed, report)


def verify(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Verify the whole journal."""
    found = verified(stage.installation)
    return [
        {
            "sound": found.sound,
            "sealed": found.size,
            "root": found.root,
            "faults": [f"{fault.index}: {fault.what} {fault.detail}" for fault in found.faults],
        }
        for _ in lines
    ]


def rebuild_check(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Replay the journal into empty tables and compare every row."""
    found = check()
    return [
        {"same": found.sound, "rows": sum(table.rows for table in found.tables), "differences": differences(found)}
        for _ in lines
    ]


def differences(found: Rebuild) -> list[str]:
    """Return in words what a rebuild found otherwise than the journal says."""
    stopped = [] if found.stopped is None else [f"stopped at operation {found.stopped.number}: {found.stopped.detail}"]
    counted = [f"{table.table}: {table.different} of {table.rows} rows" for table in found.tables if table.different]
    shown = [f"{d.table} {d.key} {d.column or 'row'}: {d.found}, not {d.expected}" for d in found.differences]
    return stopped + counted + shown
