"""Membership: opening a hub, inviting, admitting, keys, suspension. One operation each, in this server's own log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from karnet.federation import rules, selectors
from karnet.federation.requests import (
    Admit,
    AnnounceKey,
    ConfirmKey,
    Invite,
    InvitedAnswer,
    JoinHub,
    MemberAnswer,
    OpenHub,
    Reinstate,
    ReplaceKey,
    Suspend,
    VouchKey,
)
from karnet.journal.requests import Outcome
from karnet.journal.transaction import Transaction, transact
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason

RequestT = TypeVar(
    "RequestT",
    OpenHub,
    JoinHub,
    Invite,
    Admit,
    AnnounceKey,
    ConfirmKey,
    VouchKey,
    ReplaceKey,
    Suspend,
    Reinstate,
)


def open_hub(request: OpenHub) -> MemberAnswer | Refused:
    """Make this server the hub of a common card. Records `federation.opened`."""
    return _one(request, lambda r: rules.decide_opening(r, selectors.known()))


def join_hub(request: JoinHub) -> MemberAnswer | Refused:
    """Remember the hub whose word counts here. Records `federation.joined` (stays at home)."""
    return _one(request, lambda r: rules.decide_joining(r, selectors.known()))


def invite(request: Invite) -> InvitedAnswer | Refused:
    """Invite a server. Records `federation.invited`."""

    def body(tx: Transaction[Invite, InvitedAnswer]) -> None:
        for fresh in tx.fresh:
            answer, operations = rules.decide_invitation(fresh, selectors.known())
            tx.record([Outcome(fresh, answer, operations)])

    return transact([request], body, answers=InvitedAnswer)[0]


def admit(request: Admit) -> MemberAnswer | Refused:
    """Admit the server that an invitation is for. Records `federation.admitted`.

    Two that come with one invitation at once: the member's row and its invitation are unique, the second is refused.
    """

    def decide(r: Admit) -> rules.Decided:
        invitation = selectors.invitations([r.invitation]).get(r.invitation)
        return rules.decide_admission(r, invitation, selectors.known())

    return _one(request, decide)


def announce_key(request: AnnounceKey) -> MemberAnswer | Refused:
    """Announce this server's next key in its own log. Records `federation.key_announced`. The hub's may sign from there
    on; a member's when the hub has confirmed it."""
    return _one(request, lambda r: rules.decide_announcement(r, selectors.known().get(r.log)))


def confirm_key(request: ConfirmKey) -> MemberAnswer | Refused:
    """Confirm a key that a member announced. Records `federation.key_changed` in the hub's log."""
    return _one(
        request, lambda r: rules.decide_confirmation(r, selectors.known().get(r.log), selectors.announced(r.log))
    )


def vouch_key(request: VouchKey) -> MemberAnswer | Refused:
    """Vouch for a member's new key in this server's own log. Records `federation.key_vouched`."""
    return _one(request, lambda r: rules.decide_voucher(r, selectors.hub() or "", selectors.known()))


def replace_key(request: ReplaceKey) -> MemberAnswer | Refused:
    """Replace a lost key by one vouched for. Records `federation.key_replaced` in the hub's log."""

    def decide(r: ReplaceKey) -> rules.Decided:
        return rules.decide_replacement(r, selectors.hub() or "", selectors.known(), selectors.vouchers(r.log, r.vkey))

    return _one(request, decide)


def suspend(request: Suspend) -> MemberAnswer | Refused:
    """Suspend a member from an entry on. Records `federation.suspended` in the hub's log."""
    return _one(request, lambda r: rules.decide_suspension(r, selectors.hub() or "", selectors.known().get(r.log)))


def reinstate(request: Reinstate) -> MemberAnswer | Refused:
    """Let a suspended member take part again. Records `federation.reinstated` in the hub's log."""
    return _one(request, lambda r: rules.decide_reinstatement(r, selectors.known().get(r.log)))


def _one(request: RequestT, decide: Callable[[RequestT], rules.Decided]) -> MemberAnswer | Refused:
    def body(tx: Transaction[RequestT, MemberAnswer]) -> None:
        for fresh in tx.fresh:
            answer, operations = decide(fresh)
            tx.record([Outcome(fresh, answer, operations)])

    (given,) = transact([request], body, answers=MemberAnswer, refuse=_taken)
    return given


def _taken(request: RequestT, error: Exception) -> Refused:
    return refused(Reason.ALREADY_EXISTS, code=request.log)
