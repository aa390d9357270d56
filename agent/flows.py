"""A file of what arrives and what falls due: income, emissions, unlocks, grants; `day,token,amount` a row."""

from __future__ import annotations

import csv
from collections.abc import Mapping

from simulations.treasury.book import DAY_SECONDS, Flow
from strongroom.errors import BadValue
from strongroom.model import TokenId
from strongroom.quantities import format_day, parse_day, parse_units


def read_flows(text: str, name: str, decimals: Mapping[TokenId, int], first: int, days: int) -> tuple[Flow, ...]:
    """The rows on days from `first` (Unix seconds) within so many days; a minus before the amount makes it due. Raises
    `BadValue` naming the line, for a day outside too: a flow that never comes is a mistake."""
    rows = [row for row in csv.reader(text.splitlines()) if row]
    if not rows or [cell.strip() for cell in rows[0]] != ["day", "token", "amount"]:
        raise BadValue(name, "flows", "write `day,token,amount` as the first line")
    return tuple(_flow(row, f"line {n} of {name}", decimals, first, days) for n, row in enumerate(rows[1:], 2))


def _flow(row: list[str], where: str, decimals: Mapping[TokenId, int], first: int, days: int) -> Flow:
    if len(row) != 3:
        raise BadValue(",".join(row), where, "write for example `2026-03-01,USDC,50_000`")
    day = (parse_day(row[0], where) - first) // DAY_SECONDS
    if not 0 <= day < days:
        span = f"{format_day(first)} to {format_day(first + (days - 1) * DAY_SECONDS)}"
        raise BadValue(row[0], where, f"name a day of the forecast, {span}")
    token, amount = TokenId(row[1].strip()), row[2].strip()
    if token not in decimals:
        raise BadValue(token, where, "name a listed token: " + ", ".join(f"`{each}`" for each in decimals))
    units = parse_units(amount.removeprefix("-"), decimals[token], where)
    return Flow(day, token, -units if amount.startswith("-") else units)
