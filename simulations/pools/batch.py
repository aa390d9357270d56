"""Exact quotes of many orders of one pool at once, wei for wei those of its `Side`.

Orders and quotes are words (`simulations.pools.words`): any amount below 2^256, any liquidity below 2^128, any price of
the protocol. Nothing is rounded but where the pool itself rounds, and nothing is a float.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.pools.batch_kernels import ROW, quotes_in, quotes_out
from simulations.pools.limbs import Limbs
from simulations.pools.uniswap_v3 import PoolQuote, Side
from simulations.pools.words import LIMBS, Words, from_words

WORD_BITS = 256
"""What amounts of a Uniswap V3 pool may need; those of a V4 pool only 127."""


@dataclass(frozen=True, slots=True)
class ExactQuotes:
    """One quote an order, in their order: words of shape (n, 4), and whether the known pool can fill the order. Where
    it cannot, the order's quote is of no meaning."""

    units_in: Words
    units_out: Words
    sqrt_price_after_x96: Words
    quoted: NDArray[np.bool_]

    def quotes(self) -> list[PoolQuote | None]:
        """As `Side` gives them, one by one."""
        columns = zip(
            *map(from_words, (self.units_in, self.units_out, self.sqrt_price_after_x96)), self.quoted, strict=True
        )
        return [PoolQuote(*amounts) if quoted else None for *amounts, quoted in columns]


@dataclass(frozen=True, slots=True)
class BatchSide:
    """One direction of a pool, its table in limbs."""

    zero_for_one: bool
    fee_pips: int
    most_bits: int
    rows: Limbs

    def quote_in(self, units: Words, threads: int = 1) -> ExactQuotes:
        """What exactly each of `units` of input gives, as `Side.quote_in`. Raises `ValueError` on what are no words."""
        given, prices, quoted = self._run(quotes_in, units, threads)
        return ExactQuotes(units, given, prices, quoted)

    def quote_out(self, units: Words, threads: int = 1) -> ExactQuotes:
        """What exactly each of `units` of output costs, as `Side.quote_out`. Raises `ValueError` on what are no
        words."""
        taken, prices, quoted = self._run(quotes_out, units, threads)
        return ExactQuotes(taken, units, prices, quoted)

    def _run(self, kernel: Callable[..., None], units: Words, threads: int) -> tuple[Words, Words, NDArray[np.bool_]]:
        if units.dtype != np.uint64 or units.ndim != 2 or units.shape[1] != LIMBS:
            raise ValueError(f"orders of shape `{units.shape}` and `{units.dtype}` are no words; `to_words` makes them")
        units = np.ascontiguousarray(units)
        other, prices, quoted = np.zeros_like(units), np.zeros_like(units), np.zeros(len(units), np.bool_)
        terms = self.rows, self.zero_for_one, self.fee_pips, self.most_bits
        if threads == 1:
            kernel(*terms, units, other, prices, quoted)
            return other, prices, quoted
        parts = zip(*(np.array_split(each, threads) for each in (units, other, prices, quoted)), strict=True)
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda part: kernel(*terms, *part), parts))
        return other, prices, quoted


def batch_side(side: Side, most_bits: int = WORD_BITS) -> BatchSide:
    """The side for batches. Quotes of which an amount needs more than `most_bits` are refused: 127 for Uniswap V4.
    Raises `ValueError` for more bits than a word has, or none."""
    if not 0 < most_bits <= WORD_BITS:
        raise ValueError(f"amounts of `{most_bits}` bits do not fit a word; give 1 to {WORD_BITS}")
    rows = b"".join(map(_row, side.taken, side.given, side.prices, side.liquidity))
    limbs = np.frombuffer(rows, np.dtype("<u8")).astype(np.uint64)
    return BatchSide(side.zero_for_one, side.fee_pips, most_bits, limbs)


def _row(taken: int, given: int, price: int, liquidity: int) -> bytes:
    scaled = liquidity << 96
    columns = ((taken, 4), (given, 4), (price, 3), (liquidity, 2), (scaled, 4), (scaled * price, 6))
    row = b"".join(number.to_bytes(8 * limbs, "little") for number, limbs in columns)
    assert len(row) == 8 * ROW
    return row
