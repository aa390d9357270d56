"""A backtest by month as a picture: how many were allowed, asked and denied, how full the caps were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

_COLOURS = {"allow": "#4c9f70", "delay": "#7fb3d5", "ask": "#e0a93b", "deny": "#c0504d"}
_LINES = ("#1f3a5f", "#7b3f8c", "#00798c", "#5d4037")
_WIDTH, _LEFT, _RIGHT = 960, 64, 40
_BARS_TOP, _BARS_HEIGHT = 64, 220
_CAPS_TOP, _CAPS_HEIGHT = 348, 160
_HEIGHT = 580
_FULL_BPS, _MOST_BPS = 10_000, 20_000
_LABELS = 14


def draw(answer: dict[str, Any]) -> str:
    """The SVG of a report's months. Levels above twice a cap are drawn at the upper edge."""
    months = answer["months"]
    body = [*_frame(answer), *_bars(months), *_caps(months), *_names(months)]
    box = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {box}>'
    return "\n".join([head, f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>', *body, "</svg>", ""])


def _text(x: float, y: float, said: str, anchor: str = "start", extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#333" {extra}>{escape(said)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, extra: str = "") -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" {extra}/>'


def _frame(answer: dict[str, Any]) -> Iterator[str]:
    judged = answer["rows"]["judged"]
    yield _text(_LEFT, 24, f"What the policy says to {judged:,} transactions, by month", extra='font-size="16"')
    at = float(_LEFT)
    for name, colour in _COLOURS.items():
        yield f'<rect x="{at:.1f}" y="38" width="12" height="12" fill="{colour}"/>'
        said = f"{name} {answer['verdicts'][name]:,}"
        yield _text(at + 17, 48, said)
        at += 40 + 7 * len(said)
    yield _text(
        _LEFT,
        _CAPS_TOP - 16,
        "The fullest that each cap was in the month, in % of it; 200 % stands for all above",
        extra='font-size="14"',
    )


def _x(number: int, count: int) -> tuple[float, float]:
    """Left edge and width of a month's place."""
    width = (_WIDTH - _LEFT - _RIGHT) / max(count, 1)
    return _LEFT + number * width, width


def _bars(months: Sequence[dict[str, Any]]) -> Iterator[str]:
    most = _round_up(max((sum(each["verdicts"].values()) for each in months), default=1))
    bottom = _BARS_TOP + _BARS_HEIGHT
    for share in range(5):
        y = bottom - _BARS_HEIGHT * share / 4
        yield _line(_LEFT, y, _WIDTH - _RIGHT, y, "#ddd")
        yield _text(_LEFT - 6, y + 4, f"{most * share / 4:,g}", "end")
    for number, month in enumerate(months):
        left, width = _x(number, len(months))
        top = float(bottom)
        for name, colour in _COLOURS.items():
            height = _BARS_HEIGHT * month["verdicts"][name] / most
            top -= height
            if height:
                box = f'x="{left + width * 0.1:.1f}" y="{top:.1f}" width="{width * 0.8:.1f}" height="{height:.1f}"'
                said = f"{month['month']}: {month['verdicts'][name]:,} {name}"
                yield f'<rect {box} fill="{colour}"><title>{escape(said)}</title></rect>'


def _round_up(most: int) -> int:
    """The next number that four lines divide well."""
    size: int = 10 ** max(len(str(most)) - 2, 0)
    return -(-most // (4 * size)) * 4 * size or 4


def _caps(months: Sequence[dict[str, Any]]) -> Iterator[str]:
    bottom = _CAPS_TOP + _CAPS_HEIGHT
    for bps in range(0, _MOST_BPS + 1, _FULL_BPS // 2):
        y = bottom - _CAPS_HEIGHT * bps / _MOST_BPS
        full = bps == _FULL_BPS
        yield _line(
            _LEFT, y, _WIDTH - _RIGHT, y, "#c0504d" if full else "#ddd", 'stroke-dasharray="5 3"' if full else ""
        )
        yield _text(_LEFT - 6, y + 4, f"{bps // 100} %", "end")
    for number, name in enumerate(_fullest(months)):
        colour = _LINES[number]
        heights = (min(month["levels"].get(name, 0), _MOST_BPS) / _MOST_BPS for month in months)
        middles = (left + width / 2 for left, width in (_x(n, len(months)) for n in range(len(months))))
        points = [f"{x:.1f},{bottom - _CAPS_HEIGHT * y:.1f}" for x, y in zip(middles, heights, strict=True)]
        yield f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield from (
            f'<circle cx="{x}" cy="{y}" r="2.5" fill="{colour}"/>' for x, y in (each.split(",") for each in points)
        )
        at = _LEFT + number * 210
        yield _line(at, _HEIGHT - 18, at + 18, _HEIGHT - 18, colour, 'stroke-width="3"')
        yield _text(at + 24, _HEIGHT - 14, name)


def _fullest(months: Sequence[dict[str, Any]]) -> list[str]:
    """The caps that came closest to their limit, or went furthest beyond it: more lines than these nobody reads."""
    highest: dict[str, int] = {}
    for month in months:
        for name, bps in month["levels"].items():
            highest[name] = max(highest.get(name, 0), bps)
    return sorted(highest, key=lambda name: (-highest[name], name))[: len(_LINES)]


def _names(months: Sequence[dict[str, Any]]) -> Iterator[str]:
    every = -(-len(months) // _LABELS)
    for number, month in enumerate(months):
        if number % max(every, 1) == 0:
            left, width = _x(number, len(months))
            for y in (_BARS_TOP + _BARS_HEIGHT + 18, _CAPS_TOP + _CAPS_HEIGHT + 18):
                yield _text(left + width / 2, y, month["month"], "middle")
