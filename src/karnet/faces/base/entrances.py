"""Entrances: what the home page offers to each role. A face registers its own when its application is ready."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.functional import Promise

from karnet.faces.base.roles import Role

_entrances: dict[str, Entrance] = {}


@dataclass(frozen=True)
class Entrance:
    """A way into a face. `route`: the name of its URL; `icon`: a symbol of icons.svg; `main_for`: whose work begins there.
    The first one offered is shown as the main one."""

    route: str
    title: Promise | str
    text: Promise | str
    icon: str
    roles: frozenset[Role]
    order: int = 50
    main_for: frozenset[Role] = frozenset()


def register(entrance: Entrance) -> None:
    """Offer a face on the home page to its roles, and to auditors, who may look at everything."""
    _entrances[entrance.route] = entrance


def entrances(role: Role) -> list[Entrance]:
    """Return what a role is offered, in order."""
    return sorted(_permitted(role), key=lambda one: (role not in one.main_for, one.order, one.route))


def _permitted(role: Role) -> Iterable[Entrance]:
    return (entrance for entrance in _entrances.values() if role in entrance.roles or role is Role.AUDITOR)
