"""Uniswap V2: swaps through `UniswapV2Router02`, and the state that a pair is made of.

Source: v2-core `UniswapV2Pair.sol`; v2-periphery `UniswapV2Router02.sol`, `UniswapV2Library.sol`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.model import NATIVE, Address, PairState
from strongroom.ports import Read
from strongroom.protocols.abi import decode_call, encode_call, view

EXACT_TOKENS = "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)"
AMOUNT_WORD, MIN_OUT_WORD, DEADLINE_WORD = (4 + 32 * word for word in (0, 1, 4))
"""Byte offsets in the calldata of the three words that differ from swap to swap; all others a template can pin."""


@dataclass(frozen=True, slots=True)
class PairSwap:
    """One swap of exactly `amount_in_units` in the pair of two tokens, at the latest at `deadline` (block time)."""

    token_in: Address
    token_out: Address
    recipient: Address
    deadline: int
    amount_in_units: int
    min_out_units: int


def encode_swap(swap: PairSwap) -> bytes:
    """Calldata of `UniswapV2Router02.swapExactTokensForTokens` over one pair."""
    amounts, path = (swap.amount_in_units, swap.min_out_units), [swap.token_in, swap.token_out]
    return encode_call(EXACT_TOKENS, *amounts, path, swap.recipient, swap.deadline)


def decode_swap(data: bytes) -> PairSwap:
    """The swap inside `swapExactTokensForTokens` calldata. Raises `ValueError` on anything else, also on a path of more
    than one pair."""
    amount_in, min_out, path, recipient, deadline = decode_call(EXACT_TOKENS, data)
    if len(path) != 2:
        raise ValueError(f"a path of {len(path)} tokens is not one pair")
    token_in, token_out = path
    return PairSwap(token_in, token_out, recipient, deadline, amount_in, min_out)


def read_factory(router: Address) -> Read[Address]:
    """Whose pairs the router trades in."""
    return view(router, "factory()", ["address"], Address)


def read_pair(factory: Address, token_a: Address, token_b: Address) -> Read[Address | None]:
    """The pair of two tokens in either order, or `None` where there is none."""
    signature = "getPair(address,address)"
    return view(factory, signature, ["address"], lambda pair: None if pair == NATIVE else pair, [token_a, token_b])


def read_reserves(pair: Address) -> Read[tuple[int, int]]:
    """Units of token0 and token1 that the pair trades with; what lies in it beyond them does not count."""
    return view(pair, "getReserves()", ["uint112", "uint112", "uint32"], lambda zero, one, _: (zero, one))


def pair_reads(pair: Address) -> tuple[Read[Any], ...]:
    """The reads whose values `pair_from` takes."""
    tokens = (view(pair, f"{name}()", ["address"], Address) for name in ("token0", "token1"))
    return (*tokens, read_reserves(pair))


def pair_from(pair: Address, values: Sequence[Any]) -> PairState | None:
    """The state from what `pair_reads` gave, or `None` when a read failed or one side of the pair is empty."""
    if any(value is None for value in values):
        return None
    token0, token1, reserves = values
    return PairState(pair, token0, token1, *reserves) if all(reserves) else None
