"""A treasury on a real chain with its queue served over HTTP, where the agent's key may propose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.example import policy
from guardians.server.serving import Server, open_service
from strongroom.chain.rpc import RpcChain
from strongroom.clock import WallClock
from strongroom.wallet.service import SafeService
from strongroom.world.people import AGENT, GUARDIANS
from strongroom.world.world import World
from tests.guardians.hall import Hall, signed


@pytest.fixture
def hall(world: World, chain: RpcChain, tmp_path: Path) -> Iterator[Hall]:
    with open_service(world.url, ":memory:", WallClock()) as served, Server(served) as server:
        owner = GUARDIANS[0]
        with closing(SafeService(server.url, world.account, chain)) as service:
            service.register_delegate(
                AGENT.address, "agent", owner.address, lambda raw: signed(owner, "0x" + raw.hex())
            )
            yield Hall(world, chain, service, server.url, policy(world), tmp_path)
