"""What no leg ever calls on chain: functions that move or promise tokens, or hide further calls.

Source: `contracts/src/libraries/Forbidden.sol`, whose list is the document.
"""

from __future__ import annotations

from strongroom.protocols.abi import selector

_MOVING = (
    "transfer(address,uint256)",
    "transferFrom(address,address,uint256)",
    "transferFrom(address,address,uint160,address)",
    "transferFrom((address,address,uint160,address)[])",
    "transferAndCall(address,uint256,bytes)",
    "transferAndCall(address,uint256)",
    "transferFromAndCall(address,address,uint256,bytes)",
    "safeTransferFrom(address,address,uint256)",
    "safeTransferFrom(address,address,uint256,bytes)",
    "safeTransferFrom(address,address,uint256,uint256,bytes)",
    "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)",
    "send(address,uint256,bytes)",
    "operatorSend(address,address,uint256,bytes,bytes)",
    "transferFromAndCall(address,address,uint256)",
    "transfer(address,uint256,uint256)",
    "transferFrom(address,address,uint256,uint256)",
    "push(address,uint256)",
    "pull(address,uint256)",
    "move(address,address,uint256)",
)
_PROMISING = (
    "approve(address,uint256)",
    "approve(address,address,uint160,uint48)",
    "approveAndCall(address,uint256,bytes)",
    "approveDelegation(address,uint256)",
    "setApprovalForAll(address,bool)",
    "increaseAllowance(address,uint256)",
    "decreaseAllowance(address,uint256)",
    "increaseApproval(address,uint256)",
    "decreaseApproval(address,uint256)",
    "authorizeOperator(address)",
    "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
    "permit(address,address,uint256,uint256,bytes)",
    "permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)",
    "approveAndCall(address,uint256)",
    "increaseApprovalAndCall(address,uint256,bytes)",
    "decreaseApprovalAndCall(address,uint256,bytes)",
    "permit(address,uint256,uint256,bytes)",
    "permit(address,uint256,uint256,uint8,bytes32,bytes32)",
    "permitForAll(address,address,bool,uint256,uint256,bytes)",
    "approve(address,uint256,uint256)",
    "setOperator(address,bool)",
)
_HIDING = (
    "multicall(bytes[])",
    "multicall(uint256,bytes[])",
    "multicall(bytes32,bytes[])",
    "multiSend(bytes)",
    "execute(bytes,bytes[])",
    "execute(bytes,bytes[],uint256)",
    "execute(address,uint256,bytes)",
    "execute(bytes32,bytes)",
    "executeBatch(address[],bytes[])",
    "executeBatch(address[],uint256[],bytes[])",
    "executeBatch((address,uint256,bytes)[])",
    "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)",
    "execTransactionFromModule(address,uint256,bytes,uint8)",
    "execTransactionFromModuleReturnData(address,uint256,bytes,uint8)",
    "aggregate((address,bytes)[])",
    "tryAggregate(bool,(address,bytes)[])",
    "blockAndAggregate((address,bytes)[])",
    "tryBlockAndAggregate(bool,(address,bytes)[])",
    "aggregate3((address,bool,bytes)[])",
    "aggregate3Value((address,bool,uint256,bytes)[])",
    "execute(address,uint256,bytes,uint8)",
    "execute(uint256,address,uint256,bytes)",
)

FORBIDDEN = frozenset({bytes(4), *map(selector, (*_MOVING, *_PROMISING, *_HIDING))})
"""Selectors; zero, which calldata without a selector has, is one of them."""
