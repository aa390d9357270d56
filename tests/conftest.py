"""What every room's tests may ask for: a real chain with real contracts, and the real `Chain` on it."""

from __future__ import annotations

import os
from collections.abc import Iterator

# Importing these raises the recursion limit, which must not happen inside a hypothesis test; others import them lazily.
import eth  # noqa: F401
import py_ecc  # noqa: F401
import pytest
from hypothesis import settings

from strongroom.chain.rpc import RpcChain
from strongroom.world.world import World

# These machines are shared: a slow example is no failure. The examples are the same each time, so that a red test is
# the change's doing and not the draw's; STRONGROOM_SEEK=1 draws new ones.
settings.register_profile("shared", deadline=None, derandomize=not os.environ.get("STRONGROOM_SEEK"))
settings.load_profile("shared")


@pytest.fixture(scope="module")
def module_world() -> Iterator[World]:
    """One chain a test module; ask for `world` instead, unless every test of the module leaves it as it was."""
    with World.start() as started:
        yield started


@pytest.fixture
def world(module_world: World) -> Iterator[World]:
    """A world as freshly built: time, balances and feeds are turned back after the test."""
    snapshot = module_world.snapshot()
    yield module_world
    module_world.revert(snapshot)


@pytest.fixture(scope="module")
def module_chain(module_world: World) -> Iterator[RpcChain]:
    chain = RpcChain(module_world.url)
    yield chain
    chain.close()


@pytest.fixture
def chain(world: World, module_chain: RpcChain) -> RpcChain:
    """The real adapter on `world`'s node."""
    return module_chain
