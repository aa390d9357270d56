"""What the checks look at, read when a check first asks for it and only once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from agent.app import subject_of
from agent.comparing.fields import Comparison, Contract
from agent.comparing.installed import Installed
from agent.comparing.safe import compare as compare_safe
from agent.onboarding.chains import ADD_BESIDE, KnownChain, chains_in, known_chain, load_chains
from agent.onboarding.kernel_life import life_fields
from agent.onboarding.survey import surveyed_state
from agent.parity import compare
from agent.state_folder import StateFolder
from policies.document import load as load_policy
from policies.terms import PolicyDocument
from strongroom.documents import read
from strongroom.model import Account, Address, Block, Facts, SafeState
from strongroom.observe import Subject, observe
from strongroom.ports import Clock
from strongroom.settings import Mode, Treasury, load_treasury
from strongroom.wallet.memory import MemoryQueue
from strongroom.wallet.signer import address_in_keystore

if TYPE_CHECKING:
    from strongroom.chain.rpc import RpcChain
    from strongroom.chain.transport import Transport
    from strongroom.wallet.service import SafeService

_LOGS_SECONDS = 30.0
"""A node searches years of event logs; it may take its time."""


@dataclass(frozen=True, slots=True)
class Bare:
    """A Safe without documents, as `doctor --safe` looks at it. `service` is empty when none was given."""

    safe: Address
    rpc: str
    service: str


class Premises:
    """One treasury under examination: its documents in `folder`, or a bare Safe. Each property raises the
    `StrongroomError` that keeps it from being had."""

    def __init__(
        self, subject: Path | Bare, clock: Clock, password: str, chains: Path | None, resources: ExitStack
    ) -> None:
        self.clock, self.password = clock, password
        self._subject, self._chains, self._resources = subject, chains, resources

    @property
    def is_bare(self) -> bool:
        return isinstance(self._subject, Bare)

    @property
    def folder(self) -> Path:
        assert isinstance(self._subject, Path)
        return self._subject

    @cached_property
    def treasury(self) -> Treasury:
        return load_treasury(read(self.folder / "treasury.toml"), self.folder)

    @cached_property
    def policy(self) -> PolicyDocument:
        return load_policy(read(self.folder / "policy.toml"))

    @property
    def signs(self) -> bool:
        """Whether the mode needs the agent's key."""
        return self.treasury.mode is not Mode.SHADOW

    @property
    def state_folder(self) -> StateFolder:
        return StateFolder(self.treasury.state_dir)

    @cached_property
    def agent(self) -> Address | None:
        """The address the keystore names in clear, or `None` without a keystore."""
        return address_in_keystore(self.state_folder.keystore)

    @property
    def rpc(self) -> str:
        return self._subject.rpc if isinstance(self._subject, Bare) else self.treasury.rpc

    @property
    def service_url(self) -> str:
        return self._subject.service if isinstance(self._subject, Bare) else self.treasury.service

    @cached_property
    def account(self) -> Account:
        """A bare Safe is on whatever chain its node serves."""
        if isinstance(self._subject, Bare):
            return Account(self.chain.chain_id(), self._subject.safe)
        return self.treasury.account

    @cached_property
    def chain(self) -> RpcChain:
        from strongroom.chain.rpc import RpcChain

        chain = RpcChain(self.rpc)
        self._resources.callback(chain.close)
        return chain

    @cached_property
    def transport(self) -> Transport:
        """For event logs, which the `Chain` does not read."""
        from strongroom.chain.transport import Transport

        transport = Transport(self.rpc, _LOGS_SECONDS)
        self._resources.callback(transport.close)
        return transport

    @cached_property
    def block(self) -> Block:
        return self.chain.head()

    @cached_property
    def known(self) -> KnownChain:
        mend = "give this command `--chains FILE` with it" if self.is_bare else ADD_BESIDE
        return known_chain(load_chains(self._chains), self.account.chain_id, mend)

    @cached_property
    def safe(self) -> SafeState:
        return surveyed_state(self.chain, self.account.safe, self.block)

    @cached_property
    def kernel(self) -> Address | None:
        """The Safe's own module, where treasury.toml names one."""
        return None if isinstance(self._subject, Bare) else self.treasury.kernel

    @cached_property
    def subject(self) -> Subject:
        return subject_of(self.policy, self.agent, self.kernel, watch=self.treasury.watch)

    @cached_property
    def facts(self) -> Facts:
        """What a decision would see, but for the queue, which `service` answers for."""
        return observe(self.chain, MemoryQueue(self.account, (), {}), self.subject)

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """What stands on chain against the documents; without a Kernel, the Safe alone."""
        policy, treasury, kernel = self.policy, self.treasury, self.kernel
        if kernel is None:
            return (compare_safe(self.safe, policy, self.known.safe, None),)
        anchorer = address_in_keystore(self.state_folder.anchor_keystore)
        named = (treasury.watch, treasury.registry, anchorer)
        return tuple(self._lived(Installed(policy, self.known, kernel, self.agent, *named)))

    def _lived(self, installed: Installed) -> Iterator[Comparison]:
        for each in compare(self.chain, installed, self.block):
            if each.contract is Contract.KERNEL and not each.fields[0].differs:
                life = life_fields(self.chain, self.transport, installed, self.block)
                yield replace(each, fields=(*each.fields, *life))
            else:
                yield each

    def compared(self, contract: Contract) -> tuple[Comparison, ...]:
        return tuple(each for each in self.comparisons if each.contract is contract)

    @cached_property
    def service(self) -> SafeService:
        from strongroom.wallet.service import SafeService

        service = SafeService(self.service_url, self.account, self.chain)
        self._resources.callback(service.close)
        return service


@contextmanager
def open_premises(subject: Path | Bare, clock: Clock, password: str, chains: Path | None) -> Iterator[Premises]:
    """Premises whose connections close at exit. Without `chains`: the folder's own chains.toml, else ours."""
    own = chains_in(subject) if isinstance(subject, Path) else None
    with ExitStack() as resources:
        yield Premises(subject, clock, password, chains or own, resources)
