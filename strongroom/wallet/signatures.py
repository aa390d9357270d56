"""Safe signatures: splitting the concatenated form, naming each signer, and whether the Safe itself would accept it.

Source: safe-smart-account `Safe.sol` `checkNSignatures` (the meaning of v), EIP-1271 for contract owners.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from strongroom.addresses import keccak
from strongroom.model import NATIVE, Address, Block, SafeTx
from strongroom.ports import Chain, Read
from strongroom.protocols.abi import encode_call, view

EOA, ETH_SIGN, CONTRACT, APPROVED_HASH = "EOA", "ETH_SIGN", "CONTRACT_SIGNATURE", "APPROVED_HASH"
_SAFE_TX = [
    {"name": name, "type": kind}
    for name, kind in (
        ("to", "address"),
        ("value", "uint256"),
        ("data", "bytes"),
        ("operation", "uint8"),
        ("safeTxGas", "uint256"),
        ("baseGas", "uint256"),
        ("gasPrice", "uint256"),
        ("gasToken", "address"),
        ("refundReceiver", "address"),
        ("nonce", "uint256"),
    )
]
_BY_HASH = ("isValidSignature(bytes32,bytes)", bytes.fromhex("1626ba7e"))
_BY_PREIMAGE = ("isValidSignature(bytes,bytes)", bytes.fromhex("20c13b0b"))


@dataclass(frozen=True, slots=True)
class Signed:
    """One signature. `signature` is complete on its own; `payload` is what a contract signer is asked about."""

    owner: Address
    kind: str
    signature: bytes
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Signable:
    """What was signed: the EIP-712 preimage, whose Keccak-256 is the digest."""

    preimage: bytes

    @property
    def digest(self) -> bytes:
        return keccak(self.preimage)


def signable(domain: dict[str, Any], types: dict[str, Any], message: dict[str, Any]) -> Signable:
    """A typed message (EIP-712)."""
    from eth_account.messages import encode_typed_data

    encoded = encode_typed_data(domain_data=domain, message_types=types, message_data=message)
    return Signable(b"\x19" + encoded.version + encoded.header + encoded.body)


def safe_signable(chain_id: int, safe: str, message: dict[str, Any]) -> Signable:
    """A Safe's transaction by its EIP-712 names, refund fields included, as humans may have set them."""
    return signable({"chainId": chain_id, "verifyingContract": safe}, {"SafeTx": _SAFE_TX}, message)


def signable_of(tx: SafeTx) -> Signable:
    """A transaction of ours, which pays no refund; its digest is `protocols.safe.safe_tx_hash`."""
    message = {
        "to": tx.to,
        "value": tx.value_wei,
        "data": tx.data,
        "operation": int(tx.operation),
        **dict.fromkeys(("safeTxGas", "baseGas", "gasPrice"), 0),
        **dict.fromkeys(("gasToken", "refundReceiver"), NATIVE),
        "nonce": tx.nonce,
    }
    return safe_signable(tx.account.chain_id, tx.account.safe, message)


def split_signatures(signatures: bytes, digest: bytes) -> tuple[Signed, ...]:
    """Each signature in `signatures` with the signer it names. Raises `ValueError` when one is not a signature at all.

    A contract's or a pre-approved signature only *claims* its owner; `stands` tells whether the claim is true.
    """
    from safe_eth.safe.safe_signature import SafeSignature

    if len(signatures) < 65:
        raise ValueError("a signature has at least 65 bytes")
    # These bytes come from strangers and the parser documents no errors of its own.
    try:
        return tuple(_signed(part) for part in SafeSignature.parse_signature(signatures, digest))
    except Exception as error:
        raise ValueError("not a signature") from error


def _signed(part: Any) -> Signed:
    owner = Address(part.owner)
    if owner == NATIVE:
        raise ValueError("no key recovers from it")
    payload = bytes(getattr(part, "contract_signature", b""))
    return Signed(owner, part.signature_type.name, bytes(part.export_signature()), payload)


def stands(signed: Signed, of: Signable, safe: Address, version: str, chain: Chain, block: Block) -> bool:
    """Whether a Safe of `version` at `safe` would take this signature over `of` at `block`.

    A contract signer is asked exactly as that Safe asks it: by hash from 1.5.0, by preimage before. A call that
    reverts, or answers anything but the full magic word, is no approval, whatever its bytes say.
    """
    if signed.kind in (EOA, ETH_SIGN):
        return True
    if signed.kind == APPROVED_HASH:
        return bool(chain.read([read_approved(safe, signed.owner, of.digest)], block)[0])
    if signed.kind == CONTRACT:
        return chain.read([_contract_check(signed, of, version)], block)[0] is True
    return False


def read_approved(safe: Address, owner: Address, digest: bytes) -> Read[bool]:
    """Whether `owner` has called `approveHash(digest)` on the Safe."""
    return view(safe, "approvedHashes(address,bytes32)", ["uint256"], bool, [owner, digest])


def _contract_check(signed: Signed, of: Signable, version: str) -> Read[bool]:
    by_hash = asks_by_hash(version)
    signature, magic = _BY_HASH if by_hash else _BY_PREIMAGE
    data = encode_call(signature, of.digest if by_hash else of.preimage, signed.payload)
    # The whole word is compared: a fallback that echoes its input, or short returned bytes, must not pass.
    return Read(signed.owner, data, lambda returned: returned == magic.ljust(32, b"\0"))


def asks_by_hash(version: str) -> bool:
    """Whether Safes of `version` (such as `1.4.1`, `1.3.0+L2`) ask contract owners by hash: from 1.5.0 on."""
    numbers = version.partition("+")[0].split(".")
    return [int(part) if part.isdigit() else 0 for part in numbers] >= [1, 5, 0]
