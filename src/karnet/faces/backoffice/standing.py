"""The settlement as it stands now: a report at most a minute old, with when it was made; anew when somebody asks for it.

A live season seals many times a second, and every seal is another cut: a report made anew for every look would cost
seconds, each time, for figures that hardly moved.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock
from uuid import UUID

import msgspec
from django.conf import settings

from karnet.faces.base.clock import now, wall_now
from karnet.journal.cuts import latest_cut
from karnet.kernel.outcomes import Refused
from karnet.settlement.rules.report import Report
from karnet.settlement.services import settle

_KEPT = 16


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A report and when it was made: `at` by the clock of business, `made` by the real one."""

    report: Report
    at: datetime
    made: datetime


_lock = Lock()
_standing: dict[UUID, Standing] = {}


def standing(agreement: UUID, *, anew: bool = False) -> Standing | Refused:
    """Return the settlement of an agreement over everything sealed, as it was at most KARNET_REPORT_AGE_S seconds ago.

    `anew`: as it is now. Where nothing was sealed since, what was computed holds now, too: same cut, same report, to
    the byte. One process computes one report at a time; whoever else wants it waits for that one. A refusal is not kept.
    """
    asked = wall_now()
    with _lock:
        kept, cut = _standing.get(agreement), latest_cut()
        if kept is not None and kept.report.cut == cut.sizes:
            kept = msgspec.structs.replace(kept, at=now(), made=wall_now())
        elif kept is None or not _fresh(kept, asked) or (anew and kept.made < asked):
            at, made = now(), wall_now()
            report = settle(cut, at=at, agreement=agreement)
            if isinstance(report, Refused):
                return report
            kept = Standing(report=report, at=at, made=made)
        _standing.pop(agreement, None)
        _standing[agreement] = kept
        if len(_standing) > _KEPT:
            del _standing[next(iter(_standing))]
    return kept


def _fresh(kept: Standing, asked: datetime) -> bool:
    # A clock that was set back makes nothing young.
    return abs(asked - kept.made) < timedelta(seconds=settings.KARNET_REPORT_AGE_S)
