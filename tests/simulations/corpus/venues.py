"""What is done with venues: by the owners in a batch of approval and call, and by the agent through the Kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

from strongroom.model import Action, Address, Facts
from strongroom.protocols.aave_v3 import Repay, Supply, Withdraw, encode_repay, encode_supply, encode_withdraw
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import encode_approve
from strongroom.protocols.kernel_rules_erc4626 import Deposit, Redeem, encode_deposit, encode_redeem
from strongroom.protocols.uniswap_v2 import PairSwap, encode_swap
from strongroom.protocols.uniswap_v3 import ExactInput, encode_exact_input
from strongroom.protocols.weth import encode_deposit as encode_wrap
from strongroom.protocols.weth import encode_withdraw as encode_unwrap
from strongroom.world.treasury import DAI, USDC, WETH
from tests.contracts.protocol_desk import EXCHANGES, FOREVER
from tests.simulations.corpus.stage import EVERYBODY, Stage

MOVES, REFUSED, NOTHING = "moves", "refused", "nothing"
ETHER = 10**18
PAST = 1
Row = tuple[str, str, str, Callable[[Facts], Action]]


def venues(stage: Stage) -> Iterator[Row]:
    random = Random(21)
    for rows in (_weth, _pairs, _pools, _lending, _vault, _kernel):
        yield from rows(stage, random)


def _weth(stage: Stage, random: Random) -> Iterator[Row]:
    weth = stage.desk.weth
    for _ in range(4):
        units = random.randrange(1, 5 * ETHER)
        yield "WETH", "wrapped", MOVES, stage.tx(weth, encode_wrap(), units)
        yield "WETH", "wrapped", MOVES, stage.tx(weth, encode_unwrap(units))
    yield "WETH", "wrapped", MOVES, stage.tx(weth, b"", ETHER)
    yield "WETH", "wrapped", REFUSED, stage.tx(weth, encode_unwrap(10**27))
    yield "WETH", "wrapped", REFUSED, stage.tx(weth, encode_wrap(), 10**27)


def _pairs(stage: Stage, random: Random) -> Iterator[Row]:
    router = stage.world.contracts.pair_router
    for (sold, bought), units in _orders(stage, random, 7):
        good = PairSwap(sold, bought, stage.safe, FOREVER, units, 1)
        left = random.randrange(2)
        yield "Uniswap V2", "exact in", MOVES, _approved(stage, sold, router, units + left, encode_swap(good))
        away = replace(good, recipient=EVERYBODY[0])
        yield "Uniswap V2", "to another", MOVES, _approved(stage, sold, router, units, encode_swap(away))
        late, poor = replace(good, deadline=PAST), replace(good, min_out_units=10**40)
        yield "Uniswap V2", "too late", REFUSED, _approved(stage, sold, router, units, encode_swap(late))
        yield "Uniswap V2", "too little", REFUSED, _approved(stage, sold, router, units, encode_swap(poor))


def _pools(stage: Stage, random: Random) -> Iterator[Row]:
    router, fees = stage.world.contracts.swap_router, (500, 3000)
    for (sold, bought), units in _orders(stage, random, 7):
        for fee in fees:
            if not any(
                pool.fee_pips == fee and {sold, bought} == _tokens(stage, pool) for pool in stage.world.contracts.pools
            ):
                continue
            good = ExactInput(sold, bought, fee, stage.safe, FOREVER, units, 1)
            yield "Uniswap V3", f"fee {fee}", MOVES, _approved(stage, sold, router, units + 1, encode_exact_input(good))
            bad = replace(good, deadline=PAST) if fee == 500 else replace(good, min_out_units=10**40)
            yield "Uniswap V3", f"fee {fee}", REFUSED, _approved(stage, sold, router, units, encode_exact_input(bad))


def _tokens(stage: Stage, pool) -> set[Address]:
    return {stage.world.contracts.tokens[token] for token in pool.pair}


def _orders(stage: Stage, random: Random, count: int) -> Iterator[tuple[tuple[Address, Address], int]]:
    tokens = stage.world.contracts.tokens
    dollars, ether = tokens[USDC], tokens[WETH]
    for _ in range(count):
        yield (dollars, ether), random.randrange(10**6, 10**11)
        yield (ether, dollars), random.randrange(10**12, 10**19)


def _approved(stage: Stage, token: Address, spender: Address, units: int, data: bytes) -> Callable[[Facts], Action]:
    return stage.batch((token, 0, encode_approve(spender, units)), (spender, 0, data))


def _lending(stage: Stage, random: Random) -> Iterator[Row]:
    pool, usdc, dai = stage.world.contracts.lending.pool, stage.desk.usdc, stage.world.contracts.tokens[DAI]
    borrow = "borrow(address,uint256,uint256,uint16,address)"
    for _ in range(6):
        units = random.randrange(1, 10**11)
        yield (
            "Aave V3",
            "supply",
            MOVES,
            _approved(stage, usdc, pool, units, encode_supply(Supply(usdc, units, stage.safe))),
        )
        yield "Aave V3", "withdraw", MOVES, stage.tx(pool, encode_withdraw(Withdraw(usdc, units // 2 + 1, stage.safe)))
        lent = encode_call(borrow, dai, units * 10**6, 2, 0, stage.safe)
        yield "Aave V3", "borrow", MOVES, stage.tx(pool, lent)
        repay = encode_repay(Repay(dai, units * 10**5, stage.safe))
        both = (pool, 0, lent), (dai, 0, encode_approve(pool, units * 10**5)), (pool, 0, repay)
        yield "Aave V3", "borrow and repay", MOVES, stage.batch(*both)
    for data in (
        encode_withdraw(Withdraw(usdc, 10**15, stage.safe)),
        encode_supply(Supply(usdc, 5, stage.safe)),
        encode_call(borrow, dai, 10**27, 2, 0, stage.safe),
        encode_repay(Repay(dai, 5, stage.safe)),
    ):
        yield "Aave V3", "any", REFUSED, stage.tx(pool, data)


def _vault(stage: Stage, random: Random) -> Iterator[Row]:
    vault, usdc = stage.desk.vault, stage.desk.usdc
    for _ in range(5):
        units = random.randrange(10**3, 10**10)
        deposit = encode_deposit(Deposit(units, stage.safe))
        yield "ERC-4626", "deposit", MOVES, _approved(stage, usdc, vault, units, deposit)
        redeem = encode_redeem(Redeem(units * 10**6, stage.safe, stage.safe))
        yield "ERC-4626", "redeem", MOVES, stage.tx(vault, redeem)
        withdraw = encode_call("withdraw(uint256,address,address)", units, EVERYBODY[0], stage.safe)
        yield "ERC-4626", "withdraw", MOVES, stage.tx(vault, withdraw)
    yield "ERC-4626", "redeem", REFUSED, stage.tx(vault, encode_redeem(Redeem(10**30, stage.safe, stage.safe)))
    yield "ERC-4626", "deposit", REFUSED, stage.tx(vault, encode_deposit(Deposit(5, stage.safe)))


def _kernel(stage: Stage, random: Random) -> Iterator[Row]:
    for name in EXCHANGES:
        exchange = stage.desk.exchanges[name]
        for units in (exchange.units, *(random.randrange(exchange.units // 100, exchange.units) for _ in range(3))):
            yield "Kernel", name, MOVES, stage.legs(exchange.leg(units))
        yield "Kernel", name, REFUSED, stage.legs(exchange.leg(exchange.rule.max_units + 1))
        yield "Kernel", name, REFUSED, stage.legs(exchange.leg(least=2**128))
        yield "Kernel", name, REFUSED, stage.legs(replace(exchange.leg(), data=exchange.leg().data + b"\x00"))
    legs = {name: exchange.leg() for name, exchange in stage.desk.exchanges.items()}
    for names in (("supply", "wrap"), ("wrap", "unwrap", "swap_v3"), ("deposit", "redeem", "swap_v2", "supply")):
        yield "Kernel", "several legs", MOVES, stage.legs(*(legs[name] for name in names))
        late = replace(
            legs["swap_v3"], deadline=PAST, data=stage.desk.exchanges["swap_v3"].data(legs["swap_v3"].units, 0, PAST)
        )
        yield "Kernel", "several legs", REFUSED, stage.legs(*(legs[name] for name in names), late)
