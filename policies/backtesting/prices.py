"""A file of daily prices: what a history itself does not say."""

from __future__ import annotations

import csv
from io import StringIO

from policies.backtesting.rows import HistoryUnusable
from policies.backtesting.scene import Prices
from policies.terms import PolicyDocument
from strongroom.errors import BadValue
from strongroom.model import TokenId
from strongroom.quantities import format_day, parse_day, parse_units
from strongroom.untrusted import shown

_COLUMNS = ["day", "token", "price"]
_E8_DECIMALS = 8


def read_prices(text: str, document: PolicyDocument, name: str) -> Prices:
    """Lines of `day,token,price`, such as `2026-11-01,WETH,3012.55`, in USD. Raises `HistoryUnusable`, naming the line,
    on anything else, on a token that is not listed with feeds, and on a second price for one day."""
    lines = csv.reader(StringIO(text.lstrip("\ufeff"), newline=""))
    found: dict[tuple[str, TokenId], int] = {}
    for number, line in enumerate(lines, 1):
        place = f"{name} line {number}"
        if number == 1 and line != _COLUMNS:
            raise HistoryUnusable(place, f"begins with `{shown(','.join(line))}`", "begin it with `day,token,price`")
        if number > 1 and line:
            key, price_e8 = _price(line, document, place)
            if key in found:
                raise HistoryUnusable(place, f"prices `{key[1]}` on {key[0]} again", "leave one of the two lines")
            found[key] = price_e8
    if not found:
        raise HistoryUnusable(name, "holds no price", "write lines such as `2026-11-01,WETH,3012.55`")
    return found


def _price(line: list[str], document: PolicyDocument, place: str) -> tuple[tuple[str, TokenId], int]:
    if len(line) != len(_COLUMNS):
        raise HistoryUnusable(place, f"has {len(line)} fields", "write three, such as `2026-11-01,WETH,3012.55`")
    token = TokenId(line[1])
    if token not in document.tokens or not document.tokens[token].feeds:
        named = ", ".join(f"`{id_}`" for id_, listed in document.tokens.items() if listed.feeds)
        raise HistoryUnusable(place, f"prices `{shown(line[1])}`", f"the policy has feeds for {named or 'no token'}")
    try:
        price_e8 = parse_units(line[2], _E8_DECIMALS, "`price`")
        return (format_day(parse_day(line[0], "`day`")), token), price_e8
    except BadValue as error:
        raise HistoryUnusable(place, f"is not read: {error}", "mend the line") from error
