"""The public JavaScript client, unmodified, does its whole tour against this server."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from strongroom.world.artifacts import node_modules
from strongroom.world.people import AGENT, ALICE, GUARDIANS, Person

from .conftest import Desk

INES, JONAS, _ = GUARDIANS
TOUR = Path(__file__).with_name("api_kit_tour.mjs")
INSTALLED = (node_modules() / "@safe-global/api-kit").is_dir() and shutil.which("node") is not None


def _contracts(desk: Desk) -> dict[str, str]:
    """protocol-kit wants every contract of an unknown chain named; those the tour does not meet are placeholders."""
    known = desk.world.contracts
    unmet = ("multiSend", "signMessageLib", "createCall", "simulateTxAccessor", "safeWebAuthnSharedSigner")
    return {
        "safeSingletonAddress": known.safe_singleton,
        "safeProxyFactoryAddress": known.safe_factory,
        "fallbackHandlerAddress": known.fallback_handler,
        "multiSendCallOnlyAddress": known.multisend,
        "safeWebAuthnSignerFactoryAddress": known.multisend,
        **{f"{name}Address": known.multisend for name in unmet},
    }


@pytest.mark.skipif(not INSTALLED, reason="@safe-global/api-kit and protocol-kit are not among the npm packages")
def test_delegate_propose_confirm_execute_and_read(desk: Desk) -> None:
    people: list[Person] = [AGENT, INES, JONAS]
    arguments = {
        "service": desk.url,
        "rpc": desk.world.url,
        "safe": desk.safe,
        "payee": ALICE.address,
        "contracts": _contracts(desk),
        **{person.name: {"key": "0x" + person.key.hex(), "address": person.address} for person in people},
    }
    done = subprocess.run(["node", TOUR, json.dumps(arguments)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["about"], told["threshold"]) == ("Safe Transaction Service", 2)
    assert told["delegates"] == [AGENT.address]
    assert told["pending"] == [[INES.address, AGENT.address, 0]]
    assert (told["nonceBefore"], told["nonceAfter"]) == ("0", "1")
    assert told["confirmations"] == sorted([INES.address, JONAS.address])
    assert told["executed"] == [True, True, True]
    assert told["safes"] == [desk.safe]
    assert told["decoded"] == "transfer"
    assert told["delegatesLeft"] == 0
    assert told["unknown"] == "No MultisigTransaction matches the given query."
