"""An independent trader in a process of its own: it moves a pair as a market does, and knows nothing of anybody's
orders. Reads lines: `3` trades three times, twelve seconds and a block apart; `ahead` sends one trade and mines
nothing. Answers each with `done`.

    python -m strongroom.world.trader PORT SEED
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from math import log, sqrt
from random import Random
from typing import TextIO

from strongroom.model import Address
from strongroom.protocols.uniswap_v2 import PairSwap, encode_swap, read_reserves
from strongroom.world.people import DEPLOYER
from strongroom.world.script import FOREVER, fees
from strongroom.world.treasury import DECIMALS, USDC, WETH
from strongroom.world.world import World

BLOCK_SECONDS = 12
_TYPICAL = 0.0008
"""Of the reserve sold into; every seventh trade or so is three times that."""
_LARGEST = 0.03
_PULL = 12.0
"""How strongly a price off the feeds is traded back: at 1 % off, 62 of 100 trades are towards them."""
_FREEDOM = 3
_GAS = "0x493e0"


@dataclass(frozen=True)
class Trader:
    """Trades ether for dollars and back in the world's Uniswap V2 pair."""

    world: World
    random: Random

    def trade(self) -> None:
        """One trade in a block of its own, twelve seconds after the newest."""
        self.world.ask("evm_setNextBlockTimestamp", self.world.now() + BLOCK_SECONDS)
        self.world.send_as(DEPLOYER.address, self._router, self._order())

    def send_ahead(self) -> None:
        """One trade into the pool of transactions."""
        data = "0x" + self._order().hex()
        self.world.ask(
            "eth_sendTransaction", {"from": DEPLOYER.address, "to": self._router, "data": data, "gas": _GAS, **fees()}
        )

    @property
    def _router(self) -> Address:
        return self.world.contracts.pair_router

    def _order(self) -> bytes:
        contracts = self.world.contracts
        weth, usdc = contracts.tokens[WETH], contracts.tokens[USDC]
        ether, dollars = self._reserves(weth, usdc)
        sells_ether = self.random.random() < 0.5 + _PULL * log(self._price(ether, dollars))
        tokens, reserve = ((weth, usdc), ether) if sells_ether else ((usdc, weth), dollars)
        units = max(int(reserve * min(_TYPICAL * self._heavy(), _LARGEST)), 10**6)
        return encode_swap(PairSwap(*tokens, DEPLOYER.address, FOREVER, units, 0))

    def _reserves(self, weth: Address, usdc: Address) -> tuple[int, int]:
        read = read_reserves(self.world.contracts.pair(WETH, USDC).address)
        answer = self.world.ask("eth_call", {"to": read.target, "data": "0x" + read.data.hex()}, "latest")
        low, high = read.decode(bytes.fromhex(answer[2:]))
        return (low, high) if int(weth, 16) < int(usdc, 16) else (high, low)

    def _price(self, ether: int, dollars: int) -> float:
        """The pair's price of ether by the feeds'."""
        prices = self.world.prices_e8()
        shown = dollars / 10 ** DECIMALS[USDC] / (ether / 10 ** DECIMALS[WETH])
        fair: float = prices[WETH][0] / prices[USDC][0]
        return float(shown) / fair

    def _heavy(self) -> float:
        """|Student t|, three degrees of freedom: a normal by the root of a mean of squared normals."""
        normals = [self.random.gauss(0, 1) for _ in range(_FREEDOM)]
        return abs(self.random.gauss(0, 1)) / sqrt(sum(each * each for each in normals) / _FREEDOM)


def serve(trader: Trader, orders: TextIO, answers: TextIO) -> None:
    """Until `orders` ends."""
    for line in orders:
        if line.strip() == "ahead":
            trader.send_ahead()
        else:
            for _ in range(int(line)):
                trader.trade()
        print("done", file=answers, flush=True)


if __name__ == "__main__":
    serve(Trader(World.attach(int(sys.argv[1])), Random(int(sys.argv[2]))), sys.stdin, sys.stdout)  # noqa: S311
