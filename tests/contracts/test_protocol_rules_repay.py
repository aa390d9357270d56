"""Aave V3's repayment cannot be an act of this Kernel: what takes something must bring a token, and a repayment only
burns debt. These tests hold the reason, so that nobody ships a rule that looks like one.

Debt is the owners' lane: they borrow and repay there, and a policy on an account with debt has no withdrawals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from strongroom.model import NATIVE, Address
from strongroom.protocols.aave_v3 import read_account
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import encode_approve
from strongroom.protocols.kernel_acts import ActRule, Template
from strongroom.world.treasury import DAI, units
from strongroom.world.world import World
from tests.contracts.protocol_desk import CLASS, FOREVER, Desk, RawLeg, open_desk

VARIABLE = 2
OWED, REPAID = units(DAI, 10_000), units(DAI, 1_000)
AMOUNT_WORD = 4 + 32
NOT_SUPPORTED = "0x" + encode_call("Error(string)", "80").hex()
"""Aave's own answer: its `Errors.sol` calls this one OPERATION_NOT_SUPPORTED."""


def _repay(asset: Address, amount: int, safe: Address) -> bytes:
    return encode_call("repay(address,uint256,uint256,address)", asset, amount, VARIABLE, safe)


class Tries:
    """Every way to write a repayment of DAI down as an act."""

    def __init__(self, world: World) -> None:
        lending, dai, safe = world.contracts.lending, world.contracts.tokens[DAI], world.account.safe
        reserve = lending.reserves[DAI]
        template = Template.of(_repay(dai, 0, safe), amount_word=AMOUNT_WORD)
        debt = ActRule(lending.pool, lending.pool, dai, reserve.variable_debt, template, OWED, CLASS)
        self.for_debt = debt
        self.for_next_to_nothing = replace(debt, min_rate=1, max_rate=1, max_loss_bps=9_999)
        self.for_nothing = replace(debt, min_rate=0, max_rate=0)
        self.as_claim = replace(self.for_nothing, max_units=0)
        self.of_debt = replace(debt, token_in=reserve.variable_debt, token_out=dai)
        self.of_debt_unapproved = replace(self.of_debt, spender=NATIVE)

    def __iter__(self) -> Iterator[ActRule]:
        return iter(vars(self).values())


@pytest.fixture(scope="module")
def tries(module_world: World) -> Tries:
    return Tries(module_world)


@pytest.fixture(scope="module")
def opened(module_world: World, tries: Tries) -> Desk:
    """The owners have borrowed DAI on what the Safe lends."""
    safe, dai = module_world.account.safe, module_world.contracts.tokens[DAI]
    desk = open_desk(module_world, lambda _: tuple(tries), (dai, tries.for_debt.token_out))
    borrow = encode_call("borrow(address,uint256,uint256,uint16,address)", dai, OWED, VARIABLE, 0, safe)
    assert module_world.send_as(safe, module_world.contracts.lending.pool, borrow).success
    return desk


@pytest.fixture
def desk(opened: Desk, world: World) -> Desk:
    return opened


def _leg(desk: Desk, rule: ActRule, asked: int = REPAID) -> RawLeg:
    data = _repay(desk.token(DAI), asked, desk.safe)
    return RawLeg(rule, rule.kind, rule.encoded, asked, 0, FOREVER, data)


def test_burned_debt_is_nothing_received(desk: Desk, tries: Tries) -> None:
    """At par, and even at the least floor that any rule can have: one unit."""
    assert desk.refusal(_leg(desk, tries.for_debt)) == "ReceivedTooLittle"
    assert desk.refusal(_leg(desk, tries.for_next_to_nothing)) == "ReceivedTooLittle"


def test_no_rule_takes_something_for_nothing(desk: Desk, tries: Tries) -> None:
    assert desk.refusal(_leg(desk, tries.for_nothing)) == "BadRule"
    assert desk.refusal(_leg(desk, tries.as_claim)) == "AboveRuleMaximum"
    assert desk.refusal(_leg(desk, tries.as_claim, asked=0)) == "CallFailed", "Aave repays no zero"


def test_debt_is_not_spent_either(desk: Desk, tries: Tries) -> None:
    """With the debt as what goes out, the bucket would count debt and not the DAI that leaves; but a debt knows no
    allowances, and the pool takes no DAI that nobody approved."""
    assert desk.refusal(_leg(desk, tries.of_debt)) == NOT_SUPPORTED
    assert desk.refusal(_leg(desk, tries.of_debt_unapproved)) == "CallFailed"


def test_an_allowance_from_the_owners_lane_makes_no_repayment_of_it(desk: Desk, tries: Tries) -> None:
    """What they left approved is no way around either: nothing comes in."""
    pool = desk.world.contracts.lending.pool
    assert desk.world.send_as(desk.safe, desk.token(DAI), encode_approve(pool, OWED)).success
    assert desk.refusal(_leg(desk, tries.of_debt_unapproved)) == "ReceivedTooLittle"
    assert desk.refusal(_leg(desk, tries.for_debt)) == "AllowanceRemains"


def test_the_owners_repay_themselves(desk: Desk, tries: Tries) -> None:
    """The same calldata is a fine repayment as the Safe's own transaction: it is the Kernel that has no word for it."""
    pool, dai, debt = desk.world.contracts.lending.pool, desk.token(DAI), tries.for_debt.token_out
    owed = desk.held(debt)
    assert desk.world.send_as(desk.safe, dai, encode_approve(pool, REPAID)).success
    assert desk.world.send_as(desk.safe, pool, _repay(dai, REPAID, desk.safe)).success
    assert 0 <= desk.held(debt) - (owed - REPAID) < units(DAI, 1), "less than a dollar of interest"


def test_the_agent_can_take_collateral_away_from_under_the_debt_as_far_as_aave_lets_it(desk: Desk) -> None:
    """Why a policy on an account with debt must have no withdrawal: health is no limit that the Kernel knows."""
    read = read_account(desk.world.contracts.lending.pool, desk.safe)

    def health() -> int:
        call = {"to": read.target, "data": "0x" + read.data.hex()}
        return read.decode(bytes.fromhex(desk.world.ask("eth_call", call, "latest")[2:])).health_factor_e18

    before, withdrawal = health(), desk.exchanges["withdraw"]
    assert desk.run(withdrawal.leg(80_000 * 10**6)).success
    assert health() < before // 4
    assert desk.refusal(withdrawal.leg(15_000 * 10**6)) == "CallFailed", "below one, Aave itself refuses"
