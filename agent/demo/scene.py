"""The place and the people of the story: a world, the folders of each, and how to look at balances."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from agent import example
from agent.demo.stage import Stage, StoryBroken
from strongroom.model import Address, TokenId
from strongroom.ports import Read
from strongroom.protocols.abi import view
from strongroom.protocols.erc20 import read_balance
from strongroom.protocols.registry import AnchoredLog, log_read
from strongroom.quantities import format_units
from strongroom.settings import Mode
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
    """`home` holds a folder of documents and state for each mode, and each guardian's own copies and keystore."""

    stage: Stage
    world: World
    home: Path
    service: str
    kernel: Address | None = None
    registry: Address | None = None

    @property
    def kernel_address(self) -> Address:
        if self.kernel is None:
            raise StoryBroken("the Kernel is not installed yet")
        return self.kernel

    def documents(self, mode: Mode) -> Path:
        """Writes the four documents for a mode; the state folder, with the agent's key in it, is the same for all."""
        state = self.home / "state"
        texts = example.documents(self.world, self.service, state, mode, self.kernel, self.registry)
        for name, person in (("agent", AGENT), ("anchor", ANCHORER)):
            if not (state / "keystore" / f"{name}.json").exists():
                write_key(state / "keystore" / f"{name}.json", person)
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

    def safe_nonce(self) -> int:
        """How many transactions of its own the Safe has executed."""
        return self.read(view(self.world.account.safe, "nonce()", ["uint256"], int))

    def executed(self, nonce: int, unit_id: str, mode: Mode) -> dict[str, Any]:
        """Waits until the Safe has executed `nonce`, then until the treasurer has settled the unit, and returns it."""
        self.stage.until(f"`{unit_id}`", lambda: self.safe_nonce() > nonce)
        unit: dict[str, Any] = self.stage.until(f"`{unit_id}`", lambda: self._settled(unit_id, mode))
        return unit

    def _settled(self, unit_id: str, mode: Mode) -> dict[str, Any] | None:
        units = self.stage.strongroom("plans", "--config", str(self.home / mode))
        return next((unit for unit in units if (unit["id"], unit["status"]) == (unit_id, "executed")), None)

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
