"""Planning an installation: Kernel, price sources and log of a policy, as one transaction for the owners."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.app import Documents, open_documents
from agent.blueprint import plan_sources, plan_watch, require_named
from agent.onboarding.chains import KnownChain, chain_of
from agent.state_folder import StateFolder
from guardians.blueprint import birth_of, made_in_order
from strongroom.addresses import keccak, parse_address, to_digest
from strongroom.errors import BadValue, KeyMissing, NotDeployed, ServiceUnreachable
from strongroom.ledger.merkle import Tree, leaf_hash
from strongroom.ledger.reading import read_entries
from strongroom.model import Address, Block, Call, SafeState, TokenId
from strongroom.observe import safe_state
from strongroom.plain import to_plain
from strongroom.ports import Chain
from strongroom.protocols.kernel import Birth, encode_enable_module
from strongroom.protocols.registry import Opening, encode_open
from strongroom.protocols.safe import safe_tx_hash
from strongroom.settings import Treasury
from strongroom.wallet.deploy import batch, plan, plan_kernel, require_code
from strongroom.wallet.signer import address_in_keystore

MOST_ACTIONS, MOST_SECONDS = 256, 7 * 86_400


@dataclass(frozen=True, slots=True)
class Installation:
    """What will stand where, and the calls that bring it about, in order. Contracts that stand already are left out."""

    kernel: Address
    registry: Address | None
    watch: Address | None
    sources: Mapping[TokenId, Address]
    birth: Birth
    calls: tuple[Call, ...]


def plan_installation(config: Path, agent: str | None = None) -> dict[str, Any]:
    """The installation for the documents in `config` and its Safe transaction, in plain values. `agent` is its address,
    where it is not the keystore's. Raises `InputError`, `SetupError` or `NodeError`; nothing is signed or sent."""
    documents = open_documents(config)
    policy, known = documents.policy, chain_of(config, documents.policy.account.chain_id)
    birth = birth_of(policy, _agent(documents.treasury, agent))
    with connected(documents.treasury) as chain:
        block = chain.head()
        state = safe_state(chain, birth.safe, block)
        _require_one_kernel(chain, state, block)
        require_multisend(chain, policy.multisend, known, block)
        found = installation(chain, documents, birth, known, block)
        nonce = free_nonce(chain, documents.treasury, state)
    tx = batch(policy.account, found.calls, policy.multisend, nonce)
    return {
        "guardians": list(birth.guardians),
        "delays": {
            "config": birth.config_delay_seconds,
            "rekey": birth.rekey_delay_seconds,
            "window": birth.window_seconds,
        },
        "buckets": to_plain(birth.buckets),
        "kernel": found.kernel,
        "registry": found.registry,
        "watch": found.watch,
        "max_drawdown_bps": policy.watch.max_drawdown_bps if policy.watch else None,
        "anchor_keystore": str(StateFolder(documents.treasury.state_dir).anchor_keystore),
        "sources": dict(found.sources),
        "agent": birth.agent,
        "root": birth.root,
        "document_hash": birth.document_hash,
        "safe_tx_hash": safe_tx_hash(tx),
        "transaction": to_plain(tx),
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


def _require_one_kernel(chain: Chain, state: SafeState, block: Block) -> None:
    """A second Kernel would have caps and a pause of its own beside the first's."""
    for module in state.modules:
        try:
            require_code("Kernel", chain.code(module, block), module)
        except NotDeployed:
            continue
        mend = "change its policy with `strongroom policy update`, or disable it in the Safe first"
        raise BadValue(module, "an enabled Kernel beside a new one", mend)


def require_multisend(chain: Chain, multisend: Address, known: KnownChain, block: Block) -> None:
    """The owners delegate a call to it: its code must be Safe's own, whatever the policy says."""
    if to_digest(keccak(chain.code(multisend, block))) not in known.safe.multisend_code_hashes:
        raise BadValue(multisend, "`multisend` in policy.toml", "it is not Safe's MultiSendCallOnly; see chains.toml")


def installation(chain: Chain, documents: Documents, birth: Birth, known: KnownChain, block: Block) -> Installation:
    """Everything that must stand for guarded mode. Raises `NotDeployed` without the factory."""
    policy, account, factory = documents.policy, documents.policy.account, known.create2_factory
    if not chain.code(factory, block):
        raise NotDeployed("CREATE2 factory", factory, "deploy it, or name another in chains.toml")
    sources = plan_sources(policy, known)
    registry, kernel = plan(account, "AuditRegistry", b"", factory), plan_kernel(account, birth, factory)
    require_named(policy, sources)
    watch = plan_watch(policy, kernel.address, known)
    made = made_in_order(sources, (registry, kernel), watch)
    new = [each for each in made if not chain.code(each.address, block)]
    enable = Call(account, account.safe, 0, encode_enable_module(kernel.address))
    added = watch.adding(account, watch.watch in new) if watch else ()
    opening = _opening(documents.treasury, kernel.address)
    opened = (Call(account, registry.address, 0, encode_open(opening)),) if opening else ()
    return Installation(
        kernel=kernel.address,
        registry=registry.address if opening else None,
        watch=watch.watch.address if watch else None,
        sources={token: each.address for token, each in {**sources, **(watch.sources if watch else {})}.items()},
        birth=birth,
        calls=(*(each.call for each in new), enable, *added, *opened),
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
