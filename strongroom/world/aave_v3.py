"""Aave V3.0.2: its contracts, which tokens it lends, and what others have supplied and borrowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from strongroom.model import NATIVE, Address, TokenId
from strongroom.protocols.aave_v3 import Supply, encode_supply
from strongroom.protocols.abi import encode_call
from strongroom.world.artifacts import Libraries
from strongroom.world.script import CREATE_GAS, Script, create_address
from strongroom.world.treasury import DAI, DECIMALS, USDC, WETH, units

_PERCENT_RAY = 10**25
_VARIABLE = 2
_INIT_RESERVES = (
    "initReserves((address,address,address,uint8,address,address,address,address,"
    "string,string,string,string,string,string,bytes)[])"
)


@dataclass(frozen=True, slots=True)
class Listing:
    """A token to be lent, amounts in whole tokens. Shares are in 1/10,000; rates a year in percent: what borrowing
    costs at the optimal usage, and how much more at full usage."""

    token: TokenId
    supplied: int
    borrowed: int
    supply_cap: int
    loan_to_value_bps: int
    threshold_bps: int
    bonus_bps: int
    optimal_percent: int
    rate_percent: int
    steep_percent: int


@dataclass(frozen=True, slots=True)
class Reserve:
    """A token as it is lent: what suppliers hold, and what borrowers owe at a variable rate."""

    asset: Address
    a_token: Address
    variable_debt: Address


@dataclass(frozen=True, slots=True)
class Lending:
    """The market's addresses. Its administrator is the deployer."""

    provider: Address
    pool: Address
    configurator: Address
    oracle: Address
    data_provider: Address
    reserves: Mapping[TokenId, Reserve]


LISTINGS = (
    Listing(USDC, 20_000_000, 13_000_000, 40_000_000, 7_700, 8_000, 10_450, 90, 6, 60),
    Listing(DAI, 12_000_000, 7_000_000, 25_000_000, 7_500, 8_000, 10_450, 90, 6, 75),
    Listing(WETH, 12_000, 5_000, 30_000, 8_000, 8_250, 10_500, 80, 3, 80),
)
_RESERVE_FACTOR_BPS = 1_000


def deploy_lending(script: Script, tokens: Mapping[TokenId, Address], feeds: Mapping[TokenId, Address]) -> Lending:
    """Deploys the market on the given feeds; the sender supplies and borrows its own tokens, which it must hold."""
    provider = script.create("PoolAddressesProvider", ["string", "address"], ["World", script.sender])
    oracle = _oracle(script, provider, tokens, feeds)
    pool, configurator = _pool(script, provider)
    data_provider = script.create("AaveProtocolDataProvider", ["address"], [provider])
    script.call(provider, encode_call("setPriceOracle(address)", oracle))
    script.call(provider, encode_call("setPoolDataProvider(address)", data_provider))
    for listing in LISTINGS:
        _list(script, provider, pool, configurator, tokens[listing.token], listing)
    for listing in LISTINGS:
        _lend(script, pool, tokens[listing.token], listing)
    for listing in LISTINGS:
        _borrow(script, pool, tokens[listing.token], listing)
    return Lending(
        provider, pool, configurator, oracle, data_provider, MappingProxyType(_reserves(configurator, tokens))
    )


def _oracle(
    script: Script, provider: Address, tokens: Mapping[TokenId, Address], feeds: Mapping[TokenId, Address]
) -> Address:
    """Prices in USD scaled by 1e8, as the feeds give them."""
    types = ["address", "address[]", "address[]", "address", "address", "uint256"]
    assets, sources = zip(*((tokens[listing.token], feeds[listing.token]) for listing in LISTINGS), strict=True)
    return script.create("AaveOracle", types, [provider, assets, sources, NATIVE, NATIVE, 10**8])


def _pool(script: Script, provider: Address) -> tuple[Address, Address]:
    """Pool and configurator: proxies that the provider creates, as its first and second contract."""
    libraries = _libraries(script)
    script.call(provider, encode_call("setACLAdmin(address)", script.sender))
    rights = script.create("ACLManager", ["address"], [provider])
    script.call(provider, encode_call("setACLManager(address)", rights))
    script.call(rights, encode_call("addPoolAdmin(address)", script.sender))
    pool = script.create("Pool", ["address"], [provider], libraries)
    configurator = script.create("PoolConfigurator", libraries=libraries)
    script.call(provider, encode_call("setPoolImpl(address)", pool), gas=CREATE_GAS)
    script.call(provider, encode_call("setPoolConfiguratorImpl(address)", configurator), gas=CREATE_GAS)
    return create_address(provider, 1), create_address(provider, 2)


def _libraries(script: Script) -> Libraries:
    alone = ("BorrowLogic", "BridgeLogic", "ConfiguratorLogic", "EModeLogic", "LiquidationLogic", "PoolLogic")
    placed = tuple((name, script.create(name)) for name in (*alone, "SupplyLogic"))
    return (*placed, ("FlashLoanLogic", script.create("FlashLoanLogic", libraries=placed[:1])))


def _list(
    script: Script, provider: Address, pool: Address, configurator: Address, asset: Address, listing: Listing
) -> None:
    """Creates the reserve and its three tokens, and lets it be borrowed and be collateral."""
    codes = [script.create(name, ["address"], [pool]) for name in ("AToken", "StableDebtToken", "VariableDebtToken")]
    strategy = script.create(
        "DefaultReserveInterestRateStrategy", ["address"] + ["uint256"] * 9, _rates(provider, listing)
    )
    held = (script.sender, NATIVE)
    fields = (*codes, DECIMALS[listing.token], strategy, asset, *held, *_names(listing.token), b"")
    script.call(configurator, encode_call(_INIT_RESERVES, [fields]), gas=CREATE_GAS)
    bounds = (listing.loan_to_value_bps, listing.threshold_bps, listing.bonus_bps)
    collateral = "configureReserveAsCollateral(address,uint256,uint256,uint256)"
    script.call(configurator, encode_call(collateral, asset, *bounds))
    script.call(configurator, encode_call("setReserveBorrowing(address,bool)", asset, True))
    script.call(configurator, encode_call("setReserveFactor(address,uint256)", asset, _RESERVE_FACTOR_BPS))
    script.call(configurator, encode_call("setSupplyCap(address,uint256)", asset, listing.supply_cap))


def _rates(provider: Address, listing: Listing) -> list[Address | int]:
    """Nothing is borrowed at a stable rate: its five numbers are zero."""
    shares = (listing.optimal_percent, 0, listing.rate_percent, listing.steep_percent, 0, 0, 0, 0, 0)
    return [provider, *(share * _PERCENT_RAY for share in shares)]


def _names(token: TokenId) -> Iterator[str]:
    for name, letters in (("Aave", "a"), ("Aave variable debt", "variableDebt"), ("Aave stable debt", "stableDebt")):
        yield f"{name} {token}"
        yield f"{letters}{token}"


def _lend(script: Script, pool: Address, asset: Address, listing: Listing) -> None:
    script.approve_all([asset], pool)
    script.call(pool, encode_supply(Supply(asset, units(listing.token, listing.supplied), script.sender)))


def _borrow(script: Script, pool: Address, asset: Address, listing: Listing) -> None:
    borrowed = units(listing.token, listing.borrowed)
    borrow = "borrow(address,uint256,uint256,uint16,address)"
    script.call(pool, encode_call(borrow, asset, borrowed, _VARIABLE, 0, script.sender))


def _reserves(configurator: Address, tokens: Mapping[TokenId, Address]) -> dict[TokenId, Reserve]:
    """The configurator creates a reserve's aToken, stable debt and variable debt, one after another."""
    places = ((listing.token, 3 * number + 1) for number, listing in enumerate(LISTINGS))
    return {
        token: Reserve(tokens[token], create_address(configurator, first), create_address(configurator, first + 2))
        for token, first in places
    }
