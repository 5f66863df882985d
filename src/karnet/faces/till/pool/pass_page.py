"""What stands on the page of a pass beside its purses: instalments, renewal, its last lines, its code, blocks (SPEC S10)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.utils.translation import ngettext

from karnet.faces.base import words
from karnet.faces.base.clock import now
from karnet.faces.base.guard import role_of
from karnet.faces.base.roles import Role
from karnet.faces.till.desk import Desk
from karnet.faces.till.words import PASS_BLOCKS, PASS_LINES, called
from karnet.kernel.time import local_day
from karnet.passes.codes import has_code
from karnet.passes.selectors import PassLine, PassView, statement
from karnet.passes.selling import quote

LINES = 20
"""How many lines of a statement stand on the page, the last ones; the holder's own page has more."""
BY_STAFF = ("lost", "owner", "staff")
"""Why staff may block a pass; who is late is blocked by the day's work."""


class Instalments(NamedTuple):
    """So many (`n`) of the next instalments, the last of them due on `until`; minor units together."""

    n: int
    until: date
    amount: int


class Line(NamedTuple):
    """A line of the statement in words, with the sign of its amount."""

    at: datetime
    what: str
    document: str
    amount: str
    gain: bool


def of(request: HttpRequest, known: PassView, desk: Desk) -> dict[str, Any]:
    """Return what the page of a pass shows."""
    contract = known.kind.contract
    renewed = contract is not None and not known.due
    return {
        "late": sum(day < local_day(now(), desk.facility.time_zone) for day, _amount in known.due),
        "instalments": payable(known, desk),
        "renewal": quote(known.kind, contract=True).total_minor if renewed else 0,
        "contract": contract,
        "lines": [_line(one, known) for one in reversed(statement(known.id, LINES))],
        "has_code": has_code(known.id),
        "may_block": may_block(request),
        "block_codes": [(code, called(PASS_BLOCKS, code)) for code in BY_STAFF if code not in known.blocks],
    }


def may_block(request: HttpRequest) -> bool:
    """Tell whether who asks may block passes and lift blocks."""
    return role_of(request) in (Role.SUPERVISOR, Role.MANAGER)


def payable(known: PassView, desk: Desk) -> list[Instalments]:
    """Return what may be paid of a contract at once: the next instalment, all that are late, all of them."""
    today = local_day(now(), desk.facility.time_zone)
    late = sum(day <= today for day, _amount in known.due)
    counts = sorted({count for count in (1, late, len(known.due)) if 0 < count <= len(known.due)})
    return [
        Instalments(count, known.due[count - 1][0], sum(amount for _day, amount in known.due[:count]))
        for count in counts
    ]


def _line(line: PassLine, known: PassView) -> Line:
    if line.unit == "credits":
        amount = ngettext("%(count)s class", "%(count)s classes", abs(line.amount)) % {"count": line.amount}
    else:
        amount = words.money(line.amount, known.currency)
    return Line(line.at, called(PASS_LINES, line.what), line.document, amount, line.amount > 0)
