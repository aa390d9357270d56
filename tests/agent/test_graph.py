"""The graph as others see it: in LangGraph's own tools, and in the README."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.graph import build
from strongroom.settings import Mode

ROOT = Path(__file__).resolve().parents[2]
_MERMAID = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NEVER = ("eth_account", "web3", "safe_eth", "strongroom.wallet", "strongroom.chain", "agent.app", "guardians")
_OPENED = f"""
import builtins, importlib, json, os, socket, sqlite3, sys

def refused(*_, **__):
    raise AssertionError("the graph reached outside itself")

module, factory = sys.argv[1:]
importlib.import_module(module)
builtins.open = os.open = socket.socket.connect = sqlite3.connect = refused
graph = getattr(importlib.import_module(module), factory)()
print(json.dumps([graph.checkpointer is None, [name for name in {_NEVER} if name in sys.modules]]))
"""


def described() -> dict[str, Any]:
    return dict(json.loads((ROOT / "langgraph.json").read_text()))


def target() -> tuple[str, str]:
    """The module and the name in it that `langgraph.json` gives for the one graph."""
    path, _, name = described()["graphs"]["unit"].partition(":")
    assert (ROOT / path).is_file()
    return path.removeprefix("./").removesuffix(".py").replace("/", "."), name


def drawn(graph: Any) -> str:
    return str(graph.get_graph().draw_mermaid())


def test_the_readme_shows_the_graph_as_the_library_draws_it_now() -> None:
    """Whoever adds a step draws it anew: `agent.graph.unit().get_graph().draw_mermaid()`."""
    (fence,) = _MERMAID.findall((ROOT / "README.md").read_text())
    assert fence.strip() == drawn(build(None, Mode.GUARDED)).strip()


def test_langgraph_json_names_the_graph_with_both_lanes() -> None:
    module, name = target()
    graph = getattr(importlib.import_module(module), name)()
    assert drawn(graph) == drawn(build(None, Mode.GUARDED)) != drawn(build(None, Mode.PROPOSE))


def test_opening_the_graph_builds_no_adapter_and_reads_nothing() -> None:
    """In a process of its own: no file is opened, nobody is connected to, nothing that could sign is even imported."""
    done = subprocess.run([sys.executable, "-c", _OPENED, *target()], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == [True, []]


def test_langgraph_json_asks_for_this_package_and_a_python_it_runs_on() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = described()
    assert found["dependencies"] == ["."] and list(found["graphs"]) == ["unit"]
    assert project["requires-python"] == f">={found['python_version']}"


@pytest.mark.parametrize("mode", Mode)
def test_every_step_can_be_reached_and_can_reach_the_end(mode: Mode) -> None:
    """No mode has a step that nothing leads to, or from which a unit could never be over."""
    shown = build(None, mode).get_graph()
    edges = [(edge.source, edge.target) for edge in shown.edges]
    assert _reached("__start__", edges) == set(shown.nodes)
    assert _reached("__end__", [(after, before) for before, after in edges]) == set(shown.nodes)


def _reached(start: str, edges: list[tuple[str, str]]) -> set[str]:
    found: set[str] = set()
    new = {start}
    while new:
        found |= new
        new = {after for before, after in edges if before in new} - found
    return found
