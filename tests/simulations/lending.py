"""The world's Aave market in an EVM of its own, with a clock."""

from __future__ import annotations

from pyrevm import EVM, AccountInfo, BlockEnv

from simulations.pools.aave_v3 import ALL, Position
from strongroom.addresses import to_address
from strongroom.protocols.aave_v3 import WITHDRAW, Supply, encode_supply
from strongroom.protocols.abi import decode_values, encode_call
from strongroom.protocols.erc20 import encode_approve
from strongroom.world.contracts import blueprint
from strongroom.world.treasury import DAI, USDC, WETH

START = 1_800_000_000
FUNDED = (USDC, DAI, WETH)
SUPPLIER = to_address((0x5A11 << 96).to_bytes(20, "big"))
RESERVE = (
    "(uint256,uint128,uint128,uint128,uint128,uint128,uint40,uint16,address,address,address,address,uint128,uint128,"
    "uint128)"
)


class Market:
    def __init__(self):
        self.contracts, script = blueprint()
        self.deployer, self.lending = script.sender, self.contracts.lending
        self.evm = EVM()
        self.at(START)
        for account in (script.sender, SUPPLIER):
            self.evm.set_balance(account, 10**30)
        for number, step in enumerate(script.transactions):
            # Calls leave the nonce as it is in this EVM, and addresses come of nonces.
            self.evm.insert_account_info(script.sender, AccountInfo(nonce=number, balance=10**30))
            data, value = bytes.fromhex(step["data"][2:]), int(step.get("value", "0x0"), 16)
            if "to" in step:
                self.evm.message_call(script.sender, step["to"], calldata=data, value=value)
            else:
                self.evm.deploy(script.sender, data, value=value)
        for token in FUNDED:
            uncap = encode_call("setSupplyCap(address,uint256)", self.lending.reserves[token].asset, 0)
            assert self.send(self.lending.configurator, uncap, script.sender)

    def at(self, seconds):
        self.seconds = seconds
        self.evm.set_block_env(BlockEnv(number=1, timestamp=seconds))

    def send(self, to, data, sender=SUPPLIER):
        """Whether it went through."""
        try:
            self.evm.message_call(sender, to, calldata=data)
        except RuntimeError as error:
            assert "Revert" in str(error) or "Halt" in str(error), error
            return False
        return True

    def number(self, to, signature, *values):
        return int.from_bytes(self.evm.message_call(SUPPLIER, to, calldata=encode_call(signature, *values)), "big")

    def fund(self, token):
        """Hands the supplier a tenth of what the deployer has left of `token`, to be supplied."""
        asset = self.lending.reserves[token].asset
        units = self.number(asset, "balanceOf(address)", self.deployer) // 10
        assert self.send(asset, encode_call("transfer(address,uint256)", SUPPLIER, units), self.deployer)
        assert self.send(asset, encode_approve(self.lending.pool, ALL))
        return units

    def position(self, token):
        """The supplier's, as stored."""
        reserve = self.lending.reserves[token]
        answer = self.evm.message_call(
            SUPPLIER, self.lending.pool, calldata=encode_call("getReserveData(address)", reserve.asset)
        )
        (fields,) = decode_values([RESERVE], bytes(answer))
        scaled = self.number(reserve.a_token, "scaledBalanceOf(address)", SUPPLIER)
        return Position(scaled, index_ray=fields[1], rate_ray=fields[2], updated_at=fields[6])

    def balance(self, token):
        return self.number(self.lending.reserves[token].a_token, "balanceOf(address)", SUPPLIER)


def lending_answers(draw, markets, steps):
    """As `_market_answers`, `markets` times from the start: after some seventy years of interest at full usage other
    numbers of a reserve overflow, and nothing can be supplied."""
    for _ in range(markets):
        yield from _market_answers(draw, steps)


def _market_answers(draw, steps):
    """Supplies and withdrawals at growing times: (what was done, what we say, what the market says)."""
    market = Market()
    funds = {token: market.fund(token) for token in FUNDED}
    for _ in range(steps):
        market.at(market.seconds + draw.choice([0, 1, 12, 3_600, draw.randint(0, 10**7)]))
        token, now = draw.choice(list(funds)), market.seconds
        asset, before, held = market.lending.reserves[token].asset, market.position(token), market.balance(token)
        yield ("balance", before, now), before.balance_at(now), held
        if draw.random() < 0.5:
            units = draw.choice([0, 1, 2, draw.randint(1, 100), draw.randint(1, funds[token] // steps)])
            after, order = before.supply(units, now), encode_supply(Supply(asset, units, SUPPLIER))
        else:
            units = max(draw.choice([0, 1, 2, held - 1, held, held + 1, ALL, draw.randint(0, held)]), 0)
            after, order = before.withdraw(units, now), encode_call(WITHDRAW, asset, units, SUPPLIER)
        done = market.send(market.lending.pool, order)
        found = market.position(token)
        state = (found.scaled, found.index_ray, found.updated_at, market.balance(token)) if done else None
        ours = (after.scaled, after.index_ray, after.updated_at, after.balance_at(now)) if after else None
        yield ("order", before, units, now), ours, state
