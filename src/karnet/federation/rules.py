"""Who may take part, and by which keys. Pure: values in, values out."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from karnet.federation.operations import (
    Admitted,
    Invited,
    Joined,
    KeyAnnounced,
    KeyChanged,
    KeyReplaced,
    KeyVouched,
    LogKey,
    Member,
    Opened,
    Reinstated,
    Standing,
    Suspended,
)
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
from karnet.journal.operations import Operation
from karnet.journal.requests import operation_id
from karnet.journal.tlog.note import NoteError, SignatureType, VerifierKey
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,98}[A-Za-z0-9])?")

Decided = tuple[MemberAnswer | Refused, tuple[Operation, ...]]


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A member as it stands: its keys with the size above which each may sign, and from which entry it is suspended."""

    log: str
    keys: tuple[tuple[str, int], ...] = ()
    good: int | None = None
    standing_at: datetime | None = None


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation: for whom, until when, and whether somebody has used it."""

    log: str
    until: datetime
    used: bool = False


def decide_opening(request: OpenHub, members: Mapping[str, Known]) -> Decided:
    """Open a federation here, once."""
    if members:
        return refused(Reason.ALREADY_EXISTS, code=next(iter(members))), ()
    if stop := _bad_keys(request.log, request.vkey, request.cosigner):
        return stop, ()
    return _done(request.log, Opened(member=_member(request), key=_first_key(request)))


def decide_joining(request: JoinHub, members: Mapping[str, Known]) -> Decided:
    """Remember the hub. A server joins one hub only."""
    if members:
        return refused(Reason.ALREADY_EXISTS, code=next(iter(members))), ()
    if stop := _bad_keys(request.log, request.vkey, request.cosigner):
        return stop, ()
    for key in request.earlier:
        if stop := _bad_key("earlier", key.vkey, request.log, SignatureType.ED25519):
            return stop, ()
    newest = LogKey(log=request.log, vkey=request.vkey, above=request.above, ends=request.ends)
    return _done(request.log, Joined(member=_member(request), key=newest, earlier=request.earlier))


def decide_invitation(
    request: Invite, members: Collection[str]
) -> tuple[InvitedAnswer | Refused, tuple[Operation, ...]]:
    """Invite a server that does not take part yet. It may be invited again and again until one invitation is used."""
    if request.log in members:
        return refused(Reason.ALREADY_EXISTS, code=request.log), ()
    problems = {}
    if _NAME.fullmatch(request.log) is None:
        problems["log"] = "a server's name is 1 to 100 ASCII letters, digits, dots, hyphens, underscores, slashes"
    if request.until <= request.at:
        problems["until"] = "must be in the future"
    if problems:
        return bad_values(problems), ()
    invitation, until = operation_id(request), instant(request.until)
    return InvitedAnswer(invitation=invitation, until=until), (Invited(id=invitation, log=request.log, until=until),)


def decide_admission(request: Admit, invitation: Open | None, members: Collection[str]) -> Decided:
    """Admit the invited server: one server an invitation, one admission a server, in time, under its own name."""
    if invitation is None or invitation.used or invitation.log != request.log or request.at >= invitation.until:
        return refused(Reason.INVITATION_ENDED, code=request.log), ()
    if request.log in members:
        return refused(Reason.ALREADY_EXISTS, code=request.log), ()
    if stop := _bad_keys(request.log, request.vkey, request.cosigner):
        return stop, ()
    return _done(request.log, Admitted(invitation=request.invitation, member=_member(request), key=_first_key(request)))


def decide_announcement(request: AnnounceKey, own: Known | None) -> Decided:
    """Announce a key that the log has not signed with before."""
    if stop := _bad_key("vkey", request.vkey, request.log, SignatureType.ED25519):
        return stop, ()
    if own is not None and request.vkey in dict(own.keys):
        return refused(Reason.ALREADY_EXISTS, code=request.log), ()
    return _done(request.log, KeyAnnounced(log=request.log, vkey=request.vkey))


def decide_confirmation(request: ConfirmKey, member: Known | None, announced: Mapping[str, int]) -> Decided:
    """Confirm an announced key. `announced`: keys that the log itself announced, with the index of the announcement:
    whoever holds the old key alone cannot have a key confirmed that the log did not announce."""
    if member is None:
        return refused(Reason.UNKNOWN_MEMBER, code=request.log), ()
    if request.vkey in dict(member.keys):
        return refused(Reason.ALREADY_EXISTS, code=request.log), ()
    if request.vkey not in announced:
        return refused(Reason.KEY_NOT_VOUCHED, code=request.log), ()
    return _done(
        request.log, KeyChanged(key=LogKey(log=request.log, vkey=request.vkey, above=announced[request.vkey] + 1))
    )


def decide_voucher(request: VouchKey, hub: str, members: Mapping[str, Known]) -> Decided:
    """Vouch for another member's new key, as a member in good standing. Nobody vouches for itself.

    For the hub's a member says from where on it is the key; not from before what the lost one has signed to it.
    """
    for log in (request.log, request.voucher):
        if log not in members:
            return refused(Reason.UNKNOWN_MEMBER, code=log), ()
    if request.log == request.voucher:
        return bad_values({"log": "a server cannot vouch for itself"}), ()
    if stop := _bad_key("vkey", request.vkey, request.log, SignatureType.ED25519):
        return stop, ()
    if (request.log == hub) != (request.above is not None):
        return bad_values({"above": "how many entries the lost key signed: said of the hub's key, and of no other"}), ()
    if request.above is not None and request.above < request.held:
        return bad_values({"above": f"{request.held} entries are here that the lost key signed"}), ()
    voucher = KeyVouched(voucher=request.voucher, log=request.log, vkey=request.vkey, above=request.above)
    return _done(request.log, voucher)


def decide_replacement(
    request: ReplaceKey, hub: str, members: Mapping[str, Known], vouchers: Collection[str]
) -> Decided:
    """Replace a lost key when the managers of all other members in good standing have vouched for the new one. The
    hub's own manager does so by asking. The hub's own key needs no vouchers: nobody takes it from the hub's word alone."""
    member = members.get(request.log)
    if member is None:
        return refused(Reason.UNKNOWN_MEMBER, code=request.log), ()
    if stop := _bad_key("vkey", request.vkey, request.log, SignatureType.ED25519):
        return stop, ()
    if request.vkey in dict(member.keys):
        return refused(Reason.ALREADY_EXISTS, code=request.log), ()
    needed = {log for log, known in members.items() if known.good is None} - {request.log, hub}
    if (missing := sorted(needed - set(vouchers))) and request.log != hub:
        return refused(Reason.KEY_NOT_VOUCHED, code=request.log, missing=", ".join(missing)), ()
    return _done(
        request.log,
        KeyReplaced(
            key=LogKey(log=request.log, vkey=request.vkey, above=request.held, ends=request.held),
            vouchers=tuple(sorted({*(set(vouchers) & needed), hub})),
        ),
    )


def decide_suspension(request: Suspend, hub: str, member: Known | None) -> Decided:
    """Suspend a member from an entry the hub holds, or from the next one. The hub is not suspended from itself."""
    if member is None or member.log == hub:
        return refused(Reason.UNKNOWN_MEMBER, code=request.log), ()
    if not 0 <= request.good <= request.held:
        return bad_values({"good": f"must be between 0 and {request.held}, the entries that the hub holds"}), ()
    if stop := _outrun(request.at, member):
        return stop, ()
    return _done(request.log, Suspended(standing=Standing(log=request.log, good=request.good)))


def decide_reinstatement(request: Reinstate, member: Known | None) -> Decided:
    """Let a suspended member take part again."""
    if member is None or member.good is None:
        return refused(Reason.UNKNOWN_MEMBER, code=request.log), ()
    if stop := _outrun(request.at, member):
        return stop, ()
    return _done(request.log, Reinstated(standing=Standing(log=request.log)))


def server_of(log: str) -> UUID:
    """Return the actor of the server whose log has this name (journal.founding says the same)."""
    return named_id("server", log)


def _outrun(at: datetime, member: Known) -> Refused | None:
    # A standing dated before the one it follows would be recorded and do nothing.
    if member.standing_at is not None and instant(at) <= member.standing_at:
        return bad_values({"at": f"must be after {member.standing_at.isoformat()}, when this was decided last"})
    return None


def _bad_keys(log: str, vkey: str, cosigner: str) -> Refused | None:
    return _bad_key("vkey", vkey, log, SignatureType.ED25519) or _bad_key(
        "cosigner", cosigner, log, SignatureType.COSIGNATURE_V1
    )


def _bad_key(field: str, text: str, log: str, kind: SignatureType) -> Refused | None:
    try:
        key = VerifierKey.parse(text)
    except NoteError as error:
        return bad_values({field: str(error)})
    if key.name != log or key.type is not kind:
        return bad_values({field: f"is not a key of {log!r} of type {kind.value:#04x}"})
    return None


def _member(request: OpenHub | JoinHub | Admit) -> Member:
    return Member(log=request.log, server=server_of(request.log), vkey=request.vkey, cosigner=request.cosigner)


def _first_key(request: OpenHub | JoinHub | Admit) -> LogKey:
    return LogKey(log=request.log, vkey=request.vkey, above=0)


def _done(log: str, fact: Operation) -> Decided:
    return MemberAnswer(log=log), (fact,)
