"""A planned contract that stands already: whoever sends the factory the planned bytes makes it, before the owners do.

Nothing about it can be another: its address commits to code and arguments (EIP-1014). What may have happened since is
looked at here, so that nobody can make a signed installation worthless by being faster.
"""

from __future__ import annotations

from guardians.blueprint import WatchPlan
from guardians.ours import is_ours
from strongroom.errors import MadeAndUsed, NotDeployed
from strongroom.model import NATIVE, Account, Address, Block, Digest
from strongroom.observe import Subject, announced_runs
from strongroom.ports import Chain
from strongroom.protocols.kernel import MAX_DELAY_SECONDS, Birth, state_from, state_reads
from strongroom.protocols.kernel_events import BUCKET_SET_TOPIC, read_bucket_set
from strongroom.protocols.kernel_runs import COUNTERS_SLOT
from strongroom.protocols.watch import mark_reads

_LOOKED_BACK_SECONDS = 90 * 86_400
_OTHER_KEY = "plan with another agent's key: that is another Kernel"


def require_unused(chain: Chain, account: Account, birth: Birth, kernel: Address, block: Block) -> None:
    """The Kernel of this birth that stands at its planned address is as it was born: the same agent, live, no change
    of it announced or made, nothing announced by its agent. Blocked addresses only stop payments. Raises `MadeAndUsed`,
    or `NodeError` where that cannot be known."""
    if not is_ours(chain, "Kernel", kernel, block):
        raise NotDeployed("Kernel of this version", kernel, "ask another node")
    state = state_from(kernel, chain.read(state_reads(kernel), block), {}, False)
    if state is None:
        raise NotDeployed("Kernel", kernel, "it does not answer; ask another node")
    if state.paused:
        raise MadeAndUsed("Kernel", kernel, "it is paused", _OTHER_KEY)
    found = (state.agent, state.epoch, state.version, state.root, state.document_hash)
    # One word counts all that was ever announced by the Safe, and all that was ever voided.
    (counters,) = chain.storage(kernel, [COUNTERS_SLOT], block)
    if found != (birth.agent, 0, 1, birth.root, birth.document_hash) or any(counters):
        raise MadeAndUsed("Kernel", kernel, "it has been changed since", _OTHER_KEY)
    subject = Subject(account, (), {}, None, 0, kernel, announced_seconds=2 * MAX_DELAY_SECONDS)
    if announced_runs(chain, subject, state, block):
        why = "its agent has announced payments there, whose delay would be over too soon"
        raise MadeAndUsed("Kernel", kernel, why, _OTHER_KEY)


def require_same_mark(chain: Chain, planned: WatchPlan | None, block: Block) -> None:
    """A planned watch that stands already took its predecessor's mark when it was made; that may be another since.
    Raises `MadeAndUsed`."""
    if planned is None or planned.birth.predecessor == NATIVE or not chain.code(planned.watch.address, block):
        return
    tokens = tuple(each.token for each in planned.birth.watched)
    made = chain.read(mark_reads(planned.watch.address, tokens), block)
    if made != chain.read(mark_reads(planned.birth.predecessor, tokens), block):
        why, mend = "its mark is not its predecessor's any more", "write another `expiry_blocks` into [watch]"
        raise MadeAndUsed("watch", planned.watch.address, why, mend)


def levels_at_birth(chain: Chain, kernel: Address, block: Block) -> dict[Digest, int]:
    """The level that each bucket of a Kernel began with, in units, by its own events of the last 90 days; empty from a
    node that shows none, and then its address is not the one that these levels commit to. Raises `NodeError`."""
    since = max(0, block.timestamp - _LOOKED_BACK_SECONDS)
    told = (read_bucket_set(each) for each in chain.events(kernel, [BUCKET_SET_TOPIC], since, block))
    levels: dict[Digest, int] = {}
    for key, level_units in told:
        levels.setdefault(key, level_units)
    return levels
