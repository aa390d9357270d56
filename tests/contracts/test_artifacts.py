"""What ships and is promised: size, absence of dangerous opcodes, storage, frozen events, the compiler."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from eth_utils.abi import abi_to_signature

ROOT = Path(__file__).parents[2]
OUT = ROOT / "contracts" / "out"
DELEGATECALL, CALLCODE, CREATE, CREATE2, SELFDESTRUCT = 0xF4, 0xF2, 0xF0, 0xF5, 0xFF

EVENTS = {
    "Paid(bytes32,address,address,uint256,bytes32)",
    "Swapped(bytes32,address,address,uint256,uint256,uint256,bytes32)",
    "Acted(bytes32,address,address,uint256,uint256,bytes32)",
    "Exited(bytes32,address,address,address,uint256,uint256)",
    "RunAnnounced(bytes32,uint32,uint32,(uint8,bytes,bytes32[],uint96,uint256,uint256,bytes)[],uint40,uint40,bytes32)",
    "RunVetoed(bytes32,address)",
    "Paused(uint32,address,bytes32)",
    "Rekeyed(uint32,address,address,bytes32)",
    "AddressBlocked(address,address)",
    "AddressUnblocked(address)",
    "RuleRevoked(bytes32,uint32)",
    "GuardianAdded(address)",
    "GuardianRemoved(address)",
    "PolicySet(bytes32,uint32,bytes32)",
    "BucketSet(address,uint32,uint96,uint96,uint32)",
    "ChangeAnnounced(bytes32,uint32,bytes,uint40,uint40,uint16)",
    "ChangeVetoed(bytes32,address,uint16,uint16)",
    "ChangeCancelled(bytes32)",
    "ChangeMade(bytes32,uint32)",
}


def _built(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((OUT / f"{name}.sol" / f"{name}.json").read_text())
    return loaded


def _kernel() -> dict[str, Any]:
    return _built("Kernel")


def _runtime(name: str) -> bytes:
    return bytes.fromhex(_built(name)["deployedBytecode"]["object"].removeprefix("0x"))


def _opcodes(code: bytes) -> set[int]:
    """Every byte of the code that can be executed: push data skipped."""
    found: set[int] = set()
    position = 0
    while position < len(code):
        opcode = code[position]
        found.add(opcode)
        position += 1 + (opcode - 0x5F if 0x60 <= opcode <= 0x7F else 0)
    return found


def test_the_kernel_is_at_most_20_000_bytes() -> None:
    assert len(_runtime("Kernel")) <= 20_000


@pytest.mark.parametrize(
    "name", ["Kernel", "Watch", "PriceSource", "AuditRegistry", "OwnerGuard", "TwapFeed", "DebtMeter"]
)
def test_what_ships_cannot_delegate_create_or_destroy(name: str) -> None:
    assert not _opcodes(_runtime(name)) & {DELEGATECALL, CALLCODE, CREATE, CREATE2, SELFDESTRUCT}


def test_the_kernel_has_no_fallback_and_takes_no_ether() -> None:
    entries = _kernel()["abi"]
    assert not [entry for entry in entries if entry["type"] in {"fallback", "receive"}]
    assert not [entry for entry in entries if entry.get("stateMutability") == "payable"]


def test_the_events_are_the_frozen_ones() -> None:
    declared = {abi_to_signature(entry) for entry in _kernel()["abi"] if entry["type"] == "event"}
    assert declared == EVENTS


def test_the_storage_layout_is_the_one_in_the_decision_record() -> None:
    layout = _kernel()["storageLayout"]["storage"]
    slots = [(int(entry["slot"]), entry["label"].lstrip("_")) for entry in layout]
    assert slots == list(
        enumerate(
            [
                *("state", "root", "documentHash", "agentCodeHash", "counters", "buckets", "lastPaid", "blocked"),
                *("revoked", "guardians", "burned", "pending", "timesVetoed", "hasVetoed", "paid", "announced"),
            ]
        )
    )


def test_the_compiler_is_the_pinned_one() -> None:
    answer = subprocess.run([ROOT / "tools" / "solc", "--version"], capture_output=True, text=True, check=True)
    pinned = json.loads((ROOT / "package.json").read_text())["devDependencies"]["solc"]
    assert f"Version: {pinned}" in answer.stdout
    assert _kernel()["metadata"]["compiler"]["version"].startswith(pinned)
