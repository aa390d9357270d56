"""The policy's findings, strictest first, each with how far it was from its limit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from guardians.report.markup import Markup, join, tag
from guardians.report.plainly import Margin, margin, text
from guardians.report.story import Fate, Told

_CLOSEST = 3
_STRICTEST = ("deny", "ask", "delay", "allow")


def findings(unit: Told) -> Iterator[Markup]:
    """What stood against the unit, or what came closest to a limit; all of it folded up beneath."""
    found = sorted(unit.findings, key=_strictness)
    against = _once(each for each in found if each.get("verdict") != "allow")
    if against:
        yield tag("h5", "What the policy found")
        yield _rows(against)
    close = [] if unit.fate is Fate.DENIED else _closest(found)
    if close:
        yield tag("h5", "Closest to a limit")
        yield _rows(close)
    if found:
        yield tag("details", tag("summary", f"All {len(found)} findings"), _rows(_once(found)), class_="all")


def _strictness(finding: Mapping[str, Any]) -> int:
    verdict = text(finding.get("verdict"))
    return _STRICTEST.index(verdict) if verdict in _STRICTEST else 0


def _once(found: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Five salaries give five equal findings: people read each once."""
    return list({repr(sorted(each.items(), key=str)): each for each in found}.values())


def _closest(found: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of what is allowed, the findings that used most of their limit without reaching it."""
    used = [(margin(text(f.get("measured")), text(f.get("limit"))), f) for f in found if f.get("verdict") == "allow"]
    near = [(each.share or 0, finding) for each, finding in used if each and each.share and not each.above | each.equal]
    return _once(finding for _, finding in sorted(near, key=lambda pair: -pair[0]))[:_CLOSEST]


def _rows(found: Iterable[Mapping[str, Any]]) -> Markup:
    return tag("ul", (_row(each) for each in found), class_="findings")


def _row(finding: Mapping[str, Any]) -> Markup:
    measured, limit = text(finding.get("measured")), text(finding.get("limit"))
    verdict = text(finding.get("verdict")) or "unreadable"
    return tag(
        "li",
        tag("span", verdict, class_=f"verdict {verdict}" if verdict in _STRICTEST else "verdict"),
        tag(
            "div",
            tag("span", text(finding.get("reason")).replace("`", ""), class_="why"),
            tag("span", text(finding.get("rule")), class_="rule"),
            _compared(measured, limit),
        ),
    )


def _compared(measured: str, limit: str) -> Markup | None:
    if not measured and not limit:
        return None
    words = f"{measured} against {limit}" if measured and limit else measured or f"limit {limit}"
    found = margin(measured, limit)
    return tag(
        "div",
        tag("span", words, class_="figure"),
        join(_bar(found), tag("span", _distance(found), class_="left")) if found else None,
        class_="margin",
    )


def _distance(found: Margin) -> str:
    if found.equal:
        return "exactly there"
    return f"{found.gap} {'above' if found.above else 'below'}"


def _bar(found: Margin) -> Markup | None:
    """How much of the limit is used, as a line; the words beside it say the same."""
    if found.share is None:
        return None
    filled = min(found.share, 10_000) // 100
    used = "used over" if found.above else "used"
    return tag(
        "svg",
        tag("rect", x=0, y=0, width="100%", height=4, rx=2, class_="whole"),
        tag("rect", x=0, y=0, width=f"{filled}%", height=4, rx=2, class_=used),
        class_="bar",
        width="100%",
        height=4,
        aria_hidden="true",
    )
