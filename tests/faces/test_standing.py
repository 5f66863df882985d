"""The settlement as it stands: computed once a minute at most, and when somebody asks for it anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.test import override_settings

from karnet.faces.backoffice.standing import Standing, standing
from karnet.settlement.selectors import agreement_of
from karnet.wiring.installation import Installation
from karnet.wiring.play.player import play
from karnet.wiring.play.reading import read
from karnet.wiring.play.staging import staged

pytestmark = pytest.mark.database
SCENARIO = Path(__file__).parents[2] / "scenarios" / "money-on-card.jsonl"


def sealed(clock: str) -> bytes:
    return b'{"at": "2026-01-17T%s:00+01:00", "do": "seal"}' % clock.encode()


_hand = datetime(2026, 1, 17, 11, tzinfo=UTC)


def hand() -> datetime:
    """A clock that the test moves."""
    return _hand


def wait(seconds: int) -> None:
    global _hand
    _hand += timedelta(seconds=seconds)


def stood(*, anew: bool = False) -> Standing:
    agreement = agreement_of("2025-26", datetime(2026, 1, 17, tzinfo=UTC))
    assert agreement is not None
    found = standing(agreement.id, anew=anew)
    assert isinstance(found, Standing), found
    return found


def test_a_report_is_kept_for_a_minute_unless_it_is_asked_for_anew(database: None, tmp_path: Path) -> None:
    stage = staged(Installation.create(tmp_path / "installation", name="play.test/log", environment={}))
    lines = SCENARIO.read_bytes().splitlines()
    morning = [*lines[:14], sealed("08:30")]
    noon = [*morning, lines[14], sealed("12:00")]
    clock = f"{__name__}.hand"
    with override_settings(KARNET_CLOCK=clock, KARNET_WALL_CLOCK=clock, KARNET_REPORT_AGE_S=60):
        list(play(stage, read(morning)))
        first = stood(anew=True)
        wait(10)
        assert stood().made == hand(), "nothing was sealed since, so it holds now, too"
        list(play(stage, read(noon)))
        wait(59)
        assert stood().report == first.report
        anew = stood(anew=True)
        assert anew.report.cut != first.report.cut
        assert (anew.at, anew.made) == (hand(), hand())
        list(play(stage, read([*noon, *lines[15:18], sealed("12:08")])))
        wait(59)
        assert stood().report == anew.report
        wait(2)
        assert stood().report.cut != anew.report.cut
