"""Uniswap V3: swaps through `SwapRouter` (the one with a deadline), the quoter, and the state that a pool is made of.

Source: v3-core `UniswapV3Pool.sol`, `TickBitmap.sol`; v3-periphery `SwapRouter.sol`, `QuoterV2.sol`, `TickLens.sol`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from strongroom.model import NATIVE, Address, PopulatedTick
from strongroom.ports import Read
from strongroom.protocols.abi import decode_call, encode_call, view

EXACT_INPUT_SINGLE = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
MULTICALL = "multicall(bytes[])"
QUOTE_INPUT = "quoteExactInputSingle((address,address,uint256,uint24,uint160))"
QUOTE_OUTPUT = "quoteExactOutputSingle((address,address,uint256,uint24,uint160))"
FEE_TIERS_PIPS = (100, 500, 3000, 10000)
"""Every tier that the factory may know; `read_pool` answers the zero address for those it does not."""

MIN_TICK, MAX_TICK = -887272, 887272
_QUOTE = ["uint256", "uint160", "uint32", "uint256"]


@dataclass(frozen=True, slots=True)
class ExactInput:
    """One swap of exactly `amount_in_units` in the pool of `fee_pips` (millionths), at the latest at `deadline` (block
    time). A price limit of zero is none."""

    token_in: Address
    token_out: Address
    fee_pips: int
    recipient: Address
    deadline: int
    amount_in_units: int
    min_out_units: int
    price_limit_x96: int = 0


@dataclass(frozen=True, slots=True)
class Quote:
    """The quoter's answer: the other side's amount, the price after, and how many initialised ticks were crossed."""

    units: int
    sqrt_price_after_x96: int
    ticks_crossed: int


def encode_exact_input(swap: ExactInput) -> bytes:
    """Calldata of `SwapRouter.exactInputSingle`."""
    return encode_call(EXACT_INPUT_SINGLE, _fields(swap))


def _fields(swap: ExactInput) -> tuple[Address | int, ...]:
    head = (swap.token_in, swap.token_out, swap.fee_pips, swap.recipient, swap.deadline)
    return (*head, swap.amount_in_units, swap.min_out_units, swap.price_limit_x96)


def decode_exact_input(data: bytes) -> ExactInput:
    """The swap inside `exactInputSingle` calldata. Raises `ValueError` on anything else."""
    from strongroom.addresses import to_address

    (fields,) = decode_call(EXACT_INPUT_SINGLE, data)
    token_in, token_out, fee, recipient, *amounts = fields
    return ExactInput(to_address(token_in), to_address(token_out), fee, to_address(recipient), *amounts)


def decode_multicall(data: bytes) -> tuple[bytes, ...]:
    """The calls that `multicall` makes the router make of itself, for the same sender. Raises `ValueError` on anything
    else, and on none."""
    (calls,) = decode_call(MULTICALL, data)
    if not calls:
        raise ValueError("the multicall is empty")
    return tuple(calls)


def read_quote_in(quoter: Address, token_in: Address, token_out: Address, fee_pips: int, units_in: int) -> Read[Quote]:
    """`QuoterV2`: what exactly `units_in` gives; reverts where the pool cannot."""
    return _quote(quoter, QUOTE_INPUT, (token_in, token_out, units_in, fee_pips, 0))


def read_quote_out(
    quoter: Address, token_in: Address, token_out: Address, fee_pips: int, units_out: int
) -> Read[Quote]:
    """`QuoterV2`: what exactly `units_out` costs; reverts where the pool cannot."""
    return _quote(quoter, QUOTE_OUTPUT, (token_in, token_out, units_out, fee_pips, 0))


def _quote(quoter: Address, signature: str, fields: tuple[Address | int, ...]) -> Read[Quote]:
    return view(quoter, signature, _QUOTE, lambda units, price, ticks, _gas: Quote(units, price, ticks), [fields])


def read_pool(factory: Address, token_a: Address, token_b: Address, fee_pips: int) -> Read[Address | None]:
    """The pool of a pair in either order, or `None` where there is none."""
    signature = "getPool(address,address,uint24)"
    return view(
        factory, signature, ["address"], lambda pool: None if pool == NATIVE else pool, [token_a, token_b, fee_pips]
    )


def read_token0(pool: Address) -> Read[Address]:
    return view(pool, "token0()", ["address"], Address)


def read_token1(pool: Address) -> Read[Address]:
    return view(pool, "token1()", ["address"], Address)


def read_fee_pips(pool: Address) -> Read[int]:
    return view(pool, "fee()", ["uint24"], int)


def read_tick_spacing(pool: Address) -> Read[int]:
    return view(pool, "tickSpacing()", ["int24"], int)


def read_slot0(pool: Address) -> Read[tuple[int, int]]:
    """Square root price (Q64.96) and tick."""
    returns = ["uint160", "int24", "uint16", "uint16", "uint16", "uint8", "bool"]
    return view(pool, "slot0()", returns, lambda price, tick, *_: (price, tick))


def read_memory(pool: Address) -> Read[int]:
    """How many of its past ticks the pool keeps, at most one of a block, once as many were written."""
    returns = ["uint160", "int24", "uint16", "uint16", "uint16", "uint8", "bool"]
    return view(pool, "slot0()", returns, lambda *values: int(values[4]))


def read_liquidity(pool: Address) -> Read[int]:
    """Liquidity in range at the current price."""
    return view(pool, "liquidity()", ["uint128"], int)


def read_tick_bitmap(pool: Address, word: int) -> Read[int]:
    """256 flags of initialised ticks: bit b of word w is tick (256 w + b) * spacing."""
    return view(pool, "tickBitmap(int16)", ["uint256"], int, [word])


def read_liquidity_net(pool: Address, tick: int) -> Read[int]:
    """Liquidity that an upward crossing of the tick adds."""
    returns = ["uint128", "int128", "uint256", "uint256", "int56", "uint160", "uint32", "bool"]
    return view(pool, "ticks(int24)", returns, lambda _gross, net, *_: net, [tick])


def read_populated_ticks(lens: Address, pool: Address, word: int) -> Read[tuple[PopulatedTick, ...]]:
    """`TickLens`: the initialised ticks of one bitmap word, ascending."""
    signature = "getPopulatedTicksInWord(address,int16)"
    return view(lens, signature, ["(int24,int128,uint128)[]"], _ascending, [pool, word])


def _ascending(rows: Sequence[tuple[int, int, int]]) -> tuple[PopulatedTick, ...]:
    return tuple(sorted((PopulatedTick(tick, net) for tick, net, _ in rows), key=lambda row: row.tick))


def bitmap_words(tick_spacing: int) -> range:
    """Every bitmap word that a pool of this spacing can use."""
    return range((MIN_TICK // tick_spacing) >> 8, ((MAX_TICK // tick_spacing) >> 8) + 1)
