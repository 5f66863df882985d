"""People who log in, and a clock that tests set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.test import Client, override_settings

from karnet.faces.base.roles import Role

PASSWORD = "long enough to be one"  # noqa: S105
MORNING = datetime(2026, 1, 17, 7, 30, tzinfo=UTC)


class Hand:
    """A clock whose hand the test moves."""

    at = MORNING

    def move(self, **by: float) -> None:
        type(self).at += timedelta(**by)


def hand() -> datetime:
    return Hand.at


def an_hour_later() -> datetime:
    return Hand.at + timedelta(hours=1)


class Quick(Argon2PasswordHasher):
    """Argon2 as weak as it may be: tests hash a password for every try."""

    time_cost, memory_cost, parallelism = 1, 8, 1


@pytest.fixture(autouse=True)
def _quick_passwords() -> Iterator[None]:
    with override_settings(PASSWORD_HASHERS=[f"{__name__}.Quick"]):
        yield


@pytest.fixture
def clock() -> Iterator[Hand]:
    """The faces' clocks, standing still until they are moved."""
    Hand.at = MORNING
    with override_settings(KARNET_CLOCK=f"{__name__}.hand", KARNET_WALL_CLOCK=f"{__name__}.hand"):
        yield Hand()


@pytest.fixture
def person(database: None) -> Callable[..., Any]:
    """Make a log-in: `person("anna", Role.CASHIER)`."""

    def make(username: str = "anna", role: Role = Role.CASHIER) -> Any:
        user = get_user_model()(username=username, role=role.value)
        user.set_password(PASSWORD)
        user.save()
        return user

    return make


@pytest.fixture
def client(database: None) -> Client:
    return Client(SERVER_NAME="localhost")
