"""`eth_simulateV1`: what is asked and how the answer is read (source: execution-apis, `eth_simulateV1`).

Logs are not read: a node may report a transfer whose call was reverted and caught, so effects come from balance reads
among the simulated calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from strongroom.chain.answers import printable, reading, to_bytes
from strongroom.model import Address, Block
from strongroom.ports import Override, SimulatedCall, SimulatedResult

GAS_PER_CALL = 2**24
"""What one transaction may use at most (EIP-7825). Explicit, so that no node derives it from the sender's balance."""


def simulation_params(
    calls: Sequence[SimulatedCall], overrides: Mapping[Address, Override], block: Block
) -> dict[str, Any]:
    """One simulated block on top of `block`, one second later. Number and time are explicit: anvil would otherwise run
    the calls at time 1, where every deadline holds and every feed is dated in the future."""
    simulated = {
        "blockOverrides": {
            "number": hex(block.number + 1),
            "time": hex(block.timestamp + 1),
            "gasLimit": hex(GAS_PER_CALL * len(calls)),
        },
        "stateOverrides": override_params(overrides),
        "calls": [_call(call) for call in calls],
    }
    # Without validation no nonce, fee or EIP-3607 check: the Safe itself may be a sender.
    return {"blockStateCalls": [simulated], "validation": False, "traceTransfers": False}


def _call(call: SimulatedCall) -> dict[str, str]:
    return {
        "from": call.sender,
        "to": call.to,
        "value": hex(call.value_wei),
        "input": "0x" + call.data.hex(),
        "gas": hex(GAS_PER_CALL),
    }


def override_params(overrides: Mapping[Address, Override]) -> dict[str, Any]:
    """State overrides as every simulating method takes them."""
    return {address: _override(override) for address, override in overrides.items()}


def _override(override: Override) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    if override.storage:
        # `state` instead of `stateDiff` would wipe every other slot.
        plain["stateDiff"] = {_word(slot): _word(int.from_bytes(w, "big")) for slot, w in override.storage.items()}
    if override.balance_wei is not None:
        plain["balance"] = hex(override.balance_wei)
    if override.code is not None:
        plain["code"] = "0x" + override.code.hex()
    if override.nonce is not None:
        plain["nonce"] = hex(override.nonce)
    return plain


def _word(value: int) -> str:
    return f"0x{value:064x}"


def parse_simulation(answer: Any, expected: int) -> list[SimulatedResult]:
    """One result a call. Raises `NodeRefused` on any other shape: an answer that cannot be read is no rehearsal."""
    with reading("eth_simulateV1"):
        (block,) = answer
        results = [_result(each) for each in block["calls"]]
        if len(results) != expected:
            raise ValueError(f"{len(results)} results of {expected} calls")
        return results


def _result(call: Mapping[str, Any]) -> SimulatedResult:
    success, error = int(call["status"], 16) == 1, call.get("error") or {}
    if success and error:
        raise ValueError("a call both succeeded and failed")
    # geth puts revert bytes into the error, anvil into the return data.
    returned = to_bytes(error.get("data") or call["returnData"])
    why = "" if success else printable(str(error.get("message", ""))) or "reverted"
    return SimulatedResult(success, returned, int(call["gasUsed"], 16), why)
