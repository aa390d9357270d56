"""Forecasts in words and columns, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from agent.cli.units import aligned
from strongroom.quantities import format_units

if TYPE_CHECKING:
    from simulations.treasury.measures import Estimate
    from strongroom.model import Token

_NAMES = {
    "nav_usd_p05": "worth at the end, 1 in 20 below",
    "nav_usd_p50": "worth at the end, middle",
    "nav_usd_p95": "worth at the end, 1 in 20 above",
    "var_95_usd": "loss beside payments, VaR 95 %",
    "cvar_95_usd": "loss beside payments, CVaR 95 %",
    "var_99_usd": "loss beside payments, VaR 99 %",
    "cvar_99_usd": "loss beside payments, CVaR 99 %",
    "drawdown_p50": "largest fall from a peak, middle",
    "drawdown_p95": "largest fall from a peak, 1 in 20 above",
    "runway_months_p05": "months of payroll left, 1 in 20 below",
    "runway_months_p50": "months of payroll left, middle",
    "runway_below_mandate": "ever below the mandate's runway",
    "payment_late": "a payment ever late, for want of its token",
    "unpaid_usd_mean": "due and unpaid at the end, mean",
    "ruin": "ruin: worth less than dues and a month's payroll",
    "paused": "ever paused by the watch",
    "paused_days_mean": "days paused, mean",
    "trades_allowed_mean": "trades the agent made alone, mean",
    "trades_asked_mean": "trades guardians were asked for, mean",
    "trades_denied_mean": "trades denied, mean",
    "turnover_usd_mean": "sold, mean",
    "swap_cost_usd_mean": "fees and impact, mean",
    "gas_usd_mean": "gas, from the agent's own key, mean",
}
_DIGITS = 6
_SHARES = ("drawdown", "runway_below", "payment_late", "ruin", "paused")


def measure_lines(columns: Mapping[str, Mapping[str, Estimate]]) -> Iterator[str]:
    """One column for each forecast; below each number, in brackets beside it, its 95 % interval."""
    names = [name for name in _NAMES if any(name in column for column in columns.values())]
    head = ("", *columns)
    rows = [(_NAMES[name], *(_cell(name, column.get(name)) for column in columns.values())) for name in names]
    yield from aligned([head, *rows], right=range(1, len(columns) + 1))


def _cell(name: str, found: Estimate | None) -> str:
    if found is None:
        return "none"
    sides = (written(name, side) if side is not None else "?" for side in (found.low, found.high))
    low, high = (side.removesuffix(" USD").removesuffix(" %") for side in sides)
    return f"{written(name, found.value)} [{low}, {high}]"


def written(name: str, number: float) -> str:
    """By the measure's name: a share as a percentage, USD whole, counts with one digit."""
    if "_usd" in name:
        return f"{number:,.0f} USD"
    if name.startswith(_SHARES) and not name.endswith("_mean"):
        return f"{number * 100:.2f} %"
    return f"{number:,.0f}" if name.startswith("runway") else f"{number:,.1f}"


def event_rows(events: Sequence[Mapping[str, object]]) -> Iterator[tuple[str, ...]]:
    """Day, what happened, and the policy's word on it."""
    for each in events:
        yield str(each["date"]), _happened(each), _judged(each)


def _happened(event: Mapping[str, object]) -> str:
    kind = str(event["kind"])
    if kind == "swap":
        return f"sell {event['tokens']:,.2f} {event['token']} for {event['other']}"
    if kind in ("lend", "take back"):
        return f"{kind} {event['tokens']:,.2f} {event['token']}"
    return _KINDS[kind]


_KINDS = {
    "pay": "pay the month",
    "late": "a payment is due and the tokens do not cover it",
    "unsigned": "a payment is due and no guardian signs",
    "pause": "the watch pauses the Kernel; nothing moves",
    "resume": "the pause is over, with a new mark",
}


def _judged(event: Mapping[str, object]) -> str:
    verdict = str(event["verdict"])
    if not verdict:
        return ""
    done = {"allow": "the agent alone", "ask": "guardians sign", "deny": "denied"}[verdict]
    return done if event["made"] or verdict == "deny" else "guardians asked; not done"


def short_amount(units: int, token: Token) -> str:
    """Rounded down to six digits after the point, where that leaves enough of them; `--json` has every unit."""
    spare = max(token.decimals - _DIGITS, 0)
    if abs(units) >= 10 ** (spare + 3):
        return f"{format_units(units // 10**spare, token.decimals - spare)} {token.id}"
    return f"{format_units(units, token.decimals)} {token.id}"
