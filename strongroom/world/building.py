"""Putting the blueprint onto a fresh anvil: all transactions in one batch, all in one block."""

from __future__ import annotations

from strongroom.errors import NodeRefused, NotDeployed
from strongroom.world.anvil import BASE_FEE_WEI
from strongroom.world.contracts import Contracts, blueprint
from strongroom.world.node import Node
from strongroom.world.people import DEPLOYER

BLOCK_GAS_LIMIT = 60_000_000
_BUILDING_GAS_LIMIT = 2_000_000_000
_DEPLOYER_WEI = 1_000_000 * 10**18


def build(node: Node) -> Contracts:
    """Deploys everything, then turns to a block a transaction. Raises `NodeRefused` unless all of it succeeded."""
    contracts, script = blueprint()
    node.ask_all(
        [
            ("anvil_setBalance", [DEPLOYER.address, hex(_DEPLOYER_WEI)]),
            ("evm_setBlockGasLimit", [hex(_BUILDING_GAS_LIMIT)]),
        ]
    )
    node.ask_all(script.requests())
    node.ask("evm_mine")
    _require_success(node, len(script.transactions))
    node.ask_all(
        [
            ("evm_setBlockGasLimit", [hex(BLOCK_GAS_LIMIT)]),
            ("evm_setAutomine", [True]),
            ("anvil_setNextBlockBaseFeePerGas", [hex(BASE_FEE_WEI)]),
        ]
    )
    return contracts


def _require_success(node: Node, expected: int) -> None:
    receipts = node.ask("eth_getBlockReceipts", "latest")
    failed = [int(receipt["transactionIndex"], 16) for receipt in receipts if receipt["status"] != "0x1"]
    if failed or len(receipts) != expected:
        raise NodeRefused("evm_mine", f"{len(receipts)} of {expected} transactions were mined, failed: `{failed}`")


def find(node: Node) -> Contracts:
    """The contracts of a world that already runs. Raises `NotDeployed` on any other chain."""
    contracts, _ = blueprint()
    if node.ask("eth_getCode", contracts.safe, "latest") == "0x":
        raise NotDeployed("world", contracts.safe, "start one with `strongroom world up`")
    return contracts
