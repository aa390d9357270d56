"""Each shipped rule on the real protocol: what goes out, what comes in, what is left over, and what is charged."""

from __future__ import annotations

import pytest

from strongroom.addresses import from_digest
from strongroom.model import NATIVE, Address
from strongroom.protocols.kernel import bucket_key
from strongroom.world.world import World
from tests.contracts.protocol_desk import CLASS, ETHER, EXCHANGES, LARGEST, Desk, open_desk

CENT = 10_000
"""Of USDC, in its smallest unit: what lent money earns while a test runs, and more than any rounding."""


@pytest.fixture(scope="module")
def opened(module_world: World) -> Desk:
    return open_desk(module_world)


@pytest.fixture
def desk(opened: Desk, world: World) -> Desk:
    return opened


def _charged(desk: Desk, token: Address) -> int:
    """What is missing from a bucket that was full. Time drains it meanwhile, by millionths of it a second."""
    return LARGEST - desk.view(desk.kernel, "available(bytes32)", from_digest(bucket_key(token, CLASS)))


@pytest.mark.parametrize("name", EXCHANGES)
def test_one_token_goes_the_other_comes_and_nothing_stays_approved(desk: Desk, name: str) -> None:
    """Both balances of the Safe, no other's. What is lent earns meanwhile: less than a cent."""
    exchange = desk.exchanges[name]
    rule, leg = exchange.rule, exchange.leg()
    tokens = {NATIVE, *(each.rule.token_in for each in desk.exchanges.values())}
    before = {token: desk.held(token) for token in tokens}
    assert desk.run(leg).success
    spent = before[rule.token_in] - desk.held(rule.token_in)
    assert abs(spent - leg.units) <= CENT if name == "withdraw" else spent == leg.units
    assert desk.held(rule.token_out) - before[rule.token_out] >= _least(name, leg.units)
    if rule.token_in != NATIVE:
        assert desk.view(rule.token_in, "allowance(address,address)", desk.safe, desk.target(name)) == 0
    for token in tokens - {rule.token_in, rule.token_out}:
        earned = desk.held(token) - before[token]
        assert 0 <= earned <= CENT if token == desk.lent else earned == 0
    assert _charged(desk, rule.token_in) >= leg.units


def _least(name: str, asked: int) -> int:
    """What the exchange is worth, at the world's prices and before a venue's fee of at most 1 %."""
    return {
        "supply": asked - 1,
        "withdraw": asked,
        "wrap": asked,
        "unwrap": asked,
        "deposit": asked * 10**12,
        "redeem": asked // 10**12,
        "swap_v3": asked * 10**12 // 3_000 * 99 // 100,
        "swap_v2": asked * 10**12 // 3_000 * 99 // 100,
    }[name]


def test_a_run_of_every_rule_leaves_the_treasury_as_rich(desk: Desk) -> None:
    """Out and back again in one transaction: only the swaps cost anything."""
    back_and_forth = ("wrap", "unwrap", "supply", "withdraw", "deposit", "redeem")
    tokens = [desk.exchanges[name].rule.token_in for name in back_and_forth]
    before = [desk.held(token) for token in tokens]
    assert desk.run(*(desk.exchanges[name].leg() for name in back_and_forth)).success
    assert [desk.held(token) for token in tokens] == pytest.approx(before, abs=CENT)
    assert desk.held(desk.weth) > ETHER
