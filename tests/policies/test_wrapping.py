"""Ether and its wrapped token in the policy: what is refused when it is written, what it compiles to, and which calls a
grant covers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.cases import sample
from policies.document import document_hash, load
from policies.effects import inner_calls
from policies.grants import compile_policy, granted_legs
from policies.template import render
from policies.terms import PolicyDocument
from policies.wrapping import WRAPS, Wrapper
from strongroom.addresses import keccak, to_address
from strongroom.errors import InputError
from strongroom.model import NATIVE, Call, KernelCall, TokenId
from strongroom.protocols import weth
from strongroom.protocols.kernel import class_number
from strongroom.protocols.kernel_acts import ActRule, ExitRule, GrantedAct
from strongroom.protocols.kernel_legs import AnyLeg, encode_legs

ETH, WETH = TokenId("ETH"), TokenId("WETH")
STRANGER = to_address(keccak(b"stranger")[12:])
VENUE = '\n[venues.weth]\nkind = "weth"\ncoin = "ETH"\ntoken = "WETH"\n'
CAPS = "".join(
    f'\n[caps.wraps.{token}]\ncap = "60 {token} per 30 days"\nat_once = "20 {token}"\nnever_above = "50 {token}"\n'
    for token in (ETH, WETH)
)
TEXT = sample("active_treasury")[0] + VENUE + CAPS
MOST = 20 * 10**18


@pytest.fixture(scope="module")
def wrapping() -> PolicyDocument:
    return load(TEXT)


def wrap(document: PolicyDocument, units: int) -> Call:
    return Call(document.account, document.tokens[WETH].token.address, units, weth.encode_deposit())


def unwrap(document: PolicyDocument, units: int) -> Call:
    return Call(document.account, document.tokens[WETH].token.address, 0, weth.encode_withdraw(units))


def granted(document: PolicyDocument, *calls: Call) -> tuple[AnyLeg, ...] | None:
    return granted_legs(calls, document)


# WRITTEN


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('coin = "ETH"', 'coin = "WETH"', "the chain's own coin"),
        ('coin = "ETH"', 'coin = "EURC"', "name a listed token"),
        ('token = "WETH"\n', 'token = "ETH"\n', "the coin's wrapped token"),
        ('token = "WETH"\n', 'token = "USDC"\n', "as many decimals"),
        ('token = "WETH"\n', 'token = "DAI"\n', "has the price of `WETH`"),
        ('token = "WETH"\n', 'token = "WETH"\npool = "0x"\n', "pool"),
        (CAPS, "", r"write \[caps.wraps.ETH\] or \[caps.wraps.WETH\] first"),
        (VENUE, VENUE + VENUE.replace("venues.weth", "venues.again"), "wrapped at one venue"),
        ('class = "team"', 'class = "wraps"', "theirs for themselves"),
    ],
)
def test_a_pair_that_cannot_be_meant_is_refused_with_its_key(old: str, new: str, said: str) -> None:
    before, found, after = TEXT.rpartition(old) if old != 'class = "team"' else TEXT.partition(old)
    assert found
    with pytest.raises(InputError, match=said):
        load(before + new + after)


def test_the_pair_is_under_the_hash_and_survives_being_written(wrapping: PolicyDocument) -> None:
    renamed = replace(wrapping, wrappers={"other": Wrapper("other", ETH, WETH)})
    without = replace(wrapping, wrappers={})
    assert load(render(wrapping)) == wrapping
    assert load(render(renamed)) == renamed
    assert len({document_hash(each) for each in (wrapping, renamed, without)}) == 3


# COMPILED


def test_each_way_with_a_cap_is_a_rule_at_par_and_no_other_is(wrapping: PolicyDocument) -> None:
    one_way = replace(wrapping, caps={**wrapping.caps, WRAPS: {ETH: wrapping.caps[WRAPS][ETH]}})
    assert _named(wrapping) == {"wrap ETH at weth", "unwrap WETH at weth"}
    assert _named(one_way) == {"wrap ETH at weth"}
    compiled = compile_policy(wrapping)
    rules = [rule for rule in compiled.rules.values() if isinstance(rule, ActRule) and _is_wrapping(rule, wrapping)]
    assert {(rule.min_rate, rule.max_rate, rule.max_loss_bps, rule.dust_units) for rule in rules} == {
        (10**27, 10**27, 0, 0)
    }
    assert {rule.max_units for rule in rules} == {MOST}
    assert not [rule for rule in rules if isinstance(rule, ExitRule)]


def test_both_ways_have_a_bucket_of_their_own_and_take_no_payment_s_room(wrapping: PolicyDocument) -> None:
    number, tokens = class_number(WRAPS), wrapping.tokens
    buckets = {(each.token, each.bucket_class): each.capacity_units for each in compile_policy(wrapping).buckets}
    assert buckets[NATIVE, number] == buckets[tokens[WETH].token.address, number] == MOST
    assert {key for key in buckets if key[1] == number} == {(NATIVE, number), (tokens[WETH].token.address, number)}


def _named(document: PolicyDocument) -> set[str]:
    return {name for name in compile_policy(document).names.values() if "wrap" in name}


def _is_wrapping(rule: ActRule, document: PolicyDocument) -> bool:
    return rule.target == document.tokens[WETH].token.address


# GRANTED


@given(st.integers(1, MOST), st.integers(1, MOST))
def test_a_grant_carries_exactly_the_calls(wrapping: PolicyDocument, there: int, back: int) -> None:
    calls = (wrap(wrapping, there), unwrap(wrapping, back))
    legs = granted(wrapping, *calls)
    assert legs is not None
    assert [leg.units for leg in legs if isinstance(leg, GrantedAct)] == [there, back]
    action = KernelCall(wrapping.account, STRANGER, STRANGER, encode_legs(legs))
    assert inner_calls(action, wrapping) == calls


def test_there_is_no_grant_for_nothing_for_more_or_for_another_s_money(wrapping: PolicyDocument) -> None:
    there, back = wrap(wrapping, 1), unwrap(wrapping, 1)
    assert granted(wrapping, there) and granted(wrapping, back)
    for call in (
        wrap(wrapping, 0),
        unwrap(wrapping, 0),
        wrap(wrapping, MOST + 1),
        unwrap(wrapping, MOST + 1),
        replace(back, value_wei=1),
        replace(there, to=STRANGER),
        replace(there, data=there.data + bytes(32)),
        replace(back, data=back.data + b"\0"),
    ):
        assert granted(wrapping, call) is None


def test_a_policy_without_the_pair_grants_neither() -> None:
    document = load(sample("active_treasury")[0])
    assert granted(document, wrap(document, 1)) is None
    assert granted(document, unwrap(document, 1)) is None
