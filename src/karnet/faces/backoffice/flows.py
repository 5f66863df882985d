"""Where visitors' money goes: from the facility that took it (left) to the one that earns it (right).

Presentation attributes carry the colours, so that the same picture serves a page (where the style sheet may overrule
them by class), a file on its own, and a PDF; nothing inline needs a content policy to allow it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from django.utils.safestring import SafeString, mark_safe

from karnet.faces.backoffice.exporting import amount_text
from karnet.settlement.rules.report import Report

_WIDTH, _BAR, _GAP, _TOP, _NAMES = 760, 14, 14, 26, 170
_COLOURS = ("#0a5bb5", "#b35c00", "#12703a", "#8b3fa0", "#00788a", "#a8325a", "#5b6b00", "#5a4fcf")


@dataclass(frozen=True)
class Flow:
    """Money that visitors paid at `source` and that `target` ends up with: minor units, above zero."""

    source: str
    target: str
    amount: int


def flows(report: Report) -> list[Flow]:
    """Return the flows of a report's tickets, in the order of codes: what is owed to others, and what stays.

    Where more is owed than was collected (tickets sold under price or given away) nothing stays.
    """
    owed = {(pair.debtor, pair.creditor): pair.tickets for pair in report.pairs if pair.tickets > 0}
    found = [Flow(source, target, amount) for (source, target), amount in owed.items()]
    for line in report.facilities:
        stays = line.collected - sum(amount for (source, _), amount in owed.items() if source == line.code)
        if stays > 0:
            found.append(Flow(line.code, line.code, stays))
    return sorted(found, key=lambda flow: (flow.source, flow.target))


def flows_picture(report: Report, titles: Mapping[str, str], label: str) -> SafeString:
    """Return the flows as SVG, with every amount also in words for who cannot see it; "" where nothing flows."""
    found = flows(report)
    if not found:
        return SafeString("")
    codes = sorted({code for flow in found for code in (flow.source, flow.target)})
    colour = {code: n % len(_COLOURS) for n, code in enumerate(codes)}
    out = {code: sum(flow.amount for flow in found if flow.source == code) for code in codes}
    into = {code: sum(flow.amount for flow in found if flow.target == code) for code in codes}
    height = _TOP + max(300, 64 * len(codes)) + 10
    left, right = _places(codes, out, height), _places(codes, into, height)
    scale = _scale(codes, out, height)
    parts: list[str] = []
    at_left, at_right = dict(left), dict(right)
    for flow in found:
        thick = flow.amount * scale
        y1, y2 = at_left[flow.source], at_right[flow.target]
        at_left[flow.source] += thick
        at_right[flow.target] += thick
        parts.append(_ribbon(y1, y2, thick, colour[flow.source], _words(flow, titles)))
    for side, places, sums in (("start", left, out), ("end", right, into)):
        parts += [
            _node(side, code, places[code], sums[code] * scale, sums[code], colour[code], titles)
            for code in codes
            if sums[code]
        ]
    told = "; ".join(_words(flow, titles) for flow in found)
    return mark_safe(  # noqa: S308 (every text in it was escaped)
        f'<svg class="flows" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height + 24:.0f}" role="img"'
        f' aria-label="{escape(label)}: {escape(told)}" font-family="sans-serif" font-size="14">{"".join(parts)}</svg>'
    )


def _scale(codes: list[str], sums: Mapping[str, int], height: float) -> float:
    """Return pixels for a minor unit, so that the fuller side fits with its gaps."""
    return (height - _TOP - 10 - _GAP * (len(codes) - 1)) / (sum(sums.values()) or 1)


def _places(codes: list[str], sums: Mapping[str, int], height: float) -> dict[str, float]:
    scale, y, found = _scale(codes, sums, height), float(_TOP), {}
    for code in codes:
        found[code] = y
        y += sums[code] * scale + (_GAP if sums[code] else 0)
    return found


def _words(flow: Flow, titles: Mapping[str, str]) -> str:
    source, target = titles.get(flow.source, flow.source), titles.get(flow.target, flow.target)
    return f"{source} → {target} {amount_text(flow.amount)}"


def _ribbon(y1: float, y2: float, thick: float, colour: int, words: str) -> str:
    x1, x2 = _NAMES + _BAR, _WIDTH - _NAMES - _BAR
    middle = (x1 + x2) / 2
    path = (
        f"M{x1} {y1:.1f} C{middle} {y1:.1f} {middle} {y2:.1f} {x2} {y2:.1f} v{thick:.1f}"
        f" C{middle} {y2 + thick:.1f} {middle} {y1 + thick:.1f} {x1} {y1 + thick:.1f} z"
    )
    return (
        f'<path class="flow flow-{colour}" d="{path}" fill="{_COLOURS[colour]}" fill-opacity="0.35">'
        f"<title>{escape(words)}</title></path>"
    )


def _node(side: str, code: str, y: float, tall: float, amount: int, colour: int, titles: Mapping[str, str]) -> str:
    x = _NAMES if side == "start" else _WIDTH - _NAMES - _BAR
    text_x, anchor = (_NAMES - 8, "end") if side == "start" else (_WIDTH - _NAMES + 8, "start")
    middle = y + max(tall, 2) / 2
    name = escape(titles.get(code, code)[:18])
    return (
        f'<rect class="flow-{colour}" x="{x}" y="{y:.1f}" width="{_BAR}" height="{max(tall, 2):.1f}"'
        f' fill="{_COLOURS[colour]}"/>'
        f'<text class="flow-name" x="{text_x}" y="{middle - 1:.1f}" text-anchor="{anchor}" font-weight="600"'
        f' fill="#16212c">{name}</text>'
        f'<text class="flow-amount" x="{text_x}" y="{middle + 15:.1f}" text-anchor="{anchor}" fill="#51606f"'
        f' font-size="13">{amount_text(amount)}</text>'
    )
