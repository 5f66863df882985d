"""The second factor of a log-in: one-time passwords of an authenticator (TOTP, RFC 6238), and recovery codes for the
day the authenticator is gone. What is done about it is noted with who did it."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from datetime import datetime
from typing import Any, Literal

import msgspec
from django.contrib.auth import get_user_model
from django.core import signing
from django.db import transaction
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from karnet.faces.base.models import LogInEvent, RecoveryCode

CODES = 8
"""Recovery codes that are made at once."""

SET_UP_S = 900
"""How long somebody may take to set the authenticator up."""

What = Literal["on", "off", "reset", "recovered", "codes"]
_SALT = "karnet.faces.second-factor"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What was done about a log-in's second factor: turned "on" or "off", "reset" by a manager, "recovered" (a recovery
    code was used), new "codes" made."""

    at: datetime
    username: str
    by: str
    what: str


def second_factor(user: Any) -> TOTPDevice | None:
    """Return the confirmed TOTP device of a log-in, None where none was set up."""
    device: TOTPDevice | None = TOTPDevice.objects.filter(user=user, confirmed=True).first()
    return device


def offer(user: Any) -> tuple[TOTPDevice, str]:
    """Return a device that is not kept anywhere yet, and its sealed secret, which comes back with the first code."""
    device = TOTPDevice(user=user, name="authenticator", key=secrets.token_hex(20))
    return device, signing.dumps([user.pk, device.key], salt=_SALT)


def offered(user: Any, sealed: str) -> TOTPDevice | None:
    """Return the device that was offered; None for a seal that is old, broken or somebody else's."""
    # How long somebody may take is a matter of the wall clock, however fast the faces' clock runs.
    try:
        owner, key = signing.loads(sealed, salt=_SALT, max_age=SET_UP_S)
    except (signing.BadSignature, ValueError):
        return None
    return TOTPDevice(user=user, name="authenticator", key=key) if owner == user.pk else None


def turn_on(device: TOTPDevice, code: str, at: datetime) -> list[str] | None:
    """Keep the device if its first code is right; return the recovery codes, which nobody can show again, else None."""
    # Not the device's own check: that would keep the device, right or wrong.
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift)
    if not totp.verify(int(code), device.tolerance, min_t=None):
        return None
    device.last_t = totp.t()  # this code opens nothing any more
    with transaction.atomic():
        TOTPDevice.objects.filter(user=device.user).delete()
        device.confirmed = True
        device.save()
        _note(device.user, device.user, "on", at)
        return _new_codes(device.user)


def new_codes(user: Any, at: datetime) -> list[str]:
    """Replace the recovery codes of a log-in; the old ones open nothing any more."""
    with transaction.atomic():
        _note(user, user, "codes", at)
        return _new_codes(user)


def turn_off(user: Any, at: datetime) -> None:
    """Ask for no second factor any more, as its owner wants."""
    _remove(user, user, "off", at)


def reset(username: str, by: Any, at: datetime) -> bool:
    """Take the second factor off somebody's log-in, who lost it. Returns whether there was one."""
    user = get_user_model().objects.filter(username__iexact=username).first()
    if user is None or second_factor(user) is None:
        return False
    _remove(user, by, "reset", at)
    return True


def right(device: TOTPDevice, code: str, at: datetime) -> bool:
    """Tell whether a code opens: six digits of the authenticator, each once; or a recovery code, which is used up."""
    # A recovery code is no wrong guess at the authenticator's digits: those are counted and slowed down.
    return device.verify_token(code) if code.isdigit() else recover(device.user, code, at)


def recover(user: Any, typed: str, at: datetime) -> bool:
    """Use a recovery code up. Returns whether it was one; of two who use it at once, one may come in."""
    with transaction.atomic():
        used, _ = RecoveryCode.objects.filter(user=user, digest=_digest(typed)).delete()
        if used:
            _note(user, user, "recovered", at)
    return bool(used)


def codes_left(user: Any) -> int:
    """Return how many recovery codes of a log-in are unused."""
    return RecoveryCode.objects.filter(user=user).count()


def protected() -> set[str]:
    """Return the names of the log-ins that have a second factor."""
    return set(TOTPDevice.objects.filter(confirmed=True).values_list("user__username", flat=True))


def events(limit: int) -> list[Event]:
    """Return what was done last, the newest first."""
    return [
        Event(at=row.at, username=row.user.username, by=row.by.username, what=row.what)
        for row in LogInEvent.objects.select_related("user", "by").order_by("-at", "-id")[:limit]
    ]


def _remove(user: Any, by: Any, what: What, at: datetime) -> None:
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user).delete()
        RecoveryCode.objects.filter(user=user).delete()
        _note(user, by, what, at)


def _new_codes(user: Any) -> list[str]:
    RecoveryCode.objects.filter(user=user).delete()
    # 80 random bits each cannot be guessed, so a fast hash is enough.
    made = [base64.b32encode(secrets.token_bytes(10)).decode() for _ in range(CODES)]
    RecoveryCode.objects.bulk_create(RecoveryCode(digest=_digest(code), user=user) for code in made)
    return ["-".join(code[i : i + 4] for i in range(0, 16, 4)) for code in made]


def _note(user: Any, by: Any, what: What, at: datetime) -> None:
    LogInEvent.objects.create(at=at, user=user, by=by, what=what)


def _digest(code: str) -> bytes:
    return hashlib.sha256(re.sub(r"[^A-Z2-7]", "", code.upper()).encode()).digest()
