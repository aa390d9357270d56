"""Balancer V2 as it was deployed: the Vault, and one weighted pool of WETH and a stable with liquidity.

The treasury's world does without it; whoever wants it there asks `World.extend` for the script of `open_balancer_v2`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from strongroom.addresses import keccak, to_address
from strongroom.model import NATIVE, Address, TokenId
from strongroom.protocols.abi import encode_arguments, encode_call
from strongroom.protocols.weth import encode_deposit
from strongroom.world.script import MAX_UINT256, Script
from strongroom.world.treasury import USDC, WETH, units_worth

PROVIDER = to_address(keccak(b"strongroom balancer v2 provider")[12:])
"""Deploys everything and provides all liquidity. It has no key and needs ether first."""

_ONE = 10**18
_FEE = 3 * 10**15
_DEPTH_USD = 2_000_000
_POOL = ("(string,string,address[],uint256[],address[],address[],uint256)", "address", "address", "uint256", "uint256")
_JOIN = "joinPool(bytes32,address,address,(address[],uint256[],bytes,bool))"
_INIT = 0
_TWO_TOKENS = 2
_JOIN_GAS = 1_000_000


@dataclass(frozen=True, slots=True)
class Balanced:
    """Addresses, the pool's id in the Vault, and its tokens in the Vault's order, half of the worth in each."""

    vault: Address
    pool: Address
    pool_id: bytes
    tokens: tuple[Address, Address]


def open_balancer_v2(tokens: Mapping[TokenId, Address]) -> tuple[Balanced, Script]:
    """The market, and the provider's whole script that makes it, the provider's first transactions. The provider must
    hold ether for the pool and for gas."""
    script = Script(PROVIDER)
    vault = script.create("Vault", ["address", "address", "uint256", "uint256"], [PROVIDER, tokens[WETH], 0, 0])
    fees = script.create("ProtocolFeePercentagesProvider", ["address", "uint256", "uint256"], [vault, _ONE, _ONE])
    amounts = {tokens[WETH]: units_worth(_DEPTH_USD // 2, WETH), tokens[USDC]: units_worth(_DEPTH_USD // 2, USDC)}
    low, high = sorted(amounts, key=lambda token: int(token, 16))
    pool = _pool(script, vault, fees, (low, high))
    script.call(tokens[WETH], encode_deposit(), amounts[tokens[WETH]])
    script.call(tokens[USDC], encode_call("mint(address,uint256)", PROVIDER, amounts[tokens[USDC]]))
    script.approve_all((low, high), vault)
    # The Vault's own make-up of an id: the pool, its kind, and how many were registered before it.
    pool_id = bytes.fromhex(pool[2:]) + _TWO_TOKENS.to_bytes(2, "big") + bytes(10)
    given = [amounts[low], amounts[high]]
    terms = ((low, high), [MAX_UINT256] * 2, encode_arguments(["uint256", "uint256[]"], [_INIT, given]), False)
    script.call(vault, encode_call(_JOIN, pool_id, PROVIDER, PROVIDER, terms), gas=_JOIN_GAS)
    return Balanced(vault, pool, pool_id, (low, high)), script


def _pool(script: Script, vault: Address, fees: Address, pair: tuple[Address, Address]) -> Address:
    params = ("Balanced", "B", pair, [_ONE // 2] * 2, [NATIVE] * 2, [NATIVE] * 2, _FEE)
    return script.create("WeightedPool", [*_POOL, "address", "string"], [params, vault, fees, 0, 0, PROVIDER, "3"])
