"""Planning an installation: Kernel, price sources and log of a policy, as one transaction for the owners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.app import Documents, open_documents
from agent.onboarding.chains import chains_in, load_chains, load_create2_factory
from agent.state_folder import StateFolder
from policies.document import document_hash
from policies.grants import compile_policy
from policies.terms import ListedToken, PolicyDocument
from strongroom.addresses import keccak, parse_address, to_digest
from strongroom.errors import BadValue, KeyMissing, NotDeployed, ServiceUnreachable
from strongroom.ledger.merkle import Tree, leaf_hash
from strongroom.ledger.reading import read_entries
from strongroom.model import NATIVE, Account, Address, Block, Call, SafeState, TokenId
from strongroom.observe import safe_state
from strongroom.plain import to_plain
from strongroom.ports import Chain
from strongroom.protocols.kernel import Birth, encode_announce, encode_enable_module, encode_set_policy
from strongroom.protocols.price_source import constructor_arguments
from strongroom.protocols.registry import Opening, encode_open
from strongroom.protocols.safe import safe_tx_hash
from strongroom.quantities import parse_seconds
from strongroom.settings import Treasury
from strongroom.wallet.deploy import Deployment, batch, plan, plan_kernel, require_code
from strongroom.wallet.signer import address_in_keystore

# The Kernel is not gated by its log yet: its registry is zero, and anchoring stands beside it.
UNGATED = NATIVE
MOST_ACTIONS, MOST_SECONDS = 256, 7 * 86_400


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds: loosening changes wait, a new agent key waits, and an announced change stays usable."""

    config: int
    rekey: int
    window: int

    @classmethod
    def read(cls, config_delay: str, rekey_delay: str, window: str) -> Delays:
        """From `2 days` and the like. Raises `BadValue` naming the option."""
        named = (("--config-delay", config_delay), ("--rekey-delay", rekey_delay), ("--window", window))
        return cls(*(parse_seconds(text, option) for option, text in named))


@dataclass(frozen=True, slots=True)
class Installation:
    """What will stand where, and the calls that bring it about, in order. Contracts that stand already are left out."""

    kernel: Address
    registry: Address | None
    sources: Mapping[TokenId, Address]
    birth: Birth
    calls: tuple[Call, ...]


def plan_installation(config: Path, agent: str | None, guardians: Sequence[str], delays: Delays) -> dict[str, Any]:
    """The installation for the documents in `config` and its Safe transaction, in plain values. Raises `InputError`,
    `SetupError` or `NodeError`; nothing is signed or sent."""
    from strongroom.chain.rpc import RpcChain

    documents = open_documents(config)
    factory = load_create2_factory(chains_in(config))
    birth = birth_of(documents, agent, guardians, delays)
    chain = RpcChain(documents.treasury.rpc)
    try:
        block = chain.head()
        state = safe_state(chain, birth.safe, block)
        _require_one_kernel(chain, state, block)
        _require_multisend(chain, documents.policy.multisend, chains_in(config), block)
        found = installation(chain, documents, birth, factory, block)
        nonce = _free_nonce(chain, documents.treasury, state)
    finally:
        chain.close()
    tx = batch(documents.policy.account, found.calls, documents.policy.multisend, nonce)
    return {
        "guardians": list(birth.guardians),
        "delays": {"config": delays.config, "rekey": delays.rekey, "window": delays.window},
        "buckets": to_plain(birth.buckets),
        "kernel": found.kernel,
        "registry": found.registry,
        "sources": dict(found.sources),
        "agent": birth.agent,
        "root": birth.root,
        "document_hash": birth.document_hash,
        "safe_tx_hash": safe_tx_hash(tx),
        "transaction": to_plain(tx),
    }


def _free_nonce(chain: Chain, treasury: Treasury, state: SafeState) -> int:
    """After whatever waits in the owners' queue; the Safe's own where no queue answers."""
    from strongroom.wallet.service import SafeService

    service = SafeService(treasury.service, treasury.account, chain)
    try:
        return max([state.nonce, *(queued.tx.nonce + 1 for queued in service.pending(state.nonce))])
    except ServiceUnreachable:
        return state.nonce
    finally:
        service.close()


def _require_one_kernel(chain: Chain, state: SafeState, block: Block) -> None:
    """A second Kernel would have caps and a pause of its own beside the first's."""
    for module in state.modules:
        try:
            require_code("Kernel", chain.code(module, block), module)
        except NotDeployed:
            continue
        mend = "change its policy with `strongroom policy update`, or disable it in the Safe first"
        raise BadValue(module, "an enabled Kernel beside a new one", mend)


def _require_multisend(chain: Chain, multisend: Address, chains: Path | None, block: Block) -> None:
    """The owners delegate a call to it: its code must be Safe's own, whatever the policy says."""
    known = next(iter(load_chains(chains).values())).safe.multisend_code_hashes
    if to_digest(keccak(chain.code(multisend, block))) not in known:
        raise BadValue(multisend, "`multisend` in policy.toml", "it is not Safe's MultiSendCallOnly; see chains.toml")


def plan_update(config: Path) -> dict[str, Any]:
    """How the standing Kernel takes the policy in `config`: what the Safe announces, and what anybody of the owners and
    guardians sends once the delay is over. Raises `InputError`, `SetupError` or `NodeError`."""
    documents = open_documents(config)
    kernel, compiled = documents.treasury.kernel, compile_policy(documents.policy)
    if kernel is None:
        raise BadValue("nothing", "`kernel` in treasury.toml", "name the Kernel, or `strongroom policy deploy` one")
    _require_named(documents.policy, plan_sources(documents.policy, load_create2_factory(chains_in(config))))
    call = encode_set_policy(compiled.root, document_hash(documents.policy), compiled.buckets)
    return {
        "kernel": kernel,
        "root": compiled.root,
        "document_hash": document_hash(documents.policy),
        "announce": "0x" + encode_announce(call).hex(),
        "set_policy": "0x" + call.hex(),
    }


def birth_of(documents: Documents, agent: str | None, guardians: Sequence[str], delays: Delays) -> Birth:
    """What the Kernel for these documents is born with."""
    policy, compiled = documents.policy, compile_policy(documents.policy)
    return Birth(
        safe=policy.account.safe,
        registry=UNGATED,
        agent=_agent(documents.treasury, agent),
        guardians=tuple(parse_address(each) for each in guardians),
        root=compiled.root,
        document_hash=document_hash(policy),
        buckets=compiled.buckets,
        config_delay_seconds=delays.config,
        rekey_delay_seconds=delays.rekey,
        window_seconds=delays.window,
    )


def installation(chain: Chain, documents: Documents, birth: Birth, factory: Address, block: Block) -> Installation:
    """Everything that must stand for guarded mode. Raises `NotDeployed` without the factory."""
    if not chain.code(factory, block):
        raise NotDeployed("CREATE2 factory", factory, "deploy it, or name another in chains.toml")
    policy, account = documents.policy, documents.policy.account
    sources = plan_sources(policy, factory)
    registry, kernel = plan(account, "AuditRegistry", b"", factory), plan_kernel(account, birth, factory)
    _require_named(policy, sources)
    made = (*sources.values(), registry, kernel)
    new = [each for each in made if not chain.code(each.address, block)]
    enable = Call(account, account.safe, 0, encode_enable_module(kernel.address))
    opening = _opening(documents.treasury, kernel.address)
    opened = (Call(account, registry.address, 0, encode_open(opening)),) if opening else ()
    return Installation(
        kernel=kernel.address,
        registry=registry.address if opening else None,
        sources={token: each.address for token, each in sources.items()},
        birth=birth,
        calls=(*(each.call for each in new), enable, *opened),
    )


def plan_sources(policy: PolicyDocument, factory: Address) -> dict[TokenId, Deployment]:
    """The price source of each token that has two feeds of its own, where the policy lets the agent swap alone."""
    if policy.losses is None:
        return {}
    return {
        id_: _source(policy.account, listed, policy, factory) for id_, listed in policy.tokens.items() if listed.feeds
    }


def _source(account: Account, listed: ListedToken, policy: PolicyDocument, factory: Address) -> Deployment:
    bounds = policy.bounds_of(listed.token.id)
    arguments = constructor_arguments(listed.token, listed.feeds[:2], bounds.max_age_seconds, bounds.max_deviation_bps)
    return plan(account, "PriceSource", arguments, factory)


def _require_named(policy: PolicyDocument, sources: Mapping[TokenId, Deployment]) -> None:
    """The document's hash covers its sources, so they are written in before the Kernel is planned."""
    for token, planned in sources.items():
        named = policy.tokens[token].source
        if named != planned.address:
            mend = f'write `source = "{planned.address}"` there; this policy makes it at that address'
            raise BadValue(named or "nothing", f"`source` of [tokens.{token}] in policy.toml", mend)


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
