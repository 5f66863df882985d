"""Checking a log-in by user name and password; `second_factors` asks for more where it was set up."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest


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
