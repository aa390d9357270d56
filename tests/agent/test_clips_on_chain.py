"""Two clips of one rebalancing on real contracts: each planned by a process of its own, executed by the Kernel, and
never within the pause."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from agent.app import Documents, open_documents, open_treasurer
from agent.demo import guarded
from agent.demo.scene import PASSWORD, Scene
from agent.owed import ask_for, find_job
from agent.state_folder import StateFolder
from agent.units import RUNNING, Units
from strongroom.model import Plan
from strongroom.notices import MemoryNotices
from strongroom.pacing_settings import Pacing
from strongroom.settings import Mode, Weight
from strongroom.world.treasury import USDC, WETH
from strongroom.world.world import World
from tests.agent.begun import begun_scene

HOUR = 3_600
PACING = Pacing(clips=2, risk_aversion=0)
"""Nothing speaks against waiting: two clips are best where they cost the pools less than their gas."""


@pytest.fixture
def scene(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """The example DAO with its Kernel."""
    monkeypatch.setenv("STRONGROOM_PASSWORD", PASSWORD)
    with begun_scene(world, tmp_path) as begun:
        yield guarded.install(begun)


def documents(scene: Scene) -> Documents:
    """The example's, with a mandate that sells a little ether for USDC."""
    found = open_documents(scene.documents(Mode.GUARDED))
    weights = {WETH: Weight(6_600, 100), USDC: Weight(3_400, 100)}
    return replace(found, mandate=replace(found.mandate, weights=weights, pacing=PACING))


def cycle(named: Documents, runs_in: list[int]) -> tuple[Plan, list[tuple[str, str]]]:
    """One run of the job, by a process that has nothing but the state folder."""
    with open_treasurer(named, MemoryNotices()) as treasurer:
        ask = ask_for(find_job(named.jobs, "rebalance"), "2026-11")
        plan, rows = treasurer.runner.cycle(ask | {"runs_in": runs_in})
        return plan, [(row.id, row.status) for row in rows]


def held(scene: Scene) -> int:
    return scene.held(scene.world.account.safe, WETH)


def test_two_clips_are_executed_a_pause_apart_and_then_no_more(scene: Scene) -> None:
    """The last one brings ether to its target, though a process of its own planned it and prices stood still."""
    named, before = documents(scene), held(scene)
    first, rows = cycle(named, [HOUR])
    assert "in 2 clips over 1 hour" in first.rationale
    (unit, status), *more = rows
    day = unit.removeprefix("rebalance-").removesuffix("-1-WETH-USDC")
    assert (unit, status, more) == (f"rebalance-{day}-1-WETH-USDC", "executed", [])
    clip = before - held(scene)
    scene.world.advance(HOUR // 2)
    waiting, rows = cycle(named, [HOUR])
    assert (waiting.units, rows) == ((), [])
    assert "is not due before" in waiting.rationale
    scene.world.advance(HOUR // 2)
    assert cycle(named, [])[1] == [(f"rebalance-{day}-WETH-USDC", "executed")]
    # What the pools kept of the first clip makes the treasury smaller, and the rest a little larger.
    assert abs((before - held(scene)) - 2 * clip) < clip // 100
    scene.world.advance(HOUR)
    assert cycle(named, [HOUR])[0].units == ()


def test_a_process_that_died_right_after_a_clip_does_not_sell_it_twice(scene: Scene) -> None:
    """Killed between the transaction and the note of it: who comes next takes the unit up, and finds it made."""
    named = documents(scene)
    _, ((unit, _),) = cycle(named, [HOUR])
    after = held(scene)
    with closing(Units(StateFolder(named.treasury.state_dir).units)) as units:
        units.change(unit, status=RUNNING, tx_hash="")
    again, rows = cycle(named, [HOUR])
    assert (rows, held(scene)) == ([], after)
    assert "is not due before" in again.rationale
