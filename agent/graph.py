"""The unit's graph: observe, compile, rehearse, judge; propose, wait for guardians, look again, execute, settle."""

from __future__ import annotations

from typing import Any

from langgraph.graph import END, START, StateGraph

from agent import nodes
from agent.context import Context
from agent.nodes import State
from strongroom.settings import Mode

Graph = Any
"""A compiled LangGraph; its generic parameters say nothing that `State` and `Context` do not."""


def build(checkpointer: Any, mode: Mode) -> Graph:
    """The graph of one unit, compiled over a checkpointer. In shadow mode it ends at the verdict."""
    graph = StateGraph(State, context_schema=Context)
    graph.add_node("observe", nodes.observe)
    graph.add_node("compile", nodes.compile_calls)
    graph.add_node("rehearse", nodes.rehearse_action)
    graph.add_node("judge", nodes.judge)
    graph.add_edge(START, "observe")
    graph.add_edge("observe", "compile")
    graph.add_conditional_edges("compile", _unless_denied("rehearse"), ["rehearse", END])
    graph.add_edge("rehearse", "judge")
    if mode is Mode.SHADOW:
        graph.add_edge("judge", END)
    else:
        _owner_lane(graph)
    return graph.compile(checkpointer=checkpointer, name="unit")


def _owner_lane(graph: Any) -> None:
    for name, node in (
        ("propose", nodes.propose),
        ("wait", nodes.wait),
        ("hear", nodes.hear),
        ("observe again", nodes.observe),
        ("rehearse again", nodes.rehearse_action),
        ("judge again", nodes.judge),
        ("execute", nodes.execute),
        ("send", nodes.send),
        ("settle", nodes.settle),
    ):
        graph.add_node(name, node)
    graph.add_conditional_edges("judge", _unless_denied("propose"), ["propose", END])
    graph.add_edge("propose", "wait")
    graph.add_edge("wait", "hear")
    graph.add_conditional_edges("hear", _after_hearing, ["observe again", "settle", END])
    graph.add_edge("observe again", "rehearse again")
    graph.add_edge("rehearse again", "judge again")
    graph.add_conditional_edges("judge again", _unless_denied("execute"), ["execute", END])
    graph.add_edge("execute", "send")
    graph.add_edge("send", "settle")
    graph.add_edge("settle", END)


def _unless_denied(following: str) -> Any:
    return lambda state: END if state.get("status") == "denied" else following


def _after_hearing(state: State) -> str:
    return {"approved": "observe again", "executed": "settle"}.get(state["event"], END)
