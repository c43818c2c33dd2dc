"""Bars and curves as SVG. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

COLOURS = ("#0f766e", "#60a5fa", "#9ca3af")
WIDTH, LABEL_WIDTH, BAR_HEIGHT, GAP = 760, 130, 17, 14
PLOT_HEIGHT, MARGIN = 210, 56
PANEL_HEIGHT, PANEL_MARGIN = 44, 44


def bars(title: str, groups: Mapping[str, Mapping[str, float]], unit: str) -> str:
    """Groups of horizontal bars, with their values at the ends."""
    names = list(next(iter(groups.values())))
    most = max(value for group in groups.values() for value in group.values())
    scale = (WIDTH - LABEL_WIDTH - 70) / most
    parts, top = [_legend(names)], 64
    for label, group in groups.items():
        middle = top + BAR_HEIGHT * len(names) / 2 + 4
        parts.append(_text(LABEL_WIDTH - 10, middle, label, anchor="end"))
        for name, value in group.items():
            width = max(value * scale, 1)
            colour = COLOURS[names.index(name)]
            parts.append(
                f'<rect x="{LABEL_WIDTH}" y="{top}" width="{width:.1f}" height="{BAR_HEIGHT - 3}" fill="{colour}"/>'
            )
            parts.append(_text(LABEL_WIDTH + width + 6, top + 11, f"{value:.1f}{unit}", size=11))
            top += BAR_HEIGHT
        top += GAP
    return _drawing(title, top, parts)


def lines(title: str, xs: Sequence[float], series: Mapping[str, Sequence[float]]) -> str:
    """One curve beneath the other, each on a scale of its own that begins at 0."""
    parts: list[str] = []
    top = 60
    for (name, values), colour in zip(series.items(), COLOURS, strict=False):
        parts += _curve(name, xs, values, top, colour)
        top += PLOT_HEIGHT
    parts += [_text(_x(xs, x), top, f"{x:g}", anchor="middle", size=11) for x in xs[3::4]]
    parts.append(_text(WIDTH - 10, top + 20, "files rendered", anchor="end", size=11))
    return _drawing(title, top + 30, parts)


def panels(title: str, xs: Sequence[float], rows: Mapping[str, Mapping[str, Sequence[float]]], unit: str) -> str:
    """A row of small curves for each name, one for each figure, each on a scale of its own that begins at 0."""
    figures = list(next(iter(rows.values())))
    width = (WIDTH - LABEL_WIDTH) / len(figures)
    lefts = [LABEL_WIDTH + width * place for place in range(len(figures))]
    parts = [_text(left, 54, figure, size=12) for left, figure in zip(lefts, figures, strict=True)]
    top = 70.0
    for name, row in rows.items():
        parts.append(_text(LABEL_WIDTH - 14, top + PANEL_HEIGHT / 2 + 4, name, anchor="end"))
        for left, values, colour in zip(lefts, row.values(), COLOURS, strict=False):
            parts += _panel(xs, values, (left, top, width - PANEL_MARGIN), colour)
        top += PANEL_HEIGHT + GAP
    for left in lefts:
        parts.append(_text(left, top + 4, "0", size=11))
        parts.append(_text(left + width - PANEL_MARGIN, top + 4, f"{max(xs):.0f} {unit}", anchor="end", size=11))
    return _drawing(title, top + 18, parts)


def _panel(xs: Sequence[float], values: Sequence[float], place: tuple[float, float, float], colour: str) -> list[str]:
    """A curve in a place: left, top, width; what it is about stands at its right."""
    left, top, width = place
    most = max(values) * 1.15 or 1
    points = " ".join(
        f"{left + width * x / max(xs):.1f},{top + PANEL_HEIGHT * (1 - y / most):.1f}"
        for x, y in zip(xs, values, strict=True)
    )
    return [
        f'<path d="M{left:.1f} {top:.1f}v{PANEL_HEIGHT}h{width:.1f}" fill="none" stroke="#9ca3af"/>',
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>',
        _text(left + width + 6, top + PANEL_HEIGHT * (1 - values[-1] / most) + 4, f"{values[-1]:.0f}", size=11),
    ]


def _curve(name: str, xs: Sequence[float], values: Sequence[float], top: float, colour: str) -> list[str]:
    height = PLOT_HEIGHT - 50
    most = max(values) * 1.15
    points = " ".join(
        f"{_x(xs, x):.1f},{top + 20 + height * (1 - y / most):.1f}" for x, y in zip(xs, values, strict=True)
    )
    base = top + 20 + height
    return [
        _text(MARGIN, top + 8, name),
        f'<path d="M{MARGIN} {top + 20}V{base}H{WIDTH - 10}" fill="none" stroke="#9ca3af"/>',
        _text(MARGIN - 6, top + 26, f"{most:.0f}", anchor="end", size=11),
        _text(MARGIN - 6, base, "0", anchor="end", size=11),
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>',
    ]


def _x(xs: Sequence[float], x: float) -> float:
    return MARGIN + (WIDTH - MARGIN - 20) * x / max(xs)


def _legend(names: Sequence[str]) -> str:
    return "".join(
        f'<rect x="{LABEL_WIDTH + index * 130}" y="38" width="12" height="12" fill="{COLOURS[index]}"/>'
        + _text(LABEL_WIDTH + 18 + index * 130, 48, name, size=12)
        for index, name in enumerate(names)
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 13) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">{escape(text)}</text>'


def _drawing(title: str, height: float, parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    # A background of its own: pages that show it may be dark.
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" font-family="sans-serif" '
        f'fill="#1f2937">\n<rect width="100%" height="100%" fill="#fff"/>\n'
        f'<text x="20" y="24" font-size="16" font-weight="bold">{escape(title)}</text>\n{body}\n</svg>\n'
    )
