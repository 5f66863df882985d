"""Passes in the words of their holders."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext_lazy, ngettext

from karnet.faces.base.words import language, money
from karnet.passes.kinds import PassKind
from karnet.passes.selectors import PassLine, PassView, PurseView

_PURSES = {
    "money": gettext_lazy("Money"),
    "bonus": gettext_lazy("Bonus"),
    "classes": gettext_lazy("Classes"),
}
_WHAT = {
    "top_up": gettext_lazy("Top-up"),
    "bonus": gettext_lazy("Bonus"),
    "paid": gettext_lazy("Paid"),
    "back": gettext_lazy("Back on the pass"),
    "expired": gettext_lazy("Time is over"),
    "credits": gettext_lazy("Classes used"),
}


class LineShown(NamedTuple):
    """A line of a statement: when, what, which document, and the amount with its sign."""

    at: datetime
    what: str
    document: str
    amount: str
    gain: bool


def kind_name(kind: PassKind) -> str:
    """Return what a kind of pass is called in the reader's language; its code where nobody said."""
    return kind.names.get(language()) or kind.names.get("en") or kind.code


def purse_name(purse: PurseView) -> str:
    """Return what a purse is called; its code where it is no usual one."""
    known = _PURSES.get(purse.code)
    return str(known) if known is not None else purse.code


def shown(line: PassLine, view: PassView) -> LineShown:
    """Return a line of a statement in words."""
    if line.unit == "credits":
        amount = ngettext("%(count)s class", "%(count)s classes", abs(line.amount)) % {"count": line.amount}
    else:
        amount = money(line.amount, view.currency)
    return LineShown(line.at, str(_WHAT[line.what]), line.document, amount, line.amount > 0)
