"""Uniswap V4: pools by their keys, the quoter, and the state that a pool is made of.

Pools live inside one `PoolManager`. Price and liquidity come from `StateView`; bitmap words and ticks are the manager's
own storage, many words in one call (`extsload`). Source: v4-core `PoolKey.sol`, `StateLibrary.sol`,
`ProtocolFeeLibrary.sol`; v4-periphery `V4Quoter.sol`, `StateView.sol`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.addresses import keccak
from strongroom.model import NATIVE, Address, PopulatedTick
from strongroom.ports import Read
from strongroom.protocols.abi import encode_arguments, view
from strongroom.protocols.uniswap_v3 import MAX_TICK, MIN_TICK, bitmap_words
from strongroom.protocols.uniswap_v3_pool import SPAN_TICKS

DYNAMIC_FEE = 0x800000
"""The fee in the key of a pool whose hooks set its fee."""

KEY = "(address,address,uint24,int24,address)"
QUOTE_INPUT = f"quoteExactInputSingle(({KEY},bool,uint128,bytes))"
QUOTE_OUTPUT = f"quoteExactOutputSingle(({KEY},bool,uint128,bytes))"

_SLOTS_A_CALL = 1_000
"""2,100 gas each: far below what nodes let a call use."""
_POOLS, _TICKS, _BITMAP = 6, 4, 5
"""Storage places: the manager's mapping of pools, and a pool's own of ticks and of bitmap words."""


@dataclass(frozen=True, slots=True)
class PoolKey:
    """What names a pool: two currencies in ascending order (the zero address is the chain's own coin), the static fee
    in 1/1,000,000 or `DYNAMIC_FEE`, the tick spacing, and the hooks contract, the zero address for none."""

    currency0: Address
    currency1: Address
    fee_pips: int
    tick_spacing: int
    hooks: Address = NATIVE

    @property
    def fields(self) -> tuple[Address, Address, int, int, Address]:
        """As `PoolKey` is encoded."""
        return self.currency0, self.currency1, self.fee_pips, self.tick_spacing, self.hooks

    @property
    def id(self) -> bytes:
        """The 32 bytes by which the manager knows the pool."""
        return keccak(encode_arguments([KEY], [self.fields]))


@dataclass(frozen=True, slots=True)
class KeyedPoolHead:
    """What a pool says of itself, before its ticks are known. Fees in 1/1,000,000: the providers' own, and the
    protocol's from inputs of currency0 and of currency1."""

    key: PoolKey
    sqrt_price_x96: int
    tick: int
    protocol_fees_pips: tuple[int, int]
    provider_fee_pips: int
    liquidity: int


@dataclass(frozen=True, slots=True)
class KeyedPoolState:
    """A Uniswap V4 pool at one block. `ticks` are the initialised ones from `known_from` to `known_to`, ascending; what
    lies beyond was not read, and no quote reaches there."""

    head: KeyedPoolHead
    ticks: tuple[PopulatedTick, ...]
    known_from: int
    known_to: int

    @property
    def key(self) -> PoolKey:
        return self.head.key

    @property
    def tick_spacing(self) -> int:
        return self.head.key.tick_spacing

    @property
    def sqrt_price_x96(self) -> int:
        return self.head.sqrt_price_x96

    @property
    def tick(self) -> int:
        return self.head.tick

    @property
    def liquidity(self) -> int:
        return self.head.liquidity


def read_quote_in(quoter: Address, key: PoolKey, zero_for_one: bool, units_in: int) -> Read[int]:
    """`V4Quoter`: what exactly `units_in` (below 2^127) gives; reverts where the pool cannot."""
    return _quote(quoter, QUOTE_INPUT, (key.fields, zero_for_one, units_in, b""))


def read_quote_out(quoter: Address, key: PoolKey, zero_for_one: bool, units_out: int) -> Read[int]:
    """`V4Quoter`: what exactly `units_out` (below 2^127) costs; reverts where the pool cannot."""
    return _quote(quoter, QUOTE_OUTPUT, (key.fields, zero_for_one, units_out, b""))


def _quote(quoter: Address, signature: str, fields: tuple[Any, ...]) -> Read[int]:
    return view(quoter, signature, ["uint256", "uint256"], lambda units, _gas: int(units), [fields])


def head_reads(state_view: Address, key: PoolKey) -> tuple[Read[Any], ...]:
    """The reads whose values `head_from` takes."""
    slot0 = ["uint160", "int24", "uint24", "uint24"]
    return (
        view(state_view, "getSlot0(bytes32)", slot0, lambda *values: values, [key.id]),
        view(state_view, "getLiquidity(bytes32)", ["uint128"], int, [key.id]),
    )


def head_from(key: PoolKey, values: Sequence[Any]) -> KeyedPoolHead | None:
    """The head from what `head_reads` gave, or `None` when a read failed or nobody opened the pool."""
    if any(value is None for value in values):
        return None
    (price, tick, protocol, provider), liquidity = values
    return KeyedPoolHead(key, price, tick, (protocol & 0xFFF, protocol >> 12), provider, liquidity) if price else None


def bitmap_reads(manager: Address, head: KeyedPoolHead, span_ticks: int = SPAN_TICKS) -> tuple[Read[Any], ...]:
    """Every bitmap word within `span_ticks` of the price, at the same block as the head's."""
    return _loads(manager, [_slot(head.key, _BITMAP, word) for word in _words(head, span_ticks)])


def tick_reads(
    manager: Address, head: KeyedPoolHead, bitmaps: Sequence[Any], span_ticks: int = SPAN_TICKS
) -> tuple[Read[Any], ...]:
    """Every initialised tick in the words that `bitmap_reads` gave; none when one of those failed."""
    return _loads(manager, [_slot(head.key, _TICKS, tick) for tick in _initialised(head, bitmaps, span_ticks)])


def state_from(
    head: KeyedPoolHead, bitmaps: Sequence[Any], ticks: Sequence[Any], span_ticks: int = SPAN_TICKS
) -> KeyedPoolState | None:
    """The state from what `bitmap_reads` and `tick_reads` gave with the same span, or `None` when a read failed."""
    if any(value is None for value in (*bitmaps, *ticks)):
        return None
    words, width = _words(head, span_ticks), 256 * head.key.tick_spacing
    nets = [_signed(word >> 128) for loaded in ticks for word in loaded]
    populated = map(PopulatedTick, _initialised(head, bitmaps, span_ticks), nets)
    last = words.stop * width - head.key.tick_spacing
    return KeyedPoolState(head, tuple(populated), max(words.start * width, MIN_TICK), min(last, MAX_TICK))


def _initialised(head: KeyedPoolHead, bitmaps: Sequence[Any], span_ticks: int) -> Iterator[int]:
    loaded = [word for each in bitmaps if each is not None for word in each]
    for word, flags in zip(_words(head, span_ticks), loaded, strict=False):
        yield from ((256 * word + bit) * head.key.tick_spacing for bit in range(256) if flags >> bit & 1)


def _words(head: KeyedPoolHead, span_ticks: int) -> range:
    spacing = head.key.tick_spacing
    width, possible = 256 * spacing, bitmap_words(spacing)
    first, last = (head.tick - span_ticks) // width, (head.tick + span_ticks) // width
    return range(max(first, possible.start), min(last + 1, possible.stop))


def _slot(key: PoolKey, place: int, index: int) -> bytes:
    """Where a pool keeps entry `index` of its mapping at `place` (Solidity's layout of mappings)."""
    pool = int.from_bytes(keccak(key.id + _POOLS.to_bytes(32, "big")), "big")
    return keccak(index.to_bytes(32, "big", signed=True) + (pool + place).to_bytes(32, "big"))


def _loads(manager: Address, slots: Sequence[bytes]) -> tuple[Read[Any], ...]:
    parts = (slots[start : start + _SLOTS_A_CALL] for start in range(0, len(slots), _SLOTS_A_CALL))
    return tuple(_load(manager, part) for part in parts)


def _load(manager: Address, slots: Sequence[bytes]) -> Read[tuple[int, ...]]:
    def whole(words: Sequence[bytes]) -> tuple[int, ...]:
        if len(words) != len(slots):
            raise ValueError(f"`{len(words)}` storage words for `{len(slots)}` slots")
        return tuple(int.from_bytes(word, "big") for word in words)

    return view(manager, "extsload(bytes32[])", ["bytes32[]"], whole, [list(slots)])


def _signed(value: int) -> int:
    """An int128 from its 128 bits."""
    return value - (value >> 127 << 128)
