"""The weighted pool stands in the Vault with what its provider gave."""

from __future__ import annotations

from strongroom.chain.rpc import RpcChain
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import read_balance
from strongroom.world.balancer_v2 import PROVIDER, open_balancer_v2
from strongroom.world.treasury import USDC, WETH, units_worth
from strongroom.world.world import World


def test_the_pool_holds_half_of_its_worth_in_each_token(world: World, chain: RpcChain) -> None:
    world.set_balance(PROVIDER, 10**24)
    market, script = open_balancer_v2(world.contracts.tokens)
    world.extend(script)
    named = {world.contracts.tokens[token]: units_worth(1_000_000, token) for token in (WETH, USDC)}
    held = chain.read([read_balance(token, market.vault) for token in market.tokens], chain.head())
    assert held == [named[token] for token in market.tokens]
    assert chain.code(market.pool, chain.head())
    answer = world.ask("eth_call", {"to": market.pool, "data": "0x" + encode_call("getPoolId()").hex()}, "latest")
    assert bytes.fromhex(answer[2:]) == market.pool_id
