"""Planning an installation: Kernel, price sources, watch, owners' guard and log of a policy, as one transaction for the
owners; also in the place of a Kernel that stands, and under a guard that does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agent.app import Documents, open_documents
from agent.blueprint import plan_owner_guard, plan_sources, plan_watch, require_named, watch_places
from agent.early_orders import early_orders
from agent.guard_announcements import INSTALLATION, Announcing, announcing, kept_birth, standing_guard
from agent.onboarding.chains import KnownChain, chain_of
from agent.state_folder import StateFolder
from guardians.blueprint import birth_of, made_in_order
from guardians.inheritance import Former, read_former, require_mark_goes_on
from guardians.made_before import require_same_mark, require_unused
from policies.terms import PolicyDocument
from strongroom.addresses import keccak, parse_address, to_digest
from strongroom.errors import BadValue, KeyMissing, NotDeployed, ServiceUnreachable
from strongroom.ledger.merkle import Tree, leaf_hash
from strongroom.ledger.reading import read_entries
from strongroom.model import Address, Block, Call, SafeState, TokenId
from strongroom.observe import safe_state
from strongroom.plain import to_plain
from strongroom.ports import Chain
from strongroom.protocols.kernel import Birth, encode_enable_module
from strongroom.protocols.owner_guard import GuardState, encode_set_guard
from strongroom.protocols.registry import MOST_ACTIONS, MOST_SECONDS, Opening, encode_open
from strongroom.protocols.safe import safe_tx_hash
from strongroom.protocols.safe_changes import read_change
from strongroom.settings import Treasury
from strongroom.wallet.deploy import batch, plan, plan_kernel
from strongroom.wallet.signer import address_in_keystore


@dataclass(frozen=True, slots=True)
class Installation:
    """What will stand where, and the calls that bring it about, in order. Contracts that stand already, which anybody
    can have made, are left out of these, and are in `made_before`."""

    kernel: Address
    registry: Address | None
    watch: Address | None
    owner_guard: Address | None
    sources: Mapping[TokenId, Address]
    birth: Birth
    calls: tuple[Call, ...]
    made_before: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """What the Safe has of ours already: a Kernel to be replaced, an owners' guard that wants announcements."""

    former: Former | None = None
    guard: GuardState | None = None


NOTHING = Standing()


def plan_installation(config: Path, agent: str | None = None) -> dict[str, Any]:
    """The installation for the documents in `config` and its Safe transaction, in plain values; under a guard also what
    is announced before. `agent` is its address, where it is not the keystore's. Raises `InputError`, `SetupError` or
    `NodeError`; nothing is signed or sent."""
    documents = open_documents(config)
    policy, known = documents.policy, chain_of(config, documents.policy.account.chain_id)
    key = _agent(documents.treasury, agent)
    with connected(documents.treasury) as chain:
        block = chain.head()
        require_multisend(chain, policy.multisend, known, block)
        standing = _standing(chain, documents, key, known, block)
        birth = _birth(config, policy, key, standing, known)
        found = installation(chain, documents, birth, known, block, standing)
        nonce = free_nonce(chain, documents.treasury, safe_state(chain, policy.account.safe, block))
        tx = batch(policy.account, found.calls, policy.multisend, nonce)
        announced = announcing(chain, tx, standing.guard, block)
        early = early_orders(chain, policy, None, block) if standing.former else ()
    if announced and announced.missing:
        tx = replace(tx, nonce=nonce + 1)
    return {
        **_terms(policy, birth),
        "kernel": found.kernel,
        "registry": found.registry,
        "watch": found.watch,
        "owner_guard": found.owner_guard,
        "anchor_keystore": str(StateFolder(documents.treasury.state_dir).anchor_keystore),
        "sources": dict(found.sources),
        "early_orders": list(early),
        "made_before": list(found.made_before),
        "replaces": standing.former.kernel if standing.former else None,
        "announcement": _announcement(policy, announced, nonce, block),
        "safe_tx_hash": safe_tx_hash(tx),
        "transaction": to_plain(tx),
    }


def _standing(chain: Chain, documents: Documents, agent: Address, known: KnownChain, block: Block) -> Standing:
    policy = documents.policy
    state = safe_state(chain, policy.account.safe, block)
    former = read_former(chain, policy, agent, state, _named_kernel(documents, agent, known), block)
    return Standing(former, standing_guard(chain, policy, state, block))


def _birth(config: Path, policy: PolicyDocument, agent: Address, standing: Standing, known: KnownChain) -> Birth:
    birth = birth_of(policy, agent, standing.former.levels if standing.former else None)
    if standing.former is None:
        return birth
    return kept_birth(config / INSTALLATION, birth, policy.account, known.create2_factory)


def _named_kernel(documents: Documents, agent: Address, known: KnownChain) -> Address | None:
    """The Kernel that treasury.toml names, unless it is the very one that is planned: that one has spent nothing."""
    named, policy = documents.treasury.kernel, documents.policy
    first = plan_kernel(policy.account, birth_of(policy, agent), known.create2_factory)
    return None if named == first.address else named


def _terms(policy: PolicyDocument, birth: Birth) -> dict[str, Any]:
    """What the owners read before they sign: all of it is in the policy, but for the agent."""
    kernel, guard = policy.kernel, policy.owner_guard
    return {
        "guardians": list(birth.guardians),
        "delays": {
            "config": kernel.config_delay_seconds,
            "rekey": kernel.rekey_delay_seconds,
            "window": kernel.window_seconds,
        },
        "guard_delays": {"delay": guard.delay_seconds, "window": guard.window_seconds} if guard else None,
        "buckets": to_plain(birth.buckets),
        "max_drawdown_bps": policy.watch.max_drawdown_bps if policy.watch else None,
        "agent": birth.agent,
        "root": birth.root,
        "document_hash": birth.document_hash,
    }


def _announcement(policy: PolicyDocument, found: Announcing | None, nonce: int, block: Block) -> dict[str, Any] | None:
    """What is signed first and when the rest can be, `None` where nothing has to be announced. `changes` are as
    guardians type them; `transaction` is `None` once all of them are announced."""
    if found is None:
        return None
    tx = batch(policy.account, found.calls(policy.account), policy.multisend, nonce) if found.missing else None
    return {
        "guard": found.guard.address,
        "delay": found.guard.delay_seconds,
        "window": found.guard.window_seconds,
        "changes": [str(read_change(each)) for each in found.changes],
        "calls": ["0x" + each.hex() for each in found.changes],
        "ready_at": 0 if tx else found.ready_at,
        "expires_at": 0 if tx else found.expires_at,
        "is_ready": tx is None and found.ready_at <= block.timestamp,
        "safe_tx_hash": safe_tx_hash(tx) if tx else None,
        "transaction": to_plain(tx) if tx else None,
    }


@contextmanager
def connected(treasury: Treasury) -> Iterator[Chain]:
    """The treasury's node. Raises `WrongChain` where it serves another chain."""
    from strongroom.chain.rpc import connect

    with closing(connect(treasury.rpc, treasury.account.chain_id)) as chain:
        yield chain


def free_nonce(chain: Chain, treasury: Treasury, state: SafeState) -> int:
    """After whatever waits in the owners' queue; the Safe's own where no queue answers."""
    from strongroom.wallet.service import SafeService

    with closing(SafeService(treasury.service, treasury.account, chain)) as service:
        try:
            return max([state.nonce, *(queued.tx.nonce + 1 for queued in service.pending(state.nonce))])
        except ServiceUnreachable:
            return state.nonce


def require_multisend(chain: Chain, multisend: Address, known: KnownChain, block: Block) -> None:
    """The owners delegate a call to it: its code must be Safe's own, whatever the policy says."""
    if to_digest(keccak(chain.code(multisend, block))) not in known.safe.multisend_code_hashes:
        raise BadValue(multisend, "`multisend` in policy.toml", "it is not Safe's MultiSendCallOnly; see chains.toml")


def installation(
    chain: Chain, documents: Documents, birth: Birth, known: KnownChain, block: Block, standing: Standing = NOTHING
) -> Installation:
    """Everything that must stand for guarded mode. Raises `NotDeployed` without the factory, `BadValue` or
    `NotReplaceable` where the mark of a watch would not go on."""
    policy, account, factory = documents.policy, documents.policy.account, known.create2_factory
    if not chain.code(factory, block):
        raise NotDeployed("CREATE2 factory", factory, "deploy it, or name another in chains.toml")
    sources = plan_sources(policy, known)
    registry, kernel = plan(account, "AuditRegistry", b"", factory), plan_kernel(account, birth, factory)
    require_named(policy, sources)
    watch, guard = plan_watch(policy, kernel.address, known), plan_owner_guard(policy, kernel.address, known)
    former = standing.former
    places = watch_places(policy, documents.treasury.watch, former.kernel, known) if former else ()
    require_mark_goes_on(chain, former, watch, places, block)
    made = made_in_order(sources, (registry, kernel), watch, guard)
    new = [each for each in made if not chain.code(each.address, block)]
    if kernel not in new:
        require_unused(chain, account, birth, kernel.address, block)
    require_same_mark(chain, watch, block)
    opening = _opening(documents.treasury, kernel.address)
    opened = (Call(account, registry.address, 0, encode_open(opening)),) if opening else ()
    calls = (
        *(each.call for each in new),
        *(former.leaving(account) if former else ()),
        Call(account, account.safe, 0, encode_enable_module(kernel.address)),
        *(watch.adding(account, watch.watch in new) if watch else ()),
        *opened,
        # The guard last: whatever it would want announced has happened before it looks.
        *((Call(account, account.safe, 0, encode_set_guard(guard.address)),) if guard else ()),
    )
    return Installation(
        kernel=kernel.address,
        registry=registry.address if opening else None,
        watch=watch.watch.address if watch else None,
        owner_guard=guard.address if guard else None,
        sources={token: each.address for token, each in {**sources, **(watch.sources if watch else {})}.items()},
        birth=birth,
        calls=calls,
        made_before=tuple(each.address for each in made if each not in new),
    )


def _opening(treasury: Treasury, kernel: Address) -> Opening | None:
    """How the log is opened, where an anchoring key is there; without one nothing is anchored."""
    folder = StateFolder(treasury.state_dir)
    anchorer = address_in_keystore(folder.anchor_keystore)
    if anchorer is None:
        return None
    tree = _log(folder)
    return Opening(kernel, to_digest(tree.leaf(0)), anchorer, MOST_ACTIONS, MOST_SECONDS, tree.size, tree.root())


def _log(folder: StateFolder) -> Tree:
    """The log as it stands: its first entry names log id, chain, Safe and policy, and the first head that the owners
    sign is its own. Raises `KeyMissing` before there is a log: a shadow cycle begins one."""
    if not (folder.ledger / "log").exists():
        raise KeyMissing(str(folder.ledger), "run `strongroom cycle payroll --dry-run` once; it begins the log")
    tree = Tree()
    for entry in read_entries(folder.ledger):
        tree.append(leaf_hash(entry.raw))
    return tree


def _agent(treasury: Treasury, named: str | None) -> Address:
    if named:
        return parse_address(named)
    keystore = StateFolder(treasury.state_dir).keystore
    found = address_in_keystore(keystore)
    if found is None:
        raise KeyMissing(str(keystore), "put the agent's keystore there, or name its address with `--agent`")
    return found
