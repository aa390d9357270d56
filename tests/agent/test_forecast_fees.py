"""What a trade pays in a forecast: the fee of the cheapest pool of its own two tokens."""

from __future__ import annotations

from dataclasses import replace

from agent.forecasting import Terms, book_of
from tests.agent.test_forecasting import MANDATE, POLICY, SERIES, START


def test_a_cheap_pool_of_other_tokens_makes_no_trade_cheaper() -> None:
    """Nor does a dearer pool of the same ones make it dearer."""
    venue = POLICY.venues["uniswap"]
    stable = next(pool for pool in venue.pools if "WETH" not in pool.tokens)
    more = replace(venue, pools=(replace(stable, fee_pips=50), replace(stable, fee_pips=10_000), *venue.pools))
    book = book_of(MANDATE, replace(POLICY, venues={**POLICY.venues, "uniswap": more}), START, Terms(), SERIES)
    fees = {frozenset(book.assets[place].token for place in pair): fee for pair, fee in book.pairs.items()}
    assert fees == {frozenset(("WETH", "USDC")): 500, frozenset(("DAI", "USDC")): 50}
