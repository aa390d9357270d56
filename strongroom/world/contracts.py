"""Every contract of the world: the transactions that deploy them, and the addresses they get, the same every time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from strongroom.addresses import keccak
from strongroom.model import NATIVE, Address, TokenId
from strongroom.protocols.abi import encode_arguments, encode_call
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.weth import encode_deposit
from strongroom.world.aave_v3 import Lending, deploy_lending
from strongroom.world.artifacts import creation_code
from strongroom.world.people import DEPLOYER, GUARDIANS
from strongroom.world.script import Script, create2_address
from strongroom.world.treasury import DAI, DECIMALS, ETH, HALL, PRICES_E8, TREASURY, USDC, WETH
from strongroom.world.uniswap_v2 import Pair, deploy_uniswap_v2, open_pairs
from strongroom.world.uniswap_v3 import Pool, deploy_uniswap_v3, open_pools

THRESHOLD = 2
FEED_DECIMALS = 8

_DEPOSIT_WEI = 100_000 * 10**18
_PROVIDED = {USDC: 500_000_000, DAI: 500_000_000, HALL: 6_000_000}
"""Whole tokens in the deployer's hands: for pools and loans, and for moving prices."""

_NAMES = {USDC: "USD Coin", DAI: "Dai Stablecoin", HALL: "Hall"}


@dataclass(frozen=True, slots=True)
class Feed:
    """One price source: what consumers read, and the aggregator behind it that the world moves."""

    proxy: Address
    aggregator: Address


@dataclass(frozen=True, slots=True)
class Contracts:
    """Addresses. `tokens` by id (ETH is the zero address); `feeds` gives the two sources of each priced token."""

    safe_singleton: Address
    safe_factory: Address
    fallback_handler: Address
    multisend: Address
    safe: Address
    uniswap_factory: Address
    position_manager: Address
    swap_router: Address
    quoter: Address
    tick_lens: Address
    tokens: Mapping[TokenId, Address]
    feeds: Mapping[TokenId, tuple[Feed, ...]]
    pools: tuple[Pool, ...]
    pair_factory: Address
    pair_router: Address
    pairs: tuple[Pair, ...]
    lending: Lending

    def pool(self, first: TokenId, second: TokenId, fee_pips: int) -> Pool:
        """The pool of a pair, in either order, and fee. Raises `KeyError`."""
        for pool in self.pools:
            if set(pool.pair) == {first, second} and pool.fee_pips == fee_pips:
                return pool
        raise KeyError((first, second, fee_pips))

    def pair(self, first: TokenId, second: TokenId) -> Pair:
        """The Uniswap V2 pair of two tokens in either order. Raises `KeyError`."""
        for pair in self.pairs:
            if set(pair.pair) == {first, second}:
                return pair
        raise KeyError((first, second))


@cache
def blueprint() -> tuple[Contracts, Script]:
    """The contracts and the deployer's whole script, from a fresh chain's first transaction on."""
    script = Script(DEPLOYER.address)
    safe_parts = _safe_parts(script)
    safe = new_safe(script, safe_parts, tuple(person.address for person in GUARDIANS), THRESHOLD, salt=0)
    tokens = _tokens(script)
    uniswap = deploy_uniswap_v3(script, tokens[WETH])
    pools = open_pools(script, uniswap["position_manager"], uniswap["uniswap_factory"], tokens)
    script.approve_all(tokens.values(), uniswap["swap_router"])
    feeds = _feeds(script)
    _endow(script, safe, tokens)
    older = deploy_uniswap_v2(script, tokens[WETH])
    pairs = open_pairs(script, older["pair_factory"], older["pair_router"], tokens)
    lending = deploy_lending(script, tokens, {token: sources[0].proxy for token, sources in feeds.items()})
    contracts = Contracts(
        **safe_parts,
        **uniswap,
        **older,
        safe=safe,
        tokens=MappingProxyType({ETH: NATIVE, **tokens}),
        feeds=MappingProxyType(feeds),
        pools=pools,
        pairs=pairs,
        lending=lending,
    )
    return contracts, script


def _safe_parts(script: Script) -> dict[str, Address]:
    return {
        "safe_singleton": script.create("SafeL2"),
        "safe_factory": script.create("SafeProxyFactory"),
        "fallback_handler": script.create("CompatibilityFallbackHandler"),
        "multisend": script.create("MultiSendCallOnly"),
    }


def new_safe(
    script: Script, parts: Mapping[str, Address], owners: tuple[Address, ...], threshold: int, salt: int
) -> Address:
    """Adds a Safe's creation; the address it will have."""
    initializer = _setup(owners, threshold, parts["fallback_handler"])
    data = encode_call("createProxyWithNonce(address,bytes,uint256)", parts["safe_singleton"], initializer, salt)
    script.call(parts["safe_factory"], data)
    return safe_address(parts["safe_factory"], parts["safe_singleton"], initializer, salt)


def _setup(owners: tuple[Address, ...], threshold: int, handler: Address) -> bytes:
    signature = "setup(address[],uint256,address,bytes,address,address,uint256,address)"
    return encode_call(signature, owners, threshold, NATIVE, b"", handler, NATIVE, 0, NATIVE)


def safe_address(factory: Address, singleton: Address, initializer: bytes, salt: int) -> Address:
    """Source: safe-smart-account `SafeProxyFactory.sol`."""
    salted = keccak(keccak(initializer) + salt.to_bytes(32, "big"))
    return create2_address(
        factory, salted, keccak(creation_code("SafeProxy") + encode_arguments(["address"], [singleton]))
    )


def _tokens(script: Script) -> dict[TokenId, Address]:
    tokens = {WETH: script.create("WETH9")}
    for token, name in _NAMES.items():
        tokens[token] = script.create("MintableERC20", ["string", "string", "uint8"], [name, token, DECIMALS[token]])
        script.call(tokens[token], encode_mint(script.sender, _PROVIDED[token] * 10 ** DECIMALS[token]))
    script.call(tokens[WETH], encode_deposit(), _DEPOSIT_WEI)
    return tokens


def encode_mint(to: Address, units: int) -> bytes:
    """The test token's own mint, open to everyone."""
    return encode_call("mint(address,uint256)", to, units)


def _feeds(script: Script) -> dict[TokenId, tuple[Feed, ...]]:
    feeds = {token: tuple(_feed(script, answer) for answer in answers) for token, answers in PRICES_E8.items()}
    return {ETH: feeds[WETH], **feeds}


def _feed(script: Script, answer: int) -> Feed:
    aggregator = script.create("MockV3Aggregator", ["uint8", "int256"], [FEED_DECIMALS, answer])
    return Feed(script.create("EACAggregatorProxy", ["address", "address"], [aggregator, NATIVE]), aggregator)


def _endow(script: Script, safe: Address, tokens: Mapping[TokenId, Address]) -> None:
    for token, units in TREASURY.holdings.items():
        if token == ETH:
            script.call(safe, b"", units)
        elif token == WETH:
            script.call(tokens[token], encode_transfer(safe, units))
        else:
            script.call(tokens[token], encode_mint(safe, units))
