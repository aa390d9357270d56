"""Safe 1.3.0 to 1.5.0: EIP-712 transaction hash, execTransaction, and the state that a Safe is made of.

Source: safe-smart-account `Safe.sol`, `OwnerManager.sol`, `ModuleManager.sol`, `StorageAccessible.sol`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from strongroom.addresses import keccak, to_address, to_digest
from strongroom.model import NATIVE, Account, Address, Approval, Digest, Operation, SafeState, SafeTx
from strongroom.ports import Read
from strongroom.protocols.abi import decode_call, decode_values, encode_arguments, encode_call, view

EXEC = "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)"
EXECUTION_SUCCESS = "ExecutionSuccess(bytes32,uint256)"
EXECUTION_FAILURE = "ExecutionFailure(bytes32,uint256)"
_SIGNATURE_BYTES = 65
_CONTRACT = 0
"""The v of a signature that a contract is asked about."""
THRESHOLD_SLOT = 4
NONCE_SLOT = 5

_SENTINEL = Address("0x0000000000000000000000000000000000000001")
_DOMAIN = "EIP712Domain(uint256 chainId,address verifyingContract)"
_SAFE_TX = (
    "SafeTx(address to,uint256 value,bytes data,uint8 operation,uint256 safeTxGas,uint256 baseGas,"
    "uint256 gasPrice,address gasToken,address refundReceiver,uint256 nonce)"
)
SINGLETON_SLOT = 0
GUARD_SLOT = int.from_bytes(keccak(b"guard_manager.guard.address"), "big")
HANDLER_SLOT = int.from_bytes(keccak(b"fallback_manager.handler.address"), "big")
_MODULES_SHOWN = 100


def domain_separator(account: Account) -> bytes:
    return keccak(
        encode_arguments(["bytes32", "uint256", "address"], [keccak(_DOMAIN.encode()), account.chain_id, account.safe])
    )


def safe_tx_hash(tx: SafeTx) -> Digest:
    """The digest that owners sign (EIP-712 `SafeTx`, refund fields zero)."""
    types = ["bytes32", "address", "uint256", "bytes32", "uint8", *["uint256"] * 3, "address", "address", "uint256"]
    fields = [tx.to, tx.value_wei, keccak(tx.data), int(tx.operation), 0, 0, 0, NATIVE, NATIVE, tx.nonce]
    struct = keccak(encode_arguments(types, [keccak(_SAFE_TX.encode()), *fields]))
    return to_digest(keccak(b"\x19\x01" + domain_separator(tx.account) + struct))


def rejection(account: Account, nonce: int) -> SafeTx:
    """The Safe's customary rejection of whatever waits at a nonce: an empty call to itself, which only uses it up."""
    return SafeTx(account, account.safe, 0, b"", Operation.CALL, nonce)


def encode_exec(tx: SafeTx, signatures: bytes) -> bytes:
    """Calldata of `execTransaction`; refund fields zero."""
    return encode_call(EXEC, tx.to, tx.value_wei, tx.data, int(tx.operation), 0, 0, 0, NATIVE, NATIVE, signatures)


def decode_exec(account: Account, nonce: int, data: bytes) -> SafeTx:
    """The transaction inside `execTransaction` calldata. Raises `ValueError` when it asks for a refund."""
    to, value, inner, operation, *refund, _ = decode_call(EXEC, data)
    if refund != [0, 0, 0, NATIVE, NATIVE]:
        raise ValueError("the transaction pays a gas refund")
    return SafeTx(account, to, value, inner, Operation(operation), nonce)


def join_signatures(approvals: Iterable[Approval]) -> bytes:
    """Signatures in the order the Safe demands: ascending by owner, 65 bytes each. What a contract owner gave (v = 0,
    EIP-1271) follows them all, and its 65 bytes say where. Each comes in a form complete on its own. Raises
    `ValueError` on one that is not. Source: `Safe.sol` `checkNSignatures`."""
    ordered = sorted(approvals, key=lambda approval: int(approval.guardian, 16))
    heads, tails = b"", b""
    for head, given in (_parts(approval.signature) for approval in ordered):
        at = _SIGNATURE_BYTES * len(ordered) + len(tails)
        heads += head[:32] + at.to_bytes(32, "big") + head[64:] if given else head
        tails += given
    return heads + tails


def _parts(signature: bytes) -> tuple[bytes, bytes]:
    """The fixed 65 bytes, and for a contract's signature what follows: the length of its bytes, and they."""
    head = signature[:_SIGNATURE_BYTES]
    if len(head) < _SIGNATURE_BYTES:
        raise ValueError(f"a signature has at least {_SIGNATURE_BYTES} bytes, not {len(head)}")
    if head[64] != _CONTRACT:
        return head, b""
    start = int.from_bytes(head[32:64], "big")
    length = int.from_bytes(signature[start : start + 32], "big")
    given = signature[start : start + 32 + length]
    if start < _SIGNATURE_BYTES or len(given) != 32 + length:
        raise ValueError("a contract's signature points outside its own bytes")
    return head, given


def prevalidated(owner: Address) -> Approval:
    """The signature of an owner who is `msg.sender`, or has approved the hash on chain (v = 1)."""
    return Approval(owner, bytes(12) + bytes.fromhex(owner[2:]) + bytes(32) + b"\x01")


def state_reads(safe: Address) -> tuple[Read[Any], ...]:
    """Reads whose values `state_from` takes, all plain calls, so that they also work inside a simulation."""
    return (
        view(safe, "VERSION()", ["string"], str),
        _storage_read(safe, SINGLETON_SLOT),
        view(safe, "getOwners()", ["address[]"], tuple),
        view(safe, "getThreshold()", ["uint256"], int),
        view(safe, "nonce()", ["uint256"], int),
        view(
            safe,
            "getModulesPaginated(address,uint256)",
            ["address[]", "address"],
            _all_modules,
            [_SENTINEL, _MODULES_SHOWN],
        ),
        _storage_read(safe, GUARD_SLOT),
        _storage_read(safe, HANDLER_SLOT),
    )


def _all_modules(modules: Sequence[Address], following: Address) -> tuple[Address, ...]:
    if following != _SENTINEL:
        raise ValueError(f"more than {_MODULES_SHOWN} modules: those beyond would go unseen")
    return tuple(modules)


def _storage_read(safe: Address, slot: int) -> Read[Address]:
    return view(safe, "getStorageAt(uint256,uint256)", ["bytes"], address_in_word, [slot, 1])


def address_in_word(word: bytes) -> Address:
    """The address in a storage word. Raises `ValueError` unless it has 32 bytes."""
    if len(word) != 32:
        raise ValueError(f"a storage word has 32 bytes, not {len(word)}")
    return to_address(word[12:])


def state_from(values: Sequence[Any]) -> SafeState | None:
    """The state from what `state_reads` gave, or `None` when any read failed: then this is no Safe we know."""
    if any(value is None for value in values):
        return None
    version, singleton, owners, threshold, nonce, modules, guard, handler = values
    return SafeState(version, singleton, owners, threshold, nonce, modules, guard, handler)


def exec_succeeded(returned: bytes) -> bool:
    """The boolean that `execTransaction` returns."""
    return bool(decode_values(["bool"], returned)[0])
