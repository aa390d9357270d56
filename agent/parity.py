"""Before anything is done in guarded mode: the Kernel is ours, installed, and holds this very policy and key."""

from __future__ import annotations

from policies.document import document_hash
from policies.grants import compile_policy
from policies.terms import PolicyDocument
from strongroom.errors import ModuleMissing, NotDeployed, PolicyMismatch
from strongroom.model import Address, KernelState
from strongroom.observe import Subject, kernel_state, safe_state
from strongroom.ports import Chain
from strongroom.wallet.deploy import require_code


def require_parity(chain: Chain, subject: Subject, document: PolicyDocument, agent: Address) -> None:
    """Raises `NotDeployed`, `ModuleMissing` or `PolicyMismatch` at the first difference."""
    if subject.kernel is None:
        raise NotDeployed("Kernel", "nowhere", "name `kernel` in treasury.toml")
    block = chain.head()
    require_code("Kernel", chain.code(subject.kernel, block), subject.kernel)
    state = kernel_state(chain, subject, safe_state(chain, subject.account.safe, block), block)
    if state is None:
        raise NotDeployed("Kernel", subject.kernel, "check `kernel` in treasury.toml")
    require_same(state, document, agent)
    for listed in document.tokens.values():
        if listed.source:
            require_code("PriceSource", chain.code(listed.source, block), listed.source)


def require_same(state: KernelState, document: PolicyDocument, agent: Address) -> None:
    """The pure half: the Kernel's state against the document and the agent's key."""
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
