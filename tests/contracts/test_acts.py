"""Acts and exits on the real Aave V3: idle stables are supplied and come back, into the Safe and nowhere else.

`pytest tests/contracts/test_acts.py --log-cli-level=info` prints the gas figures.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from policies.tree import proof, root
from strongroom.addresses import to_address, to_digest
from strongroom.chain.rpc import RpcChain
from strongroom.errors import NodeRefused
from strongroom.model import NATIVE, Address, Digest
from strongroom.ports import MinedTransaction, Read
from strongroom.protocols.aave_v3 import AMOUNT_WORD, Supply, Withdraw, encode_supply, encode_withdraw
from strongroom.protocols.abi import selector
from strongroom.protocols.erc20 import read_allowance, read_balance
from strongroom.protocols.kernel import (
    ACTIONS,
    Birth,
    BucketSetting,
    available_read,
    bucket_key,
    encode_enable_module,
    encode_pause,
)
from strongroom.protocols.kernel_acts import (
    ActRule,
    ExitRule,
    GrantedAct,
    Template,
    exit_rule,
    supply_rule,
    withdraw_rule,
)
from strongroom.protocols.kernel_legs import Payment, PayRule, decode_all_legs, decode_legs, encode_legs
from strongroom.protocols.weth import encode_deposit
from strongroom.protocols.weth import encode_withdraw as encode_unwrap
from strongroom.wallet.deploy import artifact
from strongroom.world.people import AGENT, GUARDIANS, STRANGER
from strongroom.world.treasury import USDC, WETH, units
from strongroom.world.world import World

log = logging.getLogger(__name__)

MONTH, DAY = 30 * 86_400, 86_400
ACTS, EXITS = 88, 99
ETHER = 10**18
CAPACITY, MOST = units(USDC, 300_000), units(USDC, 200_000)
FOREVER = 2**63


@dataclass(frozen=True)
class Desk:
    """A Kernel on the world's Safe that may lend USDC to Aave, and bring it home."""

    world: World
    chain: RpcChain
    kernel: Address
    rules: tuple[ActRule, ...]

    @property
    def supply(self) -> ActRule:
        return self.rules[0]

    @property
    def withdraw(self) -> ActRule:
        return self.rules[1]

    @property
    def exit(self) -> ActRule:
        return self.rules[2]

    @property
    def wrap(self) -> ActRule:
        return self.rules[3]

    @property
    def unwrap(self) -> ActRule:
        return self.rules[4]

    def path(self, rule: ActRule) -> tuple[Digest, ...]:
        return proof([each.leaf for each in self.rules], rule.leaf)

    def supplying(self, amount: int, on_behalf_of: Address | None = None) -> GrantedAct:
        order = Supply(self.supply.token_in, amount, on_behalf_of or self.world.account.safe)
        return GrantedAct(self.supply, amount, 0, FOREVER, encode_supply(order), self.path(self.supply))

    def withdrawing(self, amount: int, rule: ActRule | None = None, to: Address | None = None) -> GrantedAct:
        order, rule = Withdraw(self.supply.token_in, amount, to or self.world.account.safe), rule or self.withdraw
        return GrantedAct(rule, amount, 0, FOREVER, encode_withdraw(order), self.path(rule))

    def run(self, leg: GrantedAct, sender: Address = AGENT.address) -> MinedTransaction:
        return self.world.send_as(sender, self.kernel, encode_legs([leg]))

    def refusal(self, leg: GrantedAct, sender: Address = AGENT.address) -> bytes:
        """The selector of the Kernel's error for a run that must not pass."""
        data = "0x" + encode_legs([leg]).hex()
        with pytest.raises(NodeRefused) as refused:
            self.world.ask("eth_call", {"from": sender, "to": self.kernel, "data": data}, "latest")
        return refused.value.data[:4]

    def held(self, token: Address) -> int:
        return self.read(read_balance(token, self.world.account.safe))

    def read(self, read: Read[int]) -> int:
        found = self.chain.read([read], self.chain.head())[0]
        assert isinstance(found, int)
        return found


@pytest.fixture
def desk(world: World, chain: RpcChain) -> Desk:
    safe, lending, usdc = world.account.safe, world.contracts.lending, world.contracts.tokens[USDC]
    market = (lending.pool, usdc, lending.reserves[USDC].a_token, safe)
    back = withdraw_rule(*market, MOST, ACTS)
    weth = world.contracts.tokens[WETH]
    wrap = ActRule(weth, NATIVE, NATIVE, weth, Template.of(encode_deposit()), ETHER, ACTS)
    unwrap = ActRule(weth, NATIVE, weth, NATIVE, Template.of(encode_unwrap(0), amount_word=4), ETHER, ACTS)
    rules = (supply_rule(*market, MOST, ACTS), back, exit_rule(back, EXITS), wrap, unwrap)
    buckets = (
        BucketSetting(ACTIONS, 0, 10**9, MONTH),
        BucketSetting(usdc, ACTS, CAPACITY, MONTH),
        BucketSetting(market[2], ACTS, CAPACITY, MONTH),
        BucketSetting(market[2], EXITS, CAPACITY, MONTH),
        BucketSetting(NATIVE, ACTS, ETHER, MONTH),
        BucketSetting(weth, ACTS, ETHER, MONTH),
    )
    tree = root([rule.leaf for rule in rules])
    birth = Birth(safe, NATIVE, AGENT.address, (), tree, tree, buckets, DAY, 3_600, 7 * DAY)
    kernel = world.deploy(artifact("Kernel").creation + birth.encoded)
    assert world.safe_exec(world.account, GUARDIANS[:2], safe, encode_enable_module(kernel)).success
    world.mint(USDC, safe, units(USDC, 1_000_000))
    return Desk(world, chain, kernel, rules)


# ON THE REAL CHAIN


def test_idle_stables_are_supplied_and_withdrawn(desk: Desk) -> None:
    usdc, a_token, amount = desk.supply.token_in, desk.supply.token_out, units(USDC, 150_000)
    before = desk.held(usdc)
    supplied = desk.run(desk.supplying(amount))
    assert supplied.success and desk.held(usdc) == before - amount
    assert desk.held(a_token) >= amount - 1
    assert desk.read(read_allowance(usdc, desk.world.account.safe, desk.supply.target)) == 0
    desk.world.advance(30 * DAY)
    assert desk.held(a_token) > amount, "a month's interest"
    withdrawn = desk.run(desk.withdrawing(amount))
    assert withdrawn.success and desk.held(usdc) == before
    log.info("supply: %s gas; withdraw: %s gas", supplied.gas_used, withdrawn.gas_used)


@pytest.mark.parametrize("amount", [10_000, 10_007, 1_234_567, 10**9 + 7, 99_999_999_999])
def test_rounding_of_the_pool_stays_within_the_rules_at_any_index(desk: Desk, amount: int) -> None:
    """Receipts are rounded, and every month the index is another."""
    before = desk.held(desk.supply.token_in)
    for _ in range(3):
        assert desk.run(desk.supplying(amount)).success
        assert desk.run(desk.withdrawing(amount - 1)).success
        desk.world.advance(30 * DAY)
    assert desk.held(desk.supply.token_in) == before - 3


def test_aave_is_asked_for_nobody_else(desk: Desk) -> None:
    amount, mismatch = units(USDC, 1_000), selector("TemplateMismatch(bytes32,bytes32)")
    assert desk.refusal(desk.supplying(amount, on_behalf_of=AGENT.address)) == mismatch
    assert desk.run(desk.supplying(2 * amount)).success
    assert desk.refusal(desk.withdrawing(amount, to=AGENT.address)) == mismatch
    other = encode_supply(Supply(desk.world.contracts.tokens[WETH], amount, desk.world.account.safe))
    assert desk.refusal(replace(desk.supplying(amount), data=other)) == mismatch


def test_no_byte_of_aave_s_calldata_is_free(desk: Desk) -> None:
    """Asset, beneficiary, referral code and length; and nothing goes in through a call that hides others."""
    order = desk.supplying(units(USDC, 1_000))
    asset, beneficiary, referral = 4, 4 + 2 * 32, len(order.data) - 1
    dirty = [order.data[:at] + b"\x01" + order.data[at + 1 :] for at in (asset, beneficiary, referral)]
    for other in (*dirty, order.data + b"\x00", order.data + bytes(32), order.data[:-1]):
        assert desk.refusal(replace(order, data=other)) == selector("TemplateMismatch(bytes32,bytes32)")
    hidden = selector("multicall(bytes[])") + encode(["bytes[]"], [[order.data]])
    assert desk.refusal(replace(order, data=hidden)) == selector("SelectorForbidden(bytes4)")


def test_no_byte_of_wrapping_is_free(desk: Desk) -> None:
    wrap = GrantedAct(desk.wrap, ETHER, 0, FOREVER, encode_deposit() + bytes(32), desk.path(desk.wrap))
    assert desk.refusal(wrap) == selector("TemplateMismatch(bytes32,bytes32)")
    everything = GrantedAct(desk.unwrap, ETHER, 0, FOREVER, encode_unwrap(2**256 - 1), desk.path(desk.unwrap))
    assert desk.refusal(everything) == selector("WordMismatch(uint256,uint256,uint256)")
    to_agent = replace(everything, data=encode_unwrap(ETHER) + bytes(12) + bytes.fromhex(AGENT.address[2:]))
    assert desk.refusal(to_agent) == selector("TemplateMismatch(bytes32,bytes32)")


def test_all_there_is_has_no_amount_and_is_refused(desk: Desk) -> None:
    assert desk.run(desk.supplying(units(USDC, 1_000))).success
    order = desk.withdrawing(units(USDC, 10))
    everything = order.data[:AMOUNT_WORD] + b"\xff" * 32 + order.data[AMOUNT_WORD + 32 :]
    assert desk.refusal(replace(order, data=everything)) == selector("WordMismatch(uint256,uint256,uint256)")


def test_supplies_and_withdrawals_stay_within_their_buckets(desk: Desk) -> None:
    exceeded = selector("BucketExceeded(bytes32,uint256,uint256)")
    assert desk.run(desk.supplying(MOST)).success
    assert desk.refusal(desk.supplying(MOST)) == exceeded
    assert desk.run(desk.withdrawing(MOST)).success
    assert desk.refusal(desk.withdrawing(MOST)) == exceeded
    assert desk.refusal(desk.supplying(MOST + 1)) == selector("AboveRuleMaximum(uint256,uint256)")


def test_guardians_bring_the_position_home_in_a_pause_and_at_no_other_time(desk: Desk) -> None:
    amount, owner = units(USDC, 50_000), GUARDIANS[2].address
    before = desk.held(desk.supply.token_in)
    assert desk.run(desk.supplying(amount)).success
    order = desk.withdrawing(amount, desk.exit)
    assert desk.refusal(order, owner) == selector("KernelLive()")
    assert desk.world.send_as(owner, desk.kernel, encode_pause()).success
    assert desk.refusal(order, STRANGER.address) == selector("NotAgent(address)")
    assert desk.refusal(order) == selector("KernelPaused()")
    assert desk.run(order, owner).success
    assert desk.held(desk.supply.token_in) == before
    key = bucket_key(desk.exit.token_in, EXITS)
    assert desk.read(available_read(desk.kernel, key)) == CAPACITY - amount - 1, "the unit of dust too"


def test_ether_is_wrapped_and_unwrapped_one_for_one(desk: Desk) -> None:
    weth, safe = desk.wrap.token_out, desk.world.account.safe
    wei, wrapped = int(desk.world.ask("eth_getBalance", safe, "latest"), 16), desk.held(weth)
    assert desk.run(GrantedAct(desk.wrap, ETHER, 0, FOREVER, encode_deposit(), desk.path(desk.wrap))).success
    assert desk.held(weth) == wrapped + ETHER
    order = GrantedAct(desk.unwrap, ETHER, 0, FOREVER, encode_unwrap(ETHER), desk.path(desk.unwrap))
    assert desk.run(order).success
    assert (desk.held(weth), int(desk.world.ask("eth_getBalance", safe, "latest"), 16)) == (wrapped, wei)


# THE CODEC

addresses = st.binary(min_size=20, max_size=20).filter(any).map(to_address)
words = st.sampled_from([(0, 0, 0), (4, 0, 0), (4, 36, 68), (68, 0, 4), (100, 36, 0)])


@st.composite
def rules(draw: st.DrawFn) -> ActRule:
    kind = draw(st.sampled_from([ActRule, ExitRule]))
    low, high = sorted(draw(st.tuples(*[st.integers(1, 2**100)] * 2)))
    template = Template(to_digest(draw(st.binary(min_size=32, max_size=32))), *draw(words))
    parties = [draw(addresses) for _ in range(4)]
    limits = [draw(st.integers(0, 2**bits - 1)) for bits in (96, 32)]
    rest = [draw(st.integers(0, most)) for most in (9_999, 2**96 - 1, 2**128 - 1)]
    return kind(*parties, template, *limits, low, high, *rest, draw(addresses))


@given(rules())
def test_a_rule_is_read_back_from_its_own_bytes(rule: ActRule) -> None:
    assert type(rule).decoded(rule.encoded) == rule


@given(rules())
def test_a_leaf_is_what_the_decision_record_says(rule: ActRule) -> None:
    """A second implementation: the typed tuple in one piece, the tag written out."""
    tag = (
        ("Exit" if isinstance(rule, ExitRule) else "Act")
        + "(address target,address spender,address tokenIn,address tokenOut,Template template,uint96 maxAmount,"
        "uint96 dust,uint128 maxHolding,address vault,uint256 minRate,uint256 maxRate,uint16 maxSlippageBps,"
        "uint32 class,uint32 delay)Template(bytes32 hash,uint16 amountWord,uint16 minOutWord,uint16 deadlineWord)"
    )
    layout = "bytes32,address,address,address,address,(bytes32,uint16,uint16,uint16),uint96,uint96,uint128,"
    kinds = f"({layout}address,uint256,uint256,uint16,uint32,uint32)"
    template = (bytes.fromhex(rule.template.digest[2:]), *rule.template.words)
    values = (
        *(keccak(text=tag), rule.target, rule.spender, rule.token_in, rule.token_out, template),
        *(rule.max_units, rule.dust_units, rule.max_holding_units, rule.vault, rule.min_rate, rule.max_rate),
        *(rule.max_loss_bps, rule.bucket_class, 0),
    )
    assert rule.leaf == to_digest(keccak(keccak(encode([kinds], [values]))))


def _leg(units_in: int) -> GrantedAct:
    pool, asset, a_token, safe = (to_address(bytes([number]) * 20) for number in range(1, 5))
    rule = supply_rule(pool, asset, a_token, safe, 10**12, ACTS)
    return GrantedAct(rule, units_in, 7, 9, encode_supply(Supply(asset, units_in, safe)), (rule.leaf,))


@given(st.integers(1, 10**12))
def test_legs_are_read_back_from_the_kernel_s_calldata(units_in: int) -> None:
    leg = _leg(units_in)
    payment = Payment(PayRule(leg.rule.token_in, leg.rule.target, 5, 0), 5, ())
    data = encode_legs([leg, payment])
    assert decode_all_legs(data) == (leg, payment)
    with pytest.raises(ValueError, match="act or an exit"):
        decode_legs(data)


def test_a_leg_whose_calldata_is_not_its_rule_s_is_not_read() -> None:
    leg = _leg(1_000)
    other = encode_supply(Supply(leg.rule.token_in, 1_000, leg.rule.target))
    for bad in (replace(leg, data=other), replace(leg, units=999), replace(leg, data=leg.data + b"\0")):
        with pytest.raises(ValueError, match="does not fit its rule"):
            decode_all_legs(encode_legs([bad]))


def test_a_rule_with_a_delay_or_loose_bytes_is_not_read() -> None:
    encoded = _leg(1).rule.encoded
    for bad in (encoded[:-1] + b"\x01", encoded + bytes(32)):
        with pytest.raises(ValueError, match="not canonical"):
            ActRule.decoded(bad)
    with pytest.raises(ValueError):
        ActRule.decoded(encoded[:-32])


def test_native_coin_is_sent_along() -> None:
    rule = ActRule(to_address(b"\1" * 20), NATIVE, NATIVE, to_address(b"\2" * 20), Template.of(b"deposit"), 9, 1)
    assert GrantedAct(rule, 5, 0, 0, b"deposit", ()).value_wei == 5
    assert _leg(5).value_wei == 0
