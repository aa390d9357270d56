"""How far a finding is from its limit, in words: `500.00 USDC left`, `1,000.00 USDC over`."""

from __future__ import annotations

import re

from strongroom.model import Finding
from strongroom.quantities import format_units

_SHOWN = re.compile(r"(-?)([\d,]+)(?:\.(\d+))?(.*)", re.ASCII)


def margin_words(finding: Finding) -> str:
    """Empty where nothing was measured, or where its numbers are not written as numbers.

    A finding holds its numbers in the rule's own unit, which only the texts beside them tell: so the difference is
    taken of the texts, exactly, and the measure says which side of the limit it is on."""
    measured, limit = _SHOWN.fullmatch(finding.measured), _SHOWN.fullmatch(finding.limit)
    if finding.measure is None or not measured or not limit or measured[4] != limit[4]:
        return ""
    decimals = max(len(measured[3] or ""), len(limit[3] or ""))
    gap = abs(_scaled(measured, decimals) - _scaled(limit, decimals))
    shown = format_units(gap, decimals) if decimals else f"{gap:,}"
    return f"{shown}{measured[4]} {_side(finding.measure.margin, finding.measure.at_least)}"


def _scaled(shown: re.Match[str], decimals: int) -> int:
    number = int(shown[2].replace(",", "") + (shown[3] or "").ljust(decimals, "0"))
    return -number if shown[1] else number


def _side(margin: int, at_least: bool) -> str:
    if margin >= 0:
        return "more than needed" if at_least else "left"
    return "short" if at_least else "over"
