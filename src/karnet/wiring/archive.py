"""The daily archive pull: the hub's whole common record as a copy outside the database, verified, its cut named (N4).

A log is a directory of static files below `archive/` (wiring.log_directory), brought up to date by what is new. Each is
verified under its own key as it comes, and compared with what the database holds at the same size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, time
from pathlib import Path

import msgspec

from karnet.journal.tlog.checkpoint import Checkpoint
from karnet.kernel import canonical
from karnet.wiring.card_keys import hub_link
from karnet.wiring.installation import Installation
from karnet.wiring.log_directory import LogDirectory
from karnet.wiring.log_fetch import fetch_log
from karnet.wiring.problem import InstallationProblem

Say = Callable[[str], None]


class ArchivePulled(msgspec.Struct, frozen=True, kw_only=True):
    """What a pull brought: the cut (tree size by log), and what is wrong, "" if nothing is."""

    at: datetime
    cut: dict[str, int]
    what: str

    @property
    def sound(self) -> bool:
        """Whether every log is what was signed and what the database holds."""
        return not self.what


def archive_directory(installation: Installation) -> Path:
    """Where the copies are."""
    return installation.path / "archive"


def due(now: datetime, archive_at: str, last: datetime | None) -> bool:
    """Tell whether today's pull is due: the hour (local time of this machine) has come and it was not done since."""
    hour, minute = map(int, archive_at.split(":"))
    local = now.astimezone()
    opened = datetime.combine(local.date(), time(hour, minute), local.tzinfo)
    return local >= opened and (last is None or last < opened)


def pull_archive(installation: Installation, now: Callable[[], datetime], say: Say = lambda _: None) -> ArchivePulled:
    """Pull every log of the common card from the hub, verify it, compare it with the database, and note the outcome.

    Django must be connected. Raises InstallationProblem if the hub does not answer; then nothing is noted.
    """
    from karnet.federation.peers import note_archive_pull
    from karnet.federation.selectors import keyrings

    link, cut, wrong = hub_link(installation), dict[str, int](), list[str]()
    for log, keys in sorted(keyrings().items()):
        directory = LogDirectory(archive_directory(installation) / log.replace("/", "_"))
        try:
            signed = fetch_log(link, keys, directory)
        except InstallationProblem as problem:
            if problem.code == "hub-unreachable":
                raise
            wrong.append(problem.what)
            continue
        cut[log] = signed.size
        say(f"{log}: {signed.size:,} entries")
        wrong += _differing({log: signed})
    pulled = ArchivePulled(at=now(), cut=cut, what=" ".join(wrong))
    note_archive_pull(pulled.at, canonical.encode(cut).decode(), pulled.what)
    return pulled


def _differing(signed: Mapping[str, Checkpoint]) -> list[str]:
    """Compare checkpoints with what the database holds of these logs."""
    from karnet.journal.log_tables import LogTables, snapshot

    wrong = []
    with snapshot() as cursor:
        cursor.execute(
            "SELECT o.name, o.id, t.size FROM journal_origin o JOIN journal_tree t ON t.origin_id = o.id"
            " WHERE o.name = ANY(%s)",
            [list(signed)],
        )
        for log, origin, size in cursor.fetchall():
            checkpoint = signed[log]
            # What came in between is received in a moment; what is held must be the same.
            if 0 < checkpoint.size <= size and LogTables(cursor, origin).root_at(checkpoint.size) != checkpoint.root:
                wrong.append(f"The first {checkpoint.size:,} entries of {log} at the hub are not those held here.")
    return wrong
