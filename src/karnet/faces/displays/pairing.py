"""Which device is the display of which gate. A manager makes a one-time code; the tablet that opens its address is it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction

from karnet.faces.base.devices import device_of, issue_token, retire_token
from karnet.faces.displays.models import Display

SCOPE = "display"
CODE_LASTS = timedelta(minutes=30)
KINDS = ("gate", "split", "info")
LANGUAGES = ("en", "pl", "ru", "it", "de")
"""SPEC X3. A display shows any three of them."""


def offer(gate: UUID, languages: Sequence[str], *, reads: bool, at: datetime, kind: str = "gate") -> str:
    """Make a display that waits for its device, and return the one-time code. Raises ValueError for wrong languages or an
    unknown kind."""
    code = secrets.token_urlsafe(16)
    Display.objects.create(
        id=uuid4(),
        gate=gate,
        languages=three(languages),
        kind=known_kind(kind),
        reads=reads,
        code=_digest(code),
        code_until=at + CODE_LASTS,
    )
    return code


def offered(code: str, at: datetime) -> Display | None:
    """Return the display that a code would pair, None for one that is unknown, used or too old."""
    return Display.objects.filter(code=_digest(code), code_until__gt=at).first()


def claim(code: str, name: str, at: datetime) -> str | None:
    """Pair the display of a code and return its device's token; None for a code that is no good, or no more."""
    with transaction.atomic():
        display = Display.objects.select_for_update().filter(code=_digest(code), code_until__gt=at).first()
        if display is None:
            return None
        token = issue_token(name, [SCOPE], at, actor=display.gate)
        made = device_of(token, at)
        assert made is not None, "it was made a moment ago"
        Display.objects.filter(id=display.id).update(device_id=made.id, code=None, code_until=None)
    return token


def display_of(device: UUID) -> Display | None:
    """Return the display that a device is."""
    return Display.objects.filter(device_id=device).first()


def displays(at: datetime) -> list[Display]:
    """Return the displays in use, by gate."""
    found = Display.objects.select_related("device").filter(device__isnull=False).order_by("gate", "device__created_at")
    return [one for one in found if one.device is not None and (one.device.retired_at or at) >= at]


def change(display: UUID, languages: Sequence[str], *, reads: bool, kind: str = "gate") -> None:
    """Set what a display speaks and whether a reader types into it; it shows that at its next reload.

    Raises ValueError for wrong languages or an unknown kind.
    """
    Display.objects.filter(id=display).update(languages=three(languages), reads=reads, kind=known_kind(kind))


def retire(display: UUID, at: datetime) -> None:
    """Let a display show nothing any more."""
    row = Display.objects.filter(id=display, device__isnull=False).first()
    if row is not None and row.device_id is not None:
        retire_token(row.device_id, at)


def known_kind(kind: str) -> str:
    """Return the kind of a display, as it is. Raises ValueError for none of ours."""
    if kind not in KINDS:
        raise ValueError(f"one of {', '.join(KINDS)}, not {kind!r}")
    return kind


def three(languages: Sequence[str]) -> list[str]:
    """Return three different languages of ours, as they are. Raises ValueError for anything else."""
    chosen = list(languages)
    if len(chosen) != 3 or len(set(chosen)) != 3 or not set(chosen) <= set(LANGUAGES):
        raise ValueError(f"three different ones of {', '.join(LANGUAGES)}, not {chosen}")
    return chosen


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
