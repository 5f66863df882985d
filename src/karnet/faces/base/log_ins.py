"""Checking a log-in: user name and password, then a one-time password where one was set up."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest
from django_otp.plugins.otp_totp.models import TOTPDevice


class LogIns(BaseBackend):
    """Log-ins of `karnet.parties`, by user name in any case. Roles, not permissions, decide what they may do."""

    def authenticate(
        self, request: HttpRequest | None, username: str = "", password: str = "", **more: Any
    ) -> Any | None:
        """Return the active log-in whose password this is. An unknown name costs as much time as a known one."""
        model = get_user_model()
        user = model.objects.filter(username__iexact=username).first()
        if user is None:
            model().set_password(password)
            return None
        return user if user.check_password(password) and user.is_active else None

    def get_user(self, user_id: Any) -> Any | None:
        """Return the log-in of a session while it is active."""
        return get_user_model().objects.filter(pk=user_id, is_active=True).first()


def second_factor(user: Any) -> TOTPDevice | None:
    """Return the confirmed TOTP device of a log-in (RFC 6238), None where none was set up."""
    device: TOTPDevice | None = TOTPDevice.objects.filter(user=user, confirmed=True).first()
    return device
