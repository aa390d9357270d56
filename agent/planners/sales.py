"""A rebalancing's sales in clips: which are under way, what they have sold, and what the mandate still wants of them.

No schedule is kept. A clip is told by its unit's id and its transaction, which the runner knows, and by what left the
Safe with that, which the chain knows; all else is decided anew from the newest prices. So nothing is lost with the
process, and no clip is done twice: the clip that ends a sale has the id that the whole trade would have had, those
before it have numbers, `rebalance-2026-11-23-1-WETH-USDC`, and the runner starts no id twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from strongroom.mandate import Trade
from strongroom.model import Facts, TokenId
from strongroom.pacing_settings import MOST_CLIPS, Pacing
from strongroom.quantities import format_day

_DAY = 86_400
Pair = tuple[TokenId, TokenId]
Spent = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sale:
    """A trade of which `clips` were executed and have sold `sold_units`: the first at `begun`, the last at `last` (Unix
    seconds). `day` is the first clip's. `over` says why no more of it is sold that day; empty while it goes on."""

    token_in: TokenId
    token_out: TokenId
    day: str
    clips: int
    sold_units: int
    begun: int
    last: int
    over: str = ""

    @property
    def pair(self) -> Pair:
        return self.token_in, self.token_out


@dataclass(frozen=True, slots=True)
class Unseen:
    """A clip was executed that the facts' block does not show yet."""

    unit: str


def last_id(day: str, pair: Pair) -> str:
    """The id of the unit that ends a trade: all of it, or its last clip."""
    return f"rebalance-{day}-{pair[0]}-{pair[1]}"


def clip_id(day: str, pair: Pair, number: int) -> str:
    """The id of a clip that others follow. Unlike any token's name, the number begins with a digit."""
    return f"rebalance-{day}-{number}-{pair[0]}-{pair[1]}"


def sales(spent: Spent, facts: Facts, pairs: Iterable[Pair], pacing: Pacing) -> dict[Pair, Sale] | Unseen:
    """The sale of each pair that counts today, if clips of one were spent; yesterday's while it goes on. `spent` are
    the units that are not to be tried again, each with its transaction's hash, or with nothing where it has none."""
    today, found = facts.block.timestamp, dict[Pair, Sale]()
    for pair in pairs:
        for day in (format_day(today), format_day(today - _DAY)):
            sale = _sale(spent, facts, pair, day, pacing)
            if isinstance(sale, Unseen):
                return sale
            if sale and (day == format_day(today) or not sale.over):
                found[pair] = sale
    return found


def _sale(spent: Spent, facts: Facts, pair: Pair, day: str, pacing: Pacing) -> Sale | Unseen | None:
    names = [name for number in range(1, MOST_CLIPS) if (name := clip_id(day, pair, number)) in spent]
    if not names:
        return None
    sold = {name: _sold(spent[name], pair[0], facts) for name in names if spent[name]}
    unseen = next((name for name, each in sold.items() if each is None), None)
    if unseen:
        return Unseen(unseen)
    clips = [each for each in sold.values() if each]
    if not clips:
        return Sale(*pair, day, 0, 0, 0, 0, _NOT_EXECUTED)
    begun, last = min(at for _, at in clips), max(at for _, at in clips)
    sale = Sale(*pair, day, len(clips), sum(units for units, _ in clips), begun, last)
    return replace(sale, over=_over(sale, spent, len(names), facts, pacing))


_NOT_EXECUTED = "a clip of it was turned down"


def _over(sale: Sale, spent: Spent, named: int, facts: Facts, pacing: Pacing) -> str:
    if last_id(sale.day, sale.pair) in spent:
        return "its last clip is made"
    if named > sale.clips:
        return _NOT_EXECUTED
    return "its time is over" if facts.block.timestamp > sale.begun + pacing.within_seconds else ""


def _sold(tx_hash: str, token: TokenId, facts: Facts) -> tuple[int, int] | None:
    """Units of the token that left the Safe with a transaction, and when."""
    left = [each for each in facts.outflows if each.tx_hash == tx_hash and each.token == token]
    return (sum(each.units for each in left), left[0].timestamp) if left else None


def still_wanted(
    going: Iterable[Sale], wanted_after: Callable[[tuple[Sale, ...]], tuple[Trade, ...]]
) -> tuple[Trade, ...]:
    """The trades that are wanted now, those of sales under way without what they have sold. `wanted_after` gives the
    trades as if these sales had sold nothing yet: the band decides about the whole of a sale, not about its rest, and
    one that is not wanted any more, or less than was sold, is dropped."""
    kept = tuple(going)
    while True:
        trades = wanted_after(kept)
        units = {(trade.token_in, trade.token_out): trade.units_in for trade in trades}
        left = tuple(sale for sale in kept if units.get(sale.pair, 0) > sale.sold_units)
        if left == kept:
            return tuple(_rests(trades, kept))
        kept = left


def _rests(trades: Iterable[Trade], kept: tuple[Sale, ...]) -> Iterator[Trade]:
    sold = {sale.pair: sale.sold_units for sale in kept}
    for trade in trades:
        yield replace(trade, units_in=trade.units_in - sold.get((trade.token_in, trade.token_out), 0))
