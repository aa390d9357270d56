"""Several calls in one `eth_call`, for nodes without `eth_simulateV1`.

A small program is laid under a fresh address and under each sender. The fresh address makes the calls one after
another; those of a sender go through the program at the sender's own address, so that each contract sees the caller
that it would see. Three things differ from `eth_simulateV1`, and from the chain: senders have code meanwhile, all
calls are one transaction of the sender who makes the fewest of them, and what one call warmed is warm for the next. So
gas is asked for on its own.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from strongroom.addresses import to_address
from strongroom.chain.answers import reading, to_bytes
from strongroom.chain.simulate import GAS_PER_CALL, override_params
from strongroom.errors import NodeRefused
from strongroom.model import Address, Block
from strongroom.ports import Override, SimulatedCall, SimulatedResult
from strongroom.protocols.abi import decode_values, encode_arguments

_STEPS = ["(address,uint256,uint256,bytes)[]"]
_OUTCOMES = ["uint256", "uint256", "(bool,uint256,bytes)[]"]
_GAS = 3 * GAS_PER_CALL
"""Of the whole: one call may burn its own, and the others, which only look, still answer."""


def actor(calls: Sequence[SimulatedCall]) -> Address:
    """Who makes the fewest calls: the others only look."""
    counted = Counter(call.sender for call in calls)
    return min(counted, key=counted.__getitem__)


def stacked_params(
    calls: Sequence[SimulatedCall], overrides: Mapping[Address, Override], block: Block
) -> tuple[Any, ...]:
    """Parameters of `eth_call`: all calls on top of `block`, one second later, as one transaction of the actor."""
    # Random: a constant address would tell a hostile contract that it is being rehearsed.
    origin, stage = actor(calls), to_address(secrets.token_bytes(20))
    steps = [(call.sender, 0, _GAS, _program_input([_step(call)])) for call in calls]
    request = {"from": origin, "to": stage, "input": "0x" + _program_input(steps).hex(), "gas": hex(_GAS)}
    laid = override_params({**overrides, **_laid(calls, overrides), stage: Override({}, code=program())})
    return request, {"blockHash": block.hash}, laid, next_block(block)


def next_block(block: Block) -> dict[str, str]:
    """Block overrides for a call on top of `block`."""
    return {"number": hex(block.number + 1), "time": hex(block.timestamp + 1)}


def parse_stacked(answer: Any, expected: int, block: Block) -> list[SimulatedResult]:
    """One result a call, gas as measured between the calls. Raises `NodeRefused` for a node that did not do all that it
    was asked: without the overrides nothing answers, without the block's time every deadline would hold."""
    with reading("eth_call"):
        number, time, outcomes = decode_values(_OUTCOMES, to_bytes(answer))
        if len(outcomes) != expected:
            raise ValueError(f"{len(outcomes)} results of {expected} calls")
        results = [_result(decode_values(_OUTCOMES, returned)[2]) for success, _, returned in outcomes if success]
        if len(results) != expected:
            raise ValueError("a sender's program failed")
    if (number, time) != (block.number + 1, block.timestamp + 1):
        raise NodeRefused("eth_call", "it ignores the block's number and time; use a node with `eth_simulateV1`")
    return results


def estimate_params(call: SimulatedCall, overrides: Mapping[Address, Override], block: Block) -> tuple[Any, ...]:
    """Parameters of `eth_estimateGas` for one call, as a transaction of its own."""
    request = {"from": call.sender, "to": call.to, "value": hex(call.value_wei), "input": "0x" + call.data.hex()}
    return request, hex(block.number), override_params(overrides), next_block(block)


@cache
def program() -> bytes:
    """Runtime code of contracts/script/BatchCaller.sol."""
    return bytes.fromhex((files("strongroom.chain") / "batch_caller.hex").read_text().replace("\n", ""))


def _laid(calls: Sequence[SimulatedCall], overrides: Mapping[Address, Override]) -> dict[Address, Override]:
    """The program under every sender, beside what else is assumed there."""
    assumed = {call.sender: overrides.get(call.sender, Override({})) for call in calls}
    return {sender: replace(override, code=program()) for sender, override in assumed.items()}


def _step(call: SimulatedCall) -> tuple[Address, int, int, bytes]:
    return call.to, call.value_wei, GAS_PER_CALL, call.data


def _program_input(steps: Sequence[tuple[Address, int, int, bytes]]) -> bytes:
    return encode_arguments(_STEPS, [list(steps)])


def _result(outcomes: Sequence[tuple[bool, int, bytes]]) -> SimulatedResult:
    ((success, gas_used, returned),) = outcomes
    return SimulatedResult(success, returned, gas_used, "" if success else "reverted")
