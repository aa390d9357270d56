"""Exact-in quotes by degenbot in an environment of its own: a pool and orders on stdin, outputs and times on stdout.

Stable versions are Python; newer ones keep the pool in Rust and are asked directly, without their Python companion,
which would copy all ticks for each quote. Neither is given a node.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

SOLD, BOUGHT, POOL, FACTORY = ("0x" + digit * 40 for digit in "abcd")


def python_pool(pool: dict[str, Any]) -> Callable[[int], int]:
    """The pool object, restored the way that unpickling restores it: its constructor would ask a node."""
    from degenbot.uniswap.v3_liquidity_pool import UniswapV3Pool
    from degenbot.uniswap.v3_types import UniswapV3BitmapAtWord, UniswapV3LiquidityAtTick, UniswapV3PoolState

    words: dict[int, int] = {}
    for tick, _ in pool["ticks"]:
        place = tick // pool["tick_spacing"]
        words[place >> 8] = words.get(place >> 8, 0) | 1 << (place & 255)
    state = UniswapV3PoolState(
        address=POOL,
        block=1,
        liquidity=int(pool["liquidity"]),
        sqrt_price_x96=int(pool["sqrt_price_x96"]),
        tick=pool["tick"],
        tick_bitmap={word: UniswapV3BitmapAtWord(bitmap=bits) for word, bits in words.items()},
        tick_data={
            tick: UniswapV3LiquidityAtTick(liquidity_net=int(net), liquidity_gross=abs(int(net)))
            for tick, net in pool["ticks"]
        },
    )
    made = UniswapV3Pool.__new__(UniswapV3Pool)
    named = {"address": POOL, "name": "pool", "token0": SOLD, "token1": BOUGHT, "fee": pool["fee_pips"]}
    kept = {"tick_spacing": pool["tick_spacing"], "sparse_liquidity_map": False, "_swap_step_cache": {}}
    made.__setstate__({**named, **kept, "_state": state})
    return lambda units: int(made.calculate_tokens_out_from_tokens_in(SOLD, units))


def rust_pool(pool: dict[str, Any]) -> Callable[[int], int]:
    from degenbot import _ffi

    bot = _ffi.Bot(1)
    for token in (SOLD, BOUGHT):
        bot.register_token(token, token[2], token[2], 18, 1)
    price, liquidity = int(pool["sqrt_price_x96"]), int(pool["liquidity"])
    ticks = {tick: (abs(int(net)), int(net), 1) for tick, net in pool["ticks"]}
    terms = POOL, SOLD, BOUGHT, pool["fee_pips"], pool["tick_spacing"], FACTORY, price, liquidity, pool["tick"]
    handle = bot.get_pool(bot.register_v3_pool(*terms, ticks, 1, "tracked"))
    return lambda units: int(handle.calculate_tokens_out(True, units))


def imported() -> bool:
    """Whether the pools are Rust's. The stable version trips over the database it makes at its first import only."""
    try:
        import degenbot  # noqa: F401
    except Exception:  # noqa: BLE001 - a failure that stays shows itself at the next import
        for name in [each for each in sys.modules if each.startswith("degenbot")]:
            del sys.modules[name]
    try:
        from degenbot import _ffi  # noqa: F401
    except ImportError:
        return False
    return True


def main() -> None:
    asked = json.load(sys.stdin)
    quote = (rust_pool if imported() else python_pool)(asked["pool"])
    found: dict[str, Any] = {"version": version("degenbot")}
    for name, orders in asked["orders"].items():
        units, seconds = [int(each) for each in orders], []
        outs = [quote(each) for each in units]
        for _ in range(asked["rounds"]):
            began = time.process_time()
            for each in units:
                quote(each)
            seconds.append(time.process_time() - began)
        found[name] = {"outs": [str(each) for each in outs], "seconds": seconds}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
