"""OpenZeppelin's and Solmate's vaults, compiled from npm's sources, at any assets and supply."""

from __future__ import annotations

import json
import posixpath
import re
import subprocess
from functools import cache

from simulations.pools.erc4626 import Vault
from strongroom.protocols.abi import encode_call
from strongroom.world.artifacts import creation_code, node_modules
from tests.simulations.deployed import Machine

_OPEN = "@uniswap/v4-core/lib/openzeppelin-contracts/contracts/token/ERC20/extensions/ERC4626.sol"
_PLAIN = "@uniswap/v4-core/lib/solmate/src/mixins/ERC4626.sol"
_VAULTS = f"""// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;
import {{ERC4626 as Open, ERC20 as OpenToken, IERC20}} from "{_OPEN}";
import {{ERC4626 as Plain, ERC20 as PlainToken}} from "{_PLAIN}";
contract OpenVault is Open {{
    uint256 assets; uint256 shares; uint8 immutable offset;
    constructor(IERC20 token, uint8 places) Open(token) OpenToken("V", "V") {{ offset = places; }}
    function set(uint256 a, uint256 s) external {{ assets = a; shares = s; }}
    function totalAssets() public view override returns (uint256) {{ return assets; }}
    function totalSupply() public view override(IERC20, OpenToken) returns (uint256) {{ return shares; }}
    function _decimalsOffset() internal view override returns (uint8) {{ return offset; }}
}}
contract PlainVault is Plain {{
    uint256 assets;
    constructor(PlainToken token) Plain(token, "V", "V") {{}}
    function set(uint256 a, uint256 s) external {{ assets = a; totalSupply = s; }}
    function totalAssets() public view override returns (uint256) {{ return assets; }}
}}
"""
OFFSETS = (0, 6, 12, None)
_MOST = 2**256 - 1
_PREVIEWS = ("deposit", "mint", "withdraw", "redeem")


def sources(start, text, found):
    """`text` and all that it imports, by path inside `node_modules`."""
    found[start] = {"content": text}
    for name in re.findall(r'^import[^;]*?"([^"]+)"', text, re.MULTILINE):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(start), name)) if name.startswith(".") else name
        if path not in found:
            sources(path, (node_modules() / path).read_text(), found)
    return found


@cache
def vault_codes():
    """Creation code of both by the compiler that the contracts use."""
    outputs = {"*": {"*": ["evm.bytecode.object"]}}
    task = {
        "language": "Solidity",
        "sources": sources("vaults.sol", _VAULTS, {}),
        "settings": {"outputSelection": outputs},
    }
    compiler = node_modules().parent / "tools/solc"
    done = subprocess.run([compiler], input=json.dumps(task), capture_output=True, text=True, check=True, timeout=120)
    made = json.loads(done.stdout)["contracts"]["vaults.sol"]
    return {name: bytes.fromhex(made[name]["evm"]["bytecode"]["object"]) for name in ("OpenVault", "PlainVault")}


def amounts(draw):
    edges = [0, 1, 2, 10**6, 10**18, 2**128, _MOST, _MOST - 10**6, 2 ** draw.randint(1, 256) - 1, draw.randint(1, 100)]
    return min(
        max(draw.choice([*edges, draw.randint(0, 2 ** draw.randint(1, 256) - 1)]) + draw.choice((-1, 0, 1)), 0), _MOST
    )


def usual(draw):
    """What vaults hold: up to 2^100."""
    return draw.randint(0, 2 ** draw.randint(1, 100))


def vault_answers(draw, states):
    """`states` sets of assets and supply, each at every kind of vault: (asked, ours, theirs)."""
    machine = Machine()
    token = machine.create(creation_code("MintableERC20"), ["string", "string", "uint8"], ["T", "T", 6])
    open_code, plain_code = vault_codes()["OpenVault"], vault_codes()["PlainVault"]
    places = {
        offset: machine.create(plain_code, ["address"], [token])
        if offset is None
        else machine.create(open_code, ["address", "uint8"], [token, offset])
        for offset in OFFSETS
    }
    for _ in range(states):
        size = draw.choice([amounts, usual, usual])
        held, shares = size(draw), size(draw)
        for offset, place in places.items():
            machine.send(place, encode_call("set(uint256,uint256)", held, shares))
            for name in _PREVIEWS:
                amount, vault = draw.choice([amounts, usual])(draw), Vault(held, shares, offset)
                answer = machine.ask(place, encode_call(f"preview{name.capitalize()}(uint256)", amount))
                theirs = None if answer is None else int.from_bytes(answer, "big")
                yield (vault, name, amount), getattr(vault, name)(amount), theirs
