"""Deployable bytecode and the anvil binary, found in the checkout's `node_modules`."""

from __future__ import annotations

import json
import platform
from functools import cache
from pathlib import Path

from strongroom.errors import ToolMissing
from strongroom.model import Address

_SAFE = "@safe-global/safe-contracts/build/artifacts/contracts"
_HANDLER = f"{_SAFE}/handler/CompatibilityFallbackHandler.sol"
_V3_PERIPHERY = "@uniswap/v3-periphery/artifacts/contracts"
_AAVE = "@aave/core-v3/artifacts/contracts"
_BALANCER = "@balancer-labs/v2-deployments/dist/tasks"
_FEES = "20220725-protocol-fee-percentages-provider"
_V4_CORE, _V4_PERIPHERY = "@uniswap/v4-core/out", "@uniswap/v4-periphery/foundry-out"

Libraries = tuple[tuple[str, Address], ...]
"""Deployed libraries by name, for code that is linked to them."""


def _aave(folder: str, *names: str) -> dict[str, str]:
    return {name: f"{_AAVE}/{folder}/{name}.sol/{name}.json" for name in names}


ARTIFACTS = {
    **_aave("dependencies/weth", "WETH9"),
    **_aave("mocks/tokens", "MintableERC20"),
    "SafeL2": f"{_SAFE}/SafeL2.sol/SafeL2.json",
    "SafeProxyFactory": f"{_SAFE}/proxies/SafeProxyFactory.sol/SafeProxyFactory.json",
    "SafeProxy": f"{_SAFE}/proxies/SafeProxy.sol/SafeProxy.json",
    "CompatibilityFallbackHandler": f"{_HANDLER}/CompatibilityFallbackHandler.json",
    "MultiSendCallOnly": f"{_SAFE}/libraries/MultiSendCallOnly.sol/MultiSendCallOnly.json",
    "UniswapV3Factory": "@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json",
    "UniswapV3Pool": "@uniswap/v3-core/artifacts/contracts/UniswapV3Pool.sol/UniswapV3Pool.json",
    "NonfungiblePositionManager": f"{_V3_PERIPHERY}/NonfungiblePositionManager.sol/NonfungiblePositionManager.json",
    "SwapRouter": f"{_V3_PERIPHERY}/SwapRouter.sol/SwapRouter.json",
    "QuoterV2": f"{_V3_PERIPHERY}/lens/QuoterV2.sol/QuoterV2.json",
    "TickLens": f"{_V3_PERIPHERY}/lens/TickLens.sol/TickLens.json",
    "UniswapV2Factory": "@uniswap/v2-core/build/UniswapV2Factory.json",
    "UniswapV2Pair": "@uniswap/v2-core/build/UniswapV2Pair.json",
    "UniswapV2Router02": "@uniswap/v2-periphery/build/UniswapV2Router02.json",
    "PoolManager": f"{_V4_CORE}/PoolManager.sol/PoolManager.json",
    "PoolModifyLiquidityTest": f"{_V4_CORE}/PoolModifyLiquidityTest.sol/PoolModifyLiquidityTest.json",
    "PoolSwapTest": f"{_V4_CORE}/PoolSwapTest.sol/PoolSwapTest.json",
    "StateView": f"{_V4_PERIPHERY}/StateView.sol/StateView.json",
    "V4Quoter": f"{_V4_PERIPHERY}/V4Quoter.sol/V4Quoter.json",
    **_aave("protocol/configuration", "PoolAddressesProvider", "ACLManager"),
    **_aave("protocol/libraries/logic", "BorrowLogic", "BridgeLogic", "ConfiguratorLogic", "EModeLogic"),
    **_aave("protocol/libraries/logic", "FlashLoanLogic", "LiquidationLogic", "PoolLogic", "SupplyLogic"),
    **_aave("protocol/pool", "DefaultReserveInterestRateStrategy", "Pool", "PoolConfigurator"),
    **_aave("protocol/tokenization", "AToken", "StableDebtToken", "VariableDebtToken"),
    **_aave("misc", "AaveOracle", "AaveProtocolDataProvider"),
    "Vault": f"{_BALANCER}/20210418-vault/artifact/Vault.json",
    "ProtocolFeePercentagesProvider": f"{_BALANCER}/{_FEES}/artifact/ProtocolFeePercentagesProvider.json",
    "WeightedPool": f"{_BALANCER}/20230206-weighted-pool-v3/artifact/WeightedPool.json",
    "EACAggregatorProxy": "@chainlink/abi/v0.6/EACAggregatorProxy.json",
    "MockV3Aggregator": "@chainlink/abi/v0.6/tests/MockV3Aggregator.json",
}

_MEND = "run `make setup` in the checkout"


@cache
def creation_code(name: str, libraries: Libraries = ()) -> bytes:
    """Creation bytecode of one of `ARTIFACTS`, linked to exactly the libraries it uses, without constructor arguments.
    Raises `ToolMissing`, or `ValueError` when a library is left out."""
    path = node_modules() / ARTIFACTS[name]
    if not path.is_file():
        raise ToolMissing(ARTIFACTS[name], _MEND)
    artifact = json.loads(path.read_bytes())
    # Chainlink's package nests the compiler's own output.
    code = artifact["bytecode"] if "bytecode" in artifact else artifact["compilerOutput"]["evm"]["bytecode"]["object"]
    # Foundry's artifacts nest the code in an object; those here link no library.
    code = code["object"] if isinstance(code, dict) else code
    return bytes.fromhex(_linked(code.removeprefix("0x"), artifact.get("linkReferences", {}), dict(libraries)))


def _linked(code: str, references: dict[str, dict[str, list[dict[str, int]]]], libraries: dict[str, Address]) -> str:
    """Each library's address in its places, as byte offsets (Solidity's `linkReferences`); a place left is no hex."""
    for library, places in (each for file in references.values() for each in file.items() if each[0] in libraries):
        for start in (2 * place["start"] for place in places):
            code = code[:start] + libraries[library][2:].lower() + code[start + 40 :]
    return code


def anvil_binary() -> Path:
    """Raises `ToolMissing` where npm has not installed it, or carries none for this platform."""
    system = platform.system().lower()
    machine = "arm64" if platform.machine() in ("arm64", "aarch64") else "amd64"
    binary = node_modules() / f"@foundry-rs/anvil-{system}-{machine}/bin/anvil"
    if not binary.is_file():
        raise ToolMissing("anvil", _MEND)
    return binary


@cache
def node_modules() -> Path:
    """The nearest `node_modules` upward from this file, else from the working directory. Raises `ToolMissing`."""
    for start in (Path(__file__).resolve(), Path.cwd()):
        for folder in start.parents if start.is_file() else (start, *start.parents):
            if (folder / "node_modules/@foundry-rs").is_dir():
                return folder / "node_modules"
    raise ToolMissing("node_modules", _MEND)
