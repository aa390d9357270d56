"""What should stand on chain by the documents, worked out once for all comparisons."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from agent.blueprint import plan_owner_guard, plan_watch
from agent.onboarding.chains import KnownChain
from guardians.blueprint import WatchPlan
from policies.grants import KernelPolicy, compile_policy
from policies.terms import PolicyDocument
from strongroom.model import Address
from strongroom.wallet.deploy import Deployment


@dataclass(frozen=True)
class Installed:
    """The documents, and what they name. `agent` is the key's address, `anchorer` the anchoring key's; one that is
    `None` is not at hand, and what the chain says of it is not compared."""

    document: PolicyDocument
    known: KnownChain
    kernel: Address
    agent: Address | None = None
    watch: Address | None = None
    registry: Address | None = None
    anchorer: Address | None = None

    @cached_property
    def compiled(self) -> KernelPolicy:
        return compile_policy(self.document)

    @cached_property
    def watch_plan(self) -> WatchPlan | None:
        return plan_watch(self.document, self.kernel, self.known)

    @cached_property
    def guard_plan(self) -> Deployment | None:
        return plan_owner_guard(self.document, self.kernel, self.known)
