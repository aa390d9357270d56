"""Real daily prices, those that ship and one's own, and what a mandate would have done over them.

A file has the columns `day,NAME,…`: one row a UTC day, closing prices in USD, ascending. Days may be missing.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from itertools import pairwise

import numpy as np

from simulations.treasury.book import DAY_SECONDS, Asset, Book
from simulations.treasury.source import Floats
from strongroom.errors import BadValue
from strongroom.quantities import format_day, parse_day

SHIPPED = "bitfinex_daily.csv"

LIKE: Mapping[str, str] = {
    **dict.fromkeys(("ETH", "WETH", "stETH", "wstETH", "rETH", "cbETH", "weETH"), "ETH"),
    **dict.fromkeys(("BTC", "WBTC", "cbBTC", "tBTC"), "BTC"),
}
"""Whose prices a token follows where nothing else is said."""
_MOST_TIMES, _MOST_USD = 1_000, 1e15
"""Beyond these a price is a slip of the pen: no market moved so far in a day."""
DOLLARS = frozenset(("USDC", "DAI", "USDT", "USDS", "LUSD", "GHO", "crvUSD", "PYUSD", "USD"))
"""Tokens that stay at their price where nothing else is said: that one breaks is a scenario, not a path."""


@dataclass(frozen=True, slots=True)
class History:
    """Closing prices in USD, shape (days, series), on `days` (Unix seconds of each day's beginning, ascending)."""

    names: tuple[str, ...]
    days: tuple[int, ...]
    prices: Floats

    def log_returns(self) -> Floats:
        """From each row to the next, shape (days - 1, series); NaN in every series where days are missing between."""
        returns = np.diff(np.log(self.prices), axis=0)
        returns[np.diff(np.array(self.days)) != DAY_SECONDS] = np.nan
        return returns

    def between(self, first: int, last: int) -> History:
        """The rows of the days from `first` to `last` (Unix seconds), both included; raises `BadValue` below two."""
        rows = [row for row, day in enumerate(self.days) if first <= day <= last]
        if len(rows) < 2:
            span = f"{format_day(self.days[0])} to {format_day(self.days[-1])}"
            mend = f"the history has {span}; name days within it, two at least"
            raise BadValue(f"{format_day(first)} to {format_day(last)}", "a stretch of history", mend)
        return History(self.names, tuple(self.days[row] for row in rows), self.prices[rows])

    def filled(self) -> History:
        """With every missing day at the last close before it."""
        days = np.arange(self.days[0], self.days[-1] + 1, DAY_SECONDS)
        rows = np.searchsorted(np.array(self.days), days, side="right") - 1
        return History(self.names, tuple(map(int, days)), self.prices[rows])


def shipped() -> History:
    """BTC and ETH on Bitfinex, 2016-05-27 to 2020-01-17; source and licence stand beside the file."""
    return read_history(files("simulations.data").joinpath(SHIPPED).read_text("utf-8"), SHIPPED)


def read_history(text: str, name: str) -> History:
    """Raises `BadValue` naming the line and the mend."""
    rows = [row for row in csv.reader(text.splitlines()) if row]
    if len(rows) < 3 or len(rows[0]) < 2 or rows[0][0] != "day":
        raise BadValue(name, "daily prices", "write `day,NAME,…` as the first line and two days at least below it")
    names = tuple(each.strip() for each in rows[0][1:])
    if len(set(names)) != len(names) or not all(names):
        raise BadValue(",".join(names), f"the first line of {name}", "name each column once")
    days = tuple(parse_day(row[0], f"line {line} of {name}") for line, row in enumerate(rows[1:], 2))
    for line, (one, other) in enumerate(pairwise(days), 3):
        if other <= one:
            raise BadValue(format_day(other), f"line {line} of {name}", "put the days in order, each once")
    prices = [_prices(row, len(names), f"line {line} of {name}") for line, row in enumerate(rows[1:], 2)]
    for line, (before, after) in enumerate(pairwise(prices), 3):
        _check_move(before, after, f"line {line} of {name}")
    return History(names, days, np.array(prices))


def _check_move(before: Sequence[float], after: Sequence[float], where: str) -> None:
    for one, other in zip(before, after, strict=True):
        if not 1 / _MOST_TIMES <= other / one <= _MOST_TIMES:
            mend = f"it is over {_MOST_TIMES:,} times the price before, or below one in as many; mend the slip"
            raise BadValue(f"{other:g}", where, mend)


def _prices(row: Sequence[str], count: int, where: str) -> list[float]:
    if len(row) != count + 1:
        raise BadValue(",".join(row), where, f"write the day and {count} prices")
    return [_price(text, where) for text in row[1:]]


def _price(text: str, where: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 < found <= _MOST_USD:
        raise BadValue(text, where, f"write a price above zero, in USD, up to {_MOST_USD:g}")
    if found < 1 / _MOST_USD:
        raise BadValue(text, where, f"write a price of {1 / _MOST_USD:g} USD or more")
    return found


def hold(book: Book) -> Book:
    """The same treasury when nobody trades, lends or watches: payments alone are made. What is lent stays so, unless a
    payment needs it."""
    return replace(book, assets=tuple(map(_held, book.assets)), drawdown_bps=None)


def _held(asset: Asset) -> Asset:
    loans = replace(asset.loans, idle=None) if asset.loans else None
    return replace(asset, target_bps=None, band_bps=None, loans=loans)


def daily(history: History) -> Floats:
    """Log-returns of every day after the first, shape (days, series); missing days stand still."""
    returns: Floats = np.diff(np.log(history.filled().prices), axis=0)
    return returns
