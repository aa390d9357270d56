"""A treasurer of the example DAO: real chain, real queue, real ledger, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from agent import example
from agent.app import Treasurer, open_documents, open_treasurer
from agent.demo.scene import signing, write_key
from agent.desk import OwnDesk
from agent.records import Records
from agent.state_folder import StateFolder
from guardians.server.serving import Server, open_service
from strongroom.chain.rpc import RpcChain
from strongroom.clock import WallClock
from strongroom.model import Digest
from strongroom.model_settings import LanguageModel
from strongroom.notices import MemoryNotices
from strongroom.settings import Mode
from strongroom.wallet.service import SafeService
from strongroom.world.people import AGENT, GUARDIANS, Person
from strongroom.world.world import World


@dataclass(frozen=True)
class House:
    """A world with its queue served, and where the treasurer's documents and state lie."""

    world: World
    service: str
    home: Path
    queue: SafeService
    notices: MemoryNotices

    @contextmanager
    def treasurer(self, mode: Mode, model: LanguageModel | None = None) -> Iterator[Treasurer]:
        texts = example.documents(self.world, self.service, self.home / "state", mode)
        documents = open_documents(example.write(texts, self.home / mode))
        documents = replace(documents, treasury=replace(documents.treasury, model=model))
        with open_treasurer(documents, self.notices) as opened:
            yield opened

    def desk(self, mode: Mode) -> AbstractContextManager[OwnDesk]:
        @contextmanager
        def opened() -> Iterator[OwnDesk]:
            with self.treasurer(mode) as treasurer:
                yield OwnDesk(treasurer)

        return opened()

    @property
    def records(self) -> Records:
        """What the state folder tells."""
        return Records(StateFolder(self.home / "state"))

    def sign(self, proposal: str, *guardians: Person) -> None:
        for guardian in guardians:
            digest = Digest(proposal)
            self.queue.post_confirmation(digest, signing(guardian)(bytes.fromhex(proposal[2:])))


@contextmanager
def open_house(world: World, home: Path) -> Iterator[House]:
    write_key(home / "state" / "keystore" / "agent.json", AGENT)
    chain = RpcChain(world.url)
    with open_service(world.url, ":memory:", WallClock()) as service, Server(service) as server:
        queue = SafeService(server.url, world.account, chain)
        queue.register_delegate(AGENT.address, "strongroom", GUARDIANS[0].address, signing(GUARDIANS[0]))
        yield House(world, server.url, home, queue, MemoryNotices())
        queue.close()
    chain.close()
