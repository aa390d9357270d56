"""Payments of real tokens, of odd ones and of the native coin, to payees that are people and to contracts that are not.

`contracts/test/KernelTokens.t.sol` has more tokens; here the payees and the agent's calldata are hostile.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from strongroom.addresses import from_digest
from strongroom.model import NATIVE, Address
from strongroom.protocols.abi import encode_call, selector
from strongroom.protocols.kernel import bucket_key
from strongroom.protocols.kernel_legs import Payment, PayRule, encode_legs
from strongroom.world.people import AGENT, ALICE, STRANGER
from strongroom.world.treasury import DAI, USDC, WETH
from strongroom.world.world import World
from tests.contracts.protocol_desk import CLASS, ETHER, LARGEST, Desk, RawLeg, creation, open_desk

CONTRACTS = {
    "reverting": ("RevertingTarget", "Callers"),
    "reentering": ("ReenteringPayee", "Payees"),
    "burning": ("GasBurningPayee", "Payees"),
    "talking": ("LongWindedPayee", "Payees"),
}
ODD = {"silent": "TetherLikeToken", "false": "FalseReturningToken"}
MOST = 2 * ETHER
REAL = (USDC, DAI, WETH)


@dataclass(frozen=True)
class Till:
    """A desk that may also pay Alice in every token and four contracts in ether. `at`: contracts by their name here."""

    desk: Desk
    at: dict[str, Address]

    def rule(self, token: str, payee: str = "") -> PayRule:
        paid = self.at[token] if token in self.at else self.desk.token(token)
        return PayRule(paid, self.at[payee] if payee else ALICE.address, MOST, CLASS)

    def leg(self, rule: PayRule, amount: int, data: bytes = b"") -> RawLeg:
        return RawLeg(rule, 0, rule.encoded, amount, 0, 0, data)

    def ether(self, payee: str = "") -> RawLeg:
        return self.leg(self.rule("ETH", payee), ETHER)

    def single(self, rule: PayRule, amount: int) -> bytes:
        """Calldata of `pay`, the entry for one payment."""
        return encode_legs([Payment(rule, amount, self.desk.path(rule))])

    @property
    def room(self) -> int:
        """Wei left in the native coin's bucket."""
        key = from_digest(bucket_key(NATIVE, CLASS))
        return self.desk.view(self.desk.kernel, "available(bytes32)", key)


def _rules(world: World, at: dict[str, Address]) -> list[PayRule]:
    tokens = [*(world.contracts.tokens[token] for token in REAL), *(at[odd] for odd in ODD), NATIVE]
    to_alice = [PayRule(token, ALICE.address, MOST, CLASS) for token in tokens]
    return to_alice + [PayRule(NATIVE, at[name], MOST, CLASS) for name in CONTRACTS]


@pytest.fixture(scope="module")
def opened(module_world: World) -> Till:
    world = module_world
    at = {name: world.deploy(creation(*built)) for name, built in CONTRACTS.items()}
    at |= {name: world.deploy(creation(built, "OddTokens")) for name, built in ODD.items()}
    for name in ODD:
        mint = encode_call("mint(address,uint256)", world.account.safe, ETHER)
        assert world.send_as(STRANGER.address, at[name], mint).success
    rules = _rules(world, at)
    return Till(open_desk(world, lambda _: rules, tuple(rule.token for rule in rules)), at)


@pytest.fixture
def till(opened: Till, world: World) -> Till:
    return opened


# TOKENS


@pytest.mark.parametrize("token", [*REAL, "silent", "ETH"])
def test_the_payee_gets_exactly_what_the_safe_loses(till: Till, token: str) -> None:
    """The silent one returns nothing from a transfer, as the largest stablecoin does."""
    rule = till.rule(token)
    safe, alice = till.desk.held(rule.token), till.desk.held(rule.token, ALICE.address)
    paid = till.desk.world.send_as(AGENT.address, till.desk.kernel, till.single(rule, 1_234_567))
    assert paid.success
    assert safe - till.desk.held(rule.token) == 1_234_567
    assert till.desk.held(rule.token, ALICE.address) - alice == 1_234_567


def test_a_token_that_says_no_has_paid_nobody(till: Till) -> None:
    """It answers false where others revert: here, for more than there is."""
    leg = till.leg(till.rule("false"), ETHER)
    assert till.desk.run(leg).success
    assert till.desk.refusal(leg) == "TransferRefused"


# HOSTILE PAYEES


def test_a_payee_that_refuses_ether_undoes_the_whole_run(till: Till) -> None:
    assert till.desk.refusal(till.ether("reverting")) == "CallFailed"
    before = till.desk.held(NATIVE, ALICE.address)
    assert not till.desk.run(till.ether(), till.ether("reverting")).success
    assert till.desk.held(NATIVE, ALICE.address) == before


@pytest.mark.parametrize("door", ["pay", "run", "pause", "safe"])
def test_a_payee_that_calls_back_is_paid_once(till: Till, door: str) -> None:
    """Whatever it tries with the control that the ether brings: it is paid, and stands before a shut door."""
    desk, leg, payee = till.desk, till.ether("reentering"), till.at["reentering"]
    doors = {
        "pay": (desk.kernel, till.single(till.rule("ETH", "reentering"), ETHER), "Busy()"),
        "run": (desk.kernel, desk.calldata(leg), "Busy()"),
        "pause": (desk.kernel, encode_call("pause()"), "NotAllowedToPause(address)"),
        "safe": (desk.safe, _from_module(payee), "Error(string)"),
    }
    to, payload, refused = doors[door]
    assert desk.world.send_as(STRANGER.address, payee, encode_call("setDoor(address,bytes)", to, payload)).success
    before = desk.held(NATIVE)
    assert desk.run(leg).success
    assert before - desk.held(NATIVE) == ETHER == desk.held(NATIVE, payee)
    assert desk.view(payee, "entered()") == 0
    assert desk.view(payee, "answer()") >> 224 == int.from_bytes(selector(refused), "big")


def _from_module(payee: Address) -> bytes:
    return encode_call("execTransactionFromModule(address,uint256,bytes,uint8)", payee, ETHER, b"", 0)


@pytest.mark.parametrize("payee", ["burning", "talking"])
def test_a_payee_that_wastes_gas_or_words_gets_nothing_and_blocks_nobody_else(till: Till, payee: str) -> None:
    """The agent's gas is gone; the treasury, the bucket and the next payment are as they were."""
    desk = till.desk
    before, room = desk.held(NATIVE), till.room
    assert not desk.run(till.ether(payee)).success
    assert (desk.held(NATIVE), desk.held(NATIVE, till.at[payee]), till.room) == (before, 0, room)
    assert desk.run(till.ether()).success
    assert before - desk.held(NATIVE) == ETHER
    assert LARGEST - till.room == pytest.approx(ETHER, rel=1e-3)


# A HOSTILE AGENT


def test_a_payment_takes_no_calldata_along(till: Till) -> None:
    """What a leg says besides is for venues: a payee that knows no function would refuse it."""
    leg = replace(till.ether("reentering"), data=encode_call("setDoor(address,bytes)", AGENT.address, b""))
    assert till.desk.run(leg).success
    assert till.desk.view(till.at["reentering"], "door()") == 0


def test_another_payee_token_class_or_maximum_is_another_rule(till: Till) -> None:
    rule = till.rule(USDC)
    leg = till.leg(rule, 1)
    for other in (
        replace(rule, recipient=AGENT.address),
        replace(rule, token=till.desk.weth),
        replace(rule, max_units=MOST + 1),
        replace(rule, bucket_class=CLASS + 1),
        replace(rule, delay_seconds=1),
    ):
        assert till.desk.refusal(replace(leg, encoded=other.encoded)) == "NotInPolicy"


def test_amounts_of_nothing_and_of_more_than_the_rule_are_not_paid(till: Till) -> None:
    rule = till.rule(USDC)
    assert till.desk.refusal(till.leg(rule, 0)) == "AmountIsZero"
    assert till.desk.answer(till.single(rule, MOST + 1)) == "AboveRuleMaximum"
    assert till.desk.answer(till.single(rule, 2**256 - 1)) == "AboveRuleMaximum"


def test_dirty_addresses_and_short_calldata_are_not_read(till: Till) -> None:
    """The compiler's refusals, which have no name. Bytes behind the end are nobody's argument and change nothing."""
    data = till.single(till.rule(USDC), 1)
    assert till.desk.answer(data) == till.desk.answer(data + bytes(32)) == ""
    for word in (0, 1):
        at = 4 + 32 * word
        assert data[at] == 0 and till.desk.answer(data[:at] + b"\x01" + data[at + 1 :]) == "0x"
    assert till.desk.answer(data[:-33]) == "0x"
    assert till.desk.answer(data, value_wei=1) == "0x"
