"""The unit's graph: observe, compile, dress, rehearse, judge; then the lane that fits, and settle."""

from __future__ import annotations

from typing import Any

from langgraph.graph import END, START, StateGraph

from agent.context import Context
from agent.nodes import agent_lane, announcing, judging, owner_lane, sending
from agent.nodes import state as read
from agent.nodes.state import State
from agent.units import ANNOUNCED, REVERTED
from strongroom.model import Verdict
from strongroom.settings import Mode

_MOST_DRIFTS = 3
Graph = Any
"""A compiled LangGraph; its generic parameters say nothing that `State` and `Context` do not."""


def build(checkpointer: Any, mode: Mode, signs: bool = True) -> Graph:
    """The graph of one unit over a checkpointer: up to the verdict in shadow mode, with the owner lane in propose mode,
    with both lanes in guarded mode. Where it does not sign, it ends at the verdict and the lane that it would take."""
    graph: Any = StateGraph(State, context_schema=Context)
    _judging(graph)
    if mode is Mode.SHADOW or not signs:
        _asking(graph)
        graph.add_conditional_edges("compile", _compiled, ["dress", END])
        graph.add_conditional_edges("judge", _asked, ["ask owners", END])
    else:
        _sending(graph)
        _announcing(graph)
        _owner_lane(graph, mode)
        if mode is Mode.GUARDED:
            _asking(graph)
            _agent_lane(graph)
        alone = {"intend", "announce", "ask owners"} if mode is Mode.GUARDED else set()
        following = {"propose", "release", END} | alone
        graph.add_conditional_edges("compile", _compiled, ["dress", "release", END])
        graph.add_conditional_edges("judge", _lane, sorted(following))
    return graph.compile(checkpointer=checkpointer, name="unit")


def unit() -> Graph:
    """The whole graph, both lanes, as `langgraph.json` names it for LangGraph's own tools: they bring a checkpointer.
    No adapter, document or key is behind it, so there it can be looked at and not run."""
    return build(None, Mode.GUARDED)


def _judging(graph: Any) -> None:
    graph.add_node("observe", judging.observe)
    graph.add_node("compile", judging.compile_calls)
    graph.add_node("dress", judging.dress)
    graph.add_node("rehearse", judging.rehearse_action)
    graph.add_node("judge", judging.judge)
    graph.add_edge(START, "observe")
    graph.add_edge("observe", "compile")
    graph.add_edge("dress", "rehearse")
    graph.add_edge("rehearse", "judge")


def _owner_lane(graph: Any, mode: Mode) -> None:
    graph.add_node("propose", owner_lane.propose)
    graph.add_node("wait", owner_lane.wait)
    graph.add_node("hear", owner_lane.hear)
    graph.add_node("observe again", judging.observe)
    graph.add_node("rehearse again", judging.rehearse_action)
    graph.add_node("judge again", judging.judge)
    graph.add_node("drop", owner_lane.drop)
    graph.add_node("release", owner_lane.release)
    graph.add_node("execute", owner_lane.execute)
    graph.add_conditional_edges("propose", _proposed, ["wait", "observe"])
    graph.add_edge("wait", "hear")
    graph.add_conditional_edges("hear", _heard, ["observe", "observe again", "propose", "drop", "settle", END])
    graph.add_edge("observe again", "rehearse again")
    graph.add_conditional_edges("rehearse again", _looked_again, ["judge again", "execute"])
    # Announced in guarded mode and woken there, a run that another mode takes up goes no further.
    alone = {"lose": "lose"} | {each: each if mode is Mode.GUARDED else END for each in ("intend", "ask owners")}
    graph.add_conditional_edges("judge again", _judged_again, {"execute": "execute", "drop": "drop", **alone})
    graph.add_edge("drop", "observe")
    graph.add_edge("release", "propose")
    graph.add_conditional_edges("execute", _signed, ["send", "propose"])


def _asking(graph: Any) -> None:
    graph.add_node("ask owners", judging.ask_owners)
    graph.add_edge("ask owners", "compile")


def _agent_lane(graph: Any) -> None:
    graph.add_node("intend", agent_lane.intend)
    graph.add_node("announce", announcing.announce)
    graph.add_node("preflight", agent_lane.preflight)
    graph.add_node("sign", agent_lane.sign_call)
    graph.add_edge("intend", "preflight")
    graph.add_edge("announce", "preflight")
    graph.add_conditional_edges("preflight", _cleared, ["sign", "observe", "observe again", END])
    graph.add_edge("sign", "send")


def _announcing(graph: Any) -> None:
    """In every mode that signs: what was announced in another is still followed."""
    graph.add_node("confirm", announcing.confirm)
    graph.add_node("rest", announcing.rest)
    graph.add_node("wake", announcing.wake)
    graph.add_conditional_edges("confirm", _confirmed, ["outbid", "rest", END])
    graph.add_node("lose", announcing.lose)
    graph.add_edge("rest", "wake")
    graph.add_edge("lose", END)
    graph.add_conditional_edges("wake", _woken, ["observe again", END])


def _sending(graph: Any) -> None:
    graph.add_node("send", sending.send)
    graph.add_node("settle", sending.settle)
    graph.add_node("outbid", sending.outbid)
    graph.add_conditional_edges("send", _sent, ["settle", "confirm", "outbid"])
    graph.add_conditional_edges("settle", _mined, ["outbid", "wait", END])
    graph.add_edge("outbid", "send")


def _sent(state: State) -> str:
    if state["status"] == "underpriced":
        return "outbid"
    return "confirm" if read.must_be_announced(state) else "settle"


def _confirmed(state: State) -> str:
    following = {"underpriced": "outbid", ANNOUNCED: "rest"}
    return following.get(state["status"], END)


def _woken(state: State) -> str:
    return "observe again" if state["event"] == announcing.READY else END


def _mined(state: State) -> str:
    """What guardians have signed and reverted still stands: whoever has the signatures may send it again."""
    if state["status"] == "underpriced":
        return "outbid"
    return "wait" if state["status"] == REVERTED and state["action"]["kind"] == "SafeTx" else END


def _compiled(state: State) -> str:
    return _denied(state) if state.get("status") == "denied" else "dress"


def _lane(state: State) -> str:
    if state["status"] == "denied":
        return _denied(state)
    if state["action"]["kind"] == "SafeTx":
        return "propose"
    if state["decision"]["verdict"] != Verdict.ALLOW:
        return "ask owners"
    return "announce" if read.must_be_announced(state) else "intend"


def _asked(state: State) -> str:
    return "ask owners" if _lane(state) == "ask owners" else END


def _denied(state: State) -> str:
    """What was proposed before the denial still stands in the queue, before everything behind it."""
    return "release" if state.get("past") else END


def _proposed(state: State) -> str:
    return "observe" if state["status"] == "crowded" else "wait"


def _heard(state: State) -> str:
    begin = "propose" if read.is_rejection(state) else "observe"
    following = {"approved": "observe again", "executed": "settle", "expired": "drop", "outdated": "drop"}
    return (following | {"cleared": begin}).get(state["event"], END)


def _looked_again(state: State) -> str:
    return "execute" if read.is_rejection(state) else "judge again"


def _judged_again(state: State) -> str:
    """What was announced is run as it was announced, or not at all: denied it is over, and what guardians must approve
    is theirs from then on."""
    if state["action"]["kind"] == "KernelCall":
        return "lose" if state["status"] == "denied" else _lane(state)
    return "drop" if state["status"] == "denied" else "execute"


def _signed(state: State) -> str:
    return "propose" if state["status"] == "short" else "send"


def _cleared(state: State) -> str:
    """What drifted is judged again from the beginning, but not for ever."""
    if state["status"] == "cleared":
        return "sign"
    if state["drifts"] >= _MOST_DRIFTS:
        return END
    return "observe again" if "announced" in state and state["stage"] == read.RUNNING else "observe"
