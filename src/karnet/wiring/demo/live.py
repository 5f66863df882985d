"""The demo's next day, played while one looks: sixty times as fast as life, with the site's clock to match.

Runs as a process of its own (`python -m karnet.wiring.demo.live DIRECTORY`) beside the server, and ends with it: its
standard input is a pipe that the demo holds open.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread

import msgspec

from karnet.wiring import clock
from karnet.wiring.clock import Show
from karnet.wiring.demo.place import Day, read_diary, write_diary
from karnet.wiring.files import write_atomically
from karnet.wiring.installation import Installation
from karnet.wiring.play.reading import Line

SPEED = 60.0
_TICK_S = 0.25
# Who looks sees a busy slope at once, not an empty one: what happened before is played as fast as it goes.
_HEAD_START = timedelta(hours=2)


def show_file(installation: Installation) -> Path:
    """Return the file that tells the site's processes what time the demonstration has."""
    return installation.run_dir / "show.json"


def set_time(installation: Installation, starts: datetime) -> None:
    """Let the demonstration's time be `starts` now, and run on from there."""
    show = Show(starts=starts, since=clock.now(), speed=SPEED)
    write_atomically(show_file(installation), msgspec.json.encode(show))


def main(directory: Path) -> None:
    """Play day after day until the demo ends. Raises InstallationProblem when the season is over."""
    Thread(target=_end_with_the_demo, daemon=True).start()
    installation = Installation.load(directory)
    os.environ[clock.SHOW] = str(show_file(installation))
    from karnet.wiring.boot import boot

    boot(installation)
    while True:
        diary = read_diary(directory)
        day = diary.next(diary.days[-1].seed + len(diary.days), diary.days[-1].skiers)
        write_diary(directory, diary.noting(day))
        _play(installation, day)
        write_diary(directory, read_diary(directory).noting(msgspec.structs.replace(day, done=True)))


def _play(installation: Installation, day: Day) -> None:
    from karnet.wiring.demo.day import whole
    from karnet.wiring.play.player import play
    from karnet.wiring.play.reading import numbered
    from karnet.wiring.play.staging import staged

    lines = numbered(enumerate(whole(day.seed, day.skiers, day.day), start=1))
    stage = staged(installation)
    opening = next(line.step.at for line in lines if line.step.at.date() >= day.day)
    set_time(installation, opening + _HEAD_START)
    for due in _as_they_come(lines):
        for _ in play(stage, due):
            pass


def _as_they_come(lines: Sequence[Line]) -> Iterator[Sequence[Line]]:
    """Yield the lines whose time has come, a few times a second."""
    done = 0
    while done < len(lines):
        at, first = clock.business_now(), done
        while done < len(lines) and lines[done].step.at <= at:
            done += 1
        if done > first:
            yield lines[first:done]
        time.sleep(_TICK_S)


def _end_with_the_demo() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
