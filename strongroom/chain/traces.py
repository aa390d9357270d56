"""`debug_traceCall`: which calls an execution makes (source: geth's documentation, "callTracer")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strongroom.addresses import to_address
from strongroom.chain.answers import printable, reading, to_bytes
from strongroom.chain.simulate import GAS_PER_CALL, override_params
from strongroom.chain.stacked import next_block
from strongroom.model import NATIVE, Address, Block
from strongroom.ports import Frame, Override, SimulatedCall


def trace_params(call: SimulatedCall, overrides: Mapping[Address, Override], block: Block) -> tuple[Any, ...]:
    """One call on top of `block`, one second later."""
    request = {
        "from": call.sender,
        "to": call.to,
        "value": hex(call.value_wei),
        "input": "0x" + call.data.hex(),
        "gas": hex(GAS_PER_CALL),
    }
    options = {
        "tracer": "callTracer",
        "stateOverrides": override_params(overrides),
        "blockOverrides": next_block(block),
    }
    return request, {"blockHash": block.hash}, options


def parse_trace(answer: Any) -> Frame:
    """Raises `NodeRefused` on any other shape."""
    with reading("debug_traceCall"):
        return _frame(answer)


def _frame(call: Mapping[str, Any]) -> Frame:
    # A creation that failed has no address.
    to = to_address(call["to"]) if call.get("to") else NATIVE
    made = tuple(_frame(each) for each in call.get("calls") or ())
    returned, error = to_bytes(call.get("output") or "0x"), printable(str(call.get("error") or ""))
    return Frame(to, to_bytes(call["input"]), returned, error, made)
