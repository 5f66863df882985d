"""Charts as SVG, made on the server: no script, sharp at every size, readable without colours.

Colours and fonts come from the style sheet (the policy forbids styles in pages). Widths are percentages, so a chart fits
a phone and a wall, and its text keeps its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_HEAD, _TALL, _FOOT = 18, 165, 20  # pixels: the largest value, the columns, their names
_NAMES = 8


def bars(rows: Sequence[Sequence[Any]], label: str = "") -> SafeString:
    """Return a bar chart. `rows`: (what, value) or (what, value, value in words), values not negative.

    It is a list of terms and values, which screen readers read as such; the bars are decoration.
    """
    most = max((int(row[1]) for row in rows), default=0) or 1
    drawn = format_html_join(
        "\n",
        '<div><dt>{}</dt><dd aria-hidden="true"><svg><rect class="chart-bar" width="{}%" height="100%" rx="3"/></svg></dd>'
        "<dd>{}</dd></div>",
        ((row[0], _share(int(row[1]), most), row[2] if len(row) > 2 else _grouped(int(row[1]))) for row in rows),
    )
    return format_html('<dl class="bars" aria-label="{}">{}</dl>', label, drawn)


def columns(rows: Sequence[Sequence[Any]], label: str = "") -> SafeString:
    """Return a column chart: (what, value) from left to right; about eight of the names are written below.

    Screen readers get the label and every row; a pointer over a column shows its value.
    """
    most = max((int(row[1]) for row in rows), default=0)
    step = 100 / max(1, len(rows))
    every = max(1, -(-len(rows) // _NAMES))
    floor = _HEAD + _TALL
    heights = [round(_TALL * int(row[1]) / (most or 1)) for row in rows]
    drawn = format_html_join(
        "",
        '<rect class="chart-bar" x="{}%" y="{}" width="{}%" height="{}" rx="2"><title>{}: {}</title></rect>',
        (
            (round(n * step + step * 0.1, 2), floor - height, round(step * 0.8, 2), height, row[0], _words(row))
            for n, (row, height) in enumerate(zip(rows, heights, strict=True))
        ),
    )
    names = format_html_join(
        "",
        '<text class="chart-value" x="{}%" y="{}">{}</text>',
        ((round(n * step + step * 0.1, 2), floor + _FOOT - 4, row[0]) for n, row in enumerate(rows) if n % every == 0),
    )
    lines = format_html(
        '<line class="chart-line" x1="0" x2="100%" y1="{0}" y2="{0}"/><line class="chart-line" x1="0" x2="100%" y1="{1}"'
        ' y2="{1}"/><text class="chart-value" x="0" y="{2}">{3}</text>',
        floor,
        _HEAD,
        _HEAD - 5,
        _grouped(most),
    )
    told = "; ".join(f"{row[0]} {_words(row)}" for row in rows)
    return format_html(
        '<svg class="columns" role="img" aria-label="{}">{}{}{}</svg>',
        f"{label}: {told}" if label else told,
        lines,
        drawn,
        names,
    )


class Stretch(NamedTuple):
    """A part of a strip, from one share of its width (0 to 1) to another; `name` is a zone's, "" for none."""

    start: float
    end: float
    name: str


def price_strip(
    steps: Sequence[tuple[float, int]],
    stretches: Sequence[Stretch],
    ticks: Sequence[tuple[float, str]],
    most: str,
    label: str,
    due_from: float | None = None,
) -> SafeString:
    """Return a price over time as a line of steps, with the zones below it and times at its foot.

    `steps`: (share of the width, amount), amounts never falling; `most`: the last of them in words. `label` is what a
    screen reader says of it all. `due_from`: from where on more is due than was prepaid.
    """
    top = max((amount for _share_of, amount in steps), default=0) or 1
    places = [(round(1000 * share), round(100 - 100 * amount / top, 1)) for share, amount in steps]
    path = f"M0 100 L0 {places[0][1]}" if places else ""
    for x, y in places[1:]:
        path += f" H{x} V{y}"
    path += " H1000"
    names = sorted({stretch.name for stretch in stretches if stretch.name})
    zones = format_html_join(
        "",
        '<rect class="strip-zone strip-zone-{}" x="{}%" width="{}%" y="{}" height="{}"><title>{}</title></rect>',
        (
            (
                names.index(one.name) % 6, round(100 * one.start, 2), round(100 * (one.end - one.start), 2), _HEAD + 102,
                20, one.name,
            )
            for one in stretches
            if one.name
        ),
    )  # fmt: skip
    # A name is written where it has room; a pointer over the stretch, and the bill beside it, say it as well.
    said = format_html_join(
        "",
        '<text class="strip-name" x="{}%" y="{}">{}</text>',
        ((round(100 * one.start + 0.6, 2), _HEAD + 117, one.name) for one in stretches if one.end - one.start > 0.16),
    )
    feet = format_html_join(
        "",
        '<text class="chart-value" x="{}%" y="{}" text-anchor="{}">{}</text>',
        (
            (round(100 * share, 2), _HEAD + 140, "start" if share < 0.1 else "end" if share > 0.9 else "middle", text)
            for share, text in ticks
        ),
    )
    paid = (
        format_html('<rect class="strip-due" x="{}%" width="{}%" y="{}" height="100"/>', round(100 * due_from, 2),
                    round(100 - 100 * due_from, 2), _HEAD)
        if due_from is not None and due_from < 1
        else ""
    )  # fmt: skip
    return format_html(
        '<svg class="price-strip" role="img" aria-label="{}"><text class="chart-value" x="100%" y="{}" text-anchor="end">{}'
        '</text>{}<line class="chart-line" x1="0" x2="100%" y1="{}" y2="{}"/><svg y="{}" width="100%" height="100"'
        ' viewBox="0 0 1000 100" preserveAspectRatio="none"><path class="strip-area" d="{} V100 H0Z"/>'
        '<path class="strip-line" d="{}"/></svg>{}{}{}</svg>',
        label, _HEAD - 5, most, paid, _HEAD + 100, _HEAD + 100, _HEAD, path, path, zones, said, feet,
    )  # fmt: skip


def _words(row: Sequence[Any]) -> str:
    return str(row[2]) if len(row) > 2 else _grouped(int(row[1]))


def _share(value: int, most: int) -> float:
    # Something is never drawn as nothing.
    return max(round(100 * value / most, 2), 0.5 if value else 0.0)


def _grouped(value: int) -> str:
    return f"{value:,}".replace(",", "\u202f")
