"""The common card: every log and who vouches for it, the links, what is wrong and what to do, as it is now."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from karnet.faces.backoffice.frame import LOOKS, Place, facilities, page
from karnet.faces.base.access import allow
from karnet.faces.base.clock import wall_now
from karnet.faces.base.words import money, refusal
from karnet.federation.matters import Clash, matters
from karnet.federation.status import LogStatus, Status, status
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason

_WIDTH, _HEIGHT, _NODE = 480, 360, 46
_MOST_CONFLICTS = 50


@allow(*LOOKS)
@require_safe
def common_card(request: HttpRequest) -> HttpResponse:
    """The page."""
    return page(request, "common_card.html", "office:common-card", _now())


@allow(*LOOKS)
@require_safe
def now_part(request: HttpRequest) -> HttpResponse:
    """What changes, for the page that asks for it again every few seconds."""
    return render(request, "backoffice/common_card_now.html", _now())


def _now() -> dict[str, Any]:
    # What servers say to each other goes by the real clock, also in a demonstration.
    found = status(wall_now())
    places = facilities()
    titles, between = {place.code: place.title for place in places}, matters(_MOST_CONFLICTS)
    return {
        "conflicts": [_conflict(one, titles, places) for one in between.conflicts],
        "refused": [
            {
                "one": act,
                "what": ACTS.get(act.act, act.act),
                "why": _because(act.reason, act.asked_of, places),
                "at": titles.get(act.asked_at, act.asked_at),
                "of": titles.get(act.asked_of, act.asked_of),
            }
            for act in between.refused
        ],
        "unpaid": [
            {
                "one": one,
                "payer": titles.get(one.payer, one.payer),
                "seller": titles.get(one.seller, one.seller),
                "amount": money(one.amount, one.currency),
            }
            for one in between.unpaid
        ],
        "status": found,
        "zone": places[0].time_zone if places else "UTC",
        "logs": [(log, STATES.get(log.state, log.state), _kind(log)) for log in found.logs],
        "alarms": [(alarm, *_told(alarm.code, alarm.values, alarm.what, alarm.do)) for alarm in found.alarms],
        "picture": picture(found) if found.hub else "",
        "cut": sorted(msgspec.json.decode(found.archive.cut, type=dict[str, int]).items()) if found.archive else [],
    }


CONFLICTS: Mapping[str, Promise] = {
    "overdrawn": gettext_lazy("spent more than there was: %(amount)s"),
    "deposit_returned": gettext_lazy("card deposit paid out more than once: %(amount)s too much"),
    "block_lifted": gettext_lazy("block lifted more than once"),
    "medium_issued": gettext_lazy("one card given out more than once"),
    "chip_issued": gettext_lazy("one chip given out more than once"),
    "left_on_replaced": gettext_lazy("ticket came onto a card that had been replaced"),
    "replaced_twice": gettext_lazy("one card replaced more than once; its tickets are on the card given out last"),
    "refund_disputed": gettext_lazy("refund paid out that its seller does not stand for: %(amount)s"),
}
"""What servers that did not know of each other did together (entitlements.conflicts). The agreement says who bears it."""


ACTS: Mapping[str, Promise] = {
    "refund": gettext_lazy("Refund"),
    "replacement": gettext_lazy("Replacement of a card"),
    "invoice": gettext_lazy("Invoice"),
}
"""What one server alone may do, and another asked it for (federation.operations.HomeAct)."""


def _conflict(one: Clash, titles: Mapping[str, str], places: Sequence[Place]) -> dict[str, Any]:
    amount = "" if not one.unit else money(one.amount, one.unit) if len(one.unit) == 3 else f"{one.amount} {one.unit}"
    return {
        "at": one.at,
        "number": one.number,
        "is_sale": one.kind == "refund_disputed",
        "what": str(CONFLICTS.get(one.kind, one.kind)) % {"amount": amount},
        "why": _because(one.reason, "", places) if one.reason else "",
        "where": ", ".join(titles.get(code, code) for code in one.where),
        "operations": one.operations,
    }


def _because(reason: str, code: str, places: Sequence[Place]) -> str:
    if reason not in set(Reason):
        return reason  # of a newer Karnet
    facts: dict[str, str | int] = {"facility": code} if code else {}
    return refusal(Refused(Reason(reason), facts), places[0].time_zone if places else "UTC")


STATES: Mapping[str, Promise] = {
    "ok": gettext_lazy("up to date"),
    "behind": gettext_lazy("behind"),
    "waiting": gettext_lazy("waiting for others"),
    "quarantined": gettext_lazy("in quarantine"),
    "suspended": gettext_lazy("suspended"),
    "not followed": gettext_lazy("not followed yet"),
}

ALARMS: Mapping[str, tuple[Promise, Promise]] = {
    "quarantine": (
        gettext_lazy("Entry %(index)s of %(log)s is not applied, nor any after it: %(detail)s."),
        gettext_lazy(
            "Everything else goes on, and what it sends is kept. Ask its people what happened. When the cause is "
            "removed, run: karnet federation release %(log)s. If it cannot be trusted, the hub suspends it."
        ),
    ),
    "behind": (
        gettext_lazy(
            "The hub holds %(theirs)s entries of this server's log, the database here %(ours)s: a backup was restored."
        ),
        gettext_lazy(
            "Stop karnet serve, then run: karnet federation recover. It fetches from the hub what is missing."
        ),
    ),
    "hub_behind": (
        gettext_lazy("The hub holds %(theirs)s entries of %(log)s, fewer than it acknowledged (%(ours)s are here)."),
        gettext_lazy("Nothing has to be done here: it is given back what is held here. Tell the hub's people."),
    ),
    "refused": (
        gettext_lazy("The hub does not take entries of %(log)s: %(detail)s."),
        gettext_lazy("Selling goes on; nothing new reaches the others. Ask the hub's people."),
    ),
    "unreachable": (
        gettext_lazy("No address of the hub answers: %(detail)s."),
        gettext_lazy(
            "Selling and admitting go on with what is known here. Check the network; what waits is sent by itself."
        ),
    ),
    "hub_faulty": (
        gettext_lazy("The hub sends entries of %(log)s that are not what was signed: %(detail)s."),
        gettext_lazy("They are not taken; the other logs go on. Tell the hub's people."),
    ),
}
"""What went wrong and what to do, by the code of an alarm (federation.status)."""


def _told(code: str, values: Mapping[str, str | int], what: str, do: str) -> tuple[str, str]:
    known = ALARMS.get(code)
    return (str(known[0]) % values, str(known[1]) % values) if known else (what, do)


def _kind(log: LogStatus) -> str:
    if log.state == "ok":
        return "good"
    return "bad" if log.state in ("quarantined", "suspended") else "warn"


def picture(found: Status) -> SafeString:
    """Return the network as SVG: the hub in the middle, members around it, a line where a link is known.

    Lines of links that are down are broken, so the picture needs no colours; screen readers get it as a sentence.
    """
    hub = found.hub or ""
    members = [log.log for log in found.logs if log.log != hub]
    at = {hub: (_WIDTH / 2, _HEIGHT / 2), **_around(members)}
    up = {peer.log: peer.up for peer in found.peers}
    links = [(log, up.get(log if found.name == hub else hub)) for log in members if found.name in (hub, log)]
    states = {log.log: log for log in found.logs}
    told = "; ".join(_("%(log)s: up") % {"log": log} if ok else _("%(log)s: down") % {"log": log} for log, ok in links)
    return format_html(
        '<svg class="card-network" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}</svg>',
        _WIDTH,
        _HEIGHT,
        _("Links to the hub: %(links)s") % {"links": told},
        format_html_join(
            "",
            '<line class="card-link {}" x1="{}" y1="{}" x2="{}" y2="{}"/>',
            (("up" if ok else "down", *at[hub], *at[log]) for log, ok in links),
        ),
        format_html_join(
            "",
            '<circle class="card-node {5}" cx="{0}" cy="{1}" r="{2}"/><text class="debts-name" x="{0}" y="{3}"'
            ' text-anchor="middle">{4}</text><text class="card-size" x="{0}" y="{6}" text-anchor="middle">{7}</text>',
            (
                (x, y, _NODE, y, _short(log), _kind(states[log]), y + 16, f"{states[log].applied}/{states[log].held}")
                for log, (x, y) in at.items()
                if log in states
            ),
        ),
    )


def _around(members: list[str]) -> dict[str, tuple[float, float]]:
    found = {}
    for n, log in enumerate(members):
        angle = 2 * math.pi * n / max(1, len(members)) - math.pi
        found[log] = (
            round(_WIDTH / 2 + (_WIDTH / 2 - _NODE - 8) * math.cos(angle), 1),
            round(_HEIGHT / 2 + (_HEIGHT / 2 - _NODE - 8) * math.sin(angle), 1),
        )
    return found


def _short(log: str) -> str:
    """The end of a log's name, which tells servers of one card apart."""
    return log.rstrip("/").split("/")[-1][:11]
