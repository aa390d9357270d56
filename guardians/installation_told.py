"""What the calls of an installation leave open, read from them or from the Kernel that stands already: all else follows
from a guardian's own documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from guardians.inheritance import Former
from guardians.made_before import levels_at_birth
from guardians.ours import FACTORY, is_factory
from policies.terms import PolicyDocument
from strongroom.model import Address, Block, Call, Digest, Facts
from strongroom.ports import Chain
from strongroom.protocols.kernel import decode_birth, state_from, state_reads
from strongroom.protocols.safe_changes import read_change
from strongroom.wallet.deploy import SALT_BYTES, artifact, made_by


@dataclass(frozen=True, slots=True)
class Told:
    """The Kernel, its agent, and the factory. `levels`, in units by bucket, are what it begins with; `None` where it
    stands already and its own events tell."""

    kernel: Address
    agent: Address
    levels: Mapping[Digest, int] | None
    factory: Address


def told_by(chain: Chain, calls: Sequence[Call], document: PolicyDocument, facts: Facts) -> Told | None:
    """Of the Kernel that is made here, or, where somebody has made it before, of the one that is enabled. Raises
    `ValueError` for a birth that cannot be read, and `NodeError`."""
    creation = artifact("Kernel").creation
    for call in calls:
        if call.data[SALT_BYTES:].startswith(creation):
            born = decode_birth(call.data[SALT_BYTES + len(creation) :])
            return Told(made_by(call), born.agent, {each.key: each.level_units for each in born.buckets}, call.to)
    told = (read_change(call.data) for call in calls if call.to == document.account.safe)
    enabled = [Address(str(each.arguments[0])) for each in told if each.function == "enableModule"]
    return _standing(chain, enabled[0], calls, facts.block) if enabled else None


def _standing(chain: Chain, kernel: Address, calls: Sequence[Call], block: Block) -> Told | None:
    state = state_from(kernel, chain.read(state_reads(kernel), block), {}, False)
    if state is None:
        return None
    factory = next((call.to for call in calls if is_factory(chain, call.to, block)), FACTORY)
    return Told(kernel, state.agent, None, factory)


def levels_of(chain: Chain, told: Told, former: Former | None, block: Block) -> Mapping[Digest, int] | None:
    """The levels that the Kernel is born with, where they cover what the former one has spent. Raises `ValueError` for
    lower ones, and `NodeError`; without a former Kernel there are none."""
    if former is None:
        return None
    levels = levels_at_birth(chain, told.kernel, block) if told.levels is None else told.levels
    if any(levels.get(key, 0) < least for key, least in former.levels.items()):
        raise ValueError("a bucket of the new Kernel has more room than the old one's")
    return levels
