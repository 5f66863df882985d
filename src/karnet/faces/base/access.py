"""Route rules: who may use a route. A route without a rule answers nobody, and a test fails for it.

@allow(Role.CASHIER, Role.SUPERVISOR)      these roles; an auditor may look (GET), never change
@signed_in                                 everybody with a log-in; for what concerns only themselves
@public                                    everybody
@device("gate")                            a device or partner whose token has the scope
under(rule, patterns)                      for routes of packages: every pattern gets the rule
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from django.urls import URLPattern, URLResolver

from karnet.faces.base.roles import Role

View = Callable[..., Any]
ViewT = TypeVar("ViewT", bound=View)
Patterns = Iterable[URLPattern | URLResolver]

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
"""Methods that promise to change nothing (RFC 9110 section 9.2.1)."""

_ATTRIBUTE = "karnet_rule"


@dataclass(frozen=True)
class Public:
    """Everybody, without a log-in."""


@dataclass(frozen=True)
class SignedIn:
    """Everybody with a log-in, whatever the method: pages that concern only whoever uses them."""


@dataclass(frozen=True)
class Allow:
    """These roles. An auditor besides, as long as the method changes nothing."""

    roles: frozenset[Role]


@dataclass(frozen=True)
class Device:
    """Devices and partners whose token has the scope. No log-in opens such a route."""

    scope: str


@dataclass(frozen=True)
class ByToken:
    """Programs. The view answers 401 without a token of its own liking, and no log-in helps."""


Rule = Public | SignedIn | Allow | Device | ByToken


def permits(rule: Public | SignedIn | Allow, role: Role | None, method: str) -> bool:
    """Tell whether somebody may make a request; `role` is None for who is not signed in."""
    match rule:
        case Public():
            return True
        case SignedIn():
            return role is not None
        case Allow(roles):
            return (role in roles and role is not Role.AUDITOR) or (role is Role.AUDITOR and method in SAFE_METHODS)


def allow(*roles: Role) -> Callable[[ViewT], ViewT]:
    """Let these roles use a view. Auditors need no mention: they may look at everything and change nothing."""
    if not roles:
        raise ValueError("name the roles that may use the view")
    return functools.partial(_ruled, rule=Allow(frozenset(roles)))


def public(view: ViewT) -> ViewT:
    """Let everybody use a view."""
    return _ruled(view, rule=Public())


def signed_in(view: ViewT) -> ViewT:
    """Let everybody with a log-in use a view that concerns only themselves."""
    return _ruled(view, rule=SignedIn())


def device(scope: str) -> Callable[[ViewT], ViewT]:
    """Let devices use a view whose token has the scope; the view finds it as `request.device`."""
    return functools.partial(_ruled, rule=Device(scope))


def by_token(view: ViewT) -> ViewT:
    """Leave a view to its own check of tokens. The generated test asks it without one and wants 401."""
    return _ruled(view, rule=ByToken())


def rule_of(view: View) -> Rule | None:
    """Return the rule of a view, None where nobody gave one."""
    return cast("Rule | None", getattr(view, _ATTRIBUTE, None))


def under(rule: Rule, patterns: Any) -> Any:
    """Give a rule to every route of a package that has none yet; takes and returns what `path()` takes as its routes."""
    if isinstance(patterns, tuple):
        return (under(rule, patterns[0]), *patterns[1:])
    return [_under(rule, pattern) for pattern in patterns]


def routes(patterns: Patterns, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Walk every route below patterns, with its path as it is written in the URL configuration."""
    for pattern in patterns:
        where = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, where)
        else:
            yield where, pattern


def _ruled(view: ViewT, rule: Rule) -> ViewT:
    if rule_of(view) is not None:
        raise ValueError(f"{view!r} has a rule already")
    setattr(view, _ATTRIBUTE, rule)
    return view


def _under(rule: Rule, pattern: URLPattern | URLResolver) -> URLPattern | URLResolver:
    if isinstance(pattern, URLResolver):
        return URLResolver(
            pattern.pattern,
            [_under(rule, below) for below in pattern.url_patterns],
            pattern.default_kwargs,
            pattern.app_name,
            pattern.namespace,
        )
    if rule_of(pattern.callback) is not None:
        return pattern

    # A function of its own: packages share view functions, and a rule is for one route.
    @functools.wraps(pattern.callback, updated=("__dict__",))
    def view(*arguments: Any, **named: Any) -> Any:
        return pattern.callback(*arguments, **named)

    setattr(view, _ATTRIBUTE, rule)
    return URLPattern(pattern.pattern, view, pattern.default_args, pattern.name)
