"""The house as a fixture: torn down and turned back after each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.demo.scene import PASSWORD
from strongroom.world.world import World
from tests.agent.house import House, open_house


@pytest.fixture
def house(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("STRONGROOM_PASSWORD", PASSWORD)
    with open_house(world, tmp_path) as opened:
        yield opened
