"""The bytecode we deploy is the bytecode of the sources beside it."""

from __future__ import annotations

import json
import runpy
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "strongroom" / "wallet" / "artifacts"


@pytest.fixture(scope="module")
def fresh() -> dict[str, Any]:
    """What the shipping tool would write now, by contract; forge compiles only what has changed."""
    done = subprocess.run([ROOT / "tools" / "forge", "build", "--silent"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    tool = runpy.run_path(str(ROOT / "tools" / "ship-artifacts"))
    return {name: tool["shipped"](name) for name in tool["CONTRACTS"]}


def test_exactly_the_contracts_that_the_tool_knows_are_shipped(fresh: dict[str, Any]) -> None:
    assert {path.stem for path in SHIPPED.iterdir()} == set(fresh)


def test_shipped_artifacts_equal_a_fresh_compile(fresh: dict[str, Any]) -> None:
    stale = [name for name, made in fresh.items() if json.loads((SHIPPED / f"{name}.json").read_text()) != made]
    assert not stale, f"run `tools/ship-artifacts`: {stale} differ from contracts/src"
