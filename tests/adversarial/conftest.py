"""One world a module with the Kernel installed; a fresh queue, state folder and chain state for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.demo.scene import PASSWORD
from agent.example import documents, write
from strongroom.chain.rpc import RpcChain
from strongroom.model import Address
from strongroom.settings import Mode
from strongroom.world.world import World
from tests.adversarial.lodge import Lodge, install
from tests.agent.house import open_house


@pytest.fixture(scope="module")
def kernel(module_world: World, tmp_path_factory: pytest.TempPathFactory) -> Address:
    folder = tmp_path_factory.mktemp("install")
    texts = documents(module_world, "http://127.0.0.1:9", folder / "state", Mode.PROPOSE)
    return install(module_world, write(texts, folder))


@pytest.fixture
def lodge(
    kernel: Address,
    world: World,
    chain: RpcChain,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Lodge]:
    monkeypatch.setenv("STRONGROOM_PASSWORD", PASSWORD)
    with open_house(world, tmp_path_factory.mktemp("lodge")) as house:
        yield Lodge(house, chain, kernel)
