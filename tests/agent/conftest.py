"""The house, torn down and turned back after each test, and the program in this process, as fixtures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.cli import main
from agent.demo.scene import PASSWORD
from strongroom.world.world import World
from tests.agent.house import House, open_house

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def house(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("STRONGROOM_PASSWORD", PASSWORD)
    with open_house(world, tmp_path) as opened:
        yield opened


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The program in this process, by its own entry: exit code, standard output, standard error."""

    def once(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["strongroom", *map(str, arguments)])
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return once
