"""Who owes whom, as a picture: facilities in a circle, an arrow from debtor to creditor, thicker for more."""

from __future__ import annotations

import math
from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_WIDTH, _HEIGHT, _NODE = 480, 360, 44


def debts(names: Sequence[str], owed: Sequence[tuple[str, str, int, str]], label: str) -> SafeString:
    """Return the picture as SVG. `owed`: (debtor, creditor, amount, amount in words); names are those in `names`."""
    at = _places(names)
    most = max((amount for _, _, amount, _ in owed), default=0) or 1
    arrows, texts = [], []
    for debtor, creditor, amount, words in owed:
        path, middle = _arrow(at[debtor], at[creditor])
        arrows.append((path, round(1.5 + 4 * amount / most, 1)))
        texts.append((*middle, words))
    told = "; ".join(f"{debtor} → {creditor} {words}" for debtor, creditor, _, words in owed)
    return format_html(
        '<svg class="debts" viewBox="{}" role="img" aria-label="{}"><defs><marker id="owes" viewBox="0 0 10 10"'
        ' refX="9" refY="5" markerWidth="14" markerHeight="14" markerUnits="userSpaceOnUse" orient="auto"><path'
        ' class="debts-head" d="M0 0 10 5 0 10z"/></marker></defs>{}{}{}</svg>',
        _frame(list(at.values())),
        f"{label}: {told}",
        format_html_join("", '<path class="debts-arrow" d="{}" stroke-width="{}" marker-end="url(#owes)"/>', arrows),
        format_html_join(
            "",
            '<circle class="debts-node" cx="{0}" cy="{1}" r="{2}"/><text class="debts-name" x="{0}" y="{3}"'
            ' text-anchor="middle">{4}</text>',
            ((x, y, _NODE, y + 5, name[:11]) for name, (x, y) in at.items()),
        ),
        format_html_join("", '<text class="debts-amount" x="{}" y="{}" text-anchor="middle">{}</text>', texts),
    )


def _places(names: Sequence[str]) -> dict[str, tuple[float, float]]:
    found = {}
    for n, name in enumerate(names):
        angle = 2 * math.pi * n / max(1, len(names)) - math.pi / 2
        found[name] = (
            round(_WIDTH / 2 + (_WIDTH / 2 - 80) * math.cos(angle), 1),
            round(_HEIGHT / 2 + (_HEIGHT / 2 - 60) * math.sin(angle), 1),
        )
    return found


def _frame(places: list[tuple[float, float]]) -> str:
    """Return the view box around the circles: a circle of places leaves corners empty, and phones are narrow."""
    rim = _NODE + 12
    xs, ys = [x for x, _ in places] or [rim], [y for _, y in places] or [rim]
    left, top = min(xs) - rim, min(ys) - rim
    return f"{left:.0f} {top:.0f} {max(xs) + rim - left:.0f} {max(ys) + rim - top:.0f}"


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> tuple[str, tuple[float, float]]:
    """Return a curve from rim to rim, bent to the left so that two directions do not cover each other, and its middle."""
    (x1, y1), (x2, y2) = start, end
    length = math.hypot(x2 - x1, y2 - y1) or 1
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    bend = 26
    cx, cy = (x1 + x2) / 2 + uy * bend, (y1 + y2) / 2 - ux * bend
    sx, sy = x1 + ux * (_NODE + 3), y1 + uy * (_NODE + 3)
    ex, ey = x2 - ux * (_NODE + 5), y2 - uy * (_NODE + 5)
    # Beside the line, on the outer side of the bend: a number that a line crosses cannot be read.
    middle = (round((sx + 2 * cx + ex) / 4 + uy * 22, 1), round((sy + 2 * cy + ey) / 4 - ux * 16 + 5, 1))
    return f"M{sx:.1f} {sy:.1f} Q{cx:.1f} {cy:.1f} {ex:.1f} {ey:.1f}", middle
