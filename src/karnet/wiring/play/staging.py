"""Setting the stage: the log is founded, names are not known yet."""

from __future__ import annotations

from karnet.journal.founding import found_server
from karnet.wiring import clock
from karnet.wiring.installation import Installation
from karnet.wiring.play.stage import Stage


def staged(installation: Installation) -> Stage:
    """Return a stage on the installation whose database Django is connected to; founds its log if need be."""
    return Stage(installation, found_server(installation.name, clock.now()))
