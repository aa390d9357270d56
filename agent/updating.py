"""Planning a change: how the Kernel that stands takes another policy, and the watch that this policy wants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.app import Documents, open_documents
from agent.blueprint import plan_sources, plan_watch, require_named
from agent.installing import connected, free_nonce, require_multisend
from agent.onboarding.chains import KnownChain, chain_of
from agent.parity import require_terms
from guardians.blueprint import WatchPlan, made_in_order
from policies.document import document_hash
from policies.grants import compile_policy
from strongroom.errors import BadValue
from strongroom.model import Address, Block, Call, Operation, SafeTx, TokenId
from strongroom.observe import safe_state
from strongroom.plain import to_plain
from strongroom.ports import Chain
from strongroom.protocols.abi import encode_call
from strongroom.protocols.kernel import encode_announce, encode_set_policy, guardian_read
from strongroom.protocols.safe import safe_tx_hash
from strongroom.wallet.deploy import Deployment, batch


@dataclass(frozen=True, slots=True)
class Making:
    """What the Safe makes and adds before the policy is announced: `sources` and `watch` that do not stand yet, and the
    watch as a guardian. Nothing at all where all of it stands."""

    sources: Mapping[TokenId, Address]
    watch: Address | None
    calls: tuple[Call, ...]


def plan_update(config: Path) -> dict[str, Any]:
    """How the standing Kernel takes the policy in `config`: what the Safe signs, and what anybody of the owners and
    guardians sends once the delay is over. Raises `InputError`, `SetupError` or `NodeError`; a Kernel whose own terms
    are not the document's would never run under it, so that is refused first."""
    documents = open_documents(config)
    policy, kernel = documents.policy, documents.treasury.kernel
    if kernel is None:
        raise BadValue("nothing", "`kernel` in treasury.toml", "name the Kernel, or `strongroom policy deploy` one")
    known = chain_of(config, policy.account.chain_id)
    sources, watch = plan_sources(policy, known), plan_watch(policy, kernel, known)
    require_named(policy, sources)
    with connected(documents.treasury) as chain:
        block = chain.head()
        require_terms(chain, kernel, policy, block)
        making = _making(chain, kernel, sources, watch, block)
        call = _set_policy(documents)
        tx = _transaction(chain, documents, making, Call(policy.account, kernel, 0, encode_announce(call)), known)
        dropped = _dropped(chain, documents, watch, block)
    return {
        "kernel": kernel,
        "root": compile_policy(policy).root,
        "document_hash": document_hash(policy),
        "sources": dict(making.sources),
        "watch": watch.watch.address if watch else None,
        "adds_watch": making.watch is not None,
        "announce": "0x" + encode_announce(call).hex(),
        "set_policy": "0x" + call.hex(),
        "safe_tx_hash": safe_tx_hash(tx),
        "transaction": to_plain(tx),
        "dropped": dropped,
    }


def _set_policy(documents: Documents) -> bytes:
    compiled = compile_policy(documents.policy)
    return encode_set_policy(compiled.root, document_hash(documents.policy), compiled.buckets)


def _making(
    chain: Chain, kernel: Address, sources: Mapping[TokenId, Deployment], watch: WatchPlan | None, block: Block
) -> Making:
    wanted = {**sources, **(watch.sources if watch else {})}
    new = [each for each in made_in_order(sources, (), watch) if not chain.code(each.address, block)]
    is_added = watch is not None and not chain.read([guardian_read(kernel, watch.watch.address)], block)[0]
    added = watch.adding(watch.watch.call.account, watch.watch in new) if watch and is_added else ()
    return Making(
        sources={token: each.address for token, each in wanted.items() if each in new},
        watch=watch.watch.address if watch and is_added else None,
        calls=(*(each.call for each in new), *added),
    )


def _transaction(chain: Chain, documents: Documents, making: Making, announce: Call, known: KnownChain) -> SafeTx:
    """One for the owners: the announcement alone, or everything before it as well."""
    policy, block = documents.policy, chain.head()
    nonce = free_nonce(chain, documents.treasury, safe_state(chain, policy.account.safe, block))
    if not making.calls:
        return SafeTx(policy.account, announce.to, 0, announce.data, Operation.CALL, nonce)
    require_multisend(chain, policy.multisend, known, block)
    return batch(policy.account, (*making.calls, announce), policy.multisend, nonce)


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
