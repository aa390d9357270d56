"""Repaying Aave V3 on the real market: the fall of the debt is what comes in, told by a meter. Without one there is no
rule, and these tests hold the reason.

Borrowing stays the owners' lane, and a policy on an account with debt has no withdrawals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.addresses import to_address
from strongroom.model import NATIVE, Address
from strongroom.ports import Read
from strongroom.protocols.aave_v3 import Repay, decode_repay, encode_repay, read_account, read_variable_debt
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import encode_approve
from strongroom.protocols.kernel import encode_pause
from strongroom.protocols.kernel_acts import UNLIMITED_HOLDING, ActRule, exit_rule
from strongroom.protocols.kernel_rules_repay import meter_arguments, read_debt, repay_rule
from strongroom.wallet.deploy import artifact, plan, require_code
from strongroom.world.people import GUARDIANS, STRANGER
from strongroom.world.treasury import DAI, USDC, units
from strongroom.world.world import World
from tests.contracts.protocol_desk import CLASS, FOREVER, Desk, RawLeg, open_desk

T = TypeVar("T")
STABLE, VARIABLE = 1, 2
OWED, REPAID = units(DAI, 10_000), units(DAI, 1_000)
LARGEST = 2 * OWED
YEAR = 365 * 86_400
ALL = 2**256 - 1
FACTORY = Address("0x4e59b44847b379578588920cA78FbF26c0B4956C")
NOT_SUPPORTED = "0x" + encode_call("Error(string)", "80").hex()
"""Aave's own answer: its `Errors.sol` calls this one OPERATION_NOT_SUPPORTED."""


def _repay(asset: Address, amount: int, safe: Address, mode: int = VARIABLE) -> bytes:
    return encode_call("repay(address,uint256,uint256,address)", asset, amount, mode, safe)


@dataclass(frozen=True)
class Rules:
    """The shipped rule and the guardians' own, and every way to write a repayment of DAI down without a meter."""

    repay: ActRule
    rescue: ActRule
    holding_less: ActRule
    for_debt: ActRule
    for_next_to_nothing: ActRule
    for_nothing: ActRule
    as_claim: ActRule
    of_debt: ActRule
    of_debt_unapproved: ActRule

    @classmethod
    def of(cls, world: World, meter: Address) -> Rules:
        lending, dai, safe = world.contracts.lending, world.contracts.tokens[DAI], world.account.safe
        repay = repay_rule(lending.pool, dai, meter, safe, LARGEST, CLASS)
        debt = replace(repay, token_out=lending.reserves[DAI].variable_debt, max_loss_bps=0)
        nothing = replace(debt, min_rate=0, max_rate=0)
        burned = replace(debt, token_in=debt.token_out, token_out=dai)
        return cls(
            repay=repay,
            rescue=exit_rule(repay, CLASS),
            holding_less=replace(repay, max_holding_units=UNLIMITED_HOLDING - OWED),
            for_debt=debt,
            for_next_to_nothing=replace(debt, min_rate=1, max_rate=1, max_loss_bps=9_999),
            for_nothing=nothing,
            as_claim=replace(nothing, max_units=0),
            of_debt=burned,
            of_debt_unapproved=replace(burned, spender=NATIVE),
        )

    def __iter__(self) -> Iterator[ActRule]:
        return iter(vars(self).values())


@pytest.fixture(scope="module")
def rules(module_world: World) -> Rules:
    debt = module_world.contracts.lending.reserves[DAI].variable_debt
    return Rules.of(module_world, module_world.deploy(artifact("DebtMeter").creation + meter_arguments(debt)))


@pytest.fixture(scope="module")
def opened(module_world: World, rules: Rules) -> Desk:
    """The owners have borrowed DAI on what the Safe lends; a stranger has done so too."""
    dai, pool = module_world.contracts.tokens[DAI], module_world.contracts.lending.pool
    desk = open_desk(module_world, lambda _: tuple(rules), (dai, rules.for_debt.token_out))
    _borrow(module_world, desk.safe, OWED)
    usdc = module_world.contracts.tokens[USDC]
    module_world.mint(USDC, STRANGER.address, 2 * OWED)
    for to, data in ((usdc, encode_approve(pool, 2 * OWED)), (pool, _supply(usdc, units(USDC, 20_000)))):
        assert module_world.send_as(STRANGER.address, to, data).success
    _borrow(module_world, STRANGER.address, OWED)
    return desk


def _supply(usdc: Address, amount: int) -> bytes:
    return encode_call("supply(address,uint256,address,uint16)", usdc, amount, STRANGER.address, 0)


def _borrow(world: World, who: Address, amount: int) -> None:
    dai, pool = world.contracts.tokens[DAI], world.contracts.lending.pool
    borrow = encode_call("borrow(address,uint256,uint256,uint16,address)", dai, amount, VARIABLE, 0, who)
    assert world.send_as(who, pool, borrow).success


@pytest.fixture
def desk(opened: Desk, world: World) -> Desk:
    return opened


def _leg(desk: Desk, rule: ActRule, asked: int = REPAID, data: bytes | None = None) -> RawLeg:
    calldata = _repay(desk.token(DAI), asked, desk.safe) if data is None else data
    return RawLeg(rule, rule.kind, rule.encoded, asked, 0, FOREVER, calldata)


def _debt(desk: Desk, rules: Rules, who: Address | None = None) -> int:
    return desk.held(rules.for_debt.token_out, who)


def _asked(desk: Desk, read: Read[T]) -> T:
    answer = desk.world.ask("eth_call", {"to": read.target, "data": "0x" + read.data.hex()}, "latest")
    return read.decode(bytes.fromhex(answer[2:]))


# THE METER


def test_the_meter_is_where_its_debt_says_it_is_and_reads_it_back(desk: Desk, rules: Rules) -> None:
    """By CREATE2 everybody gets the same one, from what the market itself names; what stands there can be told from
    anything else."""
    world, debt = desk.world, _asked(desk, read_variable_debt(rules.repay.target, desk.token(DAI)))
    assert debt == rules.for_debt.token_out
    planned = plan(world.account, "DebtMeter", meter_arguments(debt), FACTORY)
    assert world.send_as(STRANGER.address, planned.call.to, planned.call.data).success
    code = bytes.fromhex(world.ask("eth_getCode", planned.address, "latest")[2:])
    require_code("DebtMeter", code, planned.address)
    assert _asked(desk, read_debt(planned.address)) == debt
    assert _asked(desk, read_variable_debt(rules.repay.target, STRANGER.address)) == NATIVE


def test_the_meter_rises_by_what_the_debt_falls(desk: Desk, rules: Rules) -> None:
    assert desk.held(rules.repay.token_out) == 2**128 - 1 - _debt(desk, rules)
    assert desk.held(rules.repay.token_out, GUARDIANS[0].address) == 2**128 - 1


# WHAT GOES THROUGH


def test_the_agent_repays_and_nothing_else_moves(desk: Desk, rules: Rules) -> None:
    dai, pool = desk.token(DAI), rules.repay.target
    others = {token: desk.held(token) for token in (desk.usdc, desk.weth, NATIVE)}
    owed, held, theirs = _debt(desk, rules), desk.held(dai), _debt(desk, rules, STRANGER.address)
    assert desk.run(_leg(desk, rules.repay)).success
    assert held - desk.held(dai) == REPAID
    assert 0 <= _debt(desk, rules) - (owed - REPAID) < units(DAI, 1), "less than a dollar of interest"
    assert _debt(desk, rules, STRANGER.address) >= theirs
    assert {token: desk.held(token) for token in others} == others
    assert desk.view(dai, "allowance(address,address)", desk.safe, pool) == 0


def test_the_whole_debt_is_repaid_with_the_interest_of_hours_on_top(desk: Desk, rules: Rules) -> None:
    """After a year the index divides nothing evenly; the pool takes what is owed, the rest stays unapproved."""
    desk.world.advance(YEAR)
    owed, held = _debt(desk, rules), desk.held(desk.token(DAI))
    asked = owed + owed // 20_000
    assert desk.run(_leg(desk, rules.repay, asked)).success
    assert _debt(desk, rules) == 0
    assert owed <= held - desk.held(desk.token(DAI)) < asked
    assert desk.view(desk.token(DAI), "allowance(address,address)", desk.safe, rules.repay.target) == 0


@pytest.mark.parametrize("amount", [10_000, 10_001, 123_457, 3_333_333_333_333_333_333])
def test_what_aave_rounds_is_no_reason_to_refuse(desk: Desk, rules: Rules, amount: int) -> None:
    """At an index that divides nothing evenly the fall of the debt is one unit off at most."""
    desk.world.advance(YEAR)
    for more in range(6):
        assert desk.refusal(_leg(desk, rules.repay, amount + more)) == ""


def test_below_ten_thousand_units_rounding_may_refuse(desk: Desk, rules: Rules) -> None:
    answers = set()
    for _ in range(12):
        # Where the debt's own fraction lies at one moment, no amount at all may be refused.
        desk.world.advance(YEAR)
        answers |= {desk.refusal(_leg(desk, rules.repay, amount)) for amount in range(2, 30)}
    assert answers == {"", "ReceivedTooLittle"}


def test_guardians_repay_while_the_kernel_is_paused(desk: Desk, rules: Rules) -> None:
    """An account near liquidation cannot wait for a new agent's key."""
    owner, owed = GUARDIANS[0].address, _debt(desk, rules)
    assert desk.world.send_as(owner, desk.kernel, encode_pause()).success
    assert desk.refusal(_leg(desk, rules.repay)) == "KernelPaused"
    assert desk.world.send_as(owner, desk.kernel, desk.calldata(_leg(desk, rules.rescue))).success
    assert _debt(desk, rules) < owed - REPAID + units(DAI, 1)


def test_the_owners_repay_themselves(desk: Desk, rules: Rules) -> None:
    pool, dai = rules.repay.target, desk.token(DAI)
    owed = _debt(desk, rules)
    assert desk.world.send_as(desk.safe, dai, encode_approve(pool, REPAID)).success
    assert desk.world.send_as(desk.safe, pool, _repay(dai, REPAID, desk.safe)).success
    assert 0 <= _debt(desk, rules) - (owed - REPAID) < units(DAI, 1), "less than a dollar of interest"


# WHAT DOES NOT


def test_every_byte_of_a_repayment_is_the_rule_s_or_the_amount(desk: Desk, rules: Rules) -> None:
    leg = _leg(desk, rules.repay)
    for at, byte in enumerate(leg.data):
        changed = leg.data[:at] + bytes([byte ^ 0x80]) + leg.data[at + 1 :]
        expected = "WordMismatch" if 36 <= at < 68 else "TemplateMismatch"
        assert desk.refusal(replace(leg, data=changed)) == expected, f"byte {at}"
    for data in (leg.data + b"\0", leg.data[:-1], leg.data + leg.data):
        assert desk.refusal(replace(leg, data=data)) == "TemplateMismatch"


def test_another_s_debt_another_token_another_mode_and_shares_as_payment_are_refused(desk: Desk, rules: Rules) -> None:
    """The stranger does owe as much: Aave itself would take it."""
    dai, safe = desk.token(DAI), desk.safe
    for data in (
        _repay(dai, REPAID, STRANGER.address),
        _repay(desk.usdc, REPAID, safe),
        _repay(dai, REPAID, safe, STABLE),
        encode_call("repayWithATokens(address,uint256,uint256)", dai, REPAID, VARIABLE),
        encode_call("withdraw(address,uint256,address)", dai, REPAID, safe),
        encode_call("borrow(address,uint256,uint256,uint16,address)", dai, REPAID, VARIABLE, 0, safe),
    ):
        found = desk.refusal(_leg(desk, rules.repay, data=data))
        assert found in ("TemplateMismatch", "WordMismatch"), data.hex()


def test_amounts_of_nothing_of_everything_and_of_more_than_the_rule(desk: Desk, rules: Rules) -> None:
    rule, dai = rules.repay, desk.token(DAI)
    assert desk.refusal(_leg(desk, rule, 0)) == "AmountIsZero"
    assert desk.refusal(_leg(desk, rule, LARGEST + 1)) == "AboveRuleMaximum"
    assert desk.refusal(_leg(desk, rule, data=_repay(dai, ALL, desk.safe))) == "WordMismatch"


def test_more_than_the_debt_is_refused_though_aave_would_take_only_what_is_owed(desk: Desk, rules: Rules) -> None:
    """One in ten thousand is what the rule gives up; without debt there is nothing to repay at all."""
    owed = _debt(desk, rules)
    assert desk.refusal(_leg(desk, rules.repay, owed + owed // 20_000)) == ""
    assert desk.refusal(_leg(desk, rules.repay, owed + owed // 5_000)) == "ReceivedTooLittle"
    assert desk.run(_leg(desk, rules.repay, owed + owed // 20_000)).success
    assert _debt(desk, rules) == 0
    assert desk.refusal(_leg(desk, rules.repay)) == "CallFailed"


def test_a_holding_that_is_not_the_largest_keeps_as_much_debt(desk: Desk, rules: Rules) -> None:
    assert desk.refusal(_leg(desk, rules.holding_less)) == "HoldingTooLarge"


# WITHOUT A METER


def test_burned_debt_is_nothing_received(desk: Desk, rules: Rules) -> None:
    """At par, and even at the least floor that any rule can have: one unit."""
    assert desk.refusal(_leg(desk, rules.for_debt)) == "ReceivedTooLittle"
    assert desk.refusal(_leg(desk, rules.for_next_to_nothing)) == "ReceivedTooLittle"


def test_no_rule_takes_something_for_nothing(desk: Desk, rules: Rules) -> None:
    assert desk.refusal(_leg(desk, rules.for_nothing)) == "BadRule"
    assert desk.refusal(_leg(desk, rules.as_claim)) == "AboveRuleMaximum"
    assert desk.refusal(_leg(desk, rules.as_claim, asked=0)) == "CallFailed", "Aave repays no zero"


def test_debt_is_not_spent_either(desk: Desk, rules: Rules) -> None:
    """With the debt as what goes out, the bucket would count debt and not the DAI that leaves; but a debt knows no
    allowances, and the pool takes no DAI that nobody approved."""
    assert desk.refusal(_leg(desk, rules.of_debt)) == NOT_SUPPORTED
    assert desk.refusal(_leg(desk, rules.of_debt_unapproved)) == "CallFailed"


def test_an_allowance_from_the_owners_lane_makes_no_repayment_of_it(desk: Desk, rules: Rules) -> None:
    """What they left approved is no way around either: nothing comes in. A meter's leg waits until it is gone."""
    assert desk.world.send_as(desk.safe, desk.token(DAI), encode_approve(rules.repay.target, OWED)).success
    assert desk.refusal(_leg(desk, rules.of_debt_unapproved)) == "ReceivedTooLittle"
    assert desk.refusal(_leg(desk, rules.repay)) == "AllowanceRemains"


def test_the_agent_can_take_collateral_away_from_under_the_debt_as_far_as_aave_lets_it(desk: Desk) -> None:
    """Why a policy on an account with debt must have no withdrawal: health is no limit that the Kernel knows."""
    read = read_account(desk.world.contracts.lending.pool, desk.safe)

    def health() -> int:
        return _asked(desk, read).health_factor_e18

    before, withdrawal = health(), desk.exchanges["withdraw"]
    assert desk.run(withdrawal.leg(80_000 * 10**6)).success
    assert health() < before // 4
    assert desk.refusal(withdrawal.leg(15_000 * 10**6)) == "CallFailed", "below one, Aave itself refuses"


# IN VALUES

ADDRESSES = st.binary(min_size=20, max_size=20).map(to_address)


@given(ADDRESSES, st.integers(0, 2**256 - 2), ADDRESSES, st.binary(min_size=1, max_size=33))
def test_calldata_is_read_back_and_nothing_longer(asset: Address, amount: int, who: Address, tail: bytes) -> None:
    repay = Repay(asset, amount, who)
    data = encode_repay(repay)
    assert decode_repay(data) == repay
    with pytest.raises(ValueError):
        decode_repay(data + tail)


@pytest.mark.parametrize("mode", [0, STABLE, 3, ALL])
def test_only_variable_debt_and_exact_amounts_are_read(mode: int) -> None:
    safe = GUARDIANS[0].address
    with pytest.raises(ValueError, match="mode"):
        decode_repay(_repay(STRANGER.address, REPAID, safe, mode))
    with pytest.raises(ValueError, match="no amount to judge"):
        decode_repay(_repay(STRANGER.address, ALL, safe))
    with pytest.raises(ValueError, match="no amount to judge"):
        encode_repay(Repay(STRANGER.address, ALL, safe))


def test_the_rule_is_read_back_from_its_own_bytes(rules: Rules) -> None:
    assert ActRule.decoded(rules.repay.encoded) == rules.repay
    assert rules.repay.template.fits(_repay(rules.repay.token_in, 0, GUARDIANS[0].address), (0, 0, FOREVER)) is False
