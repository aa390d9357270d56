"""The place and the people of the story: a world, the folders of each, and how to look at balances."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from agent import example
from agent.demo.clock import jobs_due, yesterday
from agent.demo.stage import Child, Stage, StoryBroken
from strongroom.model import Address, Digest, TokenId
from strongroom.ports import Read
from strongroom.protocols.erc20 import read_balance
from strongroom.protocols.registry import AnchoredLog, log_read
from strongroom.quantities import format_units
from strongroom.settings import Mode
from strongroom.templates import render_schedule
from strongroom.world.people import AGENT, ANCHORER, GUARDIANS, Person
from strongroom.world.treasury import DECIMALS
from strongroom.world.world import World

if TYPE_CHECKING:
    from strongroom.wallet.service import SafeService

T = TypeVar("T")
PASSWORD = "correct horse battery staple"  # noqa: S105 - the demo's own, for keys that are public anyway
# Key derivation is meant to be slow; the demo's keys are public.
_ITERATIONS = 1_000


@dataclass(frozen=True, slots=True)
class Scene:
    """`home` holds a folder of documents for each mode, one of state, and each guardian's copies and keystore. `due` is
    when the jobs of schedule.toml came due last."""

    stage: Stage
    world: World
    home: Path
    service: str
    kernel: Address | None = None
    registry: Address | None = None
    watch: Address | None = None
    due: datetime = field(default_factory=lambda: yesterday(datetime.now(UTC)))

    @property
    def state(self) -> Path:
        return self.home / "state"

    @property
    def kernel_address(self) -> Address:
        if self.kernel is None:
            raise StoryBroken("the Kernel is not installed yet")
        return self.kernel

    def documents(self, mode: Mode) -> Path:
        """Writes the four documents for a mode; the state folder, with the agent's key in it, is the same for all."""
        installed = (self.kernel, self.registry, self.watch)
        texts = example.documents(self.world, self.service, self.state, mode, *installed)
        texts["schedule.toml"] = render_schedule(jobs_due(self.due))
        for name, person in (("agent", AGENT), ("anchor", ANCHORER)):
            if not (keystore := self.state / "keystore" / f"{name}.json").exists():
                write_key(keystore, person)
        return example.write(texts, self.home / mode)

    def guardian(self, person: Person) -> tuple[Path, Path]:
        """A guardian's own documents and keystore."""
        own = self.home / person.name
        example.write(example.documents(self.world, self.service, own / "state", Mode.PROPOSE), own)
        if not (own / "key.json").exists():
            write_key(own / "key.json", person)
        return own, own / "key.json"

    def read(self, wanted: Read[T]) -> T:
        """One view call at the newest block."""
        from strongroom.chain.rpc import RpcChain

        with closing(RpcChain(self.world.url)) as chain:
            value: T = chain.read([wanted], chain.head())[0]
        return value

    def held(self, holder: Address, token: TokenId) -> int:
        return self.read(read_balance(self.world.contracts.tokens[token], holder))

    def anchored(self) -> AnchoredLog:
        """The log's head as the chain holds it."""
        if self.registry is None:
            raise StoryBroken("the registry is not installed yet")
        return self.read(log_read(self.registry, self.kernel_address))

    def executed(self, treasurer: Child, unit: Mapping[str, Any]) -> Digest:
        """Waits until the treasurer has settled a unit that guardians signed; the transaction, as the queue has it."""
        self.stage.hear(treasurer, f"{unit['id']}: executed")
        with self.queue() as queue:
            tx_hash = queue.executed(Digest(unit["proposal"]))
        if tx_hash is None:
            raise StoryBroken(f"`{unit['id']}` was settled but not executed")
        return tx_hash

    def units(self, mode: Mode) -> list[dict[str, Any]]:
        """Every unit, as the treasurer tells it."""
        units: list[dict[str, Any]] = self.stage.strongroom("plans", "--config", str(self.home / mode))
        return units

    @contextmanager
    def queue(self) -> Iterator[SafeService]:
        """The guardians' queue."""
        from strongroom.chain.rpc import RpcChain
        from strongroom.wallet.service import SafeService

        with (
            closing(RpcChain(self.world.url)) as chain,
            closing(SafeService(self.service, self.world.account, chain)) as service,
        ):
            yield service

    def register_delegate(self) -> None:
        """The first guardian lets the agent's key propose."""
        with self.queue() as queue:
            queue.register_delegate(AGENT.address, "strongroom", GUARDIANS[0].address, signing(GUARDIANS[0]))


def write_key(path: Path, person: Person) -> None:
    from strongroom.wallet.signer import write_keystore

    write_keystore(path, person.key, PASSWORD, iterations=_ITERATIONS)


def signing(person: Person) -> Callable[[bytes], bytes]:
    """A person's plain signature over a digest."""
    from eth_account import Account

    return lambda digest: bytes(Account.unsafe_sign_hash(digest, person.key).signature)


def shown(token: TokenId, units: int) -> str:
    return f"{format_units(units, DECIMALS[token])} {token}"
