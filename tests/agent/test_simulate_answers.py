"""Every forecast of a treasury: the same seed, the same JSON, table and picture; its own command makes it again."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agent.conftest import Run
from tests.agent.simulating import COMMANDS, answer


def numbers(data: Any) -> Iterator[float]:
    if isinstance(data, dict):
        data = list(data.values())
    for each in data if isinstance(data, list) else ():
        yield from numbers(each)
        if isinstance(each, float):
            yield each


@pytest.mark.parametrize("name", COMMANDS)
def test_the_same_seed_gives_the_same_json_and_its_own_command_makes_it_again(run: Run, name: str) -> None:
    first = answer(run, *COMMANDS[name])
    words = shlex.split(first["origin"]["command"])
    assert words[:2] == ["strongroom", "simulate"]
    assert answer(run, *words[2:]) == first
    assert all(math.isfinite(each) for each in numbers(first))
    if name != "backtest":
        assert answer(run, *COMMANDS[name], "--seed", 2) != first


@pytest.mark.parametrize("name", COMMANDS)
def test_a_table_and_a_chart_are_made_with_their_origin(run: Run, name: str, tmp_path: Path) -> None:
    chart = tmp_path / "chart.svg"
    code, out, err = run("simulate", *COMMANDS[name], "--chart", chart)
    assert code == 0, err
    assert "nan" not in out.lower()
    footer, again = out.strip().splitlines()[-2:]
    assert footer.startswith("data ")
    assert again.startswith(f"again: strongroom simulate {COMMANDS[name][0]}")
    # Letters are drawn as outlines; their text stands beside them.
    assert f"<!-- {footer} -->" in chart.read_text()


def test_the_same_forecast_is_the_same_picture(run: Run, tmp_path: Path) -> None:
    charts = [tmp_path / name for name in ("one.svg", "two.svg")]
    for chart in charts:
        assert run("simulate", *COMMANDS["backtest"], "--chart", chart)[0] == 0
    assert charts[0].read_bytes() == charts[1].read_bytes()
