"""Codes with which holders look at their passes: six digits on a slip; only their hashes are kept, beside the journal."""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password

from karnet.passes.models import Secret
from karnet.passes.selectors import on_cards

DIGITS = 6


def new_code(pass_: UUID, at: datetime) -> str:
    """Give a pass a new code and return it, to be printed or told; the one before opens nothing any more.

    It cannot be read again: who lost it gets another one. No operation: nothing of it travels or is recorded.
    """
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
    Secret.objects.update_or_create(of=pass_, defaults={"hash": make_password(code), "set_at": at})
    return code


def passes_with_code(text: str, code: str) -> list[UUID]:
    """Return the passes on the card with this printed number whose code this is. Who asks counts tries (a face's business):
    a hash is looked at in any case, so that an unknown number answers as late as a wrong code."""
    found = sorted(set(on_cards([text]).found.values()))
    kept = {secret.of: secret.hash for secret in Secret.objects.filter(of__in=found)}
    right = [pass_ for pass_ in found if pass_ in kept and check_password(code, kept[pass_])]
    if not kept:
        check_password(code, make_password("no pass has this code"))
    return right


def has_code(pass_: UUID) -> bool:
    """Tell whether a pass was given a code."""
    return Secret.objects.filter(of=pass_).exists()
