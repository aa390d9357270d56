"""Before anything is done in guarded mode: the Kernel and what stands beside it are ours, installed, and hold this very
policy and key.

What cannot be read back: guardians beside the keys and the watch that the documents name. At birth the Kernel's address
commits to them; later only the Safe adds one, and a guardian can stop money, never move it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from agent.blueprint import plan_source, plan_watch, price_terms
from agent.onboarding.chains import KnownChain
from guardians.blueprint import UNGATED, WatchPlan
from policies.document import document_hash
from policies.grants import compile_policy
from policies.terms import PolicyDocument
from strongroom.errors import BadValue, ModuleMissing, NotDeployed, PolicyMismatch
from strongroom.model import Address, Block, KernelState, TokenId
from strongroom.observe import Subject, kernel_state, safe_state
from strongroom.ports import Chain
from strongroom.protocols.kernel import FixedTerms, encode_add_guardian, fixed_from, fixed_reads, guardian_read
from strongroom.protocols.price_source import PriceTerms, terms_from, terms_reads
from strongroom.protocols.watch import WatchBirth, birth_from, birth_reads
from strongroom.quantities import format_bps, format_seconds
from strongroom.wallet.deploy import require_code

_SOURCE_MEND = "name the source that `strongroom policy deploy` plans"
_WATCH_MEND = "`strongroom policy update` plans the watch of this policy"


def require_parity(
    chain: Chain,
    subject: Subject,
    document: PolicyDocument,
    agent: Address,
    known: KnownChain,
    registry: Address | None = None,
) -> None:
    """Raises `NotDeployed`, `ModuleMissing`, `PolicyMismatch` or `BadValue` at the first difference, naming both
    sides."""
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
            planned, terms = plan_source(listed, document, known).address, price_terms(listed, document, known)
            source = _Source(listed.source, listed.token.id, terms, planned, "policy.toml", _SOURCE_MEND)
            _require_source(chain, source, block)
    _require_watch(chain, subject, document, known, block)
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


@dataclass(frozen=True, slots=True)
class _Source:
    """A price source as `holder` names it, with the terms and the address that it should have."""

    address: Address
    token: TokenId
    terms: PriceTerms
    planned: Address
    holder: str
    mend: str


def _require_source(chain: Chain, source: _Source, block: Block) -> None:
    """Our code with these terms, at the address that commits to both: a copy's private constants could lie."""
    name, mend = f"price source of `{source.token}`", source.mend
    require_code("PriceSource", chain.code(source.address, block), source.address, name)
    found = terms_from(chain.read(terms_reads(source.address), block))
    if found is None:
        raise NotDeployed(name, source.address, mend)
    ours, theirs = asdict(source.terms), asdict(found)
    for field, value in ours.items():
        if theirs[field] != value:
            raise PolicyMismatch(f"`{field}` of the {name}", str(value), str(theirs[field]), source.address, mend)
    if source.planned != source.address:
        raise PolicyMismatch(f"the address of the {name}", source.planned, source.address, source.holder, mend)


def _require_watch(chain: Chain, subject: Subject, document: PolicyDocument, known: KnownChain, block: Block) -> None:
    """The watch that treasury.toml names against [watch]: our code, every term, and the Kernel's guardian."""
    watch, kernel = subject.watch, subject.kernel
    assert kernel is not None
    planned = plan_watch(document, kernel, known)
    if planned is None:
        if watch is not None:
            mend = "policy.toml has no [watch]; write it there, or take this out"
            raise BadValue(watch, "`watch` in treasury.toml", mend)
        return
    if watch is None:
        raise NotDeployed("watch", "nowhere", f"name `watch` in treasury.toml; {_WATCH_MEND}")
    require_code("Watch", chain.code(watch, block), watch)
    found = birth_from(chain.read(birth_reads(watch), block))
    if found is None:
        raise NotDeployed("watch", watch, "check `watch` in treasury.toml")
    _require_born(found, planned.birth)
    _require_counted(chain, found, planned, document, block)
    if planned.watch.address != watch:
        raise PolicyMismatch("the address of the watch", planned.watch.address, watch, "treasury.toml", _WATCH_MEND)
    (is_guardian,) = chain.read([guardian_read(kernel, watch)], block)
    if not is_guardian:
        raise PolicyMismatch("the watch", watch, "no guardian", mend=_WATCH_MEND)


def _require_born(found: WatchBirth, planned: WatchBirth) -> None:
    for what, ours, chain in (
        ("the Kernel", planned.kernel, found.kernel),
        ("`own_token` of [watch]", planned.own_token, found.own_token),
        ("`max_drawdown` of [watch]", format_bps(planned.max_drawdown_bps), format_bps(found.max_drawdown_bps)),
        ("`confirm_blocks` of [watch]", str(planned.confirm_blocks), str(found.confirm_blocks)),
        ("`expiry_blocks` of [watch]", str(planned.expiry_blocks), str(found.expiry_blocks)),
    ):
        if ours != chain:
            raise PolicyMismatch(what, ours, chain, "the watch", _WATCH_MEND)


def _require_counted(
    chain: Chain, found: WatchBirth, planned: WatchPlan, document: PolicyDocument, block: Block
) -> None:
    """Each counted token at the source that it is planned with, and no other token."""
    sources = {each.token: each.source for each in found.watched}
    for id_, terms in planned.terms.items():
        if (source := sources.pop(terms.token, None)) is None:
            raise PolicyMismatch("a token of [watch]", id_, "not counted", "the watch", _WATCH_MEND)
        address = planned.sources[id_].address
        _require_source(chain, _Source(source, id_, terms, address, "the watch", _WATCH_MEND), block)
    for token in sources:
        known = document.known_at(token)
        raise PolicyMismatch(
            "a token of [watch]", "not counted", known.id if known else token, "the watch", _WATCH_MEND
        )
