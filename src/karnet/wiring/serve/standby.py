"""The process of a standby: its PostgreSQL, and a checkpoint file that follows what reaches it."""

from __future__ import annotations

from karnet.wiring.installation import Installation
from karnet.wiring.postgres.place import Part
from karnet.wiring.postgres.standby import record_of
from karnet.wiring.serve.processes import process
from karnet.wiring.serve.report import State


def run_standby(installation: Installation) -> None:
    """Keep the standby's database up until told to end, before and after its promotion. Raises InstallationProblem."""
    record_of(installation, Part.STANDBY, Part.PRIMARY)
    with process(installation, "standby") as (presence, ending, log):
        from karnet.wiring.standby import follow

        def say(what: str, well: bool) -> None:
            presence.say(State.RUNNING if well else State.WAITING, what=what)
            (log.info if well else log.warning)(what)

        follow(installation, ending.event, say)
