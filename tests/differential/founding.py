"""The treasury's contracts are deployed, once for many lives."""

from __future__ import annotations

from strongroom.addresses import keccak, to_address, to_digest
from strongroom.model import NATIVE, Address
from strongroom.protocols.abi import encode_call
from tests.differential.machine import DEPLOYER, Machine
from tests.differential.treasury import HAND, MAX_AGE_SECONDS, OWNERS, START, Treasury

_EXECUTE = "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)"
_SAFE_SETUP = "setup(address[],uint256,address,bytes,address,address,uint256,address)"


def build(machine: Machine) -> Treasury:
    """Everything but a Kernel, on the published Safe 1.4.1."""
    machine.at(START)
    safe = _safe(machine)
    tokens = _tokens(machine)
    for name, token in tokens.items():
        if token != NATIVE:
            units = 10**9 if name == "poor" else 10**27
            machine.send(DEPLOYER, token, encode_call("mint(address,uint256)", safe, units))
    machine.fund(safe, 10**24)
    venues = {name: machine.make("ScriptedVenue") for name in ("one", "two")}
    for venue in venues.values():
        machine.fund(venue, 10**30)
    feeds = {name: (_feed(machine), _feed(machine)) for name in ("usdc", "weth", "ether")}
    sources = {name: _source(machine, tokens[name], 6 if name == "usdc" else 18, feeds[name]) for name in feeds}
    reverting = machine.make("RevertingTarget", file="Callers")
    coded = [safe, reverting, *venues.values(), *(token for token in tokens.values() if token != NATIVE)]
    hashes = {account: to_digest(keccak(machine.code(account))) for account in coded}
    return Treasury(machine, safe, machine.creation_code("Kernel"), tokens, venues, sources, feeds, reverting, hashes)


def _safe(machine: Machine) -> Address:
    singleton = machine.make_safe_part("Safe.sol/Safe.json")
    factory = machine.make_safe_part("proxies/SafeProxyFactory.sol/SafeProxyFactory.json")
    setup = encode_call(_SAFE_SETUP, list(OWNERS), 1, NATIVE, b"", NATIVE, NATIVE, 0, NATIVE)
    create = encode_call("createProxyWithNonce(address,bytes,uint256)", singleton, setup, 0)
    safe = to_address(machine.send(DEPLOYER, factory, create)[12:])
    enable = encode_call("enableModule(address)", HAND)
    approved = bytes(12) + bytes.fromhex(OWNERS[0][2:]) + bytes(32) + b"\1"
    arguments = (safe, 0, enable, 0, 0, 0, 0, NATIVE, NATIVE, approved)
    machine.send(OWNERS[0], safe, encode_call(_EXECUTE, *arguments))
    return safe


def _tokens(machine: Machine) -> dict[str, Address]:
    plain = {"usdc": 6, "weth": 18, "poor": 6}
    made = {
        name: machine.make("Token", name, name, decimals, types="string,string,uint8")
        for name, decimals in plain.items()
    }
    odd = {
        "greedy": "GreedyToken",
        "false": "FalseReturningToken",
        "mute": "NoReturnToken",
        "refusing": "RefusingApprovalToken",
        "sticky": "StickyApprovalToken",
    }
    made |= {name: machine.make(contract, file="OddTokens") for name, contract in odd.items()}
    return {"ether": NATIVE, **made, "vault": machine.make("ScriptedVault", 18, types="uint8")}


def _feed(machine: Machine) -> Address:
    return machine.make("Feed", 8, 10**8, types="uint8,int256")


def _source(machine: Machine, token: Address, decimals: int, feeds: tuple[Address, Address]) -> Address:
    config = (token, decimals, feeds, (MAX_AGE_SECONDS, MAX_AGE_SECONDS), 200, NATIVE)
    types = "(address,uint8,address[2],uint32[2],uint16,address)"
    return machine.make("PriceSource", config, types=types)
