"""ERC-4626: what a vault says of its shares counts within the policy's range alone, and what it pays is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.errors import BadValue
from strongroom.model import Address
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.kernel import encode_pause
from strongroom.protocols.kernel_acts import PAR, ActRule, ExitRule, exit_rule
from strongroom.protocols.kernel_rules_erc4626 import (
    Deposit,
    Redeem,
    ShareWorth,
    decode_deposit,
    decode_redeem,
    deposit_rule,
    encode_deposit,
    encode_redeem,
    redeem_rule,
)
from strongroom.world.people import GUARDIANS, STRANGER
from strongroom.world.treasury import USDC, units
from strongroom.world.world import World
from tests.contracts.protocol_desk import (
    CLASS,
    ETHER,
    FOREVER,
    LENT,
    PAR_WORTH,
    SHARE_OFFSET,
    WORTH,
    Desk,
    Exchange,
    RawLeg,
    creation,
    open_desk,
)

FEE_BPS = 50


@dataclass(frozen=True)
class Vaults:
    """A desk whose policy also knows a redemption with a fee, the guardians' way home, a small holding, and a vault
    that nobody has used yet and that has no virtual shares to speak of."""

    desk: Desk
    with_fee: ActRule
    home: ExitRule
    small: ActRule
    fresh: ActRule

    @classmethod
    def open(cls, world: World) -> Vaults:
        safe, usdc = world.account.safe, world.contracts.tokens[USDC]
        fresh = world.deploy(creation("YieldVault", "", "(address,uint8)", usdc, 0))
        made: dict[str, ActRule] = {}

        def more(exchanges: Mapping[str, Exchange]) -> list[ActRule]:
            redeem, deposit = exchanges["redeem"].rule, exchanges["deposit"].rule
            assert isinstance(redeem, ActRule) and isinstance(deposit, ActRule)
            share = (redeem.target, usdc, safe, WORTH)
            made["with_fee"] = redeem_rule(*share, redeem.max_units, CLASS, max_loss_bps=FEE_BPS)
            made["home"] = exit_rule(redeem, CLASS)
            made["small"] = deposit_rule(*share, LENT, CLASS, max_holding_units=LENT * 10**SHARE_OFFSET + ETHER)
            made["fresh"] = deposit_rule(fresh, usdc, safe, ShareWorth(PAR // 2, 2 * PAR), LENT, CLASS)
            return list(made.values())

        desk = open_desk(world, more)
        home = made["home"]
        assert isinstance(home, ExitRule)
        return cls(desk, made["with_fee"], home, made["small"], made["fresh"])

    def leg(self, name: str, amount: int, rule: ActRule | None = None) -> RawLeg:
        leg = self.desk.exchanges[name].leg(amount)
        return replace(leg, rule=rule, encoded=rule.encoded, kind=rule.kind) if rule else leg

    def give(self, amount: int, vault: Address | None = None) -> None:
        """Yield, or a thief's gift: the vault cannot tell."""
        self.desk.world.mint(USDC, vault or self.desk.vault, amount)

    def lose(self, amount: int) -> None:
        vault = self.desk.vault
        self.desk.world.set_balance(vault, ETHER)
        assert self.desk.world.send_as(vault, self.desk.usdc, encode_transfer(STRANGER.address, amount)).success


@pytest.fixture(scope="module")
def opened(module_world: World) -> Vaults:
    return Vaults.open(module_world)


@pytest.fixture
def vaults(opened: Vaults, world: World) -> Vaults:
    return opened


DOLLARS, SHARES = units(USDC, 1_000), 1_000 * ETHER


def _refusals(vaults: Vaults) -> tuple[str, str]:
    desk = vaults.desk
    return desk.refusal(vaults.leg("deposit", DOLLARS)), desk.refusal(vaults.leg("redeem", SHARES))


def test_yield_within_the_range_is_no_hindrance(vaults: Vaults) -> None:
    """Nine per cent more a share: fewer shares for the same dollars, more dollars for the same shares."""
    desk = vaults.desk
    vaults.give(LENT * 9 // 100)
    shares, dollars = desk.held(desk.vault), desk.held(desk.usdc)
    assert desk.run(vaults.leg("deposit", DOLLARS)).success
    assert desk.held(desk.vault) - shares == pytest.approx(SHARES * 100 / 109, rel=1e-6)
    assert desk.run(vaults.leg("redeem", SHARES)).success
    assert desk.held(desk.usdc) - dollars == pytest.approx(DOLLARS * 9 / 100, rel=1e-6)


def test_a_gift_that_takes_the_rate_out_of_the_range_stops_both_ways(vaults: Vaults) -> None:
    """So does a loss: what the policy does not expect is for guardians to look at."""
    assert _refusals(vaults) == ("", "")
    vaults.give(LENT * 11 // 100)
    assert _refusals(vaults) == ("RateOutOfRange", "RateOutOfRange")
    vaults.lose(LENT * 11 // 100)
    assert _refusals(vaults) == ("", "")
    vaults.lose(LENT * 2 // 100)
    assert _refusals(vaults) == ("RateOutOfRange", "RateOutOfRange")


def test_a_fee_on_the_way_out_is_in_the_rule_or_refused(vaults: Vaults) -> None:
    desk, leg = vaults.desk, vaults.leg("redeem", SHARES, vaults.with_fee)
    assert desk.world.send_as(STRANGER.address, desk.vault, encode_call("setExitFee(uint256)", FEE_BPS)).success
    assert desk.refusal(vaults.leg("redeem", SHARES)) == "ReceivedTooLittle"
    assert desk.run(leg).success
    assert desk.world.send_as(STRANGER.address, desk.vault, encode_call("setExitFee(uint256)", FEE_BPS + 1)).success
    assert desk.refusal(leg) == "ReceivedTooLittle"


@pytest.mark.parametrize("amount", [10**4 + 7, 1_234_567, 99_999_999_999])
def test_what_the_vault_rounds_is_no_reason_to_refuse(vaults: Vaults, amount: int) -> None:
    """At a rate that divides nothing evenly. Both asked and given are rounded down once, in the same way."""
    vaults.give(3_333_333_333)
    shares = vaults.desk.held(vaults.desk.vault)
    assert vaults.desk.run(vaults.leg("deposit", amount)).success
    gained = vaults.desk.held(vaults.desk.vault) - shares
    assert vaults.desk.run(vaults.leg("redeem", gained)).success


def test_amounts_below_what_a_rate_can_be_told_from_are_refused(vaults: Vaults) -> None:
    """Half a unit's worth of shares would come back as nothing."""
    assert vaults.desk.refusal(vaults.leg("redeem", 10**12 // 2)) == "RateOutOfRange"
    assert vaults.desk.refusal(vaults.leg("redeem", 1)) == "RateOutOfRange"


def test_the_first_depositor_s_trick_gets_no_deposit(vaults: Vaults) -> None:
    """One unit deposited and a fortune given: the next deposit would be rounded down to no shares at all."""
    desk, vault = vaults.desk, vaults.fresh.target
    leg = vaults.leg("deposit", DOLLARS, vaults.fresh)
    assert desk.refusal(leg) == ""
    desk.world.mint(USDC, STRANGER.address, 1)
    approve = encode_call("approve(address,uint256)", vault, 1)
    assert desk.world.send_as(STRANGER.address, desk.usdc, approve).success
    assert desk.world.send_as(STRANGER.address, vault, encode_deposit(Deposit(1, STRANGER.address))).success
    vaults.give(4 * DOLLARS, vault)
    assert desk.view(vault, "convertToShares(uint256)", DOLLARS) == 0
    assert desk.refusal(leg) == "RateOutOfRange"


def test_a_holding_of_shares_stays_within_its_rule(vaults: Vaults) -> None:
    assert vaults.desk.refusal(vaults.leg("deposit", units(USDC, 1), vaults.small)) == ""
    assert vaults.desk.refusal(vaults.leg("deposit", units(USDC, 2), vaults.small)) == "HoldingTooLarge"


def test_guardians_redeem_while_the_kernel_is_paused(vaults: Vaults) -> None:
    desk, leg, owner = vaults.desk, vaults.leg("redeem", SHARES, vaults.home), GUARDIANS[0].address
    before = desk.held(desk.usdc)
    assert desk.world.send_as(owner, desk.kernel, encode_pause()).success
    assert desk.refusal(vaults.leg("redeem", SHARES)) == "KernelPaused"
    assert desk.world.send_as(owner, desk.kernel, desk.calldata(leg)).success
    assert desk.held(desk.usdc) == before + DOLLARS


# IN VALUES

WORTHS = st.integers(1, PAR * PAR)


@given(WORTHS, WORTHS, WORTHS)
def test_a_worth_within_the_range_is_a_rate_within_the_deposit_s(one: int, other: int, third: int) -> None:
    """Seen from the asset: the range is rounded outwards, and by less than one unit of the rate."""
    least, worth, most = sorted((one, other, third))
    low, high = ShareWorth(least, most).shares
    assert low * worth <= PAR * PAR <= high * worth
    assert (low + 1) * most > PAR * PAR > (high - 1) * least


@pytest.mark.parametrize("bounds", [(0, PAR), (2, 1), (-1, 1), (1, PAR * PAR + 1)])
def test_a_range_that_holds_nothing_or_everything_is_refused(bounds: tuple[int, int]) -> None:
    with pytest.raises(BadValue, match="the least first"):
        ShareWorth(*bounds)


def test_the_range_is_symmetric_at_par() -> None:
    assert ShareWorth(PAR_WORTH, PAR_WORTH).shares == (10**39, 10**39)


@given(st.integers(0, 2**256 - 1), st.binary(min_size=1, max_size=33))
def test_calldata_is_read_back_and_nothing_longer(amount: int, tail: bytes) -> None:
    safe = GUARDIANS[0].address
    deposit, redeem = Deposit(amount, safe), Redeem(amount, safe, STRANGER.address)
    assert decode_deposit(encode_deposit(deposit)) == deposit
    assert decode_redeem(encode_redeem(redeem)) == redeem
    for data in (encode_deposit(deposit) + tail, encode_redeem(redeem)):
        with pytest.raises(ValueError):
            decode_deposit(data)
    with pytest.raises(ValueError):
        decode_redeem(encode_redeem(redeem) + tail)


def test_both_rules_are_read_back_from_their_own_bytes(opened: Vaults) -> None:
    for rule in (opened.with_fee, opened.small, opened.fresh):
        assert ActRule.decoded(rule.encoded) == rule
        assert rule.template.fits(_blank(opened, rule), (0, 0, FOREVER))


def _blank(opened: Vaults, rule: ActRule) -> bytes:
    safe = opened.desk.safe
    return encode_redeem(Redeem(0, safe, safe)) if rule == opened.with_fee else encode_deposit(Deposit(0, safe))
