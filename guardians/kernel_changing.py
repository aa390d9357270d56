"""Whether a proposal is about the Safe's Kernel: what it announces there, takes back or makes, and what speaks against
signing it.

The policy's engine denies every one of them: the agent never proposes any. A guardian may sign one all the same, where
it brings what the guardian's own documents say, tightens, or was named by the guardian.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from guardians.caps import CapChange, caps_changed
from guardians.changes import StandingKernel, find_kernel
from guardians.changing import Deed, require_named
from guardians.planned_beside import Beside, plan_besides
from policies.document import document_hash
from policies.effects import inner_calls
from policies.grants import compile_policy
from policies.meters import meters
from policies.terms import PolicyDocument
from strongroom.errors import AgentUnnamed, BadValue, NotThePolicy, OtherAgent, TooEarly, Unannounced, WouldRevert
from strongroom.model import Address, Bucket, Digest, Facts, Operation, Rehearsal, SafeTx
from strongroom.ports import Chain
from strongroom.protocols.kernel import bucket_read, encode_set_policy
from strongroom.protocols.kernel_changes import KernelChange, named_change, read_kernel_change
from strongroom.protocols.kernel_events import pending_read
from strongroom.protocols.multisend import is_call_only
from strongroom.protocols.owner_guard import AnnouncedChange, decode_announce_change
from strongroom.protocols.safe_changes import Change
from strongroom.quantities import format_moment, format_seconds


@dataclass(frozen=True, slots=True)
class KernelStep:
    """One call to the Kernel. `standing`: the announcement in force of what it makes or takes back. `is_own_policy`:
    whether what it sets is the guardian's own policy.toml, to the last byte; `None` where it sets none."""

    deed: Deed
    change: KernelChange
    standing: AnnouncedChange | None = None
    is_own_policy: bool | None = None
    caps: tuple[CapChange, ...] = ()


@dataclass(frozen=True, slots=True)
class KernelChanging:
    """The steps of a proposal, in order, at block time `at`, and what goes with them as the guardian's own documents
    plan it. `is_whole`: there is nothing else in it. `known` are the guardians whom those documents name."""

    kernel: StandingKernel
    steps: tuple[KernelStep | Beside, ...]
    is_whole: bool
    at: int
    known: frozenset[Address]

    @property
    def own(self) -> tuple[KernelStep, ...]:
        """The steps at the Kernel itself."""
        return tuple(step for step in self.steps if isinstance(step, KernelStep))

    @property
    def agents(self) -> tuple[Address, ...]:
        """Whom it gives the Kernel to."""
        return tuple(Address(step.change.arguments[0]) for step in self.own if step.change.function == "rekey")

    @property
    def to_be_named(self) -> tuple[KernelChange, ...]:
        """What a guardian must know from elsewhere before signing. The policy and what it brings are in the guardian's
        own documents, and what tightens, or takes an announcement back, moves nothing."""
        return tuple(named for step in self.own for named in _to_be_named(step, self.known))


def _to_be_named(step: KernelStep, known: frozenset[Address]) -> Iterator[KernelChange]:
    change = step.change
    if change.function == "rekey":
        yield from (named_change("removeGuardian", each) for each in change.arguments[2])
    is_stranger = change.function == "addGuardian" and change.arguments[0] not in known
    if is_stranger or change.function in ("removeGuardian", "unblockAddress"):
        yield change


def recognise_kernel_changing(
    chain: Chain, tx: SafeTx, document: PolicyDocument, facts: Facts, named: Address | None
) -> KernelChanging | None:
    """What `tx` tells the Kernel that the guardian's own treasury.toml names; `None` when it tells it nothing, when its
    calls cannot be told apart, and where no Kernel of our code and of this Safe stands there. Raises `NodeError`."""
    kernel = find_kernel(chain, document.account.safe, named, facts.block)
    try:
        calls = inner_calls(tx, document)
    except ValueError:
        return None
    if kernel is None or not any(call.to == kernel.address for call in calls):
        return None
    besides = plan_besides(chain, document, facts, kernel.address, calls)
    found = [read_step(call.data) if call.to == kernel.address else besides.calls.get(call) for call in calls]
    steps = _completed([step for step in found if step], chain, kernel, document, facts)
    is_whole = all(found) and not any(call.value_wei for call in calls) and _is_plain(chain, tx, facts)
    known = frozenset({*document.kernel.pause_only, *besides.watches})
    return KernelChanging(kernel, steps, is_whole, facts.block.timestamp, known)


def _is_plain(chain: Chain, tx: SafeTx, facts: Facts) -> bool:
    """What a Safe delegates to acts as the Safe, whatever calls the bytes seem to hold."""
    return tx.operation is Operation.CALL or is_call_only(chain.code(tx.to, facts.block))


def read_step(data: bytes) -> KernelStep | None:
    """What calldata to the Kernel does, as the bytes alone tell; `None` where they are not understood."""
    try:
        told = read_kernel_change(decode_announce_change(data))
        return KernelStep(Deed.ANNOUNCE, told) if told.is_announced else None
    except ValueError:
        told = read_kernel_change(data)
    deed = Deed.CANCEL if told.function == "cancel" else Deed.MAKE
    return KernelStep(deed, told) if told.function else None


def _completed(
    steps: Sequence[KernelStep | Beside], chain: Chain, kernel: StandingKernel, document: PolicyDocument, facts: Facts
) -> tuple[KernelStep | Beside, ...]:
    """With what stands at the Kernel for each."""
    own = [step for step in steps if isinstance(step, KernelStep)]
    found = chain.read([pending_read(kernel.address, _named_by(step)) for step in own], facts.block)
    standing = dict(zip(map(id, own), found, strict=True))
    buckets = _buckets(chain, kernel.address, document, facts)
    return tuple(
        _judged(replace(step, standing=standing[id(step)]), document, buckets) if isinstance(step, KernelStep) else step
        for step in steps
    )


def _named_by(step: KernelStep) -> Digest:
    return Digest(step.change.arguments[0]) if step.deed is Deed.CANCEL else step.change.hash


def _buckets(chain: Chain, kernel: Address, document: PolicyDocument, facts: Facts) -> dict[Digest, Bucket]:
    keys = [meter.key for meter in meters(document)]
    found = chain.read([bucket_read(kernel, key) for key in keys], facts.block)
    return {key: bucket for key, bucket in zip(keys, found, strict=True) if bucket is not None}


def _judged(step: KernelStep, document: PolicyDocument, buckets: dict[Digest, Bucket]) -> KernelStep:
    if step.change.function != "setPolicy":
        return step
    caps = tuple(caps_changed(buckets, step.change.arguments[2], document))
    return replace(step, is_own_policy=is_own_policy(step.change, document), caps=caps)


def is_own_policy(change: KernelChange, document: PolicyDocument) -> bool:
    """Whether a Kernel is told to take exactly this policy: its rules, its hash and its caps."""
    compiled = compile_policy(document)
    return change.data == encode_set_policy(compiled.root, document_hash(document), compiled.buckets)


def require_kernel_changeable(
    changing: KernelChanging,
    proposal: Digest,
    rehearsal: Rehearsal,
    agent: Address | None,
    changes: Sequence[Change | KernelChange],
) -> None:
    """Nothing speaks against a guardian's signature. `agent` is whom the guardian gives the Kernel to, `changes` what
    the guardian has named beside. Raises `NotThePolicy`, `Unannounced`, `TooEarly`, `WouldRevert`, `AgentUnnamed`,
    `OtherAgent`, `ChangeUnnamed`, `OtherChange`, or `BadValue` for an agent where no Kernel is given."""
    for step in changing.own:
        _require_own_policy(step, proposal)
        _require_announced(step, changing, proposal)
    if not rehearsal.success:
        raise WouldRevert(proposal, rehearsal.revert)
    needed = set(map(str, changing.to_be_named))
    needless = {str(step.change) for step in changing.own} - needed
    require_named(changing.to_be_named, proposal, [each for each in changes if str(each) not in needless], "the Kernel")
    _require_agent(changing, proposal, agent)


def _require_own_policy(step: KernelStep, proposal: Digest) -> None:
    if step.is_own_policy is False:
        raise NotThePolicy(proposal, str(step.change.arguments[1]))


def _require_announced(step: KernelStep, changing: KernelChanging, proposal: Digest) -> None:
    if step.deed is not Deed.MAKE or not step.change.is_announced:
        return
    if step.standing is None:
        raise Unannounced(proposal, str(step.change), wait(changing.kernel, step.change))
    if changing.at < step.standing.ready_at:
        raise TooEarly(proposal, str(step.change), format_moment(step.standing.ready_at))


def _require_agent(changing: KernelChanging, proposal: Digest, agent: Address | None) -> None:
    if agent is None and changing.agents:
        raise AgentUnnamed(proposal, f"gives the Kernel `{changing.kernel.address}` to another agent's key")
    if agent is not None and not changing.agents:
        raise BadValue(agent, "`--agent`", "this proposal gives the Kernel to nobody; leave it out")
    for found in changing.agents:
        if found != agent:
            raise OtherAgent(proposal, found, str(agent))


def wait(kernel: StandingKernel, change: KernelChange) -> str:
    """How long after its announcement this can be made."""
    terms = kernel.terms
    is_rekey = change.function == "rekey"
    return format_seconds(terms.rekey_delay_seconds if is_rekey else terms.config_delay_seconds)
