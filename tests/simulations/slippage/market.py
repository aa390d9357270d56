"""Our own orders in a pair that an independent trader moves: quoted, made to wait, mined, and taken apart."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from urllib.parse import urlsplit

from simulations.pools.uniswap_v2 import PairSide
from simulations.slippage.fills import Fill, kept_units, spot_units
from strongroom.model import Address, TokenId
from strongroom.protocols.erc20 import encode_approve, read_balance
from strongroom.protocols.uniswap_v2 import PairSwap, encode_swap, read_reserves
from strongroom.world.people import ALICE
from strongroom.world.script import FOREVER, fees
from strongroom.world.treasury import USDC, WETH
from strongroom.world.world import World

BLOCK_SECONDS = 12
Pair = tuple[TokenId, TokenId]


@dataclass(frozen=True)
class Market:
    """`trader` is the other process."""

    world: World
    trader: subprocess.Popen[str]
    random: Random

    def fill(self) -> Fill:
        """One order of ours, 1 to 5 trades of the market after its quote. Every fourth time somebody comes first within
        the block."""
        pair = self.random.choice([(USDC, WETH), (WETH, USDC)])
        dollars, waited = self.random.randrange(10**2, 10**4), self.random.randrange(1, 6)
        units = dollars * 10**6 if pair[0] == USDC else dollars * 10**18 // 3_000
        side, began = self._side(pair), self.world.now()
        quoted = self._quote(side, units)
        self.tell(str(waited))
        before = self._quote(self._side(pair), units)
        received, gas_wei, mined = self._swap(pair, units, ahead=self.random.random() < 0.25)
        gas = gas_wei if pair[1] == WETH else gas_wei * 3_000 // 10**12
        return Fill(spot_units(side, units), kept_units(side, units), quoted, before, received, gas, mined - began)

    def _quote(self, side: PairSide, units: int) -> int:
        quote = side.quote_in(units)
        assert quote is not None
        return quote.units_out

    def _swap(self, pair: Pair, units: int, *, ahead: bool) -> tuple[int, int, int]:
        """Units received, wei paid for gas, and the block's time."""
        sold, bought = (self.world.contracts.tokens[token] for token in pair)
        router = self.world.contracts.pair_router
        swap = PairSwap(sold, bought, ALICE.address, FOREVER, units, 0)
        held = self._held(bought)
        self.world.ask("evm_setAutomine", False)
        if ahead:
            self.tell("ahead")
        request = {"from": ALICE.address, "to": router, "data": "0x" + encode_swap(swap).hex(), "gas": "0x493e0"}
        tx_hash = self.world.ask("eth_sendTransaction", request | fees())
        self.world.ask("evm_setNextBlockTimestamp", self.world.now() + BLOCK_SECONDS)
        self.world.ask("evm_mine")
        self.world.ask("evm_setAutomine", True)
        receipt = self.world.ask("eth_getTransactionReceipt", tx_hash)
        assert receipt["status"] == "0x1" and int(receipt["transactionIndex"], 16) == int(ahead)
        gas_wei = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
        return self._held(bought) - held, gas_wei, self.world.now()

    def _held(self, token: Address) -> int:
        data = "0x" + read_balance(token, ALICE.address).data.hex()
        return int(self.world.ask("eth_call", {"to": token, "data": data}, "latest"), 16)

    def _side(self, pair: Pair) -> PairSide:
        read = read_reserves(self.world.contracts.pair(WETH, USDC).address)
        answer = self.world.ask("eth_call", {"to": read.target, "data": "0x" + read.data.hex()}, "latest")
        low, high = read.decode(bytes.fromhex(answer[2:]))
        sold, bought = (int(self.world.contracts.tokens[token], 16) for token in pair)
        return PairSide(low, high) if sold < bought else PairSide(high, low)

    def tell(self, order: str) -> None:
        assert self.trader.stdin and self.trader.stdout
        self.trader.stdin.write(order + "\n")
        self.trader.stdin.flush()
        assert self.trader.stdout.readline() == "done\n"


@contextmanager
def market(world: World, seed: int) -> Iterator[Market]:
    """A market with its trader's process, which ends with it."""
    for token, units in ((USDC, 10**13), (WETH, 5_000 * 10**18)):
        world.mint(token, ALICE.address, units)
        approval = encode_approve(world.contracts.pair_router, 2**256 - 1)
        assert world.send_as(ALICE.address, world.contracts.tokens[token], approval).success
    command = [sys.executable, "-m", "strongroom.world.trader", str(urlsplit(world.url).port), str(seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as trader:
        try:
            opened = Market(world, trader, Random(seed + 1))
            opened.tell("30")
            yield opened
        finally:
            assert trader.stdin
            trader.stdin.close()
