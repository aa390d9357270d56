"""`debug_traceCall`: which calls an execution makes, and what it changes (source: geth's documentation, "callTracer"
and "prestateTracer").

With both, several calls are simulated one after another on a node without `eth_simulateV1`: what a call changed is laid
under those that follow it. Calls that change nothing need no order, so all that remain are asked for at once, and asked
again from the first that changed something on.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from strongroom.addresses import to_address
from strongroom.chain.answers import printable, reading, to_bytes
from strongroom.chain.simulate import GAS_PER_CALL, override_params
from strongroom.errors import NodeRefused
from strongroom.model import NATIVE, Address, Block
from strongroom.ports import Frame, Override, SimulatedCall, SimulatedResult

Requests = Sequence[tuple[str, Sequence[Any]]]
Overrides = Mapping[Address, Override]

_CALLS = {"tracer": "callTracer"}
_CHANGES = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}
_CLOCK = bytes.fromhex("425f52436020526040" + "5ff3")
"""Runtime code that answers with the block's time and number."""


def trace_params(call: SimulatedCall, overrides: Overrides, block: Block) -> tuple[Any, ...]:
    """The calls that one call makes on top of `block`, one second later."""
    return _params(call, overrides, block, _CALLS)


def parse_trace(answer: Any) -> Frame:
    """Raises `NodeRefused` on any other shape."""
    with reading("debug_traceCall"):
        return _frame(answer)


def simulate_by_traces(
    ask_all: Callable[[Requests], list[Any]], calls: Sequence[SimulatedCall], overrides: Overrides, block: Block
) -> list[SimulatedResult]:
    """What `eth_simulateV1` gives, call by call. Raises `NodeRefused` for a node that traces neither way, or on another
    block than it is told to."""
    laid, results = {to_address(at): each for at, each in overrides.items()}, list[SimulatedResult]()
    _require_clock(ask_all, block)
    while len(results) < len(calls):
        for result, changes in _round(ask_all, calls[len(results) :], laid, block):
            results.append(result)
            if changes:
                laid = _merged(laid, changes)
                break
    return results


def _require_clock(ask_all: Callable[[Requests], list[Any]], block: Block) -> None:
    """A node that ignores the overrides would run every call at another time, where other deadlines hold."""
    at = to_address(secrets.token_bytes(20))
    params = _params(SimulatedCall(NATIVE, at, 0, b""), {at: Override({}, code=_CLOCK)}, block, _CALLS)
    frame = parse_trace(ask_all([("debug_traceCall", params)])[0])
    if frame.returned != b"".join(value.to_bytes(32, "big") for value in (block.timestamp + 1, block.number + 1)):
        raise NodeRefused("debug_traceCall", "it ignores overrides; use a node that offers `eth_simulateV1`")


def _round(
    ask_all: Callable[[Requests], list[Any]], calls: Sequence[SimulatedCall], laid: Overrides, block: Block
) -> list[tuple[SimulatedResult, dict[Address, Override]]]:
    """Each call as if it were the first, with what it changed."""
    asked = [("debug_traceCall", _params(call, laid, block, how)) for call in calls for how in (_CALLS, _CHANGES)]
    answers = ask_all(asked)
    with reading("debug_traceCall"):
        pairs = zip(calls, answers[::2], answers[1::2], strict=True)
        return [(_result(trace), _changes(diff, call.sender)) for call, trace, diff in pairs]


def _params(call: SimulatedCall, overrides: Overrides, block: Block, how: Mapping[str, Any]) -> tuple[Any, ...]:
    request = {
        "from": call.sender,
        "to": call.to,
        "value": hex(call.value_wei),
        "input": "0x" + call.data.hex(),
        "gas": hex(GAS_PER_CALL),
    }
    on_top = {"number": hex(block.number + 1), "time": hex(block.timestamp + 1)}
    options = {**how, "stateOverrides": override_params(overrides), "blockOverrides": on_top}
    return request, {"blockHash": block.hash}, options


def _frame(call: Mapping[str, Any]) -> Frame:
    # A creation that failed has no address.
    to = to_address(call["to"]) if call.get("to") else NATIVE
    made = tuple(_frame(each) for each in call.get("calls") or ())
    returned, error = to_bytes(call.get("output") or "0x"), printable(str(call.get("error") or ""))
    return Frame(to, to_bytes(call["input"]), returned, error, made)


def _result(trace: Mapping[str, Any]) -> SimulatedResult:
    error, returned = printable(str(trace.get("error") or "")), to_bytes(trace.get("output") or "0x")
    return SimulatedResult(not error, returned, int(trace["gasUsed"], 16), error)


def _changes(diff: Mapping[str, Any], sender: Address) -> dict[Address, Override]:
    """What a call left different, but for the number of transactions that its sender has sent."""
    before, after = diff["pre"], diff["post"]
    changed = {to_address(at): _change(before.get(at, {}), after.get(at, {})) for at in {*before, *after}}
    changed[sender] = replace(changed.get(sender, _NOTHING), nonce=None)
    return {address: change for address, change in changed.items() if change != _NOTHING}


_NOTHING = Override({})


def _change(before: Mapping[str, Any], after: Mapping[str, Any]) -> Override:
    """A slot that became zero is left out of what stands after."""
    slots = {**dict.fromkeys(before.get("storage", {}), "0x0"), **after.get("storage", {})}
    storage = {int(slot, 16): int(word, 16).to_bytes(32, "big") for slot, word in slots.items()}
    balance, nonce = after.get("balance"), after.get("nonce")
    return Override(
        storage,
        None if balance is None else int(balance, 16),
        to_bytes(after["code"]) if "code" in after else None,
        int(str(nonce), 0) if nonce is not None else None,
    )


def _merged(laid: Overrides, changes: Overrides) -> dict[Address, Override]:
    return {**laid, **{at: _over(laid.get(at, _NOTHING), change) for at, change in changes.items()}}


def _over(below: Override, above: Override) -> Override:
    return Override(
        {**below.storage, **above.storage},
        below.balance_wei if above.balance_wei is None else above.balance_wei,
        below.code if above.code is None else above.code,
        below.nonce if above.nonce is None else above.nonce,
    )
