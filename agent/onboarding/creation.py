"""A Safe that is not there yet: the address it will have, and the transaction that makes it. Nothing is sent.

Source: safe-smart-account 1.4.1 `SafeProxyFactory.sol` (`createProxyWithNonce`), `Safe.sol` (`setup`), EIP-1014.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.onboarding.chains import KnownChain, SafeContracts
from strongroom.addresses import keccak, to_address
from strongroom.chain.rpc import RpcChain
from strongroom.errors import BadValue, NodeRefused, NotDeployed, SetupError
from strongroom.model import NATIVE, Account, Address, Block
from strongroom.protocols.abi import encode_arguments, encode_call, view

_SETUP = "setup(address[],uint256,address,bytes,address,address,uint256,address)"
_CREATE = "createProxyWithNonce(address,bytes,uint256)"
_SENTINEL = Address("0x0000000000000000000000000000000000000001")


class SafeExists(SetupError):
    def __init__(self, safe: Address) -> None:
        super().__init__(f"a contract is at `{safe}` already; take it with `--safe`, or choose another `--salt`")


@dataclass(frozen=True, slots=True)
class NewSafe:
    """What any account may send, once, to make the Safe at `account`: `data` to the factory, without value."""

    account: Account
    owners: tuple[Address, ...]
    threshold: int
    factory: Address
    data: bytes


def plan_safe(chain: RpcChain, known: KnownChain, owners: Sequence[Address], threshold: int, salt: int) -> NewSafe:
    """A Safe for `owners` (1 <= `threshold` <= their number), `salt` below 2^256. Raises `BadValue` on owners that the
    Safe would refuse, `NotDeployed` where Safe's contracts are missing, `SafeExists`, `NodeError`."""
    _require_sane(owners, threshold, salt)
    handler = known.safe.fallback_handler
    initializer = encode_call(_SETUP, list(owners), threshold, NATIVE, b"", handler, NATIVE, 0, NATIVE)
    block = chain.head()
    _require_deployed(chain, known.safe, block)
    safe = _predicted(chain, known.safe, initializer, salt, block)
    data = encode_call(_CREATE, known.safe.singleton, initializer, salt)
    return NewSafe(Account(known.chain_id, safe), tuple(owners), threshold, known.safe.factory, data)


def _require_sane(owners: Sequence[Address], threshold: int, salt: int) -> None:
    if not owners or len(set(owners)) != len(owners):
        raise BadValue(", ".join(owners), "`--owners`", "name each owner once, with commas between")
    for owner in owners:
        if owner in (NATIVE, _SENTINEL):
            raise BadValue(owner, "`--owners`", "nobody has a key for it; name a real owner")
    if not 1 <= threshold <= len(owners):
        raise BadValue(threshold, "`--threshold`", f"between 1 and the {len(owners)} owners")
    if not 0 <= salt < 2**256:
        raise BadValue(salt, "`--salt`", "write a whole number below 2^256")


def _require_deployed(chain: RpcChain, contracts: SafeContracts, block: Block) -> None:
    needed = {
        "Safe proxy factory": contracts.factory,
        "Safe singleton": contracts.singleton,
        "Safe fallback handler": contracts.fallback_handler,
        "Safe MultiSendCallOnly": contracts.multisend,
    }
    for what, address in needed.items():
        if not chain.code(address, block):
            raise NotDeployed(what, address, "this chain has none there; name the right one with `--chains FILE`")


def _predicted(chain: RpcChain, contracts: SafeContracts, initializer: bytes, salt: int, block: Block) -> Address:
    """The address by our own computation; a trial run of the creation on the node must agree."""
    proxy_code = view(contracts.factory, "proxyCreationCode()", ["bytes"], bytes)
    trial = view(contracts.factory, _CREATE, ["address"], Address, [contracts.singleton, initializer, salt])
    code, created = chain.read([proxy_code, trial], block)
    if code is None:
        raise NotDeployed("Safe proxy factory", contracts.factory, "name the right one with `--chains FILE`")
    safe = _create2(contracts, code, initializer, salt)
    if chain.code(safe, block):
        raise SafeExists(safe)
    if created != safe:
        raise NodeRefused("eth_call", f"it would make the Safe at `{created}` instead of `{safe}`; use another node")
    return safe


def _create2(contracts: SafeContracts, proxy_code: bytes, initializer: bytes, salt: int) -> Address:
    salted = keccak(keccak(initializer) + salt.to_bytes(32, "big"))
    code_hash = keccak(proxy_code + encode_arguments(["address"], [contracts.singleton]))
    return to_address(keccak(b"\xff" + bytes.fromhex(contracts.factory[2:]) + salted + code_hash)[12:])
