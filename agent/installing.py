"""Planning a Kernel's installation: the policy's birth, its address, and the one transaction for the owners."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.app import open_documents
from agent.onboarding.chains import chains_in, load_create2_factory
from agent.state_folder import StateFolder
from policies.document import document_hash
from policies.grants import compile_policy
from strongroom.addresses import parse_address
from strongroom.errors import KeyMissing, NotDeployed
from strongroom.model import NATIVE, Address
from strongroom.plain import to_plain
from strongroom.protocols.kernel import Birth
from strongroom.protocols.safe import safe_tx_hash
from strongroom.quantities import parse_seconds
from strongroom.settings import Treasury
from strongroom.wallet.deploy import installation, plan_deployment
from strongroom.wallet.signer import address_in_keystore

NO_REGISTRY = NATIVE


def plan(
    config: Path,
    agent_address: str | None,
    guardians: Sequence[str],
    config_delay: str,
    rekey_delay: str,
    window: str,
) -> dict[str, Any]:
    """The Kernel for the documents in `config` and the Safe transaction that makes and installs it, in plain values.
    Raises `InputError`, `SetupError` or `NodeError`."""
    from strongroom.chain.rpc import RpcChain
    from strongroom.observe import safe_state

    documents = open_documents(config)
    policy, compiled = documents.policy, compile_policy(documents.policy)
    birth = Birth(
        safe=policy.account.safe,
        registry=NO_REGISTRY,
        agent=_agent(documents.treasury, agent_address),
        guardians=tuple(parse_address(each) for each in guardians),
        root=compiled.root,
        document_hash=document_hash(policy),
        buckets=compiled.buckets,
        config_delay_seconds=parse_seconds(config_delay, "--config-delay"),
        rekey_delay_seconds=parse_seconds(rekey_delay, "--rekey-delay"),
        window_seconds=parse_seconds(window, "--window"),
    )
    factory = load_create2_factory(chains_in(config))
    chain = RpcChain(documents.treasury.rpc)
    try:
        block = chain.head()
        if not chain.code(factory, block):
            raise NotDeployed("CREATE2 factory", factory, "deploy it, or name another in chains.toml")
        nonce = safe_state(chain, policy.account.safe, block).nonce
    finally:
        chain.close()
    deployment = plan_deployment(policy.account, birth, factory)
    tx = installation(deployment, policy.multisend, nonce)
    return {
        "kernel": deployment.kernel,
        "agent": birth.agent,
        "root": birth.root,
        "document_hash": birth.document_hash,
        "safe_tx_hash": safe_tx_hash(tx),
        "transaction": to_plain(tx),
    }


def _agent(treasury: Treasury, named: str | None) -> Address:
    if named:
        return parse_address(named)
    keystore = StateFolder(treasury.state_dir).keystore
    found = address_in_keystore(keystore)
    if found is None:
        raise KeyMissing(str(keystore), "put the agent's keystore there, or name its address with `--agent`")
    return found
