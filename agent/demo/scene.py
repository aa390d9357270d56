"""The place and the people of the story: a world, the folders of each, and how to look at balances."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agent import example
from agent.demo.stage import Stage
from strongroom.model import Address, TokenId
from strongroom.protocols.erc20 import read_balance
from strongroom.quantities import format_units
from strongroom.settings import Mode
from strongroom.world.people import AGENT, GUARDIANS, Person
from strongroom.world.treasury import DECIMALS
from strongroom.world.world import World

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

    def documents(self, mode: Mode) -> Path:
        """Writes the four documents for a mode; the state folder, with the agent's key in it, is the same for all."""
        state = self.home / "state"
        folder = example.write(example.documents(self.world, self.service, state, mode), self.home / mode)
        if not (state / "keystore" / "agent.json").exists():
            write_key(state / "keystore" / "agent.json", AGENT)
        return folder

    def guardian(self, person: Person) -> tuple[Path, Path]:
        """A guardian's own documents and keystore."""
        own = self.home / person.name
        example.write(example.documents(self.world, self.service, own / "state", Mode.PROPOSE), own)
        if not (own / "key.json").exists():
            write_key(own / "key.json", person)
        return own, own / "key.json"

    def held(self, holder: Address, token: TokenId) -> int:
        from strongroom.chain.rpc import RpcChain

        chain = RpcChain(self.world.url)
        try:
            return int(chain.read([read_balance(self.world.contracts.tokens[token], holder)], chain.head())[0])
        finally:
            chain.close()

    def register_delegate(self) -> None:
        """The first guardian lets the agent's key propose."""
        from strongroom.chain.rpc import RpcChain
        from strongroom.wallet.service import SafeService

        chain = RpcChain(self.world.url)
        service = SafeService(self.service, self.world.account, chain)
        try:
            first = GUARDIANS[0]
            service.register_delegate(AGENT.address, "strongroom", first.address, signing(first))
        finally:
            service.close()
            chain.close()


def write_key(path: Path, person: Person) -> None:
    from strongroom.wallet.signer import write_keystore

    write_keystore(path, person.key, PASSWORD, iterations=_ITERATIONS)


def signing(person: Person):  # type: ignore[no-untyped-def]
    """A person's plain signature over a digest."""
    from eth_account import Account

    return lambda digest: bytes(Account.unsafe_sign_hash(digest, person.key).signature)


def shown(token: TokenId, units: int) -> str:
    return f"{format_units(units, DECIMALS[token])} {token}"
