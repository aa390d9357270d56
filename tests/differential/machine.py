"""An EVM in this process, the contracts as compiled, and the ABI on the way in and out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import pyrevm
from eth_abi.abi import decode, encode

from policies.kernel.calls import (
    AddGuardian,
    Announce,
    AnnounceRun,
    AnyCall,
    Block,
    Cancel,
    LowerBucket,
    Pause,
    PayCall,
    Revoke,
    Run,
    Veto,
    VetoRun,
)
from policies.kernel.runs import leg_fields
from policies.kernel.values import Refusal
from strongroom.addresses import from_digest, keccak, to_address, to_digest
from strongroom.model import Address
from strongroom.protocols.abi import encode_call, selector

ROOT = Path(__file__).parents[2]
OUT = ROOT / "contracts" / "out"
SAFE_BUILD = ROOT / "node_modules/@safe-global/safe-contracts/build/artifacts/contracts"
DEPLOYER = Address("0x" + "de" * 20)
LEDGER_LEAF = b"\x1e" * 32

_LEGS = "(uint8,bytes,bytes32[],uint96,uint256,uint256,bytes)[]"
_OUTPUT = re.compile(r"Revert \{.*output: 0x([0-9a-f]*) \}")


class Reverted(Exception):
    """The call reverted with these bytes."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data.hex())
        self.data = data


class Machine:
    """One EVM with its clock. `at` sets the time of the next calls."""

    def __init__(self, out: Path = OUT) -> None:
        self._evm = pyrevm.EVM(spec_id="CANCUN")
        self._evm.set_balance(DEPLOYER, 10**30)
        self._out = out
        self.now = 0

    def at(self, now: int) -> None:
        self.now = now
        self._evm.set_block_env(pyrevm.BlockEnv(timestamp=now, number=1, gas_limit=2**40))

    def send(self, sender: Address, to: Address, data: bytes = b"", value: int = 0) -> bytes:
        """What a transaction returns; raises `Reverted`."""
        try:
            return bytes(self._evm.message_call(sender, to, data, value=value))
        except RuntimeError as error:
            if found := _OUTPUT.search(str(error)):
                raise Reverted(bytes.fromhex(found[1])) from None
            raise

    def ask(self, to: Address, signature: str, returns: str, *arguments: Any) -> tuple[Any, ...]:
        """A view's answer; raises `Reverted`."""
        return decode(_types(returns), self.send(DEPLOYER, to, encode_call(signature, *arguments)))

    def make(self, contract: str, *arguments: Any, types: str = "", file: str = "") -> Address:
        """Deploy an artifact of ours."""
        return self.deploy(self.creation_code(contract, file), encode(_types(types), arguments))

    def creation_code(self, contract: str, file: str = "") -> str:
        """What deploys one of our artifacts, in hexadecimal."""
        found = json.loads((self._out / f"{file or contract}.sol" / f"{contract}.json").read_text())
        return str(found["bytecode"]["object"])

    def make_safe_part(self, path: str) -> Address:
        """Deploy one of the published artifacts of Safe 1.4.1."""
        return self.deploy(json.loads((SAFE_BUILD / path).read_text())["bytecode"])

    def deploy(self, code: str, arguments: bytes = b"") -> Address:
        made = self._evm.deploy(DEPLOYER, bytes.fromhex(code.removeprefix("0x")) + arguments)
        return to_address(made)

    def fund(self, account: Address, wei: int) -> None:
        self._evm.set_balance(account, wei)

    def wei(self, account: Address) -> int:
        return int(self._evm.get_balance(account))

    def word(self, account: Address, slot: int) -> int:
        return int(self._evm.storage(account, slot))

    def code(self, account: Address) -> bytes:
        return bytes(self._evm.get_code(account) or b"")

    def snapshot(self) -> Any:
        return self._evm.snapshot()

    def revert(self, snapshot: Any) -> None:
        self._evm.revert(snapshot)


@lru_cache(maxsize=65536)
def slot_of(mapping: int, key: str | int) -> int:
    """Where a mapping keeps the value of a key, given as hexadecimal digits or a number."""
    number = key if isinstance(key, int) else int(key, 16)
    return int.from_bytes(keccak(number.to_bytes(32, "big") + mapping.to_bytes(32, "big")), "big")


@cache
def _types(listed: str) -> tuple[str, ...]:
    from strongroom.protocols.abi import argument_types

    return argument_types(f"({listed})") if listed else ()


def calldata(call: AnyCall) -> bytes:
    """The call as it is sent to the Kernel."""
    match call:
        case PayCall():
            rule = call.rule
            fields = (rule.token, rule.recipient, rule.max_units, rule.bucket_class, rule.delay_seconds)
            signature = "pay((address,address,uint96,uint32,uint32),uint256,bytes32[],bytes32)"
            return encode_call(signature, fields, call.units, [*map(from_digest, call.proof)], LEDGER_LEAF)
        case Run():
            return encode_call(f"run({_LEGS},bytes32)", [leg_fields(leg) for leg in call.legs], LEDGER_LEAF)
        case AnnounceRun():
            return encode_call(f"announceRun({_LEGS},bytes32)", [leg_fields(leg) for leg in call.legs], LEDGER_LEAF)
        case Pause():
            return selector("pause()")
        case Announce():
            return encode_call("announce(bytes)", call.data)
        case LowerBucket():
            return encode_call("lowerBucket((address,uint32,uint96,uint96,uint32))", call.setting.fields)
        case _ if (signature := _ONE_WORD.get(type(call))) is not None:
            (value,) = (getattr(call, name) for name in call.__slots__)
            return encode_call(signature, value if "address" in signature else from_digest(value))
    return call.calldata


_ONE_WORD: dict[type, str] = {
    VetoRun: "vetoRun(bytes32)",
    Block: "blockAddress(address)",
    Cancel: "cancel(bytes32)",
    Veto: "veto(bytes32)",
    AddGuardian: "addGuardian(address)",
    Revoke: "revoke(bytes32)",
}


def _errors(contract: str) -> Iterator[tuple[bytes, tuple[str, tuple[str, ...]]]]:
    found = json.loads((OUT / f"{contract}.sol" / f"{contract}.json").read_text())
    for entry in found["abi"]:
        if entry["type"] == "error":
            types = tuple(each["type"] for each in entry["inputs"])
            yield selector(f"{entry['name']}({','.join(types)})"), (entry["name"], types)


_ERRORS = dict([*_errors("PriceSource"), *_errors("IKernelErrors")])
KERNEL_ERRORS = frozenset(name for _, (name, _) in _errors("IKernelErrors"))


def refusal_of(data: bytes) -> Refusal:
    """Revert bytes as a refusal. `CallFailed` without the reason; what is no custom error keeps its bytes."""
    name, types = _ERRORS.get(data[:4], ("", ()))
    if not name:
        return Refusal("unknown", (data.hex(),))
    values = decode(types, data[4:])
    if name == "CallFailed":
        types, values = types[:1], values[:1]
    return Refusal(name, tuple(_plain(kind, value) for kind, value in zip(types, values, strict=True)))


def _plain(kind: str, value: Any) -> Any:
    if kind == "address":
        return to_address(value)
    return to_digest(value) if kind == "bytes32" else value
