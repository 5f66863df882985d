"""What if: other rules over a season's facts, side by side, with winners and losers (SPEC N13)."""

from __future__ import annotations

from typing import Any, get_args

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from karnet.faces.backoffice.exporting import amount_text
from karnet.faces.backoffice.frame import SETTLES, facilities, page
from karnet.faces.backoffice.wording import value_title
from karnet.faces.base.access import allow
from karnet.faces.base.clock import now
from karnet.kernel.outcomes import Refused
from karnet.settlement.rules.division import DivisionRule
from karnet.settlement.rules.trying import Effect
from karnet.settlement.selectors import agreement_of, agreements
from karnet.settlement.trying import Alternative, what_if

FLOORS = (0, 5, 10, 20)
_HALF, _ROW = 100, 34


@allow(*SETTLES)
@require_safe
def tried(request: HttpRequest) -> HttpResponse:
    """Show what the rules that were chosen would have made of a season."""
    season = request.GET.get("season") or None
    row = agreement_of(season, now())
    if row is None:
        if season:
            raise Http404
        return page(request, "what_if.html", "office:settlement", {"row": None})
    rules = [rule for rule in get_args(DivisionRule) if rule in request.GET.getlist("rule")]
    floor = next((one for one in FLOORS if str(one) == request.GET.get("floor")), 0)
    chosen = rules or [rule for rule in get_args(DivisionRule) if rule != row.text.division]
    asked = [Alternative(name=rule, division=rule, floor_bp=floor * 100 or None) for rule in chosen]
    found = what_if(asked, at=now(), agreement=row.id)
    titles = {place.code: place.title for place in facilities()}
    context: dict[str, Any] = {
        "row": row,
        "seasons": [one.text.season for one in agreements()],
        "rules": [(rule, value_title(rule), rule in chosen) for rule in get_args(DivisionRule)],
        "floors": FLOORS,
        "floor": floor,
        "agreed": value_title(row.text.division),
        "refused": found if isinstance(found, Refused) else None,
    }
    if not isinstance(found, Refused):
        codes = [line.code for line in found.actual.facilities]
        effects = [{effect.code: effect for effect in one.effects} for one in found.tried]
        context |= {
            "currency": found.actual.currency,
            "names": [value_title(one.name) for one in found.tried],
            "table": [
                (
                    titles.get(code, code),
                    effects[0][code].income - effects[0][code].change if effects else 0,
                    [of[code] for of in effects if code in of],
                )
                for code in codes
            ],
            "charts": [
                (value_title(one.name), amount_text(one.moved), _winners(one.effects, titles, value_title(one.name)))
                for one in found.tried
            ],
        }
    return page(request, "what_if.html", "office:settlement", context)


def _winners(effects: tuple[Effect, ...], titles: dict[str, str], label: str) -> SafeString:
    """Return bars to the right for winners and to the left for losers, as SVG; the amounts also as words."""
    most = max((abs(effect.change) for effect in effects), default=0) or 1
    rows = []
    for n, effect in enumerate(effects):
        wide = round(_HALF * abs(effect.change) / most, 1)
        x = 230 if effect.change >= 0 else 230 - wide
        sign = "+" if effect.change > 0 else ""
        middle = n * _ROW + _ROW / 2 + 5
        words = f"{sign}{amount_text(effect.change)}"
        rows.append(
            (
                n * _ROW + 6, x, wide, _ROW - 12, "wins" if effect.change >= 0 else "loses",
                middle, titles.get(effect.code, effect.code)[:16], middle, words,
            )
        )  # fmt: skip
    told = "; ".join(
        f"{titles.get(effect.code, effect.code)} {'+' if effect.change > 0 else ''}{amount_text(effect.change)}"
        for effect in effects
    )
    return format_html(
        '<svg class="winners" viewBox="0 0 440 {}" role="img" aria-label="{}">{}'
        '<line class="winners-axis" x1="230" x2="230" y1="0" y2="{}"/></svg>',
        len(effects) * _ROW,
        _("%(rule)s: %(told)s") % {"rule": label, "told": told},
        format_html_join(
            "",
            '<rect y="{}" x="{}" width="{}" height="{}" rx="3" class="{}"/>'
            '<text x="0" y="{}" class="winners-name">{}</text>'
            '<text x="440" y="{}" text-anchor="end" class="winners-amount">{}</text>',
            rows,
        ),
        len(effects) * _ROW,
    )
