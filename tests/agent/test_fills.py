"""The treasury's own swaps, executed on the real contracts, come back as fills that add up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from agent.app import Documents, onlooker, open_documents
from agent.demo import guarded
from agent.demo.scene import PASSWORD, Scene
from agent.fills import Known, known_fills
from agent.records import Records
from agent.state_folder import StateFolder
from simulations.slippage.fills import decompose
from strongroom.chain.rpc import RpcChain
from strongroom.model import TokenId
from strongroom.settings import Mode
from strongroom.world.people import OPERATOR
from strongroom.world.treasury import DAI, USDC, WETH
from strongroom.world.world import World
from tests.agent.begun import begun_scene
from tests.agent.test_guarded import desk
from tests.chain.partial_node import PartialNode


@pytest.fixture
def scene(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """A treasury in guarded mode that has swapped twice and paid."""
    monkeypatch.setenv("STRONGROOM_PASSWORD", PASSWORD)
    with begun_scene(world, tmp_path) as begun:
        installed = guarded.install(begun)
        with ExitStack() as stack:
            treasurer = desk(stack, installed)
            for order in ("swap 2 WETH to USDC", "pay 100 USDC to alice", "swap 3_000 USDC to WETH"):
                assert treasurer.chat(OPERATOR.name, order)["units"][0]["status"] == "executed"
        yield installed


PAIR = frozenset((WETH, USDC))


def found(scene: Scene, url: str, pair: frozenset[TokenId] = PAIR) -> Known:
    documents: Documents = open_documents(scene.documents(Mode.GUARDED))
    records = Records(StateFolder(documents.treasury.state_dir))
    with closing(RpcChain(url)) as chain:
        return known_fills(records, chain, onlooker(documents), documents.policy, pair)


def test_each_swap_is_a_fill_and_a_payment_is_none(scene: Scene) -> None:
    known = found(scene, scene.world.url)
    assert known.forgotten == 0
    sold_ether, sold_dollars = known.fills
    assert 5_990 * 10**6 < sold_ether.received < 6_010 * 10**6
    assert 0.99 * 10**18 < sold_dollars.received < 1.01 * 10**18
    for fill in known.fills:
        # Nobody else trades in this world.
        assert fill.quoted == fill.before == fill.received
        parts = decompose(fill)
        assert parts.fee > 0 and parts.impact > 0 and parts.gas > 0
        assert (parts.adverse, parts.ordering) == (0, 0)


def test_what_the_node_has_forgotten_is_counted_and_not_guessed(scene: Scene) -> None:
    with PartialNode(scene.world.url, ("eth_getTransactionReceipt",)) as node:
        assert found(scene, node.url) == Known((), 2)


def test_what_other_tokens_met_is_no_fill_of_these(scene: Scene) -> None:
    """Stable coins stand still between quote and block: pooled with ether they would promise it the same."""
    assert found(scene, scene.world.url, frozenset((DAI, USDC))) == Known((), 0)
