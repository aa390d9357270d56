"""Deployable bytecode and the anvil binary, found in the checkout's `node_modules`."""

from __future__ import annotations

import json
import platform
from functools import cache
from pathlib import Path

from strongroom.errors import ToolMissing

_SAFE = "@safe-global/safe-contracts/build/artifacts/contracts"
_HANDLER = f"{_SAFE}/handler/CompatibilityFallbackHandler.sol"
_V3_PERIPHERY = "@uniswap/v3-periphery/artifacts/contracts"

ARTIFACTS = {
    "WETH9": "@aave/core-v3/artifacts/contracts/dependencies/weth/WETH9.sol/WETH9.json",
    "MintableERC20": "@aave/core-v3/artifacts/contracts/mocks/tokens/MintableERC20.sol/MintableERC20.json",
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
    "EACAggregatorProxy": "@chainlink/abi/v0.6/EACAggregatorProxy.json",
    "MockV3Aggregator": "@chainlink/abi/v0.6/tests/MockV3Aggregator.json",
}

_MEND = "run `make setup` in the checkout"


@cache
def creation_code(name: str) -> bytes:
    """Unlinked creation bytecode of one of `ARTIFACTS`, without constructor arguments. Raises `ToolMissing`."""
    path = node_modules() / ARTIFACTS[name]
    if not path.is_file():
        raise ToolMissing(ARTIFACTS[name], _MEND)
    artifact = json.loads(path.read_bytes())
    # Chainlink's package nests the compiler's own output.
    code = artifact["bytecode"] if "bytecode" in artifact else artifact["compilerOutput"]["evm"]["bytecode"]["object"]
    return bytes.fromhex(code.removeprefix("0x"))


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
