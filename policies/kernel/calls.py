"""Every call that changes a Kernel. A change that the Safe announces first has the calldata that it is announced by."""

from __future__ import annotations

from dataclasses import dataclass

from policies.kernel.rules import Leg, Pay
from strongroom.addresses import from_digest
from strongroom.model import Address, Digest
from strongroom.protocols.abi import encode_call
from strongroom.protocols.kernel import BucketSetting, encode_set_policy


@dataclass(frozen=True, slots=True)
class PayCall:
    """`pay`: one payment of the agent's."""

    rule: Pay
    units: int
    proof: tuple[Digest, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """`run`: the agent's legs, or a guardian's exits."""

    legs: tuple[Leg, ...]


@dataclass(frozen=True, slots=True)
class AnnounceRun:
    """`announceRun`: the agent says which legs it will run."""

    legs: tuple[Leg, ...]


@dataclass(frozen=True, slots=True)
class VetoRun:
    """`vetoRun`: a guardian kills the announced run."""

    run_id: Digest


@dataclass(frozen=True, slots=True)
class Pause:
    """`pause`"""


@dataclass(frozen=True, slots=True)
class Block:
    """`blockAddress`: a guardian stops an address."""

    target: Address


@dataclass(frozen=True, slots=True)
class Announce:
    """`announce`: the Safe announces calldata."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Cancel:
    """`cancel`: the Safe takes an announcement back."""

    change: Digest


@dataclass(frozen=True, slots=True)
class Veto:
    """`veto`: a guardian votes against a change."""

    change: Digest


@dataclass(frozen=True, slots=True)
class AddGuardian:
    """`addGuardian`: the Safe's, at once."""

    guardian: Address


@dataclass(frozen=True, slots=True)
class LowerBucket:
    """`lowerBucket`: the Safe's, at once."""

    setting: BucketSetting


@dataclass(frozen=True, slots=True)
class Revoke:
    """`revoke`: the Safe's, at once."""

    rule: Digest


@dataclass(frozen=True, slots=True)
class SetPolicy:
    """`setPolicy`, announced."""

    root: Digest
    document_hash: Digest
    settings: tuple[BucketSetting, ...]

    @property
    def calldata(self) -> bytes:
        return encode_set_policy(self.root, self.document_hash, self.settings)


@dataclass(frozen=True, slots=True)
class RemoveGuardian:
    """`removeGuardian`, announced."""

    guardian: Address

    @property
    def calldata(self) -> bytes:
        return encode_call("removeGuardian(address)", self.guardian)


@dataclass(frozen=True, slots=True)
class Unblock:
    """`unblockAddress`, announced."""

    target: Address

    @property
    def calldata(self) -> bytes:
        return encode_call("unblockAddress(address)", self.target)


@dataclass(frozen=True, slots=True)
class Rekey:
    """`rekey`, announced."""

    agent: Address
    code_hash: Digest
    dropped: tuple[Address, ...]

    @property
    def calldata(self) -> bytes:
        return encode_call(
            "rekey(address,bytes32,address[])", self.agent, from_digest(self.code_hash), list(self.dropped)
        )


Change = SetPolicy | RemoveGuardian | Unblock | Rekey
"""What waits for an announcement."""
AnyCall = (
    PayCall | Run | AnnounceRun | VetoRun | Pause | Block | Announce | Cancel | Veto | AddGuardian | LowerBucket
) | (Revoke | Change)
