"""A Safe with Kernel, watch and owners' guard as they are planned, and the hands of agents, owners and guardians."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from agent.guard_announcements import ANNOUNCEMENT, INSTALLATION
from agent.installing import plan_installation
from guardians.acts import written
from guardians.documents import open_documents, subject_of
from guardians.installation import recognise
from guardians.review import Review, review
from policies.grants import compile_policy
from policies.kernel.buckets import level_at
from policies.kernel_rules import order_rule
from policies.terms import PolicyDocument
from policies.tree import proof
from strongroom.model import Address, Call, Operation, SafeState, SafeTx
from strongroom.observe import safe_state
from strongroom.protocols.kernel import (
    available_read,
    bucket_key,
    bucket_read,
    class_number,
    encode_announce,
    encode_pause,
    encode_rekey,
)
from strongroom.protocols.kernel_legs import Payment, PayRule, encode_legs
from strongroom.protocols.kernel_orders import OrderPayment
from strongroom.protocols.multisend import decode_multisend, encode_multisend
from strongroom.protocols.safe import safe_tx_hash
from strongroom.wallet.memory import MemoryQueue
from strongroom.world.people import AGENT, ALICE, GUARDIANS, NEXT_AGENT
from strongroom.world.treasury import USDC, units
from strongroom.world.world import World
from tests.agent.installed import Site

DAY = 86_400
INES, JONAS, KEMI = GUARDIANS
TEAM_USDC = class_number("team")


@dataclass(frozen=True)
class Stand:
    """A Safe with Kernel, watch and guard as `policy deploy` plans them, and the hands of agents and owners."""

    site: Site

    @property
    def world(self) -> World:
        return self.site.world

    @property
    def safe(self) -> Address:
        return self.world.account.safe

    @property
    def state(self) -> SafeState:
        return safe_state(self.site.chain, self.safe, self.site.chain.head())

    @property
    def key(self) -> str:
        return bucket_key(self.world.contracts.tokens[USDC], TEAM_USDC)

    def plan(self, agent: Address = NEXT_AGENT.address) -> dict[str, Any]:
        """As the command does it: the plan stays beside the documents."""
        planned = plan_installation(self.site.folder, agent)
        (self.site.folder / INSTALLATION).write_text(json.dumps(planned))
        if planned["announcement"]:
            (self.site.folder / ANNOUNCEMENT).write_text(json.dumps(planned["announcement"]))
        return planned

    def signs(self, planned: dict[str, Any]) -> bool:
        """Whether what two owners sign goes through."""
        tx = planned["transaction"]
        data, operation = bytes.fromhex(tx["data"][2:]), Operation(tx["operation"])
        return self.world.safe_exec(self.world.account, GUARDIANS[:2], tx["to"], data, 0, operation).success

    def sends(self, to: Address, data: bytes) -> bool:
        return self.world.safe_exec(self.world.account, GUARDIANS[:2], to, data).success

    def names(self, planned: dict[str, Any]) -> None:
        """treasury.toml names what stands."""
        text = (self.site.folder / "treasury.toml").read_text()
        kept = "".join(line for line in text.splitlines(True) if not line.startswith(("kernel =", "watch =")))
        named = "".join(f'{each} = "{planned[each]}"\n' for each in ("kernel", "watch") if planned[each])
        (self.site.folder / "treasury.toml").write_text(kept.replace("[account]\n", f"[account]\n{named}", 1))

    def install(self) -> Address:
        planned = self.plan(AGENT.address)
        assert self.signs(planned)
        self.names(planned)
        return Address(planned["kernel"])

    def pause(self, kernel: Address) -> None:
        assert self.world.send_as(KEMI.address, kernel, encode_pause()).success

    def room(self, kernel: Address) -> int:
        (found,) = self.site.chain.read([available_read(kernel, self.key)], self.site.chain.head())  # type: ignore[arg-type]
        return int(found)

    def level(self, kernel: Address) -> int:
        head = self.site.chain.head()
        (found,) = self.site.chain.read([bucket_read(kernel, self.key)], head)  # type: ignore[arg-type]
        return level_at(found, head.timestamp)

    def pays(self, kernel: Address, agent: Address, amount: int) -> bool:
        """Whether the agent's key pays Alice so much."""
        compiled, usdc = compile_policy(self.site.policy), self.world.contracts.tokens[USDC]
        rule = next(
            each
            for each in compiled.rules.values()
            if isinstance(each, PayRule) and (each.token, each.recipient) == (usdc, ALICE.address)
        )
        legs = encode_legs([Payment(rule, amount, proof(compiled.rules, rule.leaf))])
        return self.world.send_as(agent, kernel, legs).success

    def pays_order(self, kernel: Address, agent: Address, name: str) -> bool:
        """Whether the agent's key pays a standing order of the policy."""
        policy = self.site.policy
        rule = order_rule(policy.orders[name], policy)
        legs = encode_legs([OrderPayment(rule, proof(compile_policy(policy).rules, rule.leaf))])
        return self.world.send_as(agent, kernel, legs).success

    def drain(self, kernel: Address, agent: Address) -> int:
        """Units that the agent's key gets out of the bucket, as fast as it can."""
        taken = 0
        for _ in range(20):
            amount = min(self.room(kernel), units(USDC, 9_000))
            if amount < units(USDC, 10) or not self.pays(kernel, agent, amount):
                break
            taken += amount
        return taken

    def inherits(self, watch: str) -> PolicyDocument:
        """Writes into the policy what the command asks for."""
        policy = self.site.policy
        assert policy.watch is not None
        return self.site.rewrite(replace(policy, watch=replace(policy.watch, inherits=Address(watch))))

    def reviewed(self, file: str = INSTALLATION, tx: Any = None) -> Review:
        """As a guardian looks at it, by the documents in the folder."""
        treasury, document = open_documents(self.site.folder)
        queued = written(self.site.folder / file, treasury.account)
        if tx is not None:
            queued = replace(queued, tx=tx, safe_tx_hash=safe_tx_hash(tx))
        queue = MemoryQueue(treasury.account, document.guardians.members, {})
        subject = subject_of(document, treasury.watch)
        return review(self.site.chain, queue, document, subject, queued, treasury.kernel)

    @property
    def planned(self) -> SafeTx:
        return written(self.site.folder / INSTALLATION, self.world.account).tx

    def recognises(self, calls: Sequence[Call]) -> bool:
        """Whether a guardian takes the planned batch with these calls for the installation of the policy."""
        tx = self.planned
        return self.reviewed(tx=replace(tx, data=encode_multisend(calls))).installation is not None

    def reads_as_planned(self, reviewed: Review, calls: Sequence[Call]) -> bool:
        """Whether these bytes pass for the installation, had they the effects of the reviewed one."""
        tx = replace(reviewed.proposal.tx, data=encode_multisend(calls))
        found = recognise(self.site.chain, tx, reviewed.document, reviewed.facts, reviewed.rehearsal)
        return found is not None

    def calls(self) -> list[Call]:
        tx = self.planned
        return list(decode_multisend(tx.account, tx.data))


def replaced(stand: Stand, old: Address) -> dict[str, Any]:
    """The plan of a replacement with all that the command asks for; the old Kernel is paused before."""
    stand.pause(old)
    watch = open_documents(stand.site.folder)[0].watch
    assert watch
    stand.inherits(watch)
    return stand.plan()


def rekey(stand: Stand, kernel: Address) -> None:
    call = encode_rekey(NEXT_AGENT.address)
    assert stand.sends(kernel, encode_announce(call))
    stand.world.advance(3_600)
    assert stand.world.send_as(INES.address, kernel, call).success
