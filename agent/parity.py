"""Before anything is done in guarded mode: the Kernel and what stands beside it are ours, installed, and hold this very
policy and key.

What cannot be read back: guardians beside those that the document names. At birth the Kernel's address commits to them;
later only the Safe adds one, and a guardian can stop money, never move it."""

from __future__ import annotations

from dataclasses import asdict

from agent.blueprint import plan_source, price_terms
from agent.onboarding.chains import KnownChain
from guardians.blueprint import UNGATED
from policies.document import document_hash
from policies.grants import compile_policy
from policies.terms import ListedToken, PolicyDocument
from strongroom.errors import ModuleMissing, NotDeployed, PolicyMismatch
from strongroom.model import Address, Block, KernelState
from strongroom.observe import Subject, kernel_state, safe_state
from strongroom.ports import Chain
from strongroom.protocols.kernel import FixedTerms, encode_add_guardian, fixed_from, fixed_reads, guardian_read
from strongroom.protocols.price_source import terms_from, terms_reads
from strongroom.quantities import format_seconds
from strongroom.wallet.deploy import require_code


def require_parity(
    chain: Chain,
    subject: Subject,
    document: PolicyDocument,
    agent: Address,
    known: KnownChain,
    registry: Address | None = None,
) -> None:
    """Raises `NotDeployed`, `ModuleMissing` or `PolicyMismatch` at the first difference, naming both sides."""
    if subject.kernel is None:
        raise NotDeployed("Kernel", "nowhere", "name `kernel` in treasury.toml")
    block = chain.head()
    require_code("Kernel", chain.code(subject.kernel, block), subject.kernel)
    state = kernel_state(chain, subject, safe_state(chain, subject.account.safe, block), block)
    if state is None:
        raise NotDeployed("Kernel", subject.kernel, "check `kernel` in treasury.toml")
    require_same(state, document, agent)
    require_terms(chain, subject.kernel, document, block)
    for listed in document.tokens.values():
        if listed.source:
            _require_source(chain, listed, document, known, block)
    if registry:
        require_code("AuditRegistry", chain.code(registry, block), registry)


def require_same(state: KernelState, document: PolicyDocument, agent: Address) -> None:
    """The Kernel's state against the document and the agent's key."""
    if not state.enabled:
        raise ModuleMissing(state.address, document.account.safe)
    pairs = (
        ("the Safe", document.account.safe, state.safe),
        ("the agent's key", agent, state.agent),
        ("the policy's root", compile_policy(document).root, state.root),
        ("the policy's hash", document_hash(document), state.document_hash),
    )
    for what, ours, chain in pairs:
        if ours != chain:
            raise PolicyMismatch(what, ours, chain)
    _require_buckets(state, document)


def _require_buckets(state: KernelState, document: PolicyDocument) -> None:
    for setting in compile_policy(document).buckets:
        found = state.buckets.get(setting.key)
        ours = f"{setting.capacity_units} in {setting.drain_seconds} s"
        chain = f"{found.capacity} in {found.drain} s" if found else "closed"
        if ours != chain:
            raise PolicyMismatch(f"bucket {setting.token} of class {setting.bucket_class}", ours, chain)


def require_terms(chain: Chain, kernel: Address, document: PolicyDocument, block: Block) -> None:
    """The Kernel's own terms against [kernel] of the document. Raises `NotDeployed` or `PolicyMismatch`."""
    guardians = document.kernel.pause_only
    reads = [*fixed_reads(kernel), *(guardian_read(kernel, guardian) for guardian in guardians)]
    values = chain.read(reads, block)
    own = len(fixed_reads(kernel))
    found = fixed_from(values[:own])
    if found is None:
        raise NotDeployed("Kernel", kernel, "check `kernel` in treasury.toml")
    _require_fixed(found, document)
    for guardian, is_guardian in zip(guardians, values[own:], strict=True):
        if not is_guardian:
            mend = f"the Safe sends the Kernel `0x{encode_add_guardian(guardian).hex()}`, or take the key out"
            raise PolicyMismatch("a key in `pause_only` of [kernel]", guardian, "no guardian", mend=mend)


def _require_fixed(found: FixedTerms, document: PolicyDocument) -> None:
    terms = document.kernel
    mend = "they are for good: write what the Kernel has, or have the owners install another"
    for key, ours, chain in (
        ("config_delay", terms.config_delay_seconds, found.config_delay_seconds),
        ("rekey_delay", terms.rekey_delay_seconds, found.rekey_delay_seconds),
        ("window", terms.window_seconds, found.window_seconds),
    ):
        if ours != chain:
            raise PolicyMismatch(f"`{key}` of [kernel]", format_seconds(ours), format_seconds(chain), mend=mend)
    if found.registry != UNGATED:
        raise PolicyMismatch("the Kernel's own registry", UNGATED, found.registry, mend=mend)


def _require_source(
    chain: Chain, listed: ListedToken, document: PolicyDocument, known: KnownChain, block: Block
) -> None:
    """Our code with these terms, at the address that commits to both: a copy's private constants could lie."""
    assert listed.source is not None
    name, mend = f"price source of `{listed.token.id}`", "name the source that `strongroom policy deploy` plans"
    require_code("PriceSource", chain.code(listed.source, block), listed.source, name)
    found = terms_from(chain.read(terms_reads(listed.source), block))
    if found is None:
        raise NotDeployed(name, listed.source, mend)
    ours, theirs = asdict(price_terms(listed, document, known)), asdict(found)
    for field, value in ours.items():
        if theirs[field] != value:
            raise PolicyMismatch(f"`{field}` of the {name}", str(value), str(theirs[field]), listed.source, mend)
    planned = plan_source(listed, document, known).address
    if planned != listed.source:
        raise PolicyMismatch(f"the address of the {name}", planned, listed.source, "policy.toml", mend)
