"""The chapter of the fall by itself: its figures are the treasury's, and it does not hold when nothing was lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from agent.app import open_documents, open_treasurer
from agent.demo import drawdown, guarded, thief
from agent.demo.scene import PASSWORD, Scene
from agent.demo.stage import Stage, StoryBroken
from guardians.server.serving import Server, open_service
from strongroom.clock import WallClock
from strongroom.notices import MemoryNotices
from strongroom.protocols.kernel import burned_read, guardian_read
from strongroom.settings import Mode
from strongroom.world.people import AGENT, LAST_AGENT, NEXT_AGENT, STRANGER
from strongroom.world.treasury import DAI, ETH, PRICES_E8, USDC, WETH
from strongroom.world.world import World

COUNTED = (ETH, WETH, USDC, DAI)


TOLD: list[str] = []


@pytest.fixture(scope="module")
def installed(module_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The example DAO in guarded mode, its key replaced once already."""
    world, home = module_world, tmp_path_factory.mktemp("scene")
    with (
        pytest.MonkeyPatch.context() as environment,
        ExitStack() as stack,
        open_service(world.url, ":memory:", WallClock()) as service,
        Server(service) as server,
    ):
        environment.setenv("STRONGROOM_PASSWORD", PASSWORD)
        begun = Scene(Stage(TOLD.append, home, stack, dict(os.environ)), world, home, server.url)
        begun.register_delegate()
        with open_treasurer(open_documents(begun.documents(Mode.SHADOW)), MemoryNotices()):
            pass
        scene = guarded.install(begun)
        thief.replace_key(scene, AGENT, NEXT_AGENT)
        yield scene


@pytest.fixture
def scene(installed: Scene, world: World) -> Scene:
    """On a chain that is turned back after the test."""
    return installed


def worth_usd(scene: Scene) -> int:
    """What the Safe holds, at the lower of the two prices, without asking the watch."""
    world, safe = scene.world, scene.world.account.safe
    decimals = {token.id: token.decimals for token in world.tokens}
    held = {token: scene.held(safe, token) for token in COUNTED if token != ETH}
    held[ETH] = int(world.ask("eth_getBalance", safe, "latest"), 16)
    worth_e8: int = sum(held[each] * min(world.prices_e8()[each]) // 10 ** decimals[each] for each in COUNTED)
    return worth_e8 // 10**8


def test_a_stranger_trips_after_the_fall_and_only_a_third_key_is_obeyed(scene: Scene) -> None:
    before = worth_usd(scene)
    fall = drawdown.trip(scene)
    after = worth_usd(scene)
    assert abs(fall.before_usd - before) <= 2 and abs(fall.after_usd - after) <= 2
    assert fall.tripped_by == STRANGER.address and not scene.read(guardian_read(scene.kernel_address, STRANGER.address))
    assert fall.month > f"{scene.due:%Y-%m}"
    drawdown.rekey(scene)
    assert all(scene.read(burned_read(scene.kernel_address, each.address)) for each in (AGENT, NEXT_AGENT))
    assert not thief.Thief.of(scene, LAST_AGENT.address).refused()
    said = "\n".join(TOLD)
    assert all(words in said for words in (f"{fall.before_usd:,} USD", f"{fall.after_usd:,} USD", "KernelPaused()"))


def test_the_chapter_does_not_hold_when_the_treasury_keeps_its_worth(scene: Scene) -> None:
    """Ether rose before by more than it then falls: nothing was lost since the mark."""
    scene.world.move_market(WETH, PRICES_E8[WETH][0] * 155 // 100)
    with pytest.raises(StoryBroken, match="the fall is observed"):
        drawdown.trip(scene)
