"""A stolen agent's key at each protocol: what a thief would have the venue do, and what a careless rule would cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from strongroom.addresses import keccak, to_digest
from strongroom.model import NATIVE, Address, Digest
from strongroom.protocols.aave_v3 import Supply, Withdraw, encode_supply, encode_withdraw
from strongroom.protocols.abi import encode_arguments, encode_call
from strongroom.protocols.kernel_acts import ActRule
from strongroom.protocols.kernel_rules_erc4626 import Deposit, Redeem, encode_deposit, encode_redeem
from strongroom.protocols.uniswap_v2 import PairSwap, encode_swap
from strongroom.protocols.uniswap_v3 import ExactInput, encode_exact_input
from strongroom.world.people import AGENT
from strongroom.world.world import World
from tests.contracts.protocol_desk import EXCHANGES, FEE_PIPS, FOREVER, Desk, Exchange, RawLeg, open_desk

THIEF = AGENT.address
ALL = 2**256 - 1
MISMATCH, WRONG_WORD, FORBIDDEN = "TemplateMismatch", "WordMismatch", "SelectorForbidden"
SWAP_TAG = (
    "Swap(address target,address spender,address tokenIn,address tokenOut,Template template,uint96 maxAmount,"
    "uint96 dust,uint128 maxHolding,address sourceIn,address sourceOut,uint16 maxSlippageBps,uint32 class,uint32 delay)"
    "Template(bytes32 hash,uint16 amountWord,uint16 minOutWord,uint16 deadlineWord)"
)
RECIPIENT_WORDS = {"supply": 68, "withdraw": 68, "deposit": 36, "redeem": 36, "swap_v3": 100, "swap_v2": 100}
"""Where each venue is told who gets what it gives; wrapping and unwrapping tell nobody."""


@dataclass(frozen=True)
class Careless:
    """A rule of a policy that should not have been signed: its template takes the recipient for the deadline, which the
    agent chooses freely as long as it is in the future. Every address is."""

    encoded: bytes
    leaf: Digest

    @classmethod
    def like(cls, name: str, exchange: Exchange) -> Careless:
        word, amount = RECIPIENT_WORDS[name], exchange.words[0]
        blank = exchange.data(0, 0, FOREVER)
        pinned = keccak(blank[:word] + bytes(32) + blank[word + 32 :])
        words = b"".join(each.to_bytes(32, "big") for each in (amount, 0, word))
        encoded = exchange.rule.encoded[:128] + pinned + words + exchange.rule.encoded[256:]
        if isinstance(exchange.rule, ActRule):
            return cls(encoded, ActRule.decoded(encoded).leaf)
        return cls(encoded, to_digest(keccak(keccak(keccak(SWAP_TAG.encode()) + encoded))))


def _careless(exchanges: Mapping[str, Exchange]) -> tuple[Careless, ...]:
    return tuple(Careless.like(name, exchanges[name]) for name in RECIPIENT_WORDS)


@pytest.fixture(scope="module")
def opened(module_world: World) -> Desk:
    return open_desk(module_world, _careless)


@pytest.fixture
def desk(opened: Desk, world: World) -> Desk:
    return opened


@dataclass(frozen=True)
class Theft:
    """What a thief would have a venue do, and how the Kernel names its refusal."""

    rule: str
    wish: str
    data: Callable[[Desk, int], bytes]
    refused: str = MISMATCH


def _pool(desk: Desk, amount: int, **other: Any) -> bytes:
    honest = ExactInput(desk.usdc, desk.weth, FEE_PIPS, desk.safe, FOREVER, amount, 0)
    return encode_exact_input(replace(honest, **other))


def _pair(desk: Desk, amount: int, **other: Any) -> bytes:
    return encode_swap(replace(PairSwap(desk.usdc, desk.weth, desk.safe, FOREVER, amount, 0), **other))


def _path(desk: Desk, amount: int, *tokens: Address, call: str = "swapExactTokensForTokens") -> bytes:
    signature = f"{call}(uint256,uint256,address[],address,uint256)"
    return encode_call(signature, amount, 0, list(tokens), desk.safe, FOREVER)


def _second_path(desk: Desk, amount: int) -> bytes:
    """The honest path stays where it was; the offset in the head points to another one behind it."""
    honest = _pair(desk, amount)
    path = encode_arguments(["uint256", "address", "address"], [2, desk.usdc, desk.token("DAI")])
    return honest[:68] + (len(honest) - 4).to_bytes(32, "big") + honest[100:] + path


def _hops(desk: Desk, amount: int) -> bytes:
    tokens = [bytes.fromhex(each[2:]) for each in (desk.usdc, desk.token("DAI"), desk.weth)]
    path = tokens[0] + (100).to_bytes(3, "big") + tokens[1] + (3000).to_bytes(3, "big") + tokens[2]
    return encode_call("exactInput((bytes,address,uint256,uint256,uint256))", (path, desk.safe, FOREVER, amount, 0))


def _without_deadline(desk: Desk, amount: int) -> bytes:
    """The call of the newer router."""
    signature = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint160))"
    return encode_call(signature, (desk.usdc, desk.weth, FEE_PIPS, desk.safe, amount, 0, 0))


def _exact_output(desk: Desk, amount: int) -> bytes:
    signature = "exactOutputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
    return encode_call(signature, (desk.usdc, desk.weth, FEE_PIPS, desk.safe, FOREVER, amount, 0, 0))


def _borrow(desk: Desk, amount: int) -> bytes:
    return encode_call("borrow(address,uint256,uint256,uint16,address)", desk.usdc, amount, 2, 0, desk.safe)


def _referral(desk: Desk, amount: int) -> bytes:
    return encode_call("supply(address,uint256,address,uint16)", desk.usdc, amount, desk.safe, 7)


def _permitted(desk: Desk, amount: int) -> bytes:
    signature = "supplyWithPermit(address,uint256,address,uint16,uint256,uint8,bytes32,bytes32)"
    return encode_call(signature, desk.usdc, amount, desk.safe, 0, FOREVER, 27, bytes(32), bytes(32))


def _flash_loan(desk: Desk, amount: int) -> bytes:
    return encode_call("flashLoanSimple(address,address,uint256,bytes,uint16)", THIEF, desk.usdc, amount, b"", 0)


def _sweep(desk: Desk, amount: int) -> bytes:
    return encode_call("sweepToken(address,uint256,address)", desk.weth, amount, THIEF)


def _withdrawn(desk: Desk, amount: int, to: Address) -> bytes:
    return encode_call("withdraw(uint256,address,address)", amount, to, desk.safe)


def _everything(desk: Desk, _: int) -> bytes:
    return encode_call("withdraw(address,uint256,address)", desk.usdc, ALL, desk.safe)


THEFTS = (
    Theft("supply", "for somebody else", lambda d, n: encode_supply(Supply(d.usdc, n, THIEF))),
    Theft("supply", "another asset", lambda d, n: encode_supply(Supply(d.weth, n, d.safe))),
    Theft("supply", "with a referral code", _referral),
    Theft("supply", "with a permit", _permitted),
    Theft("supply", "a loan instead", _borrow),
    Theft("supply", "a flash loan", _flash_loan, WRONG_WORD),
    Theft("supply", "all there is", lambda d, _: encode_supply(Supply(d.usdc, ALL, d.safe)), WRONG_WORD),
    Theft("withdraw", "to the thief", lambda d, n: encode_withdraw(Withdraw(d.usdc, n, THIEF))),
    Theft("withdraw", "another asset", lambda d, n: encode_withdraw(Withdraw(d.weth, n, d.safe))),
    Theft("withdraw", "all there is", _everything, WRONG_WORD),
    Theft("wrap", "the other way", lambda d, n: encode_call("withdraw(uint256)", n)),
    Theft("wrap", "for somebody else", lambda d, n: encode_call("depositTo(address)", THIEF)),
    Theft("wrap", "by the fallback", lambda d, n: b"", FORBIDDEN),
    Theft("unwrap", "all there is", lambda d, _: encode_call("withdraw(uint256)", ALL), WRONG_WORD),
    Theft("unwrap", "to the thief", lambda d, n: encode_call("withdrawTo(address,uint256)", THIEF, n), WRONG_WORD),
    Theft("deposit", "for somebody else", lambda d, n: encode_deposit(Deposit(n, THIEF))),
    Theft("deposit", "shares by number", lambda d, n: encode_call("mint(uint256,address)", n, d.safe)),
    Theft("deposit", "all there is", lambda d, _: encode_deposit(Deposit(ALL, d.safe)), WRONG_WORD),
    Theft("redeem", "to the thief", lambda d, n: encode_redeem(Redeem(n, THIEF, d.safe))),
    Theft("redeem", "somebody else's shares", lambda d, n: encode_redeem(Redeem(n, d.safe, THIEF))),
    Theft("redeem", "assets by number", lambda d, n: _withdrawn(d, n, d.safe)),
    Theft("redeem", "all there is", lambda d, _: encode_redeem(Redeem(ALL, d.safe, d.safe)), WRONG_WORD),
    Theft("swap_v3", "to the thief", lambda d, n: _pool(d, n, recipient=THIEF)),
    Theft("swap_v3", "left in the router for whoever sweeps it", lambda d, n: _pool(d, n, recipient=NATIVE)),
    Theft("swap_v3", "sweeping the router", _sweep, WRONG_WORD),
    Theft("swap_v3", "in a worse pool", lambda d, n: _pool(d, n, fee_pips=3000)),
    Theft("swap_v3", "for another token", lambda d, n: _pool(d, n, token_out=d.token("DAI"))),
    Theft("swap_v3", "the other way", lambda d, n: _pool(d, n, token_in=d.weth, token_out=d.usdc)),
    Theft("swap_v3", "half of it, by a price limit", lambda d, n: _pool(d, n, price_limit_x96=2**160 - 1)),
    Theft("swap_v3", "over two pools", _hops, WRONG_WORD),
    Theft("swap_v3", "an exact amount out", _exact_output),
    Theft("swap_v3", "without a deadline", _without_deadline, WRONG_WORD),
    Theft("swap_v2", "to the thief", lambda d, n: _pair(d, n, recipient=THIEF)),
    Theft("swap_v2", "into the pair", lambda d, n: _pair(d, n, recipient=d.world.contracts.pairs[0].address)),
    Theft("swap_v2", "for another token", lambda d, n: _pair(d, n, token_out=d.token("DAI"))),
    Theft("swap_v2", "the other way", lambda d, n: _path(d, n, d.weth, d.usdc)),
    Theft("swap_v2", "over two pairs", lambda d, n: _path(d, n, d.usdc, d.token("DAI"), d.weth)),
    Theft("swap_v2", "by a second path", _second_path),
    Theft("swap_v2", "out as ether", lambda d, n: _path(d, n, d.usdc, d.weth, call="swapExactTokensForETH")),
    Theft(
        "swap_v2",
        "by the call that looks at no output",
        lambda d, n: _path(d, n, d.usdc, d.weth, call="swapExactTokensForTokensSupportingFeeOnTransferTokens"),
    ),
    Theft(
        "swap_v2",
        "an exact amount out",
        lambda d, n: _path(d, n, d.usdc, d.weth, call="swapTokensForExactTokens"),
    ),
)


def _named(thefts: Iterable[Theft]) -> list[str]:
    return [f"{theft.rule}: {theft.wish}" for theft in thefts]


@pytest.mark.parametrize("theft", THEFTS, ids=_named(THEFTS))
def test_what_a_thief_would_have_the_venue_do_is_refused(desk: Desk, theft: Theft) -> None:
    leg = desk.exchanges[theft.rule].leg()
    assert desk.refusal(replace(leg, data=theft.data(desk, leg.units))) == theft.refused


def test_every_rule_has_its_thieves() -> None:
    assert {theft.rule for theft in THEFTS} == set(EXCHANGES)


def _careless_leg(desk: Desk, name: str, recipient: Address, least: int) -> RawLeg:
    """The calldata pays `recipient`, and the typed deadline says the same number."""
    exchange, word = desk.exchanges[name], RECIPIENT_WORDS[name]
    rule = Careless.like(name, exchange)
    leg = exchange.leg()
    told = leg.data[:word] + bytes(12) + bytes.fromhex(recipient[2:]) + leg.data[word + 32 :]
    return replace(leg, rule=rule, encoded=rule.encoded, deadline=int(recipient, 16), least=least, data=told)


@pytest.mark.parametrize("name", RECIPIENT_WORDS)
def test_even_with_the_recipient_left_free_what_comes_in_must_come_to_the_safe(desk: Desk, name: str) -> None:
    """The template is the first wall, the measured receipt the second: the careless rule works, but not for a thief. A
    swap that asks for nothing is stopped by what it would lose."""
    assert desk.refusal(_careless_leg(desk, name, desk.safe, 0)) == ""
    assert desk.refusal(_careless_leg(desk, name, THIEF, 1)) == "ReceivedTooLittle"
    stopped = "SlippageTooHigh" if name.startswith("swap") else "ReceivedTooLittle"
    assert desk.refusal(_careless_leg(desk, name, THIEF, 0)) == stopped
