"""What stands on chain for the example DAO: as planned, or made otherwise than planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agent import example
from agent.app import subject_of
from agent.blueprint import plan_source, plan_sources, plan_watch
from agent.onboarding.chains import KnownChain, chain_of
from agent.parity import require_parity
from guardians.blueprint import WatchPlan, birth_of
from policies.document import load
from policies.template import render
from policies.terms import PolicyDocument
from strongroom.chain.rpc import RpcChain
from strongroom.model import Address, Operation
from strongroom.protocols.kernel import Birth, encode_add_guardian, encode_enable_module
from strongroom.settings import Mode
from strongroom.wallet.deploy import artifact
from strongroom.world.people import AGENT, DEPLOYER, GUARDIANS
from strongroom.world.world import World

NO_SERVICE = "http://127.0.0.1:9"
"""Nobody listens there: an installation then takes the Safe's own nonce."""


@dataclass(frozen=True)
class Site:
    """A world, and the folder with the documents of what is to stand on it."""

    world: World
    chain: RpcChain
    folder: Path

    @classmethod
    def of(cls, world: World, chain: RpcChain, folder: Path) -> Site:
        texts = example.documents(world, NO_SERVICE, folder / "state", Mode.PROPOSE)
        return cls(world, chain, example.write(texts, folder))

    @property
    def known(self) -> KnownChain:
        return chain_of(self.folder, self.world.account.chain_id)

    @property
    def policy(self) -> PolicyDocument:
        return load((self.folder / "policy.toml").read_text())

    def rewrite(self, policy: PolicyDocument) -> PolicyDocument:
        (self.folder / "policy.toml").write_text(render(policy))
        return self.policy

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text()
        assert old in text
        (self.folder / name).write_text(text.replace(old, new, 1))

    def name_sources(self) -> PolicyDocument:
        """Writes the sources into the policy, as `policy deploy` asks for."""
        policy = self.policy
        planned = plan_sources(policy, self.known)
        named = {id_: replace(policy.tokens[id_], source=each.address) for id_, each in planned.items()}
        return self.rewrite(replace(policy, tokens={**policy.tokens, **named}))

    def sign(self, planned: Mapping[str, Any]) -> Address:
        """The owners sign and send what was planned; the Kernel's address."""
        tx = planned["transaction"]
        data, operation = bytes.fromhex(tx["data"][2:]), Operation(tx["operation"])
        assert self.world.safe_exec(self.world.account, GUARDIANS[:2], Address(tx["to"]), data, 0, operation).success
        return Address(planned["kernel"])

    def as_safe(self, to: Address, data: bytes) -> None:
        assert self.world.safe_exec(self.world.account, GUARDIANS[:2], to, data).success

    def birth(self) -> Birth:
        return birth_of(self.policy, AGENT.address)

    def stand(self, birth: Birth) -> Address:
        """Somebody makes every planned source, and a Kernel of this birth, which the owners enable unread."""
        for listed in self.policy.tokens.values():
            if listed.feeds:
                call = plan_source(listed, self.policy, self.known).call
                self.world.send_as(DEPLOYER.address, call.to, call.data)
        kernel = self.world.deploy(artifact("Kernel").creation + birth.encoded)
        self.as_safe(self.world.account.safe, encode_enable_module(kernel))
        self.guard(kernel)
        return kernel

    def plan_watch(self, kernel: Address) -> WatchPlan:
        planned = plan_watch(self.policy, kernel, self.known)
        assert planned is not None
        return planned

    def guard(self, kernel: Address) -> Address:
        """Somebody makes the planned watch with its further sources, and the owners add it."""
        planned = self.plan_watch(kernel)
        for each in (*planned.sources.values(), planned.watch):
            if not self.chain.code(each.address, self.chain.head()):
                assert self.world.send_as(DEPLOYER.address, each.call.to, each.call.data).success
        self.as_safe(kernel, encode_add_guardian(planned.watch.address))
        return planned.watch.address

    def check(self, kernel: Address, registry: Address | None = None, watch: Address | None = None) -> None:
        """What guarded mode asks before it starts; the watch is the planned one, unless another is named."""
        policy = self.policy
        named = watch or self.plan_watch(kernel).watch.address
        subject = subject_of(policy, AGENT.address, kernel, watch=named)
        require_parity(self.chain, subject, policy, AGENT.address, self.known, registry)
