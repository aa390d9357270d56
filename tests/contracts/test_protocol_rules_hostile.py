"""What holds for every shipped rule: no byte of a venue's calldata is the agent's, and each refusal has its name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from strongroom.protocols.abi import encode_call, selector
from strongroom.world.people import AGENT
from strongroom.world.world import World
from tests.contracts.protocol_desk import EXCHANGES, FOREVER, RUN, Desk, RawLeg, open_desk

THIEF = AGENT.address
ALL = 2**256 - 1
MISMATCH, WRONG_WORD, FORBIDDEN = "TemplateMismatch", "WordMismatch", "SelectorForbidden"


@pytest.fixture(scope="module")
def opened(module_world: World) -> Desk:
    return open_desk(module_world)


@pytest.fixture
def desk(opened: Desk, world: World) -> Desk:
    return opened


@pytest.mark.parametrize("name", EXCHANGES)
def test_every_byte_of_the_calldata_is_the_rule_s_or_an_argument(desk: Desk, name: str) -> None:
    """Each byte in turn, the high ones of an address among them, which the venue itself would not look at."""
    leg, words = desk.exchanges[name].leg(), desk.exchanges[name].words
    assert desk.refusal(leg) == ""
    for at, byte in enumerate(leg.data):
        changed = leg.data[:at] + bytes([byte ^ 0x80]) + leg.data[at + 1 :]
        is_argument = any(word and word <= at < word + 32 for word in words)
        assert desk.refusal(replace(leg, data=changed)) == (WRONG_WORD if is_argument else MISMATCH), f"byte {at}"


@pytest.mark.parametrize("name", EXCHANGES)
def test_longer_and_shorter_calldata_is_another_rule_s(desk: Desk, name: str) -> None:
    leg, last = desk.exchanges[name].leg(), max(desk.exchanges[name].words)
    thief = bytes(12) + bytes.fromhex(THIEF[2:])
    for more in (b"\x00", bytes(32), thief, leg.data):
        assert desk.refusal(replace(leg, data=leg.data + more)) == MISMATCH
    for end in range(1, len(leg.data)):
        expected = WRONG_WORD if last and end < last + 32 else MISMATCH
        assert desk.refusal(replace(leg, data=leg.data[:end])) == expected, f"{end} bytes"
    assert desk.refusal(replace(leg, data=b"")) == FORBIDDEN


@pytest.mark.parametrize("name", EXCHANGES)
def test_amounts_of_nothing_of_everything_and_of_more_than_the_rule(desk: Desk, name: str) -> None:
    exchange = desk.exchanges[name]
    assert desk.refusal(exchange.leg(0)) == "AmountIsZero"
    assert desk.refusal(exchange.leg(exchange.rule.max_units + 1)) == "AboveRuleMaximum"
    assert desk.refusal(exchange.leg(2**96 - 1)) == "AboveRuleMaximum"


@pytest.mark.parametrize("name", EXCHANGES)
def test_a_word_that_is_not_the_typed_argument_is_refused(desk: Desk, name: str) -> None:
    """Amount, least in and deadline: what the Kernel measures is what the venue is told."""
    exchange = desk.exchanges[name]
    leg = exchange.leg(exchange.units, 1, FOREVER)
    for word, argument in zip(exchange.words, (leg.units, leg.least, leg.deadline), strict=True):
        for other in (argument + 1, argument - 1, ALL, 2**255 + argument):
            if word:
                changed = leg.data[:word] + other.to_bytes(32, "big") + leg.data[word + 32 :]
                assert desk.refusal(replace(leg, data=changed)) == WRONG_WORD


@pytest.mark.parametrize("name", EXCHANGES)
def test_typed_arguments_that_are_not_the_calldata_s_are_refused(desk: Desk, name: str) -> None:
    """The other way round. Where the venue knows no such word, a least amount and a deadline count all the same."""
    exchange = desk.exchanges[name]
    leg, (amount, least, deadline) = exchange.leg(), exchange.words
    if amount:
        assert desk.refusal(replace(leg, units=leg.units - 1)) == WRONG_WORD
    assert desk.refusal(replace(leg, least=2**128)) == (WRONG_WORD if least else "ReceivedTooLittle")
    assert desk.refusal(replace(leg, deadline=FOREVER - 1)) == (WRONG_WORD if deadline else "")
    assert desk.refusal(exchange.leg(deadline=desk.world.now() - 1)) == "DeadlinePassed"


@pytest.mark.parametrize("name", EXCHANGES)
def test_calls_that_hide_others_or_promise_tokens_are_refused_by_name(desk: Desk, name: str) -> None:
    leg = desk.exchanges[name].leg()
    rule = desk.exchanges[name].rule
    for data in (
        encode_call("multicall(bytes[])", [leg.data]),
        encode_call("multicall(uint256,bytes[])", FOREVER, [leg.data]),
        encode_call("execute(address,uint256,bytes)", rule.token_in, 0, leg.data),
        encode_call("transfer(address,uint256)", THIEF, leg.units),
        encode_call("transferFrom(address,address,uint256)", desk.safe, THIEF, leg.units),
        encode_call("approve(address,uint256)", THIEF, ALL),
        encode_call("approveDelegation(address,uint256)", THIEF, ALL),
    ):
        assert desk.refusal(replace(leg, data=data)) == FORBIDDEN


@pytest.mark.parametrize("name", EXCHANGES)
def test_a_rule_takes_no_other_rule_s_calldata(desk: Desk, name: str) -> None:
    leg = desk.exchanges[name].leg()
    for other in EXCHANGES:
        if other != name:
            found = desk.refusal(replace(leg, data=desk.exchanges[other].leg(leg.units).data))
            assert found in (MISMATCH, WRONG_WORD), other


@pytest.mark.parametrize("name", EXCHANGES)
def test_a_rule_with_another_address_or_limit_in_it_is_not_in_the_policy(desk: Desk, name: str) -> None:
    """One bit of each word: target, spender, tokens, template, limits, vault or sources, rates, slippage, delay."""
    leg = desk.exchanges[name].leg()
    for at in range(31, len(leg.encoded), 32):
        changed = leg.encoded[:at] + bytes([leg.encoded[at] ^ 1]) + leg.encoded[at + 1 :]
        assert desk.refusal(replace(leg, encoded=changed)) == "NotInPolicy", f"word {at // 32}"
    assert desk.refusal(replace(leg, encoded=leg.encoded + bytes(32))) == "NotInPolicy"


@pytest.mark.parametrize("name", EXCHANGES)
def test_the_kernel_takes_no_ether_and_no_amount_that_does_not_fit(desk: Desk, name: str) -> None:
    """A leg has no field for a value: what goes along is its amount, where the native coin is spent, and else nothing.
    Both are the compiler's refusals, which have no name."""
    leg = desk.exchanges[name].leg()
    assert desk.answer(desk.calldata(leg), value_wei=1) == "0x"
    assert desk.answer(_with_units(desk, leg, 2**96)) == "0x"
    assert desk.answer(_with_units(desk, leg, ALL)) == "0x"
    assert desk.answer(_with_units(desk, leg, leg.units)) == ""


def _with_units(desk: Desk, leg: RawLeg, asked: int) -> bytes:
    """The run with an amount beyond 96 bits, as no encoder writes it."""
    written = desk.calldata(replace(leg, units=2**96 - 17))
    marked = (2**96 - 17).to_bytes(32, "big")
    assert written[:4] == selector(RUN) and written.count(marked) == 1
    return written.replace(marked, asked.to_bytes(32, "big"))
