"""The whole path with tokens that do not do what they say: what breaks the envelope is refused, and nothing is
proposed, signed or sent. An honest token on the same path is paid, as rehearsed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent.app import Treasurer
from agent.desk import OwnDesk
from agent.records import Records
from strongroom.chain.rpc import RpcChain
from strongroom.model import Address
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import read_balance
from strongroom.settings import Mode
from strongroom.world.people import ALICE, GUARDIANS, STRANGER
from strongroom.world.world import World
from tests.walk.conftest import ODD, SALARY, Payer

TWO = GUARDIANS[:2]
NAMED = ("string", "string", "uint8")
LIVE = pytest.mark.parametrize("mode", [Mode.PROPOSE, Mode.GUARDED])

TOKENS: dict[str, tuple[tuple[Any, ...], bytes, str, str]] = {
    "takes 1 % of what is sent": (
        ("FeeOnTransferToken", "", (*NAMED, "uint256"), ("Odd", "ODD", 18, 100)),
        b"",
        "envelope",
        "`alice` must receive all that is sent",
    ),
    "takes a hundredth of a percent": (
        ("FeeOnTransferToken", "", (*NAMED, "uint256"), ("Odd", "ODD", 18, 1)),
        b"",
        "envelope",
        "`alice` must receive all that is sent",
    ),
    "takes one unit more than is sent": (
        ("GreedyToken", "OddTokens"),
        encode_call("setExtra(uint256)", 1),
        "envelope",
        "the ODD that leaves must be what is declared and sent",
    ),
    "says no without reverting": (
        ("FalseReturningToken", "OddTokens"),
        b"",
        "envelope",
        "`alice` must receive all that is sent",
    ),
    "refuses the payee": (
        ("BlocklistToken", "OddTokens"),
        encode_call("list(address,bool)", ALICE.address, True),
        "rehearsed",
        "the rehearsal fails",
    ),
}


def balance(chain: RpcChain, token: Address, holder: Address) -> int:
    return int(chain.read([read_balance(token, holder)], chain.head())[0])


def kinds(treasurer: Treasurer) -> list[str]:
    return [entry.type for entry in treasurer.ledger.entries()]


@LIVE
@pytest.mark.parametrize("name", TOKENS)
def test_a_token_that_moves_otherwise_than_it_says_is_refused_before_anything_is_proposed(
    world: World,
    chain: RpcChain,
    payer: Callable[[Address], Payer],
    deploy_mock: Callable[..., Address],
    name: str,
    mode: Mode,
) -> None:
    made, prepare, rule, reason = TOKENS[name]
    token = deploy_mock(*made)
    if prepare:
        assert world.send_as(STRANGER.address, token, prepare).success
    paying = payer(token)
    with paying.treasurer(mode) as treasurer:
        head, held = chain.head(), balance(chain, token, world.account.safe)
        (unit,) = OwnDesk(treasurer).cycle("payroll")["units"]
        state = Records(treasurer.folder).show(unit["id"])["state"]
        recorded = kinds(treasurer)
    denied = [(f["rule"], f["reason"]) for f in state["decision"]["findings"] if f["verdict"] == "deny"]
    assert unit["status"] == "denied"
    assert any(found == rule and why.startswith(reason) for found, why in denied), denied
    assert chain.head() == head and balance(chain, token, world.account.safe) == held
    assert paying.house.queue.pending(0) == ()
    assert "verdict" in recorded and "tx.intent" not in recorded


@LIVE
def test_an_honest_token_on_the_same_path_is_paid_as_rehearsed(
    chain: RpcChain, payer: Callable[[Address], Payer], deploy_mock: Callable[..., Address], mode: Mode
) -> None:
    token = deploy_mock("Token", "", NAMED, ("Odd", "ODD", 18))
    paying = payer(token)
    with paying.treasurer(mode) as treasurer:
        (unit,) = OwnDesk(treasurer).cycle("payroll")["units"]
        if mode is Mode.PROPOSE:
            paying.house.sign(unit["proposal"], *TWO)
            treasurer.runner.poll()
        (row,) = treasurer.units.all()
        mined = [entry.body for entry in treasurer.ledger.entries() if entry.type == "tx.mined"]
    assert row.status == "executed"
    assert balance(chain, token, ALICE.address) == SALARY
    assert [body["as_rehearsed"] for body in mined] == [True]
    assert {(d["holder"], d["token"], int(d["units"])) for d in mined[0]["deltas"]} == {
        (paying.document.account.safe, ODD, -SALARY),
        (ALICE.address, ODD, SALARY),
    }


def test_a_token_that_turns_after_the_guardians_have_signed_is_not_executed(
    world: World, chain: RpcChain, payer: Callable[[Address], Payer], deploy_mock: Callable[..., Address]
) -> None:
    """An upgradeable token, honest while it is rehearsed and signed for, takes 1 % from then on: refused."""
    token = deploy_mock("Token", "", NAMED, ("Odd", "ODD", 18))
    taking = deploy_mock("FeeOnTransferToken", "", (*NAMED, "uint256"), ("Odd", "ODD", 18, 100))
    paying = payer(token)
    with paying.treasurer(Mode.PROPOSE) as treasurer:
        (unit,) = OwnDesk(treasurer).cycle("payroll")["units"]
        paying.house.sign(unit["proposal"], *TWO)
        world.set_code(token, chain.code(taking, chain.head()))
        (row,) = treasurer.runner.poll()
        recorded = kinds(treasurer)
    assert row.status == "drifted"
    assert balance(chain, token, ALICE.address) == 0
    assert "tx.sent" not in recorded
