"""What is on a gate's screen: one scene at a time, made of a verdict, of a refusal or of what the tables say."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from karnet.access.requests import Verdict
from karnet.access.selectors import AtGate
from karnet.catalogue.selectors import product_versions
from karnet.entitlements.selectors import entitlements
from karnet.kernel.outcomes import Refused
from karnet.kernel.time import instant
from karnet.lockers.requests import LockerGivenUp, LockerShown
from karnet.stays.bills import Standing
from karnet.stays.requests import Let

Kind = Literal["go", "taken", "back", "stop", "info"]
"""go: come in; taken: went through; back: released in vain, nothing was taken; stop: refused; info: asked at an info point."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What an info point tells of a band: how its stay stands, what an hour more would cost where it is (minor units), and its
    locker, "" for none."""

    standing: Standing
    number: str
    hour_minor: int
    locker: str = ""


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to show. `mark` is equal for scenes that look the same: a display that shows it needs no news.

    `points`: what the passage takes; `points_left` is None but for points tickets. `names`: the product's by language.
    `grant`: the release that waits for its turn until `expires_at`. `passed`: a band that was let through at a border of a
    metered place, `standing`: what its stay costs by then. `locker`: what the reader of a section of lockers answered.
    `asked`: what an info point tells of a band.
    """

    kind: Kind
    at: datetime
    mark: str
    names: dict[str, str] = {}
    product_code: str = ""
    category: str = ""
    direction: str = "in"
    points: int = 0
    points_left: int | None = None
    valid_until: datetime | None = None
    grant: UUID | None = None
    expires_at: datetime | None = None
    refused: Refused | None = None
    passed: Let | None = None
    standing: Standing | None = None
    locker: LockerShown | LockerGivenUp | None = None
    asked: Asked | None = None

    @property
    def warns(self) -> bool:
        """Return whether the paid time of who passes or asks here ends soon, or has ended."""
        if self.asked is not None:
            return self.asked.standing.warn or self.asked.standing.owed_minor > 0
        return self.passed is not None and self.standing is not None and self.standing.warn

    @property
    def light(self) -> str:
        """Return the category that staff should compare with the face: "" for a full price, and for who stays outside."""
        return self.category if self.category != "adult" and self.kind in ("go", "taken") else ""

    @property
    def waits_s(self) -> int:
        """Return for how many whole seconds of its own time a released gate waits for the turn."""
        return int((self.expires_at - self.at).total_seconds()) if self.expires_at else 0


def of_verdict(verdict: Verdict, direction: str, at: datetime) -> Scene:
    """Return the scene of a scan that was let in just now."""
    return Scene(
        kind="go",
        at=instant(at),
        mark=f"go {verdict.id}",
        names=_names(verdict.entitlement),
        product_code=verdict.product_code,
        category=verdict.category,
        direction=direction,
        points=verdict.points,
        points_left=verdict.points_left,
        valid_until=verdict.valid_until,
        grant=verdict.id if verdict.expires_at else None,
        expires_at=verdict.expires_at,
    )


def of_let(answer: Let, standing: Standing | None, at: datetime) -> Scene:
    """Return the scene of a band that was let through at a border."""
    return Scene(
        kind="go",
        at=instant(at),
        mark=f"let {answer.stay} {instant(at).isoformat()}",
        direction="in" if answer.zone else "out",
        passed=answer,
        standing=standing,
    )


def of_locker(answer: LockerShown | LockerGivenUp, at: datetime) -> Scene:
    """Return the scene of a band that touched the reader of a section of lockers."""
    return Scene(kind="go", at=instant(at), mark=f"locker {answer.locker} {instant(at).isoformat()}", locker=answer)


def of_refusal(why: Refused, at: datetime) -> Scene:
    """Return the scene of a refusal."""
    return Scene(kind="stop", at=instant(at), mark=f"stop {instant(at).isoformat()}", refused=why)


def of_event(event: AtGate) -> Scene:
    """Return the scene of what the tables say happened at a gate last; what is left is what is left by now."""
    holding = entitlements([event.entitlement]).get(event.entitlement)
    assert holding is not None, "a passage without its ticket"
    kind: Kind = {"waiting": "go", "at_once": "go", "taken": "taken", "not_taken": "back"}[event.state]  # type: ignore[assignment]
    return Scene(
        kind=kind,
        at=event.at,
        mark=f"{kind} {event.id}",
        names=_names(event.entitlement),
        product_code=holding.product_code,
        category=holding.category,
        direction=event.direction,
        points=event.points,
        points_left=holding.available if holding.kind == "points" else None,
        valid_until=event.valid_until or holding.valid_until,
        grant=event.id if event.state == "waiting" else None,
        expires_at=event.expires_at,
    )


def _names(entitlement: UUID) -> dict[str, str]:
    """Return the names of a ticket's product by language."""
    holding = entitlements([entitlement]).get(entitlement)
    version = product_versions([holding.product]).get(holding.product) if holding else None
    return version.product.names if version else {}
