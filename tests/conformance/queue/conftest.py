"""Two queues behind one port: the service over HTTP on a real chain, and the one in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass

import pytest
from eth_account import Account as Keys

from guardians.server.serving import Server, open_service
from strongroom.model import Account, Digest, Operation, SafeTx
from strongroom.protocols.safe import safe_tx_hash
from strongroom.wallet.memory import MemoryQueue
from strongroom.wallet.service import SafeService
from strongroom.world.people import AGENT, ALICE, GUARDIANS, Person
from strongroom.world.world import World

INES, JONAS, KEMI = GUARDIANS

EXECUTION = Digest("0x" + "77" * 32)


class WallClock:
    def now(self) -> int:
        return int(time.time())


def signer(person: Person) -> Callable[[bytes], bytes]:
    return lambda digest: bytes(Keys.unsafe_sign_hash(digest, person.key).signature)


def sign(person: Person, digest: Digest) -> bytes:
    return signer(person)(bytes.fromhex(digest[2:]))


@dataclass(frozen=True)
class Bench:
    """A queue in which the agent is ines' delegate, and the chain's hand."""

    queue: SafeService | MemoryQueue
    account: Account
    execute: Callable[[SafeTx], object]

    def tx(self, nonce: int = 0, value_wei: int = 1) -> SafeTx:
        return SafeTx(self.account, ALICE.address, value_wei, b"", Operation.CALL, nonce)

    def propose(self, tx: SafeTx, person: Person = AGENT, origin: str = "agent") -> Digest:
        digest = safe_tx_hash(tx)
        self.queue.propose(tx, digest, sign(person, digest), origin)
        return digest

    def confirm(self, digest: Digest, person: Person) -> None:
        self.queue.post_confirmation(digest, sign(person, digest))


@pytest.fixture(params=["service", "memory"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    world: World = request.getfixturevalue("world")
    if request.param == "memory":
        queue = MemoryQueue(world.account, [g.address for g in GUARDIANS], {AGENT.address: INES.address})
        yield Bench(queue, world.account, lambda tx: queue.execute(safe_tx_hash(tx), EXECUTION))
        return
    with ExitStack() as stack:
        service = stack.enter_context(open_service(world.url, ":memory:", WallClock()))
        server = stack.enter_context(Server(service))
        remote = stack.enter_context(closing(SafeService(server.url, world.account, service.chain)))
        remote.register_delegate(AGENT.address, "agent", INES.address, signer(INES))
        yield Bench(
            remote, world.account, lambda tx: world.safe_exec(tx.account, [INES, JONAS], tx.to, value_wei=tx.value_wei)
        )
