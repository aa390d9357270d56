"""Planning a change: how the Kernel that stands takes another policy, and the watch and owners' guard that this policy
wants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.app import Documents, open_documents, subject_of
from agent.blueprint import plan_owner_guard, plan_sources, plan_watch, require_named
from agent.early_orders import early_orders
from agent.guarding import Guarding, exchange_data, guard_address, plan_guarding
from agent.installing import connected, free_nonce, require_multisend
from agent.onboarding.chains import KnownChain, chain_of
from agent.parity import require_terms
from guardians.blueprint import WatchPlan, made_in_order
from guardians.caps import caps_changed
from guardians.made_before import require_same_mark
from policies.document import document_hash
from policies.grants import compile_policy
from policies.terms import PolicyDocument
from strongroom.errors import BadValue, NotDeployed, NotNamed
from strongroom.model import NATIVE, Address, Block, Call, KernelState, Operation, SafeTx, TokenId
from strongroom.observe import kernel_state, safe_state
from strongroom.plain import to_plain
from strongroom.ports import Chain
from strongroom.protocols.abi import encode_call
from strongroom.protocols.kernel import encode_announce, encode_set_policy, guardian_read
from strongroom.protocols.owner_guard import change_hash, encode_veto
from strongroom.protocols.safe import safe_tx_hash
from strongroom.wallet.deploy import Deployment, batch


@dataclass(frozen=True, slots=True)
class Making:
    """What the Safe makes and adds around the announcement of the policy: before it `sources` and `watch` that do not
    stand yet, and the watch as a guardian; after it the owners' guard, or, where another one stands, its exchange is
    announced there. Nothing at all where all of it stands."""

    sources: Mapping[TokenId, Address]
    watch: Address | None
    guarding: Guarding | None
    calls: tuple[Call, ...]

    @property
    def last(self) -> tuple[Call, ...]:
        return self.guarding.after if self.guarding else ()

    @property
    def is_complete(self) -> bool:
        return not self.calls and self.guarding is None


def plan_update(config: Path) -> dict[str, Any]:
    """How the standing Kernel takes the policy in `config`: what the Safe signs, and what anybody of the owners and
    guardians sends once the delay is over. Raises `InputError`, `SetupError` or `NodeError`; a Kernel whose own terms
    are not the document's would never run under it, so that is refused first."""
    documents = open_documents(config)
    policy, kernel = documents.policy, documents.treasury.kernel
    if kernel is None:
        raise NotNamed("kernel", "treasury.toml", "name the Kernel, or `strongroom policy deploy` one")
    known = chain_of(config, policy.account.chain_id)
    sources, watch = plan_sources(policy, known), plan_watch(policy, kernel, known)
    require_named(policy, sources)
    with connected(documents.treasury) as chain:
        block = chain.head()
        require_terms(chain, kernel, policy, block)
        state = _standing(chain, documents, kernel, block)
        guarding = plan_guarding(chain, policy, plan_owner_guard(policy, kernel, known), block)
        making = _making(chain, documents, sources, watch, guarding, block)
        call = _set_policy(documents)
        tx = _transaction(chain, documents, making, Call(policy.account, kernel, 0, encode_announce(call)), known)
        dropped = _dropped(chain, documents, watch, block)
        early = early_orders(chain, policy, kernel, block)
    return {
        "unchanged": _is_enforced(state, policy) and making.is_complete and dropped is None,
        "caps": [to_plain(each) for each in caps_changed(state.buckets, compile_policy(policy).buckets, policy)],
        "delays": {"config": policy.kernel.config_delay_seconds, "window": policy.kernel.window_seconds},
        "kernel": kernel,
        "root": compile_policy(policy).root,
        "document_hash": document_hash(policy),
        "sources": dict(making.sources),
        "watch": watch.watch.address if watch else None,
        "adds_watch": making.watch is not None,
        "named_watch": documents.treasury.watch,
        "owner_guard": guard_address(guarding),
        "exchanges_guard": exchange_data(guarding),
        "announce": "0x" + encode_announce(call).hex(),
        "set_policy": "0x" + call.hex(),
        # The Kernel names a change, and takes a veto of it, as the owners' guard does.
        "veto": "0x" + encode_veto(change_hash(call)).hex(),
        "safe_tx_hash": safe_tx_hash(tx),
        "transaction": to_plain(tx),
        "dropped": dropped,
        "early_orders": list(early),
    }


def _standing(chain: Chain, documents: Documents, kernel: Address, block: Block) -> KernelState:
    """The Kernel with the buckets of this policy. Raises `NotDeployed`."""
    subject = subject_of(documents.policy, None, kernel)
    state = kernel_state(chain, subject, safe_state(chain, subject.account.safe, block), block)
    if state is None:
        raise NotDeployed("Kernel", kernel, "check `kernel` in treasury.toml")
    return state


def _is_enforced(state: KernelState, policy: PolicyDocument) -> bool:
    compiled = compile_policy(policy)
    found = {key: (bucket.capacity, bucket.drain) for key, bucket in state.buckets.items()}
    same = all(found.get(each.key) == (each.capacity_units, each.drain_seconds) for each in compiled.buckets)
    return same and (state.root, state.document_hash) == (compiled.root, document_hash(policy))


def _set_policy(documents: Documents) -> bytes:
    compiled = compile_policy(documents.policy)
    return encode_set_policy(compiled.root, document_hash(documents.policy), compiled.buckets)


def _making(
    chain: Chain,
    documents: Documents,
    sources: Mapping[TokenId, Deployment],
    watch: WatchPlan | None,
    guarding: Guarding | None,
    block: Block,
) -> Making:
    wanted, guard = {**sources, **(watch.sources if watch else {})}, guarding.guard if guarding else None
    new = [each for each in made_in_order(sources, (), watch, guard) if not chain.code(each.address, block)]
    is_added = watch is not None and not chain.read([guardian_read(watch.birth.kernel, watch.watch.address)], block)[0]
    if watch and is_added:
        _require_mark_of(documents.treasury.watch, watch)
        require_same_mark(chain, watch, block)
    added = watch.adding(watch.watch.call.account, watch.watch in new) if watch and is_added else ()
    return Making(
        sources={token: each.address for token, each in wanted.items() if each in new},
        watch=watch.watch.address if watch and is_added else None,
        guarding=guarding,
        calls=(*(each.call for each in new), *added, *(guarding.before if guarding else ())),
    )


def _require_mark_of(standing: Address | None, planned: WatchPlan) -> None:
    """A watch that is exchanged goes on from the one before it or begins anew, and never from an older one."""
    named = planned.birth.predecessor
    if named in (NATIVE, standing):
        return
    mend = f'write `inherits = "{standing}"`, whose mark goes on then' if standing else "take it out"
    raise BadValue(named, "`inherits` in [watch] of policy.toml", mend)


def _transaction(chain: Chain, documents: Documents, making: Making, announce: Call, known: KnownChain) -> SafeTx:
    """One for the owners: the announcement alone, or everything before it as well."""
    policy, block = documents.policy, chain.head()
    nonce = free_nonce(chain, documents.treasury, safe_state(chain, policy.account.safe, block))
    if not making.calls and not making.last:
        return SafeTx(policy.account, announce.to, 0, announce.data, Operation.CALL, nonce)
    require_multisend(chain, policy.multisend, known, block)
    return batch(policy.account, (*making.calls, announce, *making.last), policy.multisend, nonce)


def _dropped(chain: Chain, documents: Documents, watch: WatchPlan | None, block: Block) -> dict[str, str] | None:
    """How the Kernel parts with the watch that treasury.toml names, where the policy wants another or none: announced
    and waited for like all that loosens. Until then either may pause."""
    named, kernel = documents.treasury.watch, documents.treasury.kernel
    if named is None or kernel is None or (watch and watch.watch.address == named):
        return None
    if not chain.read([guardian_read(kernel, named)], block)[0]:
        return None
    removal = encode_call("removeGuardian(address)", named)
    return {"watch": named, "announce": "0x" + encode_announce(removal).hex(), "remove": "0x" + removal.hex()}
