"""Passes as decisions see them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec

from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import local_day
from karnet.passes.kinds import PassKind
from karnet.passes.operations import BlockCode


class InstalmentState(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a contract's price."""

    id: UUID
    n: int
    due_on: date
    amount: int
    paid: bool = False


class PassState(msgspec.Struct, frozen=True, kw_only=True):
    """A pass. Whoever has one to decide by holds its lock.

    `number`: of the card it is on now. `topped`: something was put on it; `good_until`: until when that is good (None: for
    ever). `runs_until`: of its contract.
    `changed_at`: the last change of either. `blocks`: those that stand. `lost`: why its card counts for nothing, if so.
    """

    id: UUID
    facility: UUID
    kind: str
    number: str
    medium: UUID
    currency: str
    time_zone: str
    sold_at: datetime
    topped: bool = False
    good_until: datetime | None = None
    runs_until: datetime | None = None
    changed_at: datetime | None = None
    blocks: tuple[tuple[UUID, BlockCode], ...] = ()
    instalments: tuple[InstalmentState, ...] = ()
    lost: Refused | None = None

    @property
    def unpaid(self) -> list[InstalmentState]:
        """The instalments that are to be paid, the first due first."""
        return sorted((one for one in self.instalments if not one.paid), key=lambda one: (one.due_on, one.n))

    def late(self, kind: PassKind, at: datetime) -> bool:
        """Tell whether an instalment is later than the contract allows."""
        grace = timedelta(days=kind.contract.grace_days if kind.contract else 0)
        today = local_day(at, self.time_zone)
        return any(one.due_on + grace < today for one in self.unpaid)


def pays(state: PassState) -> Refused | None:
    """Return why a pass pays nothing, or None: its card does not count, it is blocked."""
    if state.lost is not None:
        return state.lost
    if state.blocks:
        return refused(Reason.PASS_BLOCKED, number=state.number, code=state.blocks[0][1])
    return None


def admits(state: PassState, kind: PassKind, at: datetime) -> Refused | None:
    """Return why nobody comes in on a pass, or None: as `pays`, or its contract is over."""
    if refusal := pays(state):
        return refusal
    if kind.contract is not None and (state.runs_until is None or at >= state.runs_until):
        until = state.runs_until.isoformat() if state.runs_until else ""
        return refused(Reason.PASS_EXPIRED, number=state.number, valid_until=until)
    return None
