"""Putting the blueprint onto a fresh anvil: many transactions in one batch and one block."""

from __future__ import annotations

from strongroom.errors import NodeRefused, NotDeployed
from strongroom.world.anvil import BASE_FEE_WEI
from strongroom.world.contracts import Contracts, blueprint
from strongroom.world.node import Node, Request
from strongroom.world.people import DEPLOYER
from strongroom.world.script import Script

BLOCK_GAS_LIMIT = 60_000_000
_BUILDING_GAS_LIMIT = 2_000_000_000
_DEPLOYER_WEI = 1_000_000 * 10**18
_BLOCK_TRANSACTIONS = 30
"""Anvil works out each receipt from all of its block, so that larger blocks cost more than further ones."""


def build(node: Node) -> Contracts:
    """Deploys everything, then turns to a block a transaction. Raises `NodeRefused` unless all of it succeeded."""
    contracts, script = blueprint()
    node.ask_all(
        [
            ("anvil_setBalance", [DEPLOYER.address, hex(_DEPLOYER_WEI)]),
            ("evm_setBlockGasLimit", [hex(_BUILDING_GAS_LIMIT)]),
        ]
    )
    perform(node, script)
    node.ask_all(
        [
            ("evm_setBlockGasLimit", [hex(BLOCK_GAS_LIMIT)]),
            ("evm_setAutomine", [True]),
            ("anvil_setNextBlockBaseFeePerGas", [hex(BASE_FEE_WEI)]),
        ]
    )
    return contracts


def extend(node: Node, script: Script) -> None:
    """Mines a further sender's script on a chain that was built, in few blocks. Raises `NodeRefused`."""
    node.ask_all([("evm_setAutomine", [False]), ("evm_setBlockGasLimit", [hex(_BUILDING_GAS_LIMIT)])])
    try:
        perform(node, script)
    finally:
        node.ask_all([("evm_setBlockGasLimit", [hex(BLOCK_GAS_LIMIT)]), ("evm_setAutomine", [True])])


def perform(node: Node, script: Script) -> None:
    """Mines all the script's transactions, in order. Raises `NodeRefused` at the first block in which one fails."""
    requests = script.requests()
    for start in range(0, len(requests), _BLOCK_TRANSACTIONS):
        _mine(node, requests[start : start + _BLOCK_TRANSACTIONS], start)


def _mine(node: Node, transactions: list[Request], first: int) -> None:
    node.ask_all(transactions)
    node.ask("evm_mine")
    receipts, expected = node.ask("eth_getBlockReceipts", "latest"), len(transactions)
    failed = [first + int(receipt["transactionIndex"], 16) for receipt in receipts if receipt["status"] != "0x1"]
    if failed or len(receipts) != expected:
        raise NodeRefused("evm_mine", f"{len(receipts)} of {expected} transactions were mined, failed: `{failed}`")


def find(node: Node) -> Contracts:
    """The contracts of a world that already runs. Raises `NotDeployed` on any other chain."""
    contracts, _ = blueprint()
    if node.ask("eth_getCode", contracts.safe, "latest") == "0x":
        raise NotDeployed("world", contracts.safe, "start one with `strongroom world up`")
    return contracts
