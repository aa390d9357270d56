"""The Kernel: its birth, buckets, changes, and the state that facts hold. Source: `contracts/src/interfaces`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.addresses import from_digest, keccak, to_address, to_digest
from strongroom.model import Account, Address, Bucket, Digest, KernelState
from strongroom.ports import Read
from strongroom.protocols.abi import decode_values, encode_arguments, encode_call, view

ACTIONS = Address("0x0000000000000000000000000000000000000001")
"""The bucket (ACTIONS, class 0) counts the agent's calls, `ACTION_UNITS` each."""
LOSSES = Address("0x0000000000000000000000000000000000000002")
"""The bucket (LOSSES, class 0) counts what swaps lost, in USD scaled by 1e8."""
ACTION_UNITS = 1_000_000
MIN_DELAY_SECONDS, MIN_WINDOW_SECONDS, MAX_DELAY_SECONDS = 3_600, 86_400, 30 * 86_400
"""What a Kernel takes as its delays and as its window; each is at most the last."""

_SETTING = "(address,uint32,uint96,uint96,uint32)"
_BIRTH = f"(address,address,address,bytes32,address[],bytes32,bytes32,{_SETTING}[],uint32,uint32,uint32)"


@dataclass(frozen=True, slots=True)
class BucketSetting:
    """Limits of the bucket (token, class): at most `capacity_units` at once, draining whole in `drain_seconds`."""

    token: Address
    bucket_class: int
    capacity_units: int
    drain_seconds: int
    level_units: int = 0

    @property
    def key(self) -> Digest:
        return bucket_key(self.token, self.bucket_class)

    @property
    def fields(self) -> tuple[Any, ...]:
        return self.token, self.bucket_class, self.capacity_units, self.level_units, self.drain_seconds


@dataclass(frozen=True, slots=True)
class Birth:
    """All that a Kernel is born with; an agent with code is not supported."""

    safe: Address
    registry: Address
    agent: Address
    guardians: tuple[Address, ...]
    root: Digest
    document_hash: Digest
    buckets: tuple[BucketSetting, ...]
    config_delay_seconds: int
    rekey_delay_seconds: int
    window_seconds: int

    @property
    def encoded(self) -> bytes:
        """The constructor's arguments."""
        buckets = [setting.fields for setting in self.buckets]
        hashes = [bytes(32), list(self.guardians), from_digest(self.root), from_digest(self.document_hash), buckets]
        delays = [self.config_delay_seconds, self.rekey_delay_seconds, self.window_seconds]
        return encode_arguments([_BIRTH], [(self.safe, self.registry, self.agent, *hashes, *delays)])


def decode_birth(arguments: bytes) -> Birth:
    """The birth in a constructor's arguments. Raises `ValueError` on other bytes, and for an agent with code."""
    (fields,) = decode_values([_BIRTH], arguments)
    safe, registry, agent, code_hash, guardians, root, document_hash, buckets, config, rekey, window = fields
    born = Birth(
        safe=to_address(safe),
        registry=to_address(registry),
        agent=to_address(agent),
        guardians=tuple(map(to_address, guardians)),
        root=to_digest(root),
        document_hash=to_digest(document_hash),
        buckets=tuple(BucketSetting(to_address(at), of, most, drain, level) for at, of, most, level, drain in buckets),
        config_delay_seconds=config,
        rekey_delay_seconds=rekey,
        window_seconds=window,
    )
    if born.encoded != arguments or any(code_hash):
        raise ValueError("not the arguments of a Kernel whose agent is a key")
    return born


def bucket_key(token: Address, bucket_class: int) -> Digest:
    return to_digest(keccak(encode_arguments(["address", "uint32"], [token, bucket_class])))


def class_number(name: str) -> int:
    """The Kernel's number for a class of the policy: the first four bytes of its name's Keccak-256, so that it depends
    on no other class. Zero is the Kernel's own."""
    return int.from_bytes(keccak(name.encode())[:4], "big") or 1


def encode_pause() -> bytes:
    return encode_call("pause()")


def encode_block(target: Address) -> bytes:
    return encode_call("blockAddress(address)", target)


def encode_rekey(agent: Address, dropped: Sequence[Address] = ()) -> bytes:
    """Names a new agent without code; announced by the Safe first."""
    return encode_call("rekey(address,bytes32,address[])", agent, bytes(32), list(dropped))


def encode_set_policy(root: Digest, document_hash: Digest, buckets: Sequence[BucketSetting]) -> bytes:
    settings = [setting.fields for setting in buckets]
    return encode_call(
        f"setPolicy(bytes32,bytes32,{_SETTING}[])", from_digest(root), from_digest(document_hash), settings
    )


def encode_add_guardian(guardian: Address) -> bytes:
    """For the Safe to send; at once."""
    return encode_call("addGuardian(address)", guardian)


def encode_announce(call: bytes) -> bytes:
    """The Safe announces the exact calldata of `rekey` or `setPolicy`."""
    return encode_call("announce(bytes)", call)


def encode_enable_module(module: Address) -> bytes:
    return encode_call("enableModule(address)", module)


def encode_disable_module(previous: Address, module: Address) -> bytes:
    """`previous` is the module before it in the Safe's list, or the sentinel 0x…01."""
    return encode_call("disableModule(address,address)", previous, module)


def state_reads(kernel: Address) -> tuple[Read[Any], ...]:
    """Reads whose values `state_from` takes."""
    return (
        view(kernel, "safe()", ["address"], str),
        view(kernel, "agent()", ["address"], str),
        view(kernel, "epoch()", ["uint32"], int),
        view(kernel, "version()", ["uint32"], int),
        view(kernel, "paused()", ["bool"], bool),
        view(kernel, "root()", ["bytes32"], to_digest),
        view(kernel, "documentHash()", ["bytes32"], to_digest),
        view(kernel, "rekeyDelay()", ["uint32"], int),
    )


@dataclass(frozen=True, slots=True)
class FixedTerms:
    """What a Kernel has for good: the registry that gates it (zero: none) and its delays."""

    registry: Address
    config_delay_seconds: int
    rekey_delay_seconds: int
    window_seconds: int


def fixed_reads(kernel: Address) -> tuple[Read[Any], ...]:
    """Reads whose values `fixed_from` takes."""
    return (
        view(kernel, "registry()", ["address"], str),
        view(kernel, "configDelay()", ["uint32"], int),
        view(kernel, "rekeyDelay()", ["uint32"], int),
        view(kernel, "window()", ["uint32"], int),
    )


def fixed_from(values: Sequence[Any]) -> FixedTerms | None:
    """The terms from what `fixed_reads` gave, or `None` when any read failed: then this is no Kernel."""
    return None if any(value is None for value in values) else FixedTerms(*values)


def guardian_read(kernel: Address, account: Address) -> Read[bool]:
    """Whether `account` may pause, block and veto: a guardian of the Kernel's, or an owner of its Safe."""
    return view(kernel, "isGuardian(address)", ["bool"], bool, [account])


def agent_code_read(kernel: Address) -> Read[Digest]:
    """The code hash that the agent must have; zero for a plain key."""
    return view(kernel, "agentCodeHash()", ["bytes32"], to_digest)


def bucket_read(kernel: Address, key: Digest) -> Read[Bucket]:
    fields = ["uint96", "uint96", "uint32", "uint32"]
    return Read(
        kernel, encode_call("bucket(bytes32)", from_digest(key)), lambda data: Bucket(*decode_values(fields, data))
    )


def available_read(kernel: Address, key: Digest) -> Read[int]:
    """Units that could be spent from the bucket now."""
    return view(kernel, "available(bytes32)", ["uint256"], int, [from_digest(key)])


def burned_read(kernel: Address, key: Address) -> Read[bool]:
    return view(kernel, "burned(address)", ["bool"], bool, [key])


def blocked_read(kernel: Address, target: Address) -> Read[bool]:
    """Whether a guardian has stopped this payee, venue, token or price source."""
    return view(kernel, "blocked(address)", ["bool"], bool, [target])


def revoked_read(kernel: Address, leaf: Digest) -> Read[bool]:
    """Whether the Safe has revoked the rule of this leaf under the present version of the policy."""
    return view(kernel, "revoked(bytes32)", ["bool"], bool, [from_digest(leaf)])


def state_from(
    kernel: Address, values: Sequence[Any], buckets: dict[Digest, Bucket], enabled: bool
) -> KernelState | None:
    """The state from what `state_reads` gave, or `None` when any read failed: then this is no Kernel."""
    if any(value is None for value in values):
        return None
    safe, agent, epoch, version, paused, root, document_hash, rekey_delay = values
    return KernelState(kernel, safe, enabled, agent, epoch, version, paused, root, document_hash, rekey_delay, buckets)


def action_hash(account: Account, kernel: Address, data: bytes) -> Digest:
    """The binding of a Kernel call: keccak(abi.encode(chain id, kernel, keccak(calldata with a zero leaf)))."""
    types = ["uint256", "address", "bytes32"]
    return to_digest(keccak(encode_arguments(types, [account.chain_id, kernel, keccak(data)])))
